"""The runs of a study: by hand on a small pipeline, and those of the studies that are here."""

from typing import Any

import pytest

from stages.tickets.plan import manifest as manifests
from stages.tickets.plan.declared import entries, manifest_of
from stages.tickets.plan.manifest import Maker, Run
from stages.tickets.plan.stages import expand
from stages.tickets.settings import ParamsError
from tests.pipeline import STUDIES, manifest, read

STUDY = {
    "tasks": ["b", "a"],
    "seeds": [2, 1],
    "rounds": [{"from": 0, "to": 1, "sparsity": 0.5}, {"from": 1, "to": 2, "sparsity": 0.75}],
    "controls": {"kinds": ["random", "shuffled"], "tasks": []},
    "cross": {"seeds": [1, 2]},
    "none": [],
}
OF_ALL = {"task": "${item.task}", "seed": "${item.seed}"}
MATRIX = {"task": "${tasks}", "seed": "${seeds}"}
STAGES: dict[str, dict[str, Any]] = {
    "cross": {
        "matrix": {"seed": "${cross.seeds}", "other": "${seeds}"},
        "meta": {
            "task": "a",
            "seed": "${item.seed}",
            "runs": [
                {
                    "kind": "cross",
                    "round": 1,
                    "source": "${item.other}",
                    "own": ["${item.seed}", "${item.other}"],
                    "folder": "cross/${item.seed}-${item.other}",
                }
            ],
        },
    },
    "dense": {
        "matrix": MATRIX,
        "meta": OF_ALL
        | {
            "runs": [{"kind": "dense", "round": 0, "folder": "dense/${item.task}/${item.seed}"}],
            "weights": [{"folder": "weights/${item.task}/${item.seed}"}],
        },
    },
    "prune": {
        "matrix": {**MATRIX, "after": "${rounds}"},
        "meta": OF_ALL
        | {
            "runs": [
                {
                    "kind": "imp",
                    "round": "${item.after.from}",
                    "but": [0, "none"],
                    "folder": "imp/${item.task}/${item.seed}/${item.after.from}",
                }
            ]
        },
    },
    "controls": {
        "matrix": MATRIX,
        "meta": OF_ALL
        | {
            "round": 1,
            "runs": [
                {
                    "kind": "control",
                    "source": "{each}",
                    "each": "controls.kinds",
                    "folder": "controls/{each}/${item.task}/${item.seed}",
                },
                {"kind": "rewind", "point": 0, "folder": "ticket"},
            ],
        },
    },
    "rare": {
        "matrix": {"task": "${controls.tasks}"},
        "meta": {"runs": [{"kind": "{each}", "each": ["early", "late"], "folder": "rare/{each}"}]},
    },
    "never": {"meta": {"runs": [{"kind": "idle", "each": "none", "folder": "idle/{each}"}]}},
}
FILE = "pipeline/x/dvc.yaml"
FILES = {FILE: {"stages": {name: {"cmd": "run", **body} for name, body in STAGES.items()}}}


@pytest.fixture
def known():
    return manifest_of(expand(FILES, STUDY, {}), FILES, STUDY)


def test_runs_lie_together_by_task_and_seed_with_tickets_before_controls(known):
    kinds = ("dense", "imp", "random", "control", "rewind")
    expected = [(task, seed, kind) for task in "ba" for seed in (2, 1) for kind in kinds]
    assert [(run.task, run.seed, run.kind) for run in known.runs[:20]] == expected
    assert {run.kind for run in known.runs[20:]} == {"cross"}


def test_a_run_that_says_so_and_one_with_its_own_noise_are_the_ticket(known):
    ticket = known.run("imp", task="a", seed=2)
    assert ticket == Run("imp/a/2/1", "a", "imp", 2, 1, None, None, 0.5)
    assert known.run("rewind", task="a", seed=2).folder == ticket.folder
    crossed = {(run.seed, run.source): run.folder for run in known.runs if run.kind == "cross"}
    assert crossed == {
        (1, "2"): "cross/1-2",
        (1, "1"): "imp/a/1/1",
        (2, "2"): "imp/a/2/1",
        (2, "1"): "cross/2-1",
    }


def test_a_control_is_one_per_item_and_the_random_mask_has_its_own_kind(known):
    assert known.run("random", task="b", seed=1).folder == "controls/random/b/1"
    shuffled = known.run("control", task="b", seed=1)
    assert (shuffled.source, shuffled.folder) == ("shuffled", "controls/shuffled/b/1")


def test_what_a_study_has_not_is_an_error_and_has_a_reason(known):
    with pytest.raises(
        LookupError, match="the study has 0 entries for the run of kind 'imp' with task c"
    ):
        known.run("imp", task="c")
    with pytest.raises(LookupError, match="has 2 entries for the entry of weights with task a"):
        known.place("weights", task="a")
    assert str(known.place("weights", task="a", seed=1)) == "weights/a/1"
    assert (known.empty("early"), known.empty("idle")) == (("controls.tasks",), ("none",))
    assert known.empty("imp") == ()
    assert known.makers["rare"] == Maker(
        f"{FILE}:rare", {kind: ["controls.tasks"] for kind in ("early", "late")}, ["controls.tasks"]
    )
    assert known.makers["dense"].address == f"{FILE}:dense"


