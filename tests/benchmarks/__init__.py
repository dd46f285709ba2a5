"""Benchmarks, run by hand: `uv run python -m tests.benchmarks`. pytest collects nothing here."""
