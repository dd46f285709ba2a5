"""The tables of agreement and of layers, on made-up results."""

from stages.tickets.report import mask_tables
from stages.tickets.report.words import NONE, NOT_RUN
from tests.made_up import config, study


def test_agreement_is_averaged_over_pairs_with_its_floors() -> None:
    made = study(config(3, 3, 1))
    table = mask_tables.agreement_table(made.agreement, made.config)
    assert table.rows[0][1:4] == ("tasks, same seed", "all", "0.520 (0.250; 0.300)")
    assert table.rows[0][-1] == "9"  # 3 pairs of tasks, 3 seeds
    assert table.rows[1][-1] == "9"  # 3 pairs of seeds, 3 tasks
    assert table.rows[0][5] == NOT_RUN  # Fleiss' kappa: not in these made-up results


def test_a_layer_as_a_whole_is_weighted_by_size() -> None:
    made = study(config(1, 1, 1))
    table = mask_tables.layers_table(made.layers, made.config)
    assert table.rows[0] == ("layer 0", "70.0", "70.0", "70.0")
    assert table.rows[1] == ("layer 1", "69.0", "69.8", "69.6")  # (69 + 279) / 500
    assert table.rows[2] == ("pooler", NONE, NONE, "20.0")
