"""The masks that Prasanna et al. 2020 published, by what they say of them and by what we compute.

The tables are not part of this repository: a folder oracle/prasanna2020 under $SCRATCHCARD_DATA, with
the masks of every task and seed as head_masks.csv.gz and mlp_masks.csv.gz.
"""

import os
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from transformers import BertConfig

from stages.tickets.encoder import removal
from stages.tickets.pruning import structure
from stages.tickets.pruning.structure import Structure
from stages.tickets.statistics import raters, searched, survival

FOLDER = Path(os.environ.get("SCRATCHCARD_DATA", "")) / "oracle" / "prasanna2020"
pytestmark = pytest.mark.skipif(
    "SCRATCHCARD_DATA" not in os.environ or not FOLDER.is_dir(),
    reason="no $SCRATCHCARD_DATA/oracle/prasanna2020: SCRATCHCARD_DATA is not set, or lacks it",
)

Structures = dict[tuple[str, int], Structure]

TASKS = ("CoLA", "SST-2", "MRPC", "STS-B", "QQP", "MNLI", "QNLI", "RTE", "WNLI")
USABLE = TASKS[:-1]
"""On WNLI even the full model is below the majority, and the search drops nearly everything."""
SEEDS = (1337, 42, 86, 71, 166)
KEYS = [(task, seed) for task in TASKS for seed in SEEDS]
PARTS = ("heads", "mlps")
JOINT = ("heads_mlps", "heads_mlps_on_train", "heads_mlps_hans")
PRUNABLE = 85_017_600
FULL = 109_483_778
"""Parameters of the heads and MLPs of bert-base-uncased, and of it all with a classifier of two."""


@cache
def masks(part: str) -> dict[str, dict[tuple[str, int], NDArray[np.bool_]]]:
    """By variant, then by task and seed."""
    table = pd.read_csv(FOLDER / f"{part.removesuffix('s')}_masks.csv.gz")
    if part == "heads":
        table = table.sort_values("layer", kind="stable").drop(columns="layer")
    rows: dict[str, dict[tuple[str, int], list[list[int]]]] = {}
    for variant, task, seed, *cells in table.itertuples(index=False, name=None):
        rows.setdefault(variant, {}).setdefault((task, seed), []).append(cells)
    return {
        variant: {
            key: np.array(cells if part == "heads" else cells[0]) == 1
            for key, cells in by_key.items()
        }
        for variant, by_key in rows.items()
    }


@cache
def published(variant: str) -> Structures:
    """Of nine tasks in the order of the paper, or of the four of HANS."""
    heads, mlps = (masks(part)[variant] for part in PARTS)
    keys = KEYS if len(heads) == len(KEYS) else list(heads)
    return {key: Structure(heads[key], mlps[key]) for key in keys}


def of_task(variant: str, task: str) -> list[Structure]:
    return [published(variant)[task, seed] for seed in SEEDS]


def of_part(one: Structure, part: str) -> NDArray[np.bool_]:
    kept: NDArray[np.bool_] = getattr(one, part)
    return kept


def share(one: Structure) -> float:
    return removal.num_parameters(BertConfig(), one) / PRUNABLE


def spread(values: list[float], digits: int) -> str:
    return f"{np.mean(values):.{digits}f} ± {np.std(values, ddof=1):.{digits}f}"


def test_the_tables_are_whole() -> None:
    variants = {part: {name: len(found) for name, found in masks(part).items()} for part in PARTS}
    assert sum(variants["heads"].values()) == sum(variants["mlps"].values()) == 515
    assert variants["heads"].keys() ^ variants["mlps"].keys() == {"heads", "mlps"}
    for counts in variants.values():
        assert counts.pop("heads_mlps_hans") == 20
        assert set(counts.values()) == {45}
    assert {kept.shape for one in masks("heads").values() for kept in one.values()} == {(12, 12)}


# --- how the searches step -------------------------------------------------------------------


@pytest.mark.parametrize("variant", JOINT)
def test_the_joint_search_drops_heads_by_fourteen_and_by_seven(variant: str) -> None:
    """144 - 14 a - 7 b heads, and as MLPs go one by one, any number of them."""
    for key, kept in published(variant).items():
        ran_dry = key[0] == "WNLI" and kept.num_heads == 0
        assert ran_dry or (144 - kept.num_heads) % 7 == 0


