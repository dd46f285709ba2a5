"""A study that takes seconds, and every stage of it run end to end with the commands of dvc.yaml."""

import csv
import hashlib
import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from stages.launch import cli, warm
from stages.tickets import files
from stages.tickets.pruning.masks import Mask
from stages.tickets.settings.searches import Variant
from tests.imports import ROOT
from tests.pipeline import BASE, Stage, resolve

TRAIN = BASE["train"] | {"epochs": 2, "batch_size": 8}
CONTROLS = ["random-2", "random-by-matrix", "reinitialised", "shuffled-layers", "one-shot"]
STUDY: dict[str, Any] = BASE | {
    "study": "tiny",
    "banner": "This is not evidence.",
    "tasks": ["mood", "similarity", "mlm"],
    "seeds": [1, 2],
    "encoder": BASE["encoder"]
    | {"sentences": 100, "layers": 2, "attention_heads": 2, "hidden": 16, "mlp": 32}
    | {"train": BASE["encoder"]["train"] | {"epochs": 1, "batch_size": 16}},
    "data": {
        name: {"source": "miniature", "train": 30, "validation": 20, "seed": 0}
        for name in ("similarity", "mlm")
    },
    "own": {
        "mood": {
            "train": "train.csv",
            "validation": "validation.csv",
            "texts": ["text"],
            "label": "label",
            "kind": "classification",
            "metrics": ["accuracy", "f1"],
        }
    },
    "prepare": BASE["prepare"] | {"selection": 0.2},
    "train": TRAIN,
    "override": {"mood": {}, "similarity": {"epochs": 1}, "mlm": {"learning_rate": 2e-3}},
    "rounds": [{"from": 0, "to": 1, "sparsity": 0.4}, {"from": 1, "to": 2, "sparsity": 0.75}],
    "last_round": 2,
    "imp": {"rewind_to": 0, "keep_weights": [1], "decay_over": 1, "classifier": "rewound"},
    "earlier": {"rounds": []},
    "dense": {"points": [0, 50]},
    "rewind": {"tasks": ["mood", "similarity"], "seeds": [1], "points": [50], "source": "dense"},
    "random": {"rounds": [1, 2]},
    "controls": {
        "more": {"kinds": CONTROLS},
        "tasks": ["mood", "mlm"],
        "seeds": [1],
        "rounds": [1, 2],
    },
    "standard": {"tasks": ["mood", "mlm"], "seeds": [1], "aliased": {"rounds": [2]}},
    "cross": {"tasks": ["mood"], "mask_seeds": [1, 2], "seeds": [1]},
    "scratch": {"tasks": ["mood", "similarity", "mlm"], "seeds": [1]},
    "transfer": {
        "sources": ["mood", "mlm", "one-shot"],
        "targets": ["mood", "similarity"],
        "seeds": [1],
        "round": 1,
    },
    "transfer_weights": {"sources": ["mlm"], "targets": ["mood"], "seeds": [1], "points": [0, 50]},
    "distil": {
        "tasks": ["mood", "similarity"],
        "seeds": [2],
        "methods": ["regression", "means", "herding", "random", "noise"],
        "set": BASE["distil"]["set"] | {"per_class": 5, "encoders": [0, 50, "trained"], "steps": 4},
        "masks": {"steps": 3, "rounds": [2]},
        "copies": {"methods": ["regression"], "rounds": [2], "arms": ["order"]},
    },
    "search": {
        "tasks": ["mood", "similarity"],
        "seeds": [1, 2],
        "rule": BASE["search"]["rule"] | {"variants": [*get_args(Variant)], "amount": 0.3},
        "permutations": 10,
    },
    "retrain": {
        "tasks": ["mood"],
        "seeds": [1, 2],
        "structured": ["good", "random", "bad", "random-2", "inverted", "one-head"],
        "magnitude": ["good", "random", "bad"],
        "scratch": ["random"],
    },
    "retrain_super": {
        "tasks": ["mood"],
        "seeds": [1, 2],
        "subnetworks": ["super", "super-random", "super-bad"],
    },
    "multitask": {"tasks": ["mood", "mlm"], "seeds": [1]},
    "patterns": {
        "tasks": ["mood", "similarity"],
        "network": BASE["patterns"]["network"]
        | {"seeds": [1, 2], "maps": 10, "lengths": [5, 24], "size": 32, "epochs": 1}
        | {"batch_size": 32, "learning_rate": 3e-3, "held_out": 10},
        "examples": {"split": "validation", "number": 5},
    },
    "connectivity": BASE["connectivity"]
    | {
        "tasks": ["mood", "similarity"],
        "seeds": [1],
        "starts": [
            {"net": "dense", "round": 0, "point": 0, "arm": "head", "steps": "rest"},
            {"net": "ticket", "round": 2, "point": 50, "arm": "order", "steps": "all"},
            {"net": "ticket", "round": 2, "point": 0, "arm": "order", "steps": "rest"},
        ],
        "path": {"grid": 3, "train_sample": 20},
    },
    "between": {
        "tasks": ["mood"],
        "of": {"seeds": [1, 2], "pairs": ["seeds", "rounds"], "meet": ["union", "intersection"]},
        "files": [],
    },
}
OPTIONAL = (
    "controls", "standard", "cross", "multitask", "transfer_weights", "distil", "retrain_super",
    "connectivity", "between",
)  # fmt: skip
NO_CONTROLS = {key: BASE[key] for key in OPTIONAL}
"""No control but random masks, no super-survivors, and no copies."""
MORE = ("rewind", "random", "scratch", "transfer", "search", "retrain", "patterns")
TICKETS_ALONE = NO_CONTROLS | {key: BASE[key] for key in MORE}
"""Every experiment switched off."""
SPARSITY = {after["to"]: after["sparsity"] for after in STUDY["rounds"]}
RUNS = [(task, seed) for task in STUDY["tasks"] for seed in STUDY["seeds"]]


