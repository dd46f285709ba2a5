"""Faults at random instants of real runs, counted: `uv run python -m tests.faults --trials 200 --seed 1`.

`project` makes the copies and runs DVC and the driver in them, `trial` does one fault and its checks,
`families` says what can happen, and `table` counts.
"""