def test_the_search_over_heads_leaves_one_in_each_layer() -> None:
    found = masks("heads")["heads"]
    sizes = {key: int(kept.sum()) for key, kept in found.items()}
    assert all(kept.any(axis=1).all() for kept in found.values())
    assert all((144 - size) % 14 == 0 for size in sizes.values() if size != 12)
    assert {key[0] for key, size in sizes.items() if size == 12} == {"WNLI"}
    assert sorted(sizes["WNLI", seed] for seed in SEEDS) == [12, 12, 12, 12, 88]


def test_on_wnli_nearly_everything_goes() -> None:
    found = {
        seed: (one.num_heads, one.num_mlps)
        for seed, one in zip(SEEDS, of_task("heads_mlps", "WNLI"), strict=True)
    }
    assert found == {1337: (0, 0), 42: (0, 0), 86: (144, 0), 71: (0, 0), 166: (0, 0)}
    assert not any(masks("mlps")["mlps"]["WNLI", seed].any() for seed in SEEDS)


def test_the_first_step_drops_the_heads_of_least_importance() -> None:
    """All fourteen, but for CoLA and seed 42.

    There the joint step failed, and the next one ranked by the scores of the mask that had failed.
    """
    table = pd.read_csv(FOLDER / "head_importance.csv.gz")
    table = table[table["variant"] == "full_model"].sort_values(["task", "seed", "layer"])
    dropped = {}
    for task, seed in KEYS:
        rows = table[(table["task"] == task) & (table["seed"] == seed)]
        scores = rows[[f"h{head}" for head in range(12)]].to_numpy().ravel()
        kept = published("heads_mlps")[task, seed].heads.ravel()
        lowest = np.argsort(scores, kind="stable")[:14]
        if not kept.all():
            dropped[task, seed] = int((~kept[lowest]).sum())
    assert len(dropped) == 44
    assert {key: number for key, number in dropped.items() if number != 14} == {("CoLA", 42): 12}
    assert published("heads_mlps")["CoLA", 42].num_mlps == 12


# --- subnetworks beside the good ones --------------------------------------------------------


def test_bad_subnetworks_have_the_size_of_the_good_ones() -> None:
    good, bad = published("heads_mlps"), published("heads_mlps_bad_1")
    for key in KEYS:
        sizes = good[key].num_heads, good[key].num_mlps
        assert (bad[key].num_heads, bad[key].num_mlps) == sizes
        shared = max(0, 2 * sizes[0] - 144), max(0, 2 * sizes[1] - 12)
        assert structure.overlap(good[key], bad[key]) == shared
        ours = structure.bad_like(good[key], np.random.default_rng(0))
        assert structure.overlap(good[key], ours) == shared
    assert good["CoLA", 86].num_heads == 116
    assert structure.overlap(good["CoLA", 86], bad["CoLA", 86])[0] == 88


def test_the_first_bad_subnetworks_are_faulty() -> None:
    """One mask of MLPs for all, and heads of another size where the good ones have less than 12."""
    good, bad = published("heads_mlps"), published("heads_mlps_bad")
    assert len({one.mlps.tobytes() for one in bad.values()}) == 1
    assert bad["CoLA", 42].num_mlps == 10
    sizes = {key: (good[key].num_heads, bad[key].num_heads) for key in KEYS}
    odd = {key: found for key, found in sizes.items() if found[0] != found[1]}
    dry = {("WNLI", seed): (0, 12) for seed in (1337, 42, 71, 166)}
    assert odd == {("RTE", 1337): (18, 22)} | dry


def test_random_subnetworks_are_one_stream_of_numpys_old_generator() -> None:
    """Every head and MLP kept with the share of the good one, so sizes are off by up to 14 and 5."""
    generator = np.random.RandomState(13)  # theirs
    good, random = published("heads_mlps"), published("heads_mlps_random")
    off: dict[str, list[int]] = {part: [] for part in PARTS}
    for key in KEYS:
        for part in PARTS:
            kept, found = of_part(good[key], part), of_part(random[key], part)
            drawn = generator.rand(kept.size) < kept.sum() / kept.size
            np.testing.assert_array_equal(found, drawn.reshape(kept.shape))
            off[part].append(abs(int(found.sum()) - int(kept.sum())))
    assert {part: max(numbers) for part, numbers in off.items()} == {"heads": 14, "mlps": 5}


