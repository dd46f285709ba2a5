"""What to take along from a finished study: masks, tickets, smaller models; commands and no stages.

uv run python -m stages export masks --help
uv run python -m stages export ticket --help
uv run python -m stages export smaller --help
"""

import importlib
import sys

from stages.launch import cli

EXPORTS = ("masks", "ticket", "smaller")


def main() -> None:
    """Run the export that the first word on the command line names."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in EXPORTS:
        print(__doc__, file=sys.stdout if name == "--help" else sys.stderr)
        sys.exit(0 if name == "--help" else 2)
    sys.argv = [f"export_{name}.py", *sys.argv[2:]]
    cli.run(importlib.import_module(f"stages.commands.export_{name}").main)


if __name__ == "__main__":
    main()