NAMES = [
    f"encoder.layer.{layer}.{matrix}.weight"
    for layer in range(2)
    for matrix in ("attention.self.query", "intermediate.dense", "output.dense")
]


def write_study(folder: Path, study: dict[str, Any]) -> None:
    """params.yaml (JSON is YAML), and the tables of the task of one's own."""
    (folder / "params.yaml").write_text(json.dumps(study), encoding="utf-8")
    for name, number in {"train": 30, "validation": 15}.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["text", "label"])
            for i in range(number):
                word, label = ("good", "happy") if i % 3 else ("bad", "sad")
                writer.writerow([f"the dog is {word} {'today ' * (i % 4)}".strip(), label])


def stages(study: dict[str, Any] = STUDY) -> list[Stage]:
    return resolve(study)


def run(module: str, *arguments: str) -> int:
    """The exit code of a stage or a command, run in this process with this command line."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [f"{module}.py", *arguments])
        script = importlib.import_module(warm.modules()[module])
        with pytest.raises(SystemExit) as end:
            cli.run(getattr(script, "app", None) or script.main)
    return int(end.value.code or 0)


def run_all(
    folder: Path,
    study: dict[str, Any] = STUDY,
    is_wanted: Callable[[Stage], bool] = lambda _: True,
) -> Path:
    """Run the wanted stages of a study in this process, in a folder that is made if it is new."""
    if not folder.exists():
        folder.mkdir()
        for part in ("stages", "published", "pipeline", "dvc.yaml", ".dvc"):
            (folder / part).symlink_to(ROOT / part)
        write_study(folder, study)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for stage in filter(is_wanted, stages(study)):
            assert run(stage.script, *stage.arguments) == 0, stage.name
    return folder


def contents(folder: Path) -> dict[str, str]:
    """The hash of every file that stages have made."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for part in ("results", "reports")
        for path in sorted((folder / part).rglob("*"))
        if path.is_file()
    }


def ticket(project: Path, task: str, seed: int, number: int) -> Mask:
    folder = project / "results" / "rounds" / task / f"seed-{seed}" / f"round-{number}"
    return files.load_mask(folder / "mask.safetensors")


def options(name: str) -> dict[str, Any]:
    """Of a stage whose options come once each."""
    stage = next(stage for stage in stages() if stage.name == name)
    return dict(zip(stage.arguments[::2], stage.arguments[1::2], strict=True))


def assert_predictions(folder: Path, expected: files.Arrays) -> None:
    found = files.load_arrays(folder / "predictions.safetensors")
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)