def test_super_survivors_are_what_all_seeds_keep() -> None:
    for task in TASKS:
        top = structure.super_survivors(of_task("heads_mlps", task))
        for found in of_task("heads_mlps_super", task):
            np.testing.assert_array_equal(found.heads, top.heads)
            np.testing.assert_array_equal(found.mlps, top.mlps)


@pytest.mark.parametrize("variant", ["heads_mlps_super_bizzaro", "heads_mlps_super_bad"])
@pytest.mark.parametrize("part", PARTS)
def test_bad_super_survivors_avoid_what_survives(variant: str, part: str) -> None:
    """One mask for all seeds, of the size of the super-survivors, from what survives nowhere first.

    Super-survivors come last, as in ours, but for MLPs of CoLA in the later draw: it has seven of
    them where six would do.
    """
    for task in TASKS:
        structures = of_task("heads_mlps", task)
        top = of_part(structure.super_survivors(structures), part)
        anywhere = np.any([of_part(one, part) for one in structures], axis=0)
        first, *others = (of_part(one, part) for one in of_task(variant, task))
        assert all((one == first).all() for one in others)
        size = int(top.sum())
        assert first.sum() == size
        assert (first & ~anywhere).sum() == min(size, (~anywhere).sum())
        odd = (variant, part, task) == ("heads_mlps_super_bizzaro", "mlps", "CoLA")
        assert (first & top).sum() == (7 if odd else max(0, 2 * size - top.size))


@pytest.mark.parametrize("part", PARTS)
def test_random_super_survivors_are_neither_super_nor_bad_as_long_as_that_goes(part: str) -> None:
    for task in TASKS:
        top = of_part(structure.super_survivors(of_task("heads_mlps", task)), part)
        bad = of_part(of_task("heads_mlps_super_bizzaro", task)[0], part)
        free = ~top & ~bad
        for found in (of_part(one, part) for one in of_task("heads_mlps_super_midling", task)):
            assert found.sum() == top.sum()
            assert (found & free).sum() == min(top.sum(), free.sum())


def test_the_smallest_network_is_one_head_and_one_mlp() -> None:
    expected = structure.one_head(structure.whole(12, 12))
    for found in published("heads_mlps_zero").values():
        np.testing.assert_array_equal(found.heads, expected.heads)
        np.testing.assert_array_equal(found.mlps, expected.mlps)


# --- sizes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "kept", "title", "super_title"),
    [
        ("CoLA", "0.813 ± 0.059", "65 ± 5", "46"),
        ("SST-2", "0.588 ± 0.063", "47 ± 5", "13"),
        ("MRPC", "0.718 ± 0.070", "57 ± 5", "24"),
        ("STS-B", "0.589 ± 0.069", "47 ± 5", "10"),
        ("QQP", "0.659 ± 0.061", "53 ± 5", "18"),
        ("MNLI", "0.687 ± 0.059", "55 ± 5", "26"),
        ("QNLI", "0.686 ± 0.028", "55 ± 2", "28"),
        ("RTE", "0.682 ± 0.122", "54 ± 9", "12"),
        ("WNLI", "0.067 ± 0.149", "7 ± 12", "1"),
    ],
)
def test_the_sizes_of_the_good_subnetworks(
    task: str, kept: str, title: str, super_title: str
) -> None:
    """Titles of the figures are per cent of the full model, less 21 for the embeddings."""

    def percent(share: float) -> float:
        return 100 * (1 - (1 - share) * PRUNABLE / FULL) - 21

    shares = [share(one) for one in of_task("heads_mlps", task)]
    assert spread(shares, 3) == kept
    assert spread([percent(share) for share in shares], 0) == title
    top = structure.super_survivors(of_task("heads_mlps", task))
    assert f"{percent(share(top)):.0f}" == super_title


