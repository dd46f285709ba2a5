"""The text of a dvc.lock: entries of stages are exchanged or added, and nothing else is written anew.

DVC parses a dvc.lock and writes it anew after every stage. The text of an entry depends on the entry
alone, so exchanging texts gives the same bytes at a small part of the cost.
"""

import re
from collections.abc import Mapping, Sequence

HEAD = "schema: '2.0'\nstages:\n"
ENTRY = re.compile(r"(?m)^(?=  [^ \n])")
"""The beginning of an entry, the only lines that are indented by two spaces."""
NAME = re.compile(r"  ([\w.@-]+):\n")


def split(text: str) -> dict[str, str]:
    """Split the text of a dvc.lock into the texts of its entries, by name.

    Raises:
        ValueError: the text is not written as DVC writes it.
    """
    if not text:
        return {}
    if not text.startswith(HEAD) or not text.endswith("\n"):
        raise ValueError("it does not begin or end as DVC writes it")
    before, *chunks = ENTRY.split(text.removeprefix(HEAD))
    if before:
        raise ValueError(f"it has the line {before.splitlines()[0]!r}")
    entries: dict[str, str] = {}
    for chunk in chunks:
        name = NAME.match(chunk)
        if not name or re.search(r"(?m)^\S", chunk):
            raise ValueError(f"it has the line {chunk.splitlines()[0]!r}")
        entries[name[1]] = chunk
    return entries


def merge(text: str, new: Mapping[str, str], first: Sequence[str], order: Sequence[str]) -> str:
    """Put new entries into the text of a dvc.lock.

    Args:
        text: the dvc.lock; empty if there is none.
        new: texts of entries by the names of their stages, each indented by two spaces.
        first: names of the entries that were there before the run; they keep their places.
        order: names of all stages in the order in which DVC would run them one after another, and would
            append their entries.

    Raises:
        ValueError: the text is not written as DVC writes it.
    """
    entries = {**split(text), **new}
    places = {name: place for place, name in enumerate(order)}
    early = set(first)
    kept = [name for name in entries if name in early or name not in places]
    added = sorted(entries.keys() - kept, key=places.__getitem__)
    return HEAD + "".join(entries[name] for name in (*kept, *added))
