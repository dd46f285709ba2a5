"""The stages `spawn` and `between` end to end, on an encoder of two layers and eight sentences."""

import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from stages import barriers as barriers_stage
from stages import between, between_files, fine_tune, spawn
from stages.launch import inputs, side_by_side
from stages.launch.copies import Copy, walk
from stages.launch.inputs import Inputs
from stages.tickets import files, settings
from stages.tickets.encoder.weights import prunable_parameters, prunable_weights, save_weights
from stages.tickets.plan.manifest import Manifest
from stages.tickets.pruning import masks
from stages.tickets.settings.noise import derive
from stages.tickets.statistics import barriers, paths
from stages.tickets.tasks import task as tasks
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import copies, endpoints, predict
from tests.conftest import RECIPE
from tests.pipeline.study import STUDY, write_study

TASK = "acceptability"
NOISE = settings.Noise(head_init="seed", data_order="seed", dropout="seed", mask="seed")


@dataclass(frozen=True)
class Project:
    """The files of a task of which two seeds have trained, the first also a round."""

    folder: Path
    encoder: Path
    task: str = TASK
    alternative: Path | None = None
    """Folder of the prepared task, if it is another one than the project's own."""

    @property
    def prepared(self) -> Path:
        return self.alternative or self.folder / "prepared"

    def weights(self, seed: int, name: str) -> Path:
        return self.folder / "weights" / f"seed-{seed}" / f"{name}.safetensors"

    def round(self, seed: int, number: int) -> Path:
        return self.folder / "rounds" / f"seed-{seed}" / f"round-{number}"

    def load(self, seed: int = 1) -> Inputs:
        return inputs.load(self.task, seed, self.encoder, self.prepared)

    def set_recipe(self, **changes: float) -> None:
        recipe = RECIPE.model_copy(update=changes)
        record = settings.Recipe(noise=NOISE, train=recipe).model_dump(mode="json")
        files.save_record(record, self.prepared / "recipe.json")

    def spawn(self, out: Path, net: Any, arm: Any, point: int = 0, steps: Any = "rest") -> Path:
        number = 0 if net in ("dense", "scratch") else 1
        spawn.main(
            self.task, 1, net, number, point, arm, steps, 5, 6, self.encoder, self.prepared,
            self.weights(1, f"theta-{point}"), self.round(1, number) / "mask.safetensors", out,
            self.weights(1, "trained"), self.folder / "dense" / "seed-1",
        )  # fmt: skip
        return out


def made(encoder: Path, prepared: Prepared, folder: Path) -> Project:
    """A project in which two seeds have trained a task, and the first seed its round 1."""
    project = Project(folder, encoder, prepared.task.name)
    tasks.save_prepared(prepared, project.prepared)
    project.set_recipe()
    for seed in (1, 2):
        weights = project.weights(seed, "").parent
        out = project.folder / "dense" / f"seed-{seed}"
        dense_mask = project.round(seed, 0)
        fine_tune.main(
            project.task, seed, [0, 40], encoder, project.prepared, weights, dense_mask, out
        )
    loaded = project.load()
    dense = loaded.model(project.weights(1, "trained"))
    weights_to_rank = prunable_weights(dense, loaded.encoder)
    ticket = masks.prune_by_magnitude(weights_to_rank, masks.dense(weights_to_rank), 0.6)
    files.save_mask(ticket, project.round(1, 1) / "mask.safetensors")
    model = loaded.model(project.weights(1, "theta-0"))
    loaded.train(model, ticket)
    save_weights(model, loaded.encoder, project.round(1, 2) / "before" / "weights.safetensors")
    return project


