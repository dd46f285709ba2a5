"""What holds for every table of a report, on made-up results; tables as csv, Markdown and TeX."""

import csv
import io

import pytest

from stages.tickets.report import (
    chen_claims,
    chen_tables,
    claims,
    control_tables,
    hans_tables,
    mask_tables,
    movement_tables,
    rewinding_tables,
    score_tables,
    seed_tables,
    subnetwork_tables,
    tables,
    ticket_tables,
    transfer_tables,
)
from stages.tickets.report.checks import Data
from stages.tickets.report.tables import Record, Table
from tests.made_up import SIZES, Size, Study, config, study, with_everything

TABLE = Table("a_b", "50 % of_it", ("task", "x ± y"), (("own_task", "−1.0*"), ("a|b", "< 0.1")))


def claim_data(made: Study) -> Data:
    same = chen_tables.same_encoder(made.layers)
    return Data(made.found, made.tasks, made.agreement, same, made.chen)


def all_tables(made: Study) -> list[Table]:
    return [
        ticket_tables.tickets_table(made.found, made.config),
        ticket_tables.rules_table(made.found, made.chen.tickets, made.chen.strict, made.config),
        chen_tables.published_tickets_table(
            made.found, made.layers, made.chen.tickets, made.config
        ),
        chen_tables.published_transfer_table(made.chen, made.config),
        score_tables.scores_table(made.found, made.config),
        score_tables.other_metrics_table(made.found, made.config),
        control_tables.controls_table(made.found, made.config),
        transfer_tables.transfer_table(made.found, made.config),
        transfer_tables.weights_table(made.found, made.config),
        rewinding_tables.rewinding_table(made.found, made.config),
        rewinding_tables.standard_table(made.found, made.config),
        seed_tables.cross_table(made.found, made.config),
        seed_tables.variance_table(made.found, made.config),
        chen_claims.chen_claims_table(claim_data(made), made.config),
        mask_tables.agreement_table(made.agreement, made.config),
        mask_tables.layers_table(made.layers, made.config),
        movement_tables.movement_table(made.movement, made.config),
        movement_tables.beyond_table(made.beyond, made.config),
        movement_tables.types_table(made.layers, made.config),
        subnetwork_tables.subnetworks_table(made.found, made.sizes, made.config),
        subnetwork_tables.searches_table(made.searched, made.config),
        subnetwork_tables.structure_agreement_table(made.structures, made.config),
        claims.claims_table(made.found, made.published, made.config),
        claims.published_table(made.found, made.published, made.config),
        hans_tables.hans_table(made.hans, made.config),
        hans_tables.subcases_table(made.hans, made.config),
    ]


@pytest.mark.parametrize("everything", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_no_cell_is_blank_or_nan_and_rows_are_as_wide_as_the_header(
    size: Size, everything: bool
) -> None:
    asked = config(*size)
    if everything:
        asked = with_everything(asked, asked.seeds)
    for table in all_tables(study(asked)):
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
        "controls": "not run: controls in params.yaml lacks 'random', and random.rounds is empty",
        "standard": "not run: standard.tasks is empty in params.yaml",
        "transfer_weights": "not run: transfer_weights.sources is empty in params.yaml",
        "cross": "not run: cross.tasks is empty in params.yaml",
        "cross_variance": "not run: cross.tasks is empty in params.yaml",
        "rewinding": "not run: rewind.tasks is empty in params.yaml",
        "transfer": "not run: transfer.sources is empty in params.yaml",
        "agreement": "not run: agreement needs two seeds or two tasks",
        "subnetworks": "not run: retrain.tasks is empty in params.yaml",
        "searches": "not run: search.tasks is empty in params.yaml",
        "structure_agreement": "not run: search.tasks is empty in params.yaml",
        "published": "not run: no task here has the name and headline metric of one of the paper's",
        "hans": "not run: no task has `hans` in params.yaml",
        "hans_subcases": "not run: no task has `hans` in params.yaml",
    }
    assert "scratch.seeds is empty" in score_tables.scores_table(made.found, made.config).caption


def test_csv_has_six_digits_and_empty_cells_for_nothing() -> None:
    records: list[Record] = [{"task": "a", "mean": 2 / 3, "std": None, "n": 3}]
    assert tables.to_csv(records) == "task,mean,std,n\na,0.666667,,3\n"
    assert next(csv.reader(io.StringIO(tables.to_csv([], "not run: x, y")))) == ["not_run"]


def test_markdown_is_escaped() -> None:
    assert tables.to_markdown(TABLE) == (
        "| task | x ± y |\n| --- | ---: |\n| own\\_task | −1.0\\* |\n| a\\|b | \\< 0.1 |\n\n"
        "50 % of\\_it\n"
    )


def test_tex_is_escaped() -> None:
    tex = tables.to_tex(TABLE)
    assert r"own\_task & $-$1.0* \\" in tex
    assert r"\caption{50 \% of\_it}" in tex
    assert r"$<$ 0.1" in tex
    assert tex.isascii()


def test_every_tex_file_is_ascii() -> None:
    for table in all_tables(study(with_everything(config(3, 3, 2)))):
        assert tables.to_tex(table).isascii(), table.name