def test_coordinates_of_a_stage_are_those_of_all_its_entries_and_numbers_are_numbers():
    meta = {"seed": 3, "runs": [{"round": "{each[to]}", "each": "rounds", "folder": "r{each[to]}"}]}
    assert list(entries(meta, "runs", STUDY)) == [
        {"seed": 3, "round": 1, "folder": "r1"},
        {"seed": 3, "round": 2, "folder": "r2"},
    ]
    assert list(entries(meta, "weights", STUDY)) == []


def test_a_size_in_a_file_stands_for_the_sparsity():
    files = {"dvc.yaml": {"stages": {"one": {"cmd": "run", "meta": {
        "task": "a", "seed": 1, "round": 0,
        "runs": [
            {"kind": "x", "size": "x.json", "folder": "x"},
            {"kind": "y", "sparsity": 0.25, "folder": "y"},
            {"kind": "z", "folder": "z"},
        ],
    }}}}}  # fmt: skip
    known = manifest_of(expand(files, STUDY, {}), files, STUDY)
    assert [(run.sparsity, run.size) for run in known.runs] == [
        (None, "x.json"), (0.25, None), (0.0, None),
    ]  # fmt: skip


def test_a_ticket_that_no_stage_trains_is_an_error():
    files = {FILE: {"stages": {"controls": FILES[FILE]["stages"]["controls"]}}}
    with pytest.raises(ParamsError, match="ticket of b, seed 2, round 1, which no stage trains"):
        manifest_of(expand(files, STUDY, {}), files, STUDY)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"folder": None, "foldr": "x"}, "a run of its meta lacks the key 'folder'"),
        ({"kinds": "x"}, "has the unknown key 'kinds', allowed are task, kind"),
    ],
)
def test_a_wrong_key_of_a_run_is_named_with_its_stage(change, message):
    runs = [{"kind": "new", "round": 1, "folder": "new/${item.task}"} | change]
    runs = [{key: item for key, item in run.items() if item is not None} for run in runs]
    stage = {"cmd": "run", "matrix": MATRIX, "meta": OF_ALL | {"runs": runs}}
    files = {FILE: {"stages": {"new": stage}}}
    with pytest.raises(ParamsError, match=f"^pipeline/x/dvc.yaml:new@b-2: .*{message}"):
        manifest_of(expand(files, STUDY, {}), files, STUDY)


def test_two_stages_of_one_name_are_refused():
    files = {name: {"stages": {"same": {"cmd": "run"}}} for name in ("dvc.yaml", FILE)}
    with pytest.raises(ParamsError, match="has the stage 'same'"):
        manifest_of([], files, STUDY)


def searching(script: str, **coordinates: str) -> dict[str, Any]:
    """A stage for the task a that lists the folder of a search."""
    meta = {"task": "a", "searches": [{**coordinates, "folder": script}]}
    return {"cmd": f"python -m stages {script} --out x", "meta": meta}


@pytest.mark.parametrize(
    ("first", "second", "clash"),
    [
        (searching("search", seed="1"), searching("learn"), True),
        (searching("search"), searching("learn", seed="1"), True),
        (searching("search", source="own"), searching("learn", source="lent"), False),
        (
            searching("search"),
            searching("search"),
            False,
        ),  # barriers of copies and of stored networks
    ],
)
def test_places_of_one_name_by_two_scripts_are_told_apart(first, second, clash):
    files = {"dvc.yaml": {"stages": {"first": first}}, FILE: {"stages": {"second": second}}}
    stages = expand(files, STUDY, {})
    if not clash:
        assert len(manifest_of(stages, files, STUDY).places["searches"]) == 2
        return
    with pytest.raises(
        ParamsError, match=r"(first|second) and .* both have a list 'searches'.*'a'"
    ):
        manifest_of(stages, files, STUDY)


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_a_manifest_is_read_as_it_was_written(path, tmp_path):
    known = manifest(read(path))
    manifests.save(known, tmp_path / "results" / "manifest.json")
    assert manifests.load(tmp_path / "results" / "manifest.json") == known


def test_every_ticket_of_the_miniature_has_a_run_a_mask_and_weights():
    study = read(STUDIES[0])
    known = manifest(study)
    for task in study["tasks"]:
        for seed in study["seeds"]:
            tickets = [known.run("imp", task=task, seed=seed, round=number) for number in (1, 2)]
            assert [run.sparsity for run in tickets] == [0.6, 0.8]
            assert known.mask(task, seed, 2).parts[-3:] == (
                f"seed-{seed}",
                "round-2",
                "mask.safetensors",
            )
            assert known.place("weights", task=task, seed=seed).parts[-2] == task


@pytest.mark.parametrize(
    ("lists", "reasons"),
    [
        (["none", "seeds"], ()),
        (["seeds", "none"], ()),
        (["none", "controls.tasks"], ("none", "controls.tasks")),
    ],
)
def test_a_kind_of_two_lists_is_missing_only_if_both_are_empty(lists, reasons):
    runs = [{"kind": "split", "each": key, "folder": "split/{each}"} for key in lists]
    files = {FILE: {"stages": {"split": {"meta": {"runs": runs}}}}}
    assert manifest_of((), files, STUDY).empty("split") == reasons
