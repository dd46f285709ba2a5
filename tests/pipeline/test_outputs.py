"""What every stage leaves: its outs, masks of the exact size, predictions of each example."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from stages.tickets import files, settings
from stages.tickets.pruning import masks
from stages.tickets.settings import noise as seeds
from stages.tickets.tasks import task as tasks
from tests.pipeline import Stage
from tests.pipeline.study import NAMES, RUNS, SPARSITY, STUDY, contents, stages, ticket


def test_every_stage_makes_its_outs(project: Path) -> None:
    missing = [out for stage in stages() for out in stage.outs if not (project / out).exists()]
    assert missing == []


def test_the_stages_make_nothing_but_their_outs(project: Path) -> None:
    outs = [out for stage in stages() for out in stage.outs]
    assert [
        path for path in contents(project) if not any(f"{path}/".startswith(f"{o}/") for o in outs)
    ] == []


@pytest.mark.parametrize(("task", "seed"), RUNS)
def test_masks_have_the_exact_size_and_lie_in_each_other(
    project: Path, task: str, seed: int
) -> None:
    encoder = files.load_record(project / "results" / "encoder" / "encoder.json")
    before = ticket(project, task, seed, 0)
    assert sorted(before) == sorted(encoder["prunable"])
    assert masks.sparsity(before) == 0
    for number, sparsity in SPARSITY.items():
        mask = ticket(project, task, seed, number)
        assert masks.num_survivors(mask) == round((1 - sparsity) * encoder["num_prunable"])
        assert all((mask[name] <= before[name]).all() for name in mask)
        before = mask


def test_several_tasks_at_once_have_masks_up_to_the_round_of_transfer(project: Path) -> None:
    folder = project / "results" / "rounds" / "multi-task" / "seed-1"
    assert [path.name for path in folder.iterdir()] == ["round-1"]
    mask = ticket(project, "multi-task", 1, 1)
    assert masks.num_survivors(mask) == masks.num_survivors(ticket(project, "mood", 1, 1))
    for task in ("mood", "mlm", "similarity"):
        other = ticket(project, task, 1, 1)
        assert any((mask[name] != other[name]).any() for name in mask)
    losses = files.load_record(folder / "round-1" / "history.json")["losses"]
    assert {task: len(found) for task, found in losses.items()} == {"mood": 6, "mlm": 6}


@pytest.mark.parametrize(("task", "seed"), RUNS)
def test_every_round_says_how_far_its_mask_is_from_the_one_shot_mask(
    project: Path, task: str, seed: int
) -> None:
    steps = 3 if task == "similarity" else 6
    for number in SPARSITY:
        folder = project / "results" / "rounds" / task / f"seed-{seed}" / f"round-{number}"
        record = files.load_record(folder / "movement.json")
        mask, one_shot = (ticket(project, name, seed, number) for name in (task, "one-shot"))
        exchanged = sum(np.count_nonzero(one_shot[name] & ~mask[name]) for name in mask)
        assert record["exchanged"] == exchanged <= record["most_exchanged"]
        assert record["trained"] == masks.num_survivors(ticket(project, task, seed, number - 1))
        assert record["prunable"] == masks.num_weights(mask)
        assert record["steps"] == steps
        assert 0 < record["move_50"] <= record["largest"] <= 1.1 * record["rates_distance"]
        assert record["distance"] == pytest.approx(record["largest"])  # rounds restart from theta_0


@pytest.mark.parametrize(("task", "seed"), RUNS)
def test_random_masks_are_as_large_as_the_ticket_and_others(
    project: Path, task: str, seed: int
) -> None:
    for number in SPARSITY:
        here = project / "results" / "runs" / "ticket" / task / f"seed-{seed}" / "random"
        drawn = files.load_mask(here / f"round-{number}" / "mask.safetensors")
        mask = ticket(project, task, seed, number)
        noise = seeds.derive(NOISE, task, seed)
        expected = masks.random_like(mask, noise.mask_generator(number))
        assert all((drawn[name] == kept).all() for name, kept in expected.items())
        assert any((drawn[name] != mask[name]).any() for name in mask)


def test_tickets_of_other_seeds_and_tasks_differ(project: Path) -> None:
    packed = {
        np.packbits(ticket(project, *run, 1)[name]).tobytes() for run in RUNS for name in NAMES
    }
    assert len(packed) == len(RUNS) * len(NAMES)


NOISE = settings.Noise.model_validate(STUDY["noise"])


def is_own(stage: Stage) -> bool:
    """Whether the script `train` leaves the training to the stage of the ticket itself."""
    if "--body" in stage.arguments:
        return False
    return stage.option("mask-seed") == stage.option("seed") or (
        stage.option("source") is not None and stage.option("source") == stage.option("target")
    )


def all_runs() -> list[tuple[str, str]]:
    """Folder and task of everything that was trained."""
    found = []
    for stage in stages():
        task = stage.option("target") or stage.option("task") or ""
        if stage.script == "prune_round" and stage.option("round") != "0":
            found.append((f"{stage.option('out')}/before", task))
        elif stage.script == "controls":
            kinds = [kind for option, kind in pairwise(stage.arguments) if option == "--kinds"]
            found += [(f"{stage.option('out')}/{kind}", task) for kind in kinds]
        elif stage.script == "ticket":
            found.append((f"{stage.option('out')}/ticket", task))
            found += [(f"{stage.option('out')}/random/round-{k}", task) for k in SPARSITY]
        elif stage.group == "retrain":
            found.append((f"{stage.option('scratch')}/random", task))
        elif stage.script == "rewind":
            found.append((f"{stage.option('out')}/point-50", task))
        elif stage.script == "standard":
            for number in SPARSITY:
                found.append((f"{stage.option('out')}/round-{number}/standard", task))
            found.append((f"{stage.option('out')}/round-2/aliased", task))
        elif stage.script == "fine_tune" or (stage.script == "train" and not is_own(stage)):
            found.append((str(stage.option("out")), task))
    return found


def test_every_training_predicts_each_example_of_each_evaluated_split(project: Path) -> None:
    assert len(all_runs()) == len(RUNS) * (1 + 1 + 1 + 2) + 2 + len(STUDY["tasks"]) + 3 + 2 + 31
    for folder, task in all_runs():
        prepared = tasks.load_prepared(project / "results" / "prepared" / task)
        assert list(prepared.evaluated) == ["selection", "validation"]
        predictions = files.load_arrays(project / folder / "predictions.safetensors")
        expected: dict[str, tuple[tuple[int, ...], str]] = {}
        for name, split in prepared.evaluated.items():
            if task == "mlm":
                num_hidden = int((split.labels != tasks.NOT_SCORED).sum())
                expected[f"{name}.tokens"] = ((num_hidden,), "int32")
                expected[f"{name}.losses"] = ((num_hidden,), "float32")
            else:
                shape = len(split), prepared.task.num_labels
                expected[f"{name}.logits"] = (shape, "float32")
        assert {key: (a.shape, str(a.dtype)) for key, a in predictions.items()} == expected
        assert all(np.isfinite(array).all() for array in predictions.values())


def test_every_training_takes_the_steps_of_its_task_and_keeps_its_losses(project: Path) -> None:
    """24 examples in batches of 8; from the point at 50 % on, half of the steps are left."""
    num_steps = {"mood": 6, "mlm": 6, "similarity": 3}  # two epochs, and one by its override
    left_at_50 = {"mood": 3, "mlm": 3, "similarity": 1}  # it was stored after round(1.5) = 2 of 3
    for folder, task in all_runs():
        losses = files.load_record(project / folder / "history.json")["losses"]
        rewound = "/rewind/" in folder and folder.endswith("point-50")
        assert len(losses) == (left_at_50 if rewound else num_steps)[task]
        assert np.isfinite(losses).all()


def test_a_ticket_on_its_own_task_is_not_trained_again(project: Path) -> None:
    own = project / "results" / "runs" / "transfer" / "mood" / "mood" / "seed-1"
    assert [path.name for path in own.iterdir()] == ["own.json"]
