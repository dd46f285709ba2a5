"""The same bytes again, and one sentence if something is in the way."""

import random
import resource
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.pipeline import Stage, lies_in
from tests.pipeline.study import STUDY, TRAIN, contents, run, run_all, stages, write_study


def test_the_same_input_gives_the_same_bytes(finished: Path) -> None:
    for disturb in (torch.manual_seed, np.random.seed, random.seed):  # the global generators
        disturb(123)
    second = run_all(finished.parent / "second")
    first, again = contents(finished), contents(second)
    assert first.keys() == again.keys()
    assert [path for path in first if first[path] != again[path]] == []


def one_of_each() -> list[Stage]:
    """A stage of each script that has inputs; a pruning round that trains, a transfer to another task."""
    chosen = {stage.group: stage for stage in reversed(stages())}
    chosen["prune-round"] = next(s for s in stages() if s.name == "prune-round@mood-1-after1")
    chosen["transfer"] = next(s for s in stages() if s.name == "transfer@mood-similarity-1")
    chosen["cross"] = next(s for s in stages() if s.name == "cross@mood-2-1")
    without = ("code", "check", "encoder")
    return [stage for group, stage in sorted(chosen.items()) if group not in without]


def inputs_read() -> list[tuple[Stage, str]]:
    """What each of them reads.

    The dense run's weights are pruned by round 0, and for the control one-shot-fine-tuned. Copies of the
    dense network take no mask, and this study has neither landscapes nor masks at initialisation.
    """
    unread = {(group, "trained.safetensors") for group in ("prune-round", "controls")}
    unread |= {("spawn", "mask.safetensors"), ("collapse", "runs")}
    unread |= {("report", "runs"), ("report", "collapse")}
    return [
        (stage, dep)
        for stage in one_of_each()
        for dep in stage.inputs
        if (stage.group, Path(dep).name) not in unread
    ]


@pytest.mark.parametrize(
    ("stage", "dep"), inputs_read(), ids=lambda part: part if isinstance(part, str) else part.group
)
def test_a_missing_input_ends_in_one_sentence(
    project: Path, capsys: pytest.CaptureFixture[str], stage: Stage, dep: str
) -> None:
    hidden = project / "hidden"
    (project / dep).rename(hidden)
    before = contents(project)
    try:
        code = run(stage.script, *stage.arguments)
    finally:
        hidden.rename(project / dep)
    assert code == 1
    message = capsys.readouterr().err
    assert message.startswith(f"{stage.script.replace('_', '-')}: ")
    assert message.count("\n") == 1
    assert dep in message
    assert before.items() <= contents(project).items()


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("stage", one_of_each(), ids=lambda stage: stage.group)
@pytest.mark.parametrize("obstacle", ["a file in the way", "a full disk"])
def test_an_out_that_cannot_be_written_ends_in_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, stage: Stage, obstacle: str
) -> None:
    """A limit on the size of files is what a test can have in place of a full disk."""
    blocked = tmp_path / "out"
    if obstacle == "a file in the way":
        blocked.write_text("")
    arguments = [
        str(blocked / argument) if any(lies_in(out, argument) for out in stage.outs) else argument
        for argument in stage.arguments
    ]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    if obstacle == "a full disk":
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        code = run(stage.script, *arguments)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert code == 1
    *progress, message = capsys.readouterr().err.strip().split("\n")
    assert message.startswith(f"{stage.script.replace('_', '-')}: ")
    assert "Traceback" not in "".join(progress)
    shutil.rmtree(blocked, ignore_errors=True)


def test_a_diverged_training_names_task_step_and_learning_rate(
    project: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    stage = next(stage for stage in stages() if stage.name == "fine-tune@mood-1")
    study = STUDY | {"train": TRAIN | {"learning_rate": 1e38, "clip": 1e38}}
    write_study(tmp_path, study)
    prepare = next(stage for stage in stages() if stage.name == "prepare-own@mood")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        Path("results").mkdir()
        Path("results/encoder").symlink_to(project / "results" / "encoder")
        assert run(prepare.script, *prepare.arguments) == 0
        assert run(stage.script, *stage.arguments) == 1
    message = capsys.readouterr().err.split("\n")[-2]
    assert message.startswith("fine-tune: the loss of task 'mood' is nan from step ")
    assert "where the learning rate was " in message
    assert not (tmp_path / "results" / "runs").exists()


def test_too_few_steps_to_tell_rewinding_points_apart(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = STUDY | {"dense": {"points": [0, 1, 50]}}
    stage = next(stage for stage in stages(study) if stage.name == "fine-tune@mood-1")
    before = contents(project)
    assert run(stage.script, *stage.arguments) == 1
    assert capsys.readouterr().err == (
        "fine-tune: dense.points is [0, 1, 50], but the 6 steps of 'mood' are too few to tell them "
        "apart\n"
    )
    assert contents(project) == before