@pytest.fixture(scope="module")
def project(
    encoder_folder: Path, prepared: Prepared, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    selection = tasks.take(prepared.train, np.arange(3))
    splits = {"selection": selection, **prepared.evaluated}
    folder = tmp_path_factory.mktemp("connectivity")
    return made(encoder_folder, replace(prepared, evaluated=splits), folder)


def logits(folder: Path) -> np.ndarray:
    return files.load_arrays(folder / "predictions.safetensors")["validation.logits"]


def losses(folder: Path) -> list[float]:
    return list(files.load_record(folder / "history.json")["losses"])


def path(folder: Path) -> files.Arrays:
    return files.load_arrays(folder / "path.safetensors")


def geometry(folder: Path) -> dict[str, Any]:
    return files.load_record(folder / "geometry.json")


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
    np.testing.assert_allclose(np.exp(walked["train.refit"]).sum(axis=-1), 1, rtol=1e-5)
    np.testing.assert_array_equal(walked["validation.logits"][-1], logits(out / "copy-2"))


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


# --- stored networks -------------------------------------------------------------------------


def walk_stored(project: Project, out: Path, seeds: list[int], *kinds: str) -> None:
    between.main(
        project.task, seeds, list(kinds), ["union", "intersection"], 5, 6, project.encoder,
        project.prepared, project.folder / "weights", project.folder / "rounds", out,
    )  # fmt: skip


@pytest.fixture
def study_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_study(tmp_path, STUDY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_paths_between_stored_networks(project: Project, study_here: Path) -> None:
    out = study_here / "out"
    walk_stored(project, out, [1, 2], "seeds")
    walk_stored(project, out, [1], "rounds")
    assert sorted(folder.name for folder in out.iterdir()) == [
        "1.0-1.1", "1.0-1.1-intersection", "1.0-2.0",
    ]  # fmt: skip
    seeds = path(out / "1.0-2.0")
    for end, seed in ((0, 1), (-1, 2)):
        dense = logits(project.folder / "dense" / f"seed-{seed}")
        np.testing.assert_array_equal(seeds["validation.logits"][end], dense)
    assert "validation.refit" in seeds
    measured = geometry(out / "1.0-2.0")
    assert (measured["first"], measured["second"], measured["meet"]) == (
        {"seed": 1, "round": 0},
        {"seed": 2, "round": 0},
        "union",
    )
    assert measured["layers"]["start_distance"] == 0
    assert measured["head"]["start_distance"] > 0
    rounds = geometry(out / "1.0-1.1")
    assert "validation.refit" not in path(out / "1.0-1.1")  # one seed, one classifier
    assert rounds["masks"]["nested"] == 1
    assert rounds["masks"]["union"] == 1
    assert rounds["masks"]["jaccard"] == pytest.approx(0.4, abs=1e-3)
    assert rounds["layers"]["start_distance"] > 0  # what the round has dropped of theta_0


def test_at_an_intersection_both_ends_are_cut_first(project: Project, study_here: Path) -> None:
    out = study_here / "out"
    walk_stored(project, out, [1], "dense")
    union, cut = (path(out / name) for name in ("1.0-1.1", "1.0-1.1-intersection"))
    measured = geometry(out / "1.0-1.1-intersection")
    assert measured["meet"] == "intersection"
    assert measured["masks"]["union"] == measured["masks"]["shared"]
    assert measured["masks"]["union"] == pytest.approx(0.4, abs=1e-3)
    assert measured["layers"]["start_distance"] == 0
    # The ticket lies in both masks and stays, the dense model loses what the ticket drops.
    np.testing.assert_array_equal(cut["validation.logits"][-1], union["validation.logits"][-1])
    loaded = project.load()
    ticket = files.load_mask(project.round(1, 1) / "mask.safetensors")
    model = loaded.model(project.weights(1, "trained"))
    with torch.no_grad():
        for name, parameter in prunable_parameters(model, loaded.encoder).items():
            parameter.mul_(torch.from_numpy(ticket[name]))
    alone = predict.predict(model, loaded.prepared)["validation.logits"]
    np.testing.assert_array_equal(cut["validation.logits"][0], alone)
    assert (cut["validation.logits"][0] != union["validation.logits"][0]).any()


def test_networks_of_seeds_with_the_same_head_need_no_other(
    project: Project, study_here: Path
) -> None:
    fixed = NOISE.model_copy(update={"head_init": 7})
    record = settings.Recipe(noise=fixed, train=RECIPE).model_dump(mode="json")
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder, "prepared")
        shutil.copytree(project.prepared, prepared)
        files.save_record(record, prepared / "recipe.json")
        walk_stored(replace(project, alternative=prepared), study_here / "out", [1, 2], "seeds")
    walked = study_here / "out" / "1.0-2.0"
    assert "validation.refit" not in path(walked)
    assert geometry(walked)["head"]["start_distance"] == 0


def test_pairs_of_stored_networks() -> None:
    def named(kinds: list[str], kept: list[int]) -> list[str]:
        return [
            " ".join(f"{end.seed}.{end.round}" for end in pair)
            for pair in endpoints.pairs(kinds, [1, 2, 3] if kinds == ["seeds"] else [1], kept)
        ]

    assert named(["seeds"], []) == ["1.0 2.0", "1.0 3.0", "2.0 3.0"]
    assert named(["rounds"], [3, 1, 2]) == ["1.0 1.1", "1.1 1.2", "1.2 1.3"]
    assert named(["rounds"], [2, 3]) == ["1.2 1.3"]
    dense_and_ticket = endpoints.pairs(["seeds", "dense"], [1, 2], [2])
    assert [meet for _, meet in endpoints.walks(dense_and_ticket, ["union", "intersection"])] == [
        "union", *["union", "intersection"] * 2,
    ]  # fmt: skip
    assert endpoints.walks(dense_and_ticket[:1], ["intersection"])[0][1] == "union"
    assert named(["dense", "rounds"], [1, 2]) == ["1.0 1.1", "1.1 1.2", "1.0 1.2"]


# --- checkpoints of one's own ----------------------------------------------------------------


def own_files(project: Project, folder: Path) -> tuple[Path, Path]:
    """The dense model of seed 1 as a folder of transformers, and the ticket as a file of weights."""
    loaded = project.load()
    ticket = project.round(1, 2) / "before" / "weights.safetensors"
    for name, weights in {"dense": project.weights(1, "trained"), "ticket": ticket}.items():
        loaded.model(weights).save_pretrained(folder / name)
    return folder / "dense", folder / "ticket" / "model.safetensors"


def walk_files(project: Project, first: Path, second: Path, out: Path) -> None:
    between_files.main(
        project.task, "mine", str(first), str(second), 5, 6, project.encoder, project.prepared, out
    )


def test_checkpoints_of_ones_own_are_walked_as_stored_networks_are(
    project: Project, study_here: Path
) -> None:
    walk_stored(project, study_here / "stored", [1], "dense")
    first, second = own_files(project, study_here)
    walk_files(project, first, second, study_here / "own")
    own, stored = path(study_here / "own"), path(study_here / "stored" / "1.0-1.1")
    np.testing.assert_array_equal(own["validation.logits"], stored["validation.logits"])
    assert own["validation.refit"].shape == (5, 5, 2)  # nobody knows whether their heads were alike
    measured, expected = geometry(study_here / "own"), geometry(study_here / "stored" / "1.0-1.1")
    assert measured["masks"] == expected["masks"]  # exact zeros tell what the ticket has dropped
    assert measured["layers"] == expected["layers"]
    assert measured["name"] == "mine"
    assert len(measured["first"]) == 64


def test_checkpoints_with_other_classes_are_refused(project: Project, tmp_path: Path) -> None:
    first, _ = own_files(project, tmp_path)
    second = tmp_path / "swapped"
    for folder, names in ((first, ["no", "yes"]), (second, ["yes", "no"])):
        model = project.load().model(project.weights(1, "trained"))
        model.config.id2label = dict(enumerate(names))
        model.save_pretrained(folder)
    with pytest.raises(
        settings.ParamsError, match=r"mine.first has the classes no, yes and .* yes, no"
    ):
        walk_files(project, first, second, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_own_checkpoints_become_rows_of_their_own(project: Project, tmp_path: Path) -> None:
    first, second = own_files(project, tmp_path)
    walk_files(project, first, second, tmp_path / "own")
    entry = {"task": TASK, "name": "mine", "folder": str(tmp_path / "own")}
    (walked,) = barriers_stage.walks(
        Manifest((), {"own_pairs": [entry, entry | {"name": "other"}]}, {}),
        TASK,
        "own_pairs",
        "mine",
    )
    assert walked.place == {
        "task": TASK, "net": "mine", "round": 0, "point": None, "arm": "files", "steps": "",
    }  # fmt: skip
    prepared = tasks.load_prepared(project.prepared)
    rows = paths.tables([walked], {TASK: prepared}, {}, 2.0, 0.95)
    assert {row["union"] for row in rows["barriers"]} == {1.0}
    assert {row["net"] for row in rows["curves"]} == {"mine"}