STEPS = {
    "CoLA": (6, 12, 7, 8, 12),
    "SST-2": (16, 16, 17, 16, 16),
    "MRPC": (14, 10, 10, 11, 11),
    "STS-B": (14, 14, 13, 12, 14),
    "QQP": (15, 15, 14, 14, 14),
    "MNLI": (13, 13, 13, 13, 13),
    "QNLI": (12, 12, 12, 13, 13),
    "RTE": (13, 11, 12, 14, 12),
    "WNLI": (29, 15, 1, 13, 29),
}
"""Accepted steps of magnitude pruning by seed, each of which drops 5 % of what is left."""


def test_magnitude_pruning_went_in_steps_of_five_per_cent() -> None:
    table = pd.read_csv(FOLDER / "magnitude_sizes.csv")
    assert set(table["task"]) == set(TASKS)
    for task, published_share, mean, std in table.itertuples(index=False, name=None):
        shares = 0.95 ** np.array(STEPS[task])
        assert published_share == pytest.approx(shares.mean(), abs=1e-6)
        percent = 100 * (1 - (1 - shares) * PRUNABLE / FULL) - 21
        assert spread(percent.tolist(), 0) == f"{mean:.0f} ± {std:.0f}"


def magnitude_cells(component: str) -> pd.DataFrame:
    """Rows are layers and, of heads, heads; columns are tasks and their sum."""
    table = pd.read_csv(FOLDER / "magnitude_survival.csv.gz").fillna({"head": 0})
    cells = table[table["component"] == component]
    return cells.pivot_table(index=["layer", "head"], columns="task", values="mean")


def test_the_heat_maps_of_magnitude_pruning_add_up() -> None:
    """Over tasks to the sum, over heads and MLPs to the share of all; cells are rounded to 0.01."""
    sizes = pd.read_csv(FOLDER / "magnitude_sizes.csv").set_index("task")
    totals = dict.fromkeys(TASKS, 0.0)
    for component, size in (("head", 196_800), ("mlp", 4_722_432)):
        cells = magnitude_cells(component)
        assert len(cells) == {"head": 144, "mlp": 12}[component]
        summed = cells[list(TASKS)].sum(axis=1)
        assert (summed - cells["sum_over_9_tasks"]).abs().max() < 0.05
        for task in TASKS:
            totals[task] += size * float(cells[task].sum())
    for task in TASKS:
        expected = sizes.loc[task, "surviving_share_of_prunable_weights"]
        assert totals[task] / (PRUNABLE - 12 * 768) == pytest.approx(expected, abs=0.005)


# --- where -----------------------------------------------------------------------------------


def test_mlps_in_the_middle_survive_most() -> None:
    found = survival.over_tasks(published("heads_mlps")).mlps
    np.testing.assert_allclose(
        found.mean, [5.0, 3.6, 5.8, 4.8, 7.0, 7.0, 6.2, 6.8, 6.8, 6.8, 5.4, 5.0]
    )
    assert found.mean[4:10].min() > max(found.mean[:4].max(), found.mean[10:].max())


def test_survival_is_what_a_table_of_all_masks_says() -> None:
    table = pd.read_csv(FOLDER / "head_masks.csv.gz")
    table = table[table["variant"] == "heads_mlps"].drop(columns="variant")
    tasks = table.groupby(["layer", "seed"])[[f"h{head}" for head in range(12)]].sum()
    found = survival.over_tasks(published("heads_mlps")).heads
    np.testing.assert_allclose(found.mean, tasks.groupby("layer").mean().to_numpy())
    assert found.std is not None
    np.testing.assert_allclose(found.std, tasks.groupby("layer").std().to_numpy(), atol=1e-12)
    by_task = survival.by_task(published("heads_mlps"))
    for task in TASKS:
        seeds = table[table["task"] == task].groupby("layer").mean(numeric_only=True)
        np.testing.assert_allclose(
            by_task[task].heads.mean, seeds[[f"h{head}" for head in range(12)]].to_numpy()
        )


def test_magnitude_pruning_takes_more_of_the_heads_of_lower_layers() -> None:
    layers = magnitude_cells("head").groupby("layer").mean()
    for task in TASKS:
        share = layers[task].to_numpy()
        assert share[:6].mean() < share[6:].mean() - 0.03
        assert magnitude_cells("mlp")[task].to_numpy().argmin() == 0


