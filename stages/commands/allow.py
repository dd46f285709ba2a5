"""Check params.yaml before a shell sees its values, and keep a copy of the file that was allowed.

This is a command, not a stage: the first line of every command of dvc.yaml that has values of params.yaml
in its second. DVC fills these in as they are, so `study: x$(date)` would run `date`; but it runs one line
after another and stops at the first that fails. While params.yaml equals the copy, `cmp` alone decides.
"""

import os
from pathlib import Path

from stages.launch import cli
from stages.tickets import output, settings

COPY = Path(".dvc/tmp/allowed.yaml")


def main() -> None:
    text = cli.PARAMS.read_bytes() if cli.PARAMS.exists() else b""
    settings.load(cli.PARAMS)
    if cli.PARAMS.read_bytes() != text:
        raise settings.UserError(f"{cli.PARAMS} was edited while it was checked, try again")
    own = COPY.with_suffix(f".{os.getpid()}")  # stages that start at once check at once
    with output.written(own) as part:
        part.write_bytes(text)
    own.replace(COPY)


if __name__ == "__main__":
    cli.run(main, computes=False)
