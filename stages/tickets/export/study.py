"""A finished study, as the commands see it that export from it: its settings, files and scores."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from safetensors.numpy import load_file

from stages.tickets import files, settings
from stages.tickets.export import card, origin
from stages.tickets.plan import manifest
from stages.tickets.plan.manifest import Manifest
from stages.tickets.pruning import masks
from stages.tickets.pruning.masks import Mask
from stages.tickets.report import rows
from stages.tickets.report.scores import Run, Scores
from stages.tickets.settings import Data, OwnData, ParamsError, Study
from stages.tickets.tasks import task as tasks

OF_RUNS = {
    "study", "tasks", "seeds", "encoder", "data", "own", "prepare", "train", "override", "rounds", "imp",
    "search", "retrain",
}  # fmt: skip
"""Sections of params.yaml that say what masks, weights and scores are of."""
REPORT = "report"
"""The stage that writes the report."""
RESULTS = "results"
"""The folder of all that stages write, as the manifest's paths begin."""
REPEAT = "did `uv run dvc repro` run to its end?"


@dataclass(frozen=True)
class Finished:
    """A study that `dvc repro` has finished, with its files where the dvc.yaml files say."""

    root: Path
    """The project's folder, to which the manifest's paths are relative."""
    manifest: Manifest
    settings: Study
    scores_file: Path

    @property
    def encoder(self) -> Path:
        """The folder of theta_0."""
        return self._place("encoder")

    def prepared(self, task: str) -> Path:
        """Return the folder of a task's splits."""
        return self._place("prepared", task=task)

    def weights(self, task: str, seed: int, point: int | None) -> Path:
        """Return the file of the weights at a point of the training in per cent; None is its end."""
        name = "trained" if point is None else f"theta-{point}"
        return existing(self._place("weights", task=task, seed=seed) / f"{name}.safetensors")

    def mask_file(self, task: str, seed: int, number: int) -> Path:
        """Return the file of a ticket's mask."""
        return existing(self.root / self.manifest.mask(task, seed, number))

    def ticket(self, task: str, seed: int, number: int) -> Path:
        """Return the folder of the pipeline's training of a ticket."""
        return self.root / self.manifest.run("imp", task=task, seed=seed, round=number).folder

    def searched(self, task: str, seed: int) -> Path:
        """Return the file of the heads and MLPs that the joint search keeps."""
        folder = self._place("searches", task=task, seed=seed)
        return existing(folder / "joint" / "structure.safetensors")

    def _place(self, name: str, **coordinates: object) -> Path:
        try:
            return self.root / self.manifest.place(name, **coordinates)
        except LookupError as error:
            raise ParamsError(f"{error}; {REPEAT}") from None

    def check(self, task: str, seed: int, number: int | None = None) -> None:
        """Raise ParamsError unless params.yaml has the task, the seed and, if one is given, the round."""
        _check("--task", task, self.settings.tasks)
        _check("--seed", seed, self.settings.seeds)
        if number is not None:
            _check("--round", number, range(1, self.settings.last_round + 1))

    def source(self, task: str) -> Data | OwnData:
        """Return the section of `data` or `own` of a task."""
        return self.settings.data.get(task) or self.settings.own[task]

    def max_length(self, task: str) -> int:
        """Return the number of tokens of the longest input of a task."""
        own: int | None = self.source(task).model_dump().get("max_length")
        return own or self.settings.prepare.max_length

    def mask(self, task: str, seed: int, number: int) -> Mask:
        """Read the mask of a ticket.

        Raises:
            ParamsError: there is none, or it is not of the sparsity that params.yaml says.
        """
        file = self.mask_file(task, seed, number)
        mask = files.load_mask(file)
        sparsity = self.settings.rounds[number - 1].sparsity
        if masks.num_survivors(mask) != masks.survivors_at(sparsity, masks.num_weights(mask)):
            raise ParamsError(
                f"rounds[{number - 1}].sparsity is {sparsity}, but {file} drops "
                f"{masks.sparsity(mask):.6f}: params.yaml has changed since; {REPEAT}"
            )
        return mask

    def scores(self, task: str) -> Scores:
        """Read all scores of the study.

        Raises:
            ParamsError: the table is missing, or has no dense score of `task`.
        """
        scores = Scores(rows.read(existing(self.scores_file), rows.ScoreRow))
        if not scores.of(Run(task, "dense")):
            raise ParamsError(f"{self.scores_file} has no dense score of {task!r}; {REPEAT}")
        return scores

    def about(self) -> card.Source:
        """Collect what cards say of the study."""
        encoder = self.settings.encoder
        where = origin.of_encoder(encoder)
        weights = load_file(existing(self.encoder / "weights.safetensors"))
        return card.Source(
            self.settings.study,
            where.words,
            where.on_hub,
            "pretrained" if isinstance(encoder, settings.Pretrain) else encoder.pooler,
            origin.licence_of(encoder),
            origin.digest(weights),
            origin.commit(Path()),
            origin.versions(),
        )

    def described(self, task: str) -> card.Task:
        """Collect what cards say of a task."""
        folder = self.prepared(task)
        existing(folder / "task.json")
        prepared = tasks.load_prepared(folder)
        where = origin.of_data(task, self.source(task))
        splits = {"train": prepared.train, **prepared.evaluated}
        return card.Task(
            task,
            prepared.task.kind,
            where.words,
            where.on_hub,
            {name: len(split) for name, split in splits.items()},
            files.load_record(folder / "recipe.json")["train"],
            self.max_length(task),
        )


def load(params: Path, results: Path, reports: Path) -> Finished:
    """Read the study of a params.yaml, beside its dvc.lock.

    Raises:
        ParamsError: params.yaml is wrong, or nothing has been made of it.
    """
    study = settings.load(params)
    _check_unchanged(settings.content(params), params)
    if results.name != RESULTS:
        raise ParamsError(f"--results is {str(results)!r}, allowed is a folder called {RESULTS!r}")
    listed = manifest.load(existing(results / "manifest.json"))
    finished = Finished(results.parent, listed, study, reports / study.study / "scores.csv")
    existing(finished.encoder / "encoder.json")
    return finished


def _check_unchanged(content: Mapping[str, Any], params: Path) -> None:
    """Raise ParamsError if the report was made with other settings than those of params.yaml.

    Weights and masks are of what ran, scores of the report, sources of params.yaml: of one study.
    Without a lock nothing can be said, as where stages ran without DVC.
    """
    lock = params.with_name("dvc.lock")
    if not lock.is_file():
        return
    stages = YAML(typ="safe").load(lock).get("stages", {})
    ran = stages.get(REPORT, {}).get("params", {}).get(params.name)
    if ran is None:
        raise ParamsError(f"{lock} has no report of this study; {REPEAT}")
    for key in sorted(ran.keys() & OF_RUNS):
        if ran[key] != content.get(key):
            raise ParamsError(
                f"{key} in params.yaml is not what the report was made with; {REPEAT}"
            )


def existing(file: Path) -> Path:
    """Return the path of a file of the pipeline; raise ParamsError if the file is not there."""
    if not file.is_file():
        raise ParamsError(f"{file} does not exist; {REPEAT}")
    return file


def _check(
    option: str, value: str | int, allowed: tuple[str, ...] | tuple[int, ...] | range
) -> None:
    if value not in allowed:
        raise ParamsError(f"{option} is {value!r}, allowed are {', '.join(map(str, allowed))}")
