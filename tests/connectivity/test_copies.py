"""The stage `spawn` end to end: copies of a training, and the line between them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from stages.launch import side_by_side
from stages.launch.copies import Copy, walk
from stages.tickets import files, settings
from stages.tickets.encoder.weights import prunable_weights
from stages.tickets.pruning import masks
from stages.tickets.settings.noise import derive
from stages.tickets.statistics import barriers
from stages.tickets.tasks import task as tasks
from stages.tickets.training import copies, endpoints
from tests.connectivity.project import NOISE, TASK, Project, geometry, logits, losses, path


def test_copies_start_alike_end_apart_and_are_the_ends_of_the_path(
    project: Project, tmp_path: Path
) -> None:
    out = project.spawn(tmp_path / "out", "dense", "order")
    assert sorted(file.relative_to(out).as_posix() for file in out.rglob("*.*")) == [
        "copy-1/history.json", "copy-1/predictions.safetensors",
        "copy-2/history.json", "copy-2/predictions.safetensors",
        "geometry.json", "path.safetensors",
    ]  # fmt: skip
    assert sorted(part.name for part in out.iterdir() if part.is_dir()) == ["copy-1", "copy-2"]
    walked = path(out)
    assert walked["validation.logits"].shape == (5, 5, 2)
    assert walked["validation.logits"].dtype == np.float32
    assert walked["train.logits"].shape == (5, 6, 2)
    assert sorted(walked) == ["train.logits", "train.rows", "validation.logits"]
    for end, copy in ((0, "copy-1"), (-1, "copy-2")):
        np.testing.assert_array_equal(walked["validation.logits"][end], logits(out / copy))
    # The first copy is the run itself; the second is no other seed's.
    np.testing.assert_array_equal(
        logits(out / "copy-1"), logits(project.folder / "dense" / "seed-1")
    )
    assert (logits(out / "copy-2") != logits(project.folder / "dense" / "seed-2")).all()
    for part in ("layers", "embeddings", "head"):
        assert geometry(out)[part]["start_distance"] == 0
        assert geometry(out)[part]["distance"] > 0
    assert geometry(out)["masks"]["union"] == 1


@pytest.mark.parametrize(("arm", "dropout", "equal"), [
    ("dropout-only", 0.0, True), ("dropout-only", 0.1, False), ("order-only", 0.0, False),
])  # fmt: skip
def test_copies_without_a_difference_are_a_null_pair(
    project: Project, tmp_path: Path, arm: str, dropout: float, equal: bool
) -> None:
    project.set_recipe(dropout=dropout)
    try:
        out = project.spawn(tmp_path / "out", "ticket", arm)
    finally:
        project.set_recipe()
    first, second = logits(out / "copy-1"), logits(out / "copy-2")
    assert (first == second).all() == equal
    assert (losses(out / "copy-1") == losses(out / "copy-2")) == equal
    assert geometry(out)["layers"]["start_distance"] == 0
    assert (geometry(out)["layers"]["distance"] == 0) == equal
    walked = path(out)["validation.logits"]
    assert (walked == walked[0]).all() == equal
    if equal:
        labels = tasks.load_prepared(project.prepared).evaluated["validation"].labels
        error = 100.0 * (walked.argmax(-1) != labels).mean(axis=1)
        assert [float(measure(error)) for measure in barriers.MEASURES.values()] == [0] * 5
        ends = first.argmax(-1), second.argmax(-1)
        assert barriers.disagreement(*ends, labels, 2).value == 0


def test_half_way_the_logits_are_those_of_the_mean_of_both_copies_weights(
    project: Project, tmp_path: Path
) -> None:
    out = project.spawn(tmp_path / "out", "ticket", "order")
    loaded = project.load()
    ticket = files.load_mask(project.round(1, 1) / "mask.safetensors")
    ends = []
    for noise in (loaded.noise, copies.second(loaded.noise, "order", TASK, 1)):
        model = loaded.model(project.weights(1, "theta-0"))
        replace(loaded, noise=noise).train(model, ticket)
        ends.append({name: tensor.clone() for name, tensor in model.state_dict().items()})
    for name, kept in ticket.items():
        for end in ends:
            np.testing.assert_array_equal(end[f"bert.{name}"].numpy() != 0, kept)
    assert geometry(out)["masks"]["union"] == pytest.approx(0.4, abs=1e-3)
    model = loaded.model()
    model.load_state_dict({name: (ends[0][name] + ends[1][name]) / 2 for name in ends[0]})
    model.train(mode=False)
    split = loaded.prepared.evaluated["validation"]
    for number, (start, stop) in enumerate(zip(split.starts[:-1], split.starts[1:], strict=True)):
        ids = torch.from_numpy(split.ids[start:stop]).long()[None]
        with torch.no_grad():
            alone = model(input_ids=ids).logits[0].numpy()
        middle = path(out)["validation.logits"][2, number]
        np.testing.assert_allclose(middle, alone, rtol=1e-3, atol=1e-5)
    squares = sum(
        float(((ends[0][f"bert.{name}"] - ends[1][f"bert.{name}"]) ** 2).sum()) for name in ticket
    )
    matrices = geometry(out)["matrices"]
    assert sum(part["distance"] ** 2 for part in matrices.values()) == pytest.approx(
        squares, rel=1e-4
    )


def test_another_head_starts_apart_in_the_head_alone_and_is_fitted_anew(
    project: Project, tmp_path: Path
) -> None:
    out = project.spawn(tmp_path / "out", "ticket", "head")
    measured = geometry(out)
    assert measured["head"]["start_distance"] > 0
    assert measured["layers"]["start_distance"] == measured["embeddings"]["start_distance"] == 0
    walked = path(out)
    assert walked["validation.refit"].shape == (5, 5, 2)
    assert np.isfinite(walked["train.refit"]).all()
    np.testing.assert_array_equal(walked["validation.logits"][-1], logits(out / "copy-2"))


def test_a_sample_that_no_head_can_be_fitted_to_is_refused_before_any_training(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "sampled", lambda *_: (np.arange(1), 0))
    for arm in ("head", "all"):
        with pytest.raises(
            settings.UserError, match=r"none of class .; raise connectivity.path.train_sample"
        ):
            project.spawn(tmp_path / "out", "ticket", arm)
    assert not (tmp_path / "out").exists()


def test_copies_from_a_later_point_take_the_rest_of_the_steps_or_all(
    project: Project, tmp_path: Path
) -> None:
    rest = project.spawn(tmp_path / "rest", "dense", "order", 40)
    complete = project.spawn(tmp_path / "all", "dense", "order", 40, "all")
    assert [len(losses(rest / f"copy-{copy}")) for copy in (1, 2)] == [3, 3]
    assert [len(losses(complete / f"copy-{copy}")) for copy in (1, 2)] == [5, 5]
    assert geometry(rest)["layers"]["start_distance"] == 0


def test_the_dense_run_is_the_first_copy_as_if_it_was_trained_again(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[str] = []
    train = Copy.train

    def counting(copy: Copy, point: int, steps: Any, out: Path, file: Path) -> None:
        trained.append(out.name)
        train(copy, point, steps, out, file)

    monkeypatch.setattr(Copy, "train", counting)
    monkeypatch.setattr(side_by_side, "run", lambda jobs, _: [job() for job in jobs.values()])
    taken = project.spawn(tmp_path / "taken", "dense", "head")
    assert trained == ["copy-2"]
    monkeypatch.setattr(copies, "is_dense_run", lambda *_: False)
    again = project.spawn(tmp_path / "again", "dense", "head")
    assert trained == ["copy-2", "copy-1", "copy-2"]
    written = [file.relative_to(taken) for file in taken.rglob("*.*")]
    assert len(written) == 6
    for file in written:
        assert (taken / file).read_bytes() == (again / file).read_bytes(), file


def test_only_the_dense_run_from_theta_0_is_taken_for_a_copy() -> None:
    """From a later point a copy restarts Adam's moments, which the dense run has kept."""
    nets: tuple[Any, ...] = ("dense", "ticket", "random", "one-shot", "reinitialised", "scratch")
    taken = [(net, point) for net in nets for point in (0, 40) if copies.is_dense_run(net, point)]
    assert taken == [("dense", 0)]