def test_the_shipped_numbers_on_structure_are_those_of_the_tables() -> None:
    """published/prasanna2020_structure.csv, computed again."""
    path = Path(__file__).parents[1] / "published" / "prasanna2020_structure.csv"
    shipped = pd.read_csv(path).set_index(["quantity", "task"])["value"]
    cells = pd.read_csv(FOLDER / "magnitude_survival.csv.gz")
    sizes = pd.read_csv(FOLDER / "magnitude_sizes.csv").set_index("task")
    kept_weights = sizes["surviving_share_of_prunable_weights"]
    head, mlp = 12 * 196_800, 4_722_432
    for task in USABLE:
        good = of_task("heads_mlps", task)
        mlps = np.mean([one.mlps for one in good], axis=0)
        here = cells[cells["task"] == task]
        heads = here[here["component"] == "head"].groupby("layer")["mean"].mean()
        by_layer = here[here["component"] == "mlp"].set_index("layer")["mean"]
        layers = (heads * head + by_layer * mlp) / (head + mlp)
        expected = {
            "kappa_of_heads": raters.fleiss_kappa(np.array([one.heads.ravel() for one in good])),
            "kept_structured": np.mean([share(one) for one in good]),
            "kept_magnitude": kept_weights[task],
            "kept_super": share(structure.super_survivors(good)),
            "middle_mlps": mlps[4:8].mean() - np.concatenate([mlps[:4], mlps[8:]]).mean(),
            "upper_layers": layers[6:].mean() - layers[:6].mean(),
        }
        name = task.lower().replace("-", "")
        for quantity, value in expected.items():
            assert shipped[quantity, name] == pytest.approx(value, abs=6e-5)


def test_the_shipped_maps_and_overlaps_are_those_of_the_tables() -> None:
    """The csv files of places and overlaps in published/, by the code of the stage `survival`."""
    folder = Path(__file__).parents[1] / "published"
    found = {
        (task.lower().replace("-", ""), seed): one
        for (task, seed), one in published("heads_mlps").items()
    }
    for rows, name, keys in (
        (searched.places("joint", found), "places", ["variant", "task", "part", "layer", "head"]),
        (searched.overlaps(found), "overlaps", ["of", "part", "first", "second"]),
    ):
        shipped = pd.read_csv(folder / f"prasanna2020_{name}.csv", keep_default_na=False)
        if name == "places":
            shipped = shipped[shipped["variant"] == "joint"]
        ours = pd.DataFrame(list(rows))
        assert len(ours) == len(shipped)
        np.testing.assert_allclose(shipped["mean"].astype(float), ours["mean"], rtol=1e-3)
        assert [str(cell) for cell in shipped[keys[0]]] == [str(cell) for cell in ours[keys[0]]]
        assert shipped[keys[1]].tolist() == ours[keys[1]].tolist()
    weights = pd.read_csv(folder / "prasanna2020_places.csv", keep_default_na=False)
    weights = weights[weights["variant"] == "magnitude"].reset_index()
    cells = pd.read_csv(FOLDER / "magnitude_survival.csv.gz")
    np.testing.assert_allclose(weights["mean"], cells["mean"])


def test_overlaps_of_tasks() -> None:
    found = survival.overlaps(published("heads_mlps"))
    assert survival.axes(published("heads_mlps"))[0] == list(TASKS)
    np.testing.assert_array_equal(found.heads.mean, found.heads.mean.T)
    for place, task in enumerate(TASKS):
        sizes = [one.num_heads for one in of_task("heads_mlps", task)]
        assert found.heads.mean[place, place] == pytest.approx(np.mean(sizes))


# --- how stably ------------------------------------------------------------------------------


@cache
def across_seeds(variant: str) -> dict[str, survival.Stability]:
    generator = np.random.default_rng(0)
    tasks = dict.fromkeys(task for task, _ in published(variant))
    return {task: survival.stability(of_task(variant, task), 1000, generator) for task in tasks}


