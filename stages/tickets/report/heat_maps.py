"""How a heat map is drawn, for figures that are not rebuilt yet."""

from stages.tickets.report import panels

heat, colour_bar = panels.heat, panels.colour_bar
