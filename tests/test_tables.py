"""The tables, on made-up results of studies from one run to many."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path

import pytest

from stages.tickets import params, summary, tables
from stages.tickets.params import Params
from stages.tickets.summary import Agreement, Kept, Run, Score, Scores
from stages.tickets.tables import NONE, NOT_RUN

TASKS = ("entailment", "sentiment", "similarity")
METRICS = {"similarity": ("pearson", "spearman")}
MATRICES = {"attention.self.query": 100, "output.dense": 400}


@dataclass(frozen=True)
class Study:
    """What other stages would have written, for a config."""

    config: Params
    scores: list[Score]
    agreement: list[Agreement]
    layers: list[Kept]

    @property
    def found(self) -> Scores:
        return Scores(self.scores)


def config(
    num_tasks: int = 3, num_seeds: int = 3, num_rounds: int = 2, controls: bool = True
) -> Params:
    """The shipped params.yaml at another size; without controls, nothing that can be left out."""
    whole = params.load(Path(__file__).parents[1] / "params.yaml")
    tasks, seeds = TASKS[:num_tasks], tuple(range(1, num_seeds + 1))
    rounds = [
        params.Round.model_validate({"from": k, "to": k + 1, "sparsity": round(0.3 * (k + 1), 1)})
        for k in range(num_rounds)
    ]
    on = tasks if controls else ()
    data = next(iter(whole.data.values()))
    return whole.model_copy(
        update={
            "tasks": tasks,
            "seeds": seeds,
            "rounds": tuple(rounds),
            "last_round": num_rounds,
            "data": dict.fromkeys(tasks, data),
            "override": {task: params.Override() for task in tasks},
            "own": {},
            "imp": params.Imp(rewind_to=0, keep_weights=()),
            "rewind": params.Rewind(points=(0, 50) if controls else (0,)),
            "random": params.Random(rounds=(num_rounds,) if controls else ()),
            "scratch": params.Scratch(seeds=(1,) if controls else ()),
            "transfer": params.Transfer(
                sources=on, targets=on, seeds=(1,) if controls else (), round=num_rounds
            ),
        }
    )


def study(config: Params) -> Study:
    """Made-up results: dense 0.9, tickets a little and random masks much below."""
    return Study(config, list(_scores(config)), list(_agreement(config)), list(_layers(config)))


def _scores(config: Params) -> Iterator[Score]:
    sparsity = {0: 0.0} | {after.to: after.sparsity for after in config.rounds}
    for run, seed, level in _runs(config):
        number = config.last_round if run.kind == "rewind" else run.at
        point = run.at if run.kind == "rewind" else None
        noise = 0.01 * ((5 * (seed or 0) + 3 * number + len(run.task)) % 4)
        for split in ("selection", "validation"):
            for index, metric in enumerate((*METRICS.get(run.task, ("accuracy",)), "loss")):
                yield Score(
                    run.task, run.kind, seed, number, sparsity[number], point, run.source, split,
                    metric, index == 0, level + noise - 0.1 * index, run.kind == "majority",
                )  # fmt: skip


def _runs(config: Params) -> Iterator[tuple[Run, int | None, float]]:
    """Every run with its seed and about what it scores."""
    for task in config.tasks:
        yield Run(task, "majority"), None, 0.4
        yield Run(task, "bag_of_words"), None, 0.6
        yield from ((Run(task, "scratch"), seed, 0.55) for seed in config.scratch.seeds)
        for seed in config.seeds:
            yield Run(task, "dense"), seed, 0.9
            for after in config.rounds:
                yield Run(task, "imp", after.to), seed, 0.9 - 0.1 * after.sparsity**2
            for point in config.rewind.points:
                yield Run(task, "rewind", point), seed, 0.85 + point / 1000
            yield from ((Run(task, "random", k), seed, 0.5) for k in config.random.rounds)
    transfer = config.transfer
    for source, target, seed in product(transfer.sources, transfer.targets, transfer.seeds):
        level = 0.85 if source <= target else 0.7
        yield Run(target, "transfer", transfer.round, source), seed, level


def _agreement(config: Params) -> Iterator[Agreement]:
    for after in config.rounds:
        at = (after.to, after.sparsity)
        for measure in ("jaccard", "cohen_kappa"):
            for task in config.tasks:
                for one, two in combinations(config.seeds, 2):
                    yield Agreement("seeds", *at, task, "", f"{one} {two}", measure, 0.7, 0.25, 0.3)
            for seed in config.seeds:
                for first, second in combinations(config.tasks, 2):
                    value = 0.5 + 0.01 * seed
                    yield Agreement(
                        "tasks", *at, first, second, str(seed), measure, value, 0.25, 0.3
                    )


def _layers(config: Params) -> Iterator[Kept]:
    for task in config.tasks:
        for seed in config.seeds:
            for after in config.rounds:
                where = (task, seed, after.to, after.sparsity)
                for layer in (0, 1):
                    for matrix, size in MATRICES.items():
                        kept = round(size * (1 - after.sparsity)) - layer
                        yield Kept(*where, layer, matrix, size, kept)
                yield Kept(*where, None, "pooler.dense", 100, 20)


def with_scores(made: Study, changes: dict[tuple[str, str, int, str], list[float]]) -> Scores:
    """The study's scores with others for (task, kind, round, split), by seed."""
    rows = []
    for row in made.scores:
        new = changes.get((row.task, row.kind, row.round or 0, row.split))
        if new and row.headline and row.seed:
            rows.append(Score(**(row.__dict__ | {"score": new[row.seed - 1]})))
        else:
            rows.append(row)
    return Scores(rows)


