"""Benchmarks, run by hand: `uv run python -m tests.benchmarks`. pytest collects nothing here."""

import stages  # noqa: F401  before torch: how its threads wait
