"""The section on attention patterns, of made-up results whose numbers are known."""

from dataclasses import replace
from pathlib import Path

import pytest

from stages.tickets.report import rows
from stages.tickets.report.papers import shared
from stages.tickets.report.published import PublishedShare
from stages.tickets.report.results import Results
from stages.tickets.report.rows import Kept
from stages.tickets.report.section import Section
from stages.tickets.report.sections import patterns
from stages.tickets.report.sections.patterns import figures, published, shares, survival
from stages.tickets.report.table import Record, Table
from stages.tickets.searches.attention.patterns import PATTERNS
from tests.made_up import Study, config, study

ROOT = Path(__file__).parents[3]
RAW = {"state": "fine-tuned", "map": "raw", "pattern": "heterogeneous"}


def section(made: Study, results: Results | None = None) -> Section:
    return patterns.section(results or made.results, made.config)


def tables(made: Study, results: Results | None = None) -> dict[str, Table]:
    return {table.name: table for table in section(made, results).tables}


def record(table: Table, **wanted: str) -> Record:
    (row,) = [
        row for row in table.records if all(row[key] == value for key, value in wanted.items())
    ]
    return row


def without_super(results: Results, task: str) -> Results:
    """The same, but that no head of the task survives in all seeds."""
    kept = [row for row in results.shares if (row.task, row.heads) != (task, "super")]
    return replace(results, shares=kept)


def test_shares_are_means_over_seeds_with_the_spread_of_networks() -> None:
    table = tables(study(config(2, 3, 1)))["patterns"]
    assert len(table.rows) == 2 * 2 * 2 * 2
    row = table.rows[0]
    assert row[:4] == ("entailment", "fine-tuned", "raw", "all heads")
    assert row[-3:] == ("41.0 ± 1.4", "120", "2")  # .40 and .42; 40 maps of three seeds
    pre_trained = next(row for row in table.rows if row[1] == "pre-trained")
    assert pre_trained[-2] == "40"


def test_a_task_without_super_survivors_has_dashes() -> None:
    made = study(config(2, 3, 1))
    results = without_super(made.results, "sentiment")
    made_tables = tables(made, results)
    rows = made_tables["patterns"].rows
    row = next(row for row in rows if row[0] == "sentiment" and row[3] == "super-survivors")
    assert set(row[4:9]) == {"–"}
    assert row[9:] == ("no head survives", "0")
    assert record(made_tables["patterns_published"], heads="super", **RAW)["verdict"] == (
        "other tasks"
    )
    none = section(made, without_super(results, "entailment"))
    assert record(none.tables[1], heads="super", **RAW)["verdict"] == "no head survives"
    assert "super-survivors" not in none.answer


def test_a_verdict_is_given_over_the_tasks_of_the_paper_alone() -> None:
    """Ours are .41 where the paper has .40; with a margin of .005 they differ, as there is no spread.

    Of another encoder there is no verdict.
    """
    made = study(config(2, 3, 1))
    place = {"heads": "all", **RAW}
    assert record(tables(made)["patterns_published"], **place)["verdict"] == "other tasks"
    alone = made.config.patterns.model_copy(update={"tasks": ("sentiment",)})
    same = replace(made, config=made.config.model_copy(update={"patterns": alone}))
    only = replace(
        made.results, shares=[row for row in made.results.shares if row.task == "sentiment"]
    )
    row = record(tables(same, only)["patterns_published"], **place)
    assert row["verdict"] == "no verdict: another encoder"
    only = replace(only, layers=[Kept("x", 1, 1, 0.3, 0, "x", shared.BERT_BASE, 5)])
    row = record(tables(same, only)["patterns_published"], **place)
    assert row["verdict"] == "agrees"
    assert row["paper"] == pytest.approx(0.40)
    assert row["here_mean"] == pytest.approx(0.41)
    assert row["here_n"] == 3
    margins = same.config.verdict.margins.model_copy(update={"share": 0.005})
    rule = same.config.verdict.model_copy(update={"margins": margins})
    strict = replace(same, config=same.config.model_copy(update={"verdict": rule}))
    table = tables(strict, replace(only, study=strict.config))["patterns_published"]
    assert record(table, **place)["verdict"] == "differs"
    assert [row[-1] for row in table.rows[:5]] == ["agrees"] * 4 + ["differs"]  # .15 and .1475