def all_tables(made: Study) -> list[tables.Table]:
    return [
        tables.tickets_table(made.found, made.config),
        tables.scores_table(made.found, made.config),
        tables.other_metrics_table(made.found, made.config),
        tables.controls_table(made.found, made.config),
        tables.transfer_table(made.found, made.config),
        tables.rewinding_table(made.found, made.config),
        tables.agreement_table(made.agreement, made.config),
        tables.layers_table(made.layers, made.config),
    ]


SIZES = [(1, 1, 1, False), (1, 1, 1, True), (2, 1, 3, True), (1, 3, 1, False), (3, 3, 2, True)]


@pytest.mark.parametrize("size", SIZES)
def test_no_cell_is_blank_or_nan_and_rows_are_as_wide_as_the_header(
    size: tuple[int, int, int, bool],
) -> None:
    for table in all_tables(study(config(*size))):
        assert bool(table.rows) != bool(table.missing), table.name
        for row in table.rows:
            assert len(row) == len(table.header), table.name
            assert all(cell and "nan" not in cell.split() for cell in row), (table.name, row)
        assert len({tuple(record) for record in table.records}) <= 1, table.name


def test_what_did_not_run_says_why() -> None:
    made = study(config(1, 1, 1, controls=False))
    missing = {table.name: table.missing for table in all_tables(made) if table.missing}
    assert missing == {
        "other_metrics": "no task has a second metric",
        "controls": "not run: random.rounds is empty in params.yaml",
        "transfer": "not run: transfer.sources is empty in params.yaml",
        "agreement": "not run: agreement needs two seeds or two tasks",
    }
    assert "scratch.seeds is empty" in tables.scores_table(made.found, made.config).caption


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.8134, "81.3"), (-0.0004, "0.0"), (-0.25, "−25.0"), (1.0, "100.0")],
)
def test_points(value: float, text: str) -> None:
    assert tables.points(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.012, "+1.2"), (-0.012, "−1.2"), (0.0, "0.0")])
def test_differences_have_a_sign(value: float, text: str) -> None:
    assert tables.signed(value) == text


def test_one_seed_is_said_and_has_no_interval() -> None:
    one = summary.summarize([0.5], 0.95)
    assert tables.mean(one) == tables.spread(one) == "50.0 (n=1)"
    assert tables.difference(summary.compare({1: 0.5}, {1: 0.4}, 0.95)) == "+10.0 (n=1)"
    assert tables.mean(None) == NOT_RUN


def test_a_ticket_is_chosen_on_selection_and_reported_on_validation() -> None:
    made = study(config(1, 3, 2))
    scores = with_scores(
        made,
        {
            ("entailment", "dense", 0, "selection"): [0.8, 0.9, 1.0],
            ("entailment", "imp", 1, "selection"): [0.9, 0.9, 0.9],
            ("entailment", "imp", 2, "selection"): [0.8, 0.8, 0.8],
            ("entailment", "dense", 0, "validation"): [0.9, 0.9, 0.9],
            ("entailment", "imp", 1, "validation"): [1.0, 1.0, 1.0],
            ("entailment", "imp", 2, "validation"): [0.6, 0.7, 0.8],
        },
    )
    found = tables.find_tickets(scores, made.config)[0]
    assert found.round == 2  # 0.8 is one standard deviation below 0.9 on selection
    assert found.ticket is not None
    assert found.loss is not None
    assert found.ticket.mean == pytest.approx(0.7)  # and what it scores is that of validation
    assert found.loss.mean == pytest.approx(-0.2)
    assert found.flags == ("does not match on validation",)
    assert found.gain is not None
    assert found.gain.n == 3


