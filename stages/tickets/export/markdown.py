"""Names and paths of the user's as Markdown shows them, whatever they hold."""

import re


def one_line(text: object) -> str:
    """Leave out what cannot be printed, such as the codes of a terminal."""
    return "".join(letter for letter in " ".join(str(text).split()) if letter.isprintable())


def plain(text: object) -> str:
    """Write a line of Markdown that shows `text` as it is."""
    escaped = re.sub(r"([\\`*_\[\]#|~$])", r"\\\1", one_line(text))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def code(text: object) -> str:
    """Write Markdown that shows `text` on a line in letters of one width; not for a cell of a table."""
    line = one_line(text)
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{space}{line}{space}{fence}"


def python(source: str) -> str:
    """Write a block of code."""
    return f"```python\n{source}```"