def test_published_shares_are_whole_and_their_means_those_of_the_figure() -> None:
    path = ROOT / "published" / "prasanna2020_patterns.csv"
    known = rows.read(path, PublishedShare)
    assert len(known) == 8 * 2 * 2 * 2 * 5
    assert "wnli" not in {row.task for row in known}
    tasks = published.paper_tasks(known, ("mood",))
    assert len(tasks) == 8
    classes = {
        (row.state, row.heads, row.map, row.pattern): published.paper_share(known, row, tasks)
        for row in shares.shares_of(study(config(1, 1, 1)).results, config(1, 1, 1))
        if not row.task
    }
    assert len(classes) == 8 * len(PATTERNS)
    assert sum(classes.values()) == pytest.approx(8, abs=8e-3)
    means = {
        ("fine-tuned", "all", "raw", "heterogeneous"): 0.349,
        ("fine-tuned", "all", "normed", "diagonal"): 0.460,
        ("fine-tuned", "super", "raw", "block"): 0.201,
        ("pre-trained", "super", "normed", "vertical+diagonal"): 0.181,
    }
    assert {place: classes[place] for place in means} == pytest.approx(means, abs=5e-4)


def test_heads_that_survive_are_the_heterogeneous_ones() -> None:
    """Made up: the surviving layer is so on 9 and 8 of 10 examples, the other on 6 and 5."""
    made = study(config(1, 3, 1))
    pairs = survival.over_pairs(made.patterns.heads, "raw", 1, 999)
    assert pairs.n == 3 * 10 * 4
    # 60 of 120 are super; 84 are heterogeneous, 51 of them super: by hand
    assert pairs.value == pytest.approx((120 * 51 - 60 * 84) / (60 * 60 * 84 * 36) ** 0.5)
    assert 0.2 < (pairs.p_of_heads or 0) < 0.5  # 1 of 3 pairings of two and two is as extreme
    assert (pairs.p or 1) < 0.01
    by_head = survival.over_heads(made.patterns.heads, "raw", "here", ["entailment"], 999)
    assert by_head.value == pytest.approx(0.894, abs=1e-3)
    assert by_head.n == 4


def test_pre_trained_heads_do_not_count_for_survival() -> None:
    heads = study(config(1, 3, 1)).patterns.heads
    changed = [row if row.state == "fine-tuned" else replace(row, examples=0) for row in heads]
    assert changed != heads
    assert survival.over_pairs(changed, "raw", 1, 9) == survival.over_pairs(heads, "raw", 1, 9)


def test_correlations_are_those_of_the_paper_by_network_and_by_task() -> None:
    table = tables(study(config(2, 3, 1)))["pattern_survival"]
    assert [row[2] for row in table.rows if row[1] == "raw"] == [
        "paper", "here, network 1", "here, network 2",
        "here, entailment", "here, sentiment", "here, mean of tasks",
    ]  # fmt: skip
    assert table.rows[0][3:] == ("+0.0150", "–", "–", "576,000")


def test_accuracies_and_confusion_are_by_network() -> None:
    made = study(config(1, 1, 1))
    assert shares.accuracies(made.patterns.confusion, "raw") == pytest.approx([0.8, 0.8])
    assert tables(made)["pattern_confusion"].rows[0] == (
        "raw, vertical", "80.0", *["5.0"] * 4, "20", "2",
    )  # fmt: skip


def test_the_answer_says_how_far_networks_agree() -> None:
    made = study(config(2, 2, 1))
    answer = section(made).answer
    assert "of the raw maps 41.0 % in all heads and 51.0 % in super-survivors" in answer
    assert "say the same of 75\N{NO-BREAK SPACE}% of the raw maps" in answer
    assert "say the same" not in section(made, replace(made.results, networks=[])).answer


def test_every_bar_reaches_a_hundred_per_cent() -> None:
    _, figure = section(study(config(2, 2, 1))).figures
    bars: dict[tuple[object, ...], float] = {}
    for row in figure.records:
        place = (row["map"], row["heads"], row["task"])
        bars[place] = bars.get(place, 0.0) + float(row["share"] or 0)
    assert len(bars) == 2 * 2 * 3  # two tasks and the paper
    assert list(bars.values()) == pytest.approx([1.0] * len(bars))


def test_there_is_one_example_of_every_class() -> None:
    figure, _ = section(study(config(1, 1, 1))).figures
    assert list(dict.fromkeys(row["pattern"] for row in figure.records)) == list(PATTERNS)
    assert len(figure.records) == len(PATTERNS) * figures.TOKENS**2
    assert "not public" in figure.caption


def test_what_was_not_asked_for_says_so() -> None:
    made = section(study(config(1, 2, 1, controls=False)))
    why = "not run: patterns.tasks is empty in params.yaml"
    assert {table.missing for table in made.tables} == {why}
    assert {figure.missing for figure in made.figures} == {why}
    assert made.answer == "Not run: patterns.tasks is empty in params.yaml."