def test_no_matching_ticket_is_said() -> None:
    made = study(config(1, 3, 1))
    scores = with_scores(made, {("entailment", "imp", 1, "selection"): [0.1, 0.1, 0.1]})
    row = tables.tickets_table(scores, made.config).rows[0]
    assert row[2] == "none"
    assert row[4:8] == (NONE,) * 4
    assert row[-1] == "none matches on selection"


def test_collapsed_runs_are_flagged() -> None:
    made = study(config(1, 3, 1))
    rows = [
        Score(**(row.__dict__ | {"collapsed": True})) if row.kind == "dense" else row
        for row in made.scores
    ]
    table = tables.tickets_table(Scores(rows), made.config)
    assert "3 of 3 dense runs collapsed" in table.rows[0][-1]
    dense = next(
        row for row in tables.scores_table(Scores(rows), made.config).rows if row[0] == "dense"
    )
    assert dense[1].endswith("†")


def test_over_tasks_each_task_counts_once() -> None:
    made = study(config(3, 3, 2))
    table = tables.controls_table(made.found, made.config)
    pooled = tables.pooled_gain(2, made.found, made.config)
    per_task = [float(record["mean"] or 0) for record in table.records if record["task"] in TASKS]
    assert pooled is not None
    assert pooled.n == 3
    assert pooled.mean == pytest.approx(sum(per_task) / 3)
    assert table.rows[0][0] == "all tasks"
    assert table.rows[0][-2] == "3 tasks"


def test_transfer_is_measured_from_dense_and_marked_against_the_own_ticket() -> None:
    made = study(config(3, 3, 2))
    cells = tables.transfer_cells(made.found, made.config)
    by_place = {(cell.source, cell.target): cell for cell in cells}
    cell = by_place["similarity", "entailment"]
    dense = made.found.summary(Run("entailment", "dense"), 0.95)
    assert dense is not None
    assert cell.difference == pytest.approx(cell.score.mean - dense.mean)
    assert cell.reaches_own is False
    assert by_place["entailment", "similarity"].reaches_own is True
    assert tables.reached("entailment", cells) == (2, 2)
    assert tables.reached("similarity", cells) == (0, 2)
    row = tables.transfer_table(made.found, made.config).rows[0]
    assert "*" not in row[1]  # the own task is no transfer
    assert "*" in row[2]


def test_the_own_ticket_is_that_of_imp_where_the_target_is_no_source() -> None:
    whole = config(2, 3, 2)
    narrow = params.Transfer(sources=("entailment",), targets=("sentiment",), seeds=(1,), round=2)
    made = study(whole.model_copy(update={"transfer": narrow}))
    cell = tables.transfer_cells(made.found, made.config)[0]
    own = made.found.of(Run("sentiment", "imp", 2))[1]
    assert cell.reaches_own is (cell.score.mean >= own)


def test_rewinding_is_compared_with_point_0() -> None:
    made = study(config(1, 3, 2))
    records = tables.rewinding_table(made.found, made.config).records
    assert [record["point"] for record in records] == [0, 50]
    assert records[1]["minus_point_0_mean"] == pytest.approx(0.05)
    assert records[0]["minus_point_0_n"] == 0


def test_agreement_is_averaged_over_pairs_with_its_floors() -> None:
    made = study(config(3, 3, 1))
    table = tables.agreement_table(made.agreement, made.config)
    assert table.rows[0][1:4] == ("tasks, same seed", "all", "0.520 (0.250; 0.300)")
    assert table.rows[0][-1] == "9"  # 3 pairs of tasks, 3 seeds
    assert table.rows[1][-1] == "9"  # 3 pairs of seeds, 3 tasks
    assert table.rows[0][5] == NOT_RUN  # Fleiss' kappa: not in these made-up results


def test_a_layer_as_a_whole_is_weighted_by_size() -> None:
    made = study(config(1, 1, 1))
    table = tables.layers_table(made.layers, made.config)
    assert table.rows[0] == ("layer 0", "70.0", "70.0", "70.0")
    assert table.rows[1] == ("layer 1", "69.0", "69.8", "69.6")  # (69 + 279) / 500
    assert table.rows[2] == ("pooler", NONE, NONE, "20.0")
