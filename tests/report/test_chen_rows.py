"""Every published number of Chen et al. 2020, written once more."""

from tests.made_up import chen

TASKS = "mnli qqp stsb wnli qnli mrpc rte sst2 cola squad mlm".split()
TABLE_2 = """
sparsity 70 90 50 90 70 50 60 60 50 40 70
dense 82.4±0.5 90.2±0.5 88.4±0.3 54.9±1.2 89.1±1.0 85.2±0.1 66.2±3.6 92.1±0.1 54.5±0.4 88.1±0.6 63.5±0.1
imp 82.6±0.2 90.0±0.2 88.2±0.2 54.9±1.2 88.9±0.4 84.9±0.4 66.0±2.4 91.9±0.5 53.8±0.9 87.7±0.5 63.2±0.3
random 67.5 76.3 21.0 53.5 61.9 69.6 56.0 83.1 9.6 31.8 32.3
reinitialised 61.0 77.0 9.2 53.5 60.5 68.4 54.5 80.2 0.0 18.6 14.4
shuffled-layers 70.1 79.2 19.6 53.3 62.0 69.6 52.7 82.6 4.0 24.2 42.3
"""
"""In per cent and points; controls are single numbers."""
FIGURE_2 = """
mnli 0.14 -0.99 -3.63 -7.04 -1.80 -13.09 -5.41 -1.22 -43.32 -5.26 -5.96 2
qqp -1.52 -0.25 -4.22 -2.82 -1.87 -12.93 -5.99 -3.25 -38.01 -6.59 -5.84 2
stsb -2.34 -1.93 -1.75 1.41 -2.97 -12.52 -8.76 -4.13 -50.20 -7.42 -5.89 1
wnli -2.69 -2.67 -21.27 -5.17 -4.18 -15.33 -10.93 -4.78 -54.51 -7.85 -5.73 0
qnli -1.59 -1.44 -5.24 0.00 -0.19 -13.50 -7.20 -2.49 -50.86 -5.72 -6.01 2
mrpc -2.41 -2.31 -7.15 1.41 -3.48 -9.66 -11.29 -3.90 -47.03 -8.27 -5.74 1
rte -2.21 -2.01 -8.90 0.94 -2.65 -13.66 -7.79 -3.90 -52.96 -7.39 -5.70 1
sst2 -2.24 -1.75 -10.79 -0.94 -3.37 -14.56 -9.24 -2.06 -46.99 -7.11 -5.72 1
cola -2.33 -1.90 -10.92 0.00 -2.84 -14.40 -10.56 -3.48 -15.62 -7.15 -5.67 1
squad -1.49 -1.29 -4.31 -0.94 0.26 -13.17 -6.23 -1.87 -46.48 -2.83 -6.01 4
mlm 0.20 -0.16 -0.97 0.12 0.30 -3.65 -6.35 -0.19 -7.36 -2.29 -0.34 10
one-shot 0.07 -0.57 -3.12 -1.41 -0.01 -12.68 -7.32 -0.99 -22.30 -2.83 -6.39 4
"""
"""By source, in points; last the printed count."""


def test_table_2_is_as_printed() -> None:
    first, *rows = (line.split() for line in TABLE_2.strip().splitlines())
    sparsities = dict(zip(TASKS, first[1:], strict=True))
    found = {
        (one.source or one.kind, one.task): (
            f"{100 * one.mean:.1f}" + ("" if one.std is None else f"±{100 * one.std:.1f}"),
            f"{100 * one.sparsity:.0f}",
        )
        for one in chen().tickets
    }
    assert found == {
        (name, task): (cell, sparsities[task])
        for name, *cells in rows
        for task, cell in zip(TASKS, cells, strict=True)
    }


def test_figure_2_is_as_printed() -> None:
    rows = [line.split() for line in FIGURE_2.strip().splitlines()]
    assert {
        (one.source, one.target): f"{100 * one.difference:.2f}" for one in chen().transfers
    } == {
        (source, target): cell
        for source, *cells, _ in rows
        for target, cell in zip(TASKS, cells, strict=True)
    }
    assert {one.source: str(one.dark) for one in chen().dark} == {row[0]: row[-1] for row in rows}


def test_strict_sparsities_are_those_of_the_supplement() -> None:
    expected = {
        "mnli": 0.7, "qqp": 0.7, "stsb": 0.4, "qnli": 0.5, "mrpc": 0.4, "rte": 0.5, "sst2": 0.5,
        "cola": 0.4, "squad": 0.2, "mlm": 0.5, "wnli": 0.9,
    }  # fmt: skip
    assert {one.task: one.sparsity for one in chen().strict} == expected


def test_only_five_cells_were_run_again_by_others() -> None:
    """By third parties at the same 70 %."""
    marked = {one.target for one in chen().transfers if "independent run" in one.mark}
    assert marked == {"mnli", "mrpc", "stsb", "qnli", "sst2"}
