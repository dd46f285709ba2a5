"""A finished study, as the commands see it that export from it: its settings, files and scores."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from safetensors.numpy import load_file

from stages.launch import cli
from stages.tickets import files
from stages.tickets import settings as params
from stages.tickets.export import card, provenance
from stages.tickets.export import origin as origins
from stages.tickets.pruning import masks
from stages.tickets.pruning.masks import Mask
from stages.tickets.report import rows
from stages.tickets.report import scores as scored
from stages.tickets.settings import Data, OwnData, ParamsError
from stages.tickets.tasks import task as tasks

OF_RUNS = {
    "study", "tasks", "seeds", "encoder", "data", "own", "prepare", "train", "override", "rounds", "imp",
    "search", "retrain",
}  # fmt: skip
"""Sections of params.yaml that say what masks, weights and scores are of."""
REPEAT = "did `uv run dvc repro` run to its end?"


@dataclass(frozen=True)
class Finished:
    settings: params.Study
    results: Path
    scores_file: Path

    def check(self, task: str, seed: int, number: int | None = None) -> None:
        """Raise ParamsError unless params.yaml has the task, the seed and, if one is given, the round."""
        _check("--task", task, self.settings.tasks)
        _check("--seed", seed, self.settings.seeds)
        if number is not None:
            _check("--round", number, range(1, self.settings.last_round + 1))

    def source(self, task: str) -> Data | OwnData:
        """The section of `data` or `own` of a task."""
        return self.settings.data.get(task) or self.settings.own[task]

    def max_length(self, task: str) -> int:
        """Tokens of the longest input of a task."""
        own: int | None = getattr(self.source(task), "max_length", None)
        return own or self.settings.prepare.max_length

    def round_folder(self, task: str, seed: int, number: int) -> Path:
        return self.results / "rounds" / task / f"seed-{seed}" / f"round-{number}"

    def weights(self, task: str, seed: int, name: str) -> Path:
        """`trained`, or theta_i by the name `theta-<i>`."""
        return self.results / "weights" / task / f"seed-{seed}" / f"{name}.safetensors"

    def mask_file(self, task: str, seed: int, number: int) -> Path:
        return existing(self.round_folder(task, seed, number) / "mask.safetensors")

    def mask(self, task: str, seed: int, number: int) -> Mask:
        """Of a ticket.

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

    def ticket_run(self, task: str, seed: int, number: int) -> Path:
        """Folder of what the pipeline's training of a ticket left."""
        here = f"{task}/seed-{seed}"
        if number == self.settings.last_round:
            return self.results / "runs" / "ticket" / here / "ticket"
        if number in self.settings.earlier.rounds:
            return self.results / "runs" / "earlier" / here / f"round-{number}" / "ticket"
        return self.round_folder(task, seed, number + 1) / "before"

    def kept_weights(self, task: str, seed: int, number: int) -> Path | None:
        """What `imp.keep_weights` has kept of the training of a ticket; None for nothing."""
        if number not in self.settings.imp.keep_weights:
            return None
        return existing(self.ticket_run(task, seed, number) / "weights.safetensors")

    def scores(self, task: str) -> scored.Scores:
        """All scores of the study.

        Raises:
            ParamsError: the table is missing, or has no dense score of `task`.
        """
        found = scored.Scores(rows.read(existing(self.scores_file), rows.ScoreRow))
        if not found.of(scored.Run(task, "dense")):
            raise ParamsError(f"{self.scores_file} has no dense score of {task!r}; {REPEAT}")
        return found

    def about(self) -> card.Source:
        """What cards say of the study."""
        encoder = self.settings.encoder
        origin, licence = origins.of_encoder(encoder), origins.licence_of(encoder)
        weights = load_file(existing(self.results / "encoder" / "weights.safetensors"))
        return card.Source(
            self.settings.study,
            origin.words,
            origin.on_hub,
            "pretrained" if isinstance(encoder, params.Pretrain) else encoder.pooler,
            licence.identifier,
            licence.name,
            licence.known_from,
            provenance.digest(weights),
            provenance.commit(Path()),
            provenance.versions(),
        )

    def described(self, task: str) -> card.Task:
        """What cards say of a task."""
        folder = self.results / "prepared" / task
        existing(folder / "task.json")
        prepared = tasks.load_prepared(folder)
        origin = origins.of_data(task, self.source(task))
        splits = {"train": prepared.train, **prepared.evaluated}
        return card.Task(
            task,
            prepared.task.kind,
            origin.words,
            origin.on_hub,
            {name: len(split) for name, split in splits.items()},
            files.load_record(folder / "recipe.json")["train"],
            self.max_length(task),
        )


def load(results: Path, reports: Path) -> Finished:
    """The study of params.yaml.

    Raises:
        ParamsError: params.yaml is wrong, or nothing has been made of it.
    """
    settings = params.load(cli.PARAMS)
    _check_unchanged(params.content(cli.PARAMS), cli.PARAMS.with_name("dvc.lock"))
    existing(results / "encoder" / "encoder.json")
    return Finished(settings, results, reports / settings.study / "scores.csv")


def _check_unchanged(content: Mapping[str, Any], lock: Path) -> None:
    """Raise ParamsError where the report was made with other settings than those of params.yaml.

    Weights and masks are of what ran, scores of the report, sources of params.yaml: of one study.
    Without a lock nothing can be said, as where stages ran without DVC.
    """
    if not lock.is_file():
        return
    stages = YAML(typ="safe").load(lock).get("stages", {})
    ran = stages.get("plot", {}).get("params", {}).get(cli.PARAMS.name)
    if ran is None:
        raise ParamsError(f"{lock} has no report of this study; {REPEAT}")
    for key in sorted(ran.keys() & OF_RUNS):
        if ran[key] != content.get(key):
            raise ParamsError(
                f"{key} in params.yaml is not what the report was made with; {REPEAT}"
            )


def existing(file: Path) -> Path:
    """Raise ParamsError where a file of the pipeline is not there."""
    if not file.is_file():
        raise ParamsError(f"{file} does not exist; {REPEAT}")
    return file


def _check(
    option: str, value: str | int, allowed: tuple[str, ...] | tuple[int, ...] | range
) -> None:
    if value not in allowed:
        raise ParamsError(f"{option} is {value!r}, allowed are {', '.join(map(str, allowed))}")