def test_a_later_point_of_the_dense_run_is_no_copy_of_it(project: Project, tmp_path: Path) -> None:
    out = project.spawn(tmp_path / "out", "dense", "order", 40)
    dense = logits(project.folder / "dense" / "seed-1")
    assert (logits(out / "copy-1") != dense).all()


def test_paths_are_predicted_with_the_threads_of_trainings(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the ends of a path would miss the predictions of its copies in their last bits."""
    threads: list[int] = []
    connect = copies.connect

    def noting(*options: Any) -> Any:
        threads.append(torch.get_num_threads())
        return connect(*options)

    monkeypatch.setattr(copies, "connect", noting)
    loaded = project.load()
    model = loaded.model()
    end = endpoints.end(model, None, model, loaded.encoder)
    torch.set_num_threads(2)
    try:
        walk(loaded, (end, end), 3, 6, False, tmp_path)
    finally:
        torch.set_num_threads(1)
    assert threads == [loaded.recipe.threads] == [1]


def test_a_second_warm_up_takes_the_rest_of_the_steps_with_smaller_ones_first(
    project: Project, tmp_path: Path
) -> None:
    project.set_recipe(warmup=0.4)
    try:
        rest = project.spawn(tmp_path / "rest", "ticket", "order", 40)
        warmed = project.spawn(tmp_path / "warmed", "ticket", "order", 40, "rest-warmed")
    finally:
        project.set_recipe()
    assert len(losses(warmed / "copy-1")) == len(losses(rest / "copy-1")) == 3
    assert losses(warmed / "copy-1")[0] == losses(rest / "copy-1")[0]  # the same first batch
    assert geometry(warmed)["layers"]["start_distance"] == 0
    travels = [geometry(out)["layers"]["travel_1"] for out in (rest, warmed)]
    assert travels[1] < travels[0]


def test_scratch_starts_from_drawn_weights_that_both_copies_share(
    project: Project, tmp_path: Path
) -> None:
    out = project.spawn(tmp_path / "out", "scratch", "order")
    assert geometry(out)["layers"]["start_distance"] == 0
    assert geometry(out)["layers"]["distance"] > 0
    loaded = project.load()
    copy = Copy(loaded, "scratch", project.weights(1, "theta-0"), None, 0)
    model, mask = copy.begin()
    assert mask is None
    for name, drawn in prunable_weights(model, loaded.encoder).items():
        assert (drawn != loaded.encoder.weights[name].numpy()).mean() > 0.9


@pytest.mark.parametrize("net", ["random", "one-shot", "reinitialised", "ticket"])
def test_controls_have_the_size_of_the_ticket_and_start_from_unmasked_weights(
    project: Project,
    net: Any,
) -> None:
    loaded = project.load()
    mask_file = project.round(1, 1) / "mask.safetensors"
    ticket = files.load_mask(mask_file)
    other = replace(loaded, noise=copies.second(loaded.noise, "all", TASK, 1))
    starts = [
        Copy(of, net, weights, mask_file, 1).begin()
        for of, weights in ((loaded, project.weights(1, "theta-0")), (other, None))
    ]
    masks_of = [mask for _, mask in starts]
    assert masks_of[0] is not None
    assert masks_of[1] is not None
    assert masks.num_survivors(masks_of[0]) == masks.num_survivors(ticket)
    assert all((masks_of[0][name] == masks_of[1][name]).all() for name in ticket)
    is_same = all((masks_of[0][name] == ticket[name]).all() for name in ticket)
    assert is_same == (net in ("ticket", "reinitialised"))
    first, second = (prunable_weights(model, loaded.encoder) for model, _ in starts)
    for name, weight in first.items():
        np.testing.assert_array_equal(weight, second[name])
        is_pretrained = (weight == loaded.encoder.weights[name].numpy()).all()
        assert is_pretrained == (net != "reinitialised")
    heads = [model.get_submodule("classifier") for model, _ in starts]
    assert all(isinstance(head, nn.Linear) for head in heads)
    assert not torch.equal(heads[0].get_parameter("weight"), heads[1].get_parameter("weight"))


# --- noise -----------------------------------------------------------------------------------


def test_an_arm_varies_its_own_sources_of_noise_alone() -> None:
    first = derive(NOISE, TASK, 1)
    for arm, axes in copies.AXES.items():
        other = copies.second(first, arm, TASK, 1)
        differing = {name for name in vars(first) if getattr(first, name) != getattr(other, name)}
        assert differing == set(axes)


def test_second_copies_share_no_noise_with_other_runs() -> None:
    runs = [derive(NOISE, TASK, seed) for seed in range(1, 50)]
    spawned = [copies.second(run, "all", TASK, seed) for seed, run in enumerate(runs, 1)]
    for axis in copies.AXES["all"]:
        values = [getattr(run, axis) for run in (*runs, *spawned)]
        assert len(set(values)) == len(values)