def test_heads_of_five_seeds_agree_little() -> None:
    """Fleiss' kappa from 0.180 to 0.325 over eight tasks, and 0.150 on HANS."""
    kappas = {task: across_seeds("heads_mlps")[task].heads.fleiss_kappa.value for task in USABLE}
    assert {task: f"{kappa:.3f}" for task, kappa in kappas.items()} == {
        "CoLA": "0.228",
        "SST-2": "0.325",
        "MRPC": "0.215",
        "STS-B": "0.222",
        "QQP": "0.191",
        "MNLI": "0.258",
        "QNLI": "0.302",
        "RTE": "0.180",
    }
    hans = across_seeds("heads_mlps_hans")["HANS"].heads.fleiss_kappa.value
    assert f"{hans:.3f}" == "0.150"


def test_heads_agree_more_than_by_chance_and_mlps_hardly() -> None:
    stable = across_seeds("heads_mlps")
    for task in USABLE:
        heads = stable[task].heads
        assert heads.fleiss_kappa.above_chance
        assert heads.cohen_kappa.above_chance
        assert heads.jaccard.above_chance
        assert heads.krippendorff_alpha.above_chance
    above = {task for task in USABLE if stable[task].mlps.cohen_kappa.above_chance}
    assert "CoLA" in above
    assert not above & {"SST-2", "MRPC", "STS-B", "QQP", "RTE"}


def test_chance_is_below_zero_where_sizes_differ() -> None:
    """RTE keeps from 18 to 116 heads: Fleiss' kappa, but not Cohen's, reads that as disagreement."""
    heads = across_seeds("heads_mlps")["RTE"].heads
    assert heads.fleiss_kappa.floor == pytest.approx(-0.05, abs=0.005)
    assert heads.cohen_kappa.floor == pytest.approx(0, abs=0.005)


def test_cochrans_q_does_not_say_which_task_is_stable() -> None:
    """SST-2 has the most stable heads of all and differs by Q; MNLI does not, by its equal sizes."""
    stable = across_seeds("heads_mlps")
    kappas = {task: stable[task].heads.fleiss_kappa.value for task in USABLE}
    sst2, mnli = (stable[task].heads.cochran for task in ("SST-2", "MNLI"))
    assert sst2 is not None
    assert mnli is not None
    assert max(kappas, key=lambda task: kappas[task]) == "SST-2"
    assert sst2.p < 1e-6
    assert mnli.p > 0.3
    assert stable["WNLI"].mlps.cochran is None


def test_masks_that_keep_nothing_agree_fully() -> None:
    """On WNLI no MLP is left; heads are none in four seeds and all in one: 6 of 10 pairs agree."""
    wnli = across_seeds("heads_mlps")["WNLI"]
    assert wnli.mlps.cohen_kappa == wnli.mlps.jaccard == raters.Measured(1, 1, 1)
    assert wnli.heads.cohen_kappa.value == pytest.approx(0.6)
    assert wnli.heads.fleiss_kappa.value == pytest.approx(-1 / 4)


def test_dev_and_train_agree_about_as_little_as_two_seeds_do() -> None:
    """Of the same model, searched on the dev set and on as much of the train set."""
    dev, train = published("heads_mlps"), published("heads_mlps_on_train")

    def kappa(first: Structure, second: Structure) -> float:
        return float(raters.cohen_kappa(np.array([first.heads.ravel(), second.heads.ravel()])))

    of_model = {
        task: np.mean([kappa(dev[task, seed], train[task, seed]) for seed in SEEDS])
        for task in USABLE
    }
    assert {task: f"{value:.2f}" for task, value in of_model.items()} == {
        "CoLA": "0.24",
        "SST-2": "0.28",
        "MRPC": "0.30",
        "STS-B": "0.37",
        "QQP": "0.17",
        "MNLI": "0.26",
        "QNLI": "0.30",
        "RTE": "0.25",
    }
    of_seeds = [
        kappa(dev[task, one], dev[task, other])
        for task in USABLE
        for one, other in combinations(SEEDS, 2)
    ]
    assert f"{np.mean(of_seeds):.2f}" == "0.25"
    stable = [across_seeds("heads_mlps")[task].heads.cohen_kappa.value for task in USABLE]
    assert np.mean(of_seeds) == pytest.approx(np.mean(stable))
