"""The figures of patterns of attention: an example of every class, and their shares as stacked bars."""

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure as Canvas

from stages.tickets.report import names as runs
from stages.tickets.report import panels
from stages.tickets.report.figure import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    Config,
    Figure,
    render,
)
from stages.tickets.report.old import PatternResults
from stages.tickets.report.pattern_tables import (
    LABELLED,
    NAMES,
    Group,
    how_far_networks_agree,
    over_networks,
    paper_share,
    paper_tasks,
)
from stages.tickets.report.search_rows import HEADS, MAPS
from stages.tickets.report.table import Record
from stages.tickets.searches.attention import patterns
from stages.tickets.searches.attention.patterns import PATTERNS, Rule

COLOURS = dict(zip(PATTERNS, (BLUE, ORANGE, GREEN, PURPLE, GREY), strict=True))
DARK = (PATTERNS[0], PATTERNS[-1])
"""White numbers stand out more on these."""
PAPER = "paper"
TOKENS = 12
"""Of the examples; cells are vectors, so that a map is large as a file."""
SEED = 3
"""Of the examples."""


def pattern_examples_figure(config: Config) -> Figure:
    """One map of every class, made by the rule that the networks learn from."""
    title = "One attention map of every class, made by rule"
    caption = (
        "A raw map of every class as the networks learned them: made by rule, not from a model, since "
        f"the labelled maps of the paper are not public. {TOKENS} tokens; a row shows what one token "
        "attends to."
    )
    if not config.patterns.tasks:
        why = runs.why_not("patterns", config)
        return Figure("pattern_examples", title, caption, missing=why)
    rule = Rule([TOKENS], config.patterns.network.noise, normed=False)
    maps, classes = patterns.generate(rule, len(PATTERNS), np.random.default_rng(SEED))
    by_name = {PATTERNS[number]: one for number, one in zip(classes, maps, strict=True)}

    def draw(canvas: Canvas) -> None:
        for panel, (name, one) in zip(
            canvas.subplots(1, len(PATTERNS)), by_name.items(), strict=True
        ):
            panel.pcolormesh(one, cmap=colormaps["Greys"].resampled(41), vmin=0, vmax=one.max())
            panel.set_title(name.replace("+", " +\n"), fontsize=9)
            panel.invert_yaxis()
            panel.set_aspect("equal")
            panel.set_xticks([])
            panel.set_yticks([])
            panel.set_xlabel("attended token")
            for spine in panel.spines.values():
                spine.set_visible(True)
        canvas.axes[0].set_ylabel("token")

    records: list[Record] = [
        {"pattern": name, "token": row, "attended": column, "attention": float(value)}
        for name, one in by_name.items()
        for (row, column), value in np.ndenumerate(one)
    ]
    svg = render("pattern_examples", title, (8.0, 2.2), draw)
    return Figure("pattern_examples", title, caption, svg, tuple(records))


def patterns_figure(results: PatternResults, config: Config) -> Figure:
    """Stacked bars of shares by task, and the paper's mean; a panel for each map and choice of heads."""
    title = "Shares of the five classes of attention maps by task, in fine-tuned models"
    tasks = config.patterns.tasks
    beside = paper_tasks(results.published, tasks)
    those = (
        "the same tasks" if tuple(beside) == tuple(tasks) else "its eight tasks, others than these"
    )
    caption = (
        "Fine-tuned models: shares of the maps of all heads, and of super-survivors in a model cut "
        "down to them, mean over seeds and networks; a gap is a task in which no head survives in all "
        f"seeds. Last bar: the paper's mean over {those}. "
        + LABELLED
        + how_far_networks_agree(results)
    )
    if not results.shares:
        return Figure("patterns", title, caption, missing=runs.why_not("patterns", config))
    bars: dict[tuple[str, str, str], dict[str, float]] = {}
    for kind in MAPS:
        for heads in HEADS:
            for task in tasks:
                group = Group(task, "fine-tuned", heads, kind)
                shares = {
                    name: found.mean
                    for name in PATTERNS
                    if (
                        found := over_networks(
                            results.shares, group, name, config.tickets.confidence
                        )
                    )
                }
                if shares:
                    bars[kind, heads, task] = shares
            group = Group("", "fine-tuned", heads, kind)
            bars[kind, heads, PAPER] = {
                name: paper_share(results.published, group, name, beside) for name in PATTERNS
            }
    names = [*tasks, PAPER]
    titles = [f"{kind} maps, {NAMES[heads]}" for kind in MAPS for heads in HEADS]
    places = [*range(len(tasks)), len(tasks) + 0.3]  # the paper's stand apart

    def draw(canvas: Canvas) -> None:
        grid = canvas.subplots(2, 2, sharex=True, sharey=True)
        for panel, name, (kind, heads) in zip(
            grid.flat, titles, [(kind, heads) for kind in MAPS for heads in HEADS], strict=True
        ):
            panel.set_title(name)
            panel.grid(visible=False)
            for place, task in zip(places, names, strict=True):
                low = 0.0
                for pattern, share in bars.get((kind, heads, task), {}).items():
                    height = 100 * share
                    panel.bar(
                        place,
                        height,
                        0.8,
                        low,
                        color=COLOURS[pattern],
                        edgecolor="white",
                        linewidth=0.8,
                        label=pattern,
                    )
                    if share >= 0.07:
                        panel.text(
                            place, low + height / 2, f"{height:.0f}",
                            ha="center", va="center", fontsize=8,
                            color="#FFFFFF" if pattern in DARK else BLACK,
                        )  # fmt: skip
                    low += height
            labels = [*tasks, f"paper,\n{len(beside)} tasks"]
            panel.set_xticks(places, labels, rotation=40 if len(tasks) > 3 else 0)
            panel.set_ylim(0, 100)
        for panel in grid[:, 0]:
            panel.set_ylabel("share of maps (%)")
        panels.legend(canvas, grid.flat)

    records: list[Record] = [
        {"map": kind, "heads": heads, "task": task, "pattern": pattern, "share": share}
        for (kind, heads, task), shares in bars.items()
        for pattern, share in shares.items()
    ]
    width = max(6.0, 2 * (0.8 + (0.85 if len(tasks) <= 3 else 0.5) * len(names)))
    svg = render("patterns", title, (width, 5.4), draw)
    return Figure("patterns", title, caption, svg, tuple(records))
