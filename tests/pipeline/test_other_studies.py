"""Studies of other settings: answers on HANS, rewound weights, rounds that depart from the default."""

from dataclasses import fields
from pathlib import Path

import pandas as pd
import pytest
from safetensors.numpy import load_file

from stages.launch import inputs
from stages.tickets import files
from stages.tickets.report import rows as rows_of
from stages.tickets.tasks import task as tasks
from stages.tickets.training import subnetwork as subnetworks
from tests.pipeline import BASE
from tests.pipeline.study import (
    NO_CONTROLS,
    STUDY,
    TICKETS_ALONE,
    assert_predictions,
    run_all,
    ticket,
)

# --- answers on HANS -------------------------------------------------------------------------

ON_HANS = STUDY | {
    "tasks": ["entailment", "mood"],
    "seeds": [1],
    "data": {
        "entailment": BASE["data"]["entailment"]
        | {"train": 30, "validation": 20, "hans": {"per_subcase": 2}}
    },
    "override": {"entailment": {}, "mood": {}},
    "imp": STUDY["imp"] | {"keep_weights": []},
    "rewind": STUDY["rewind"] | {"tasks": ["entailment"]},
    "random": {"rounds": [2]},
    **NO_CONTROLS,
    "scratch": {"tasks": ["entailment", "mood"], "seeds": [1]},
    "transfer": {"sources": ["mood"], "targets": ["entailment"], "seeds": [1], "round": 1},
    "search": STUDY["search"] | {"tasks": ["entailment"], "seeds": [1]},
    "retrain": {
        "tasks": ["entailment"],
        "seeds": [1],
        "structured": ["good"],
        "magnitude": ["bad"],
        "scratch": ["random"],
    },
    "patterns": BASE["patterns"],
}


@pytest.mark.usefixtures("on_the_cpu")
def test_every_run_of_a_task_with_hans_answers_it(tmp_path: Path) -> None:
    project = run_all(tmp_path / "hans", ON_HANS)
    folder = project / "results" / "prepared" / "entailment"
    cases = pd.read_csv(folder / "hans.csv")
    prepared = tasks.load_prepared(folder)
    assert list(prepared.evaluated) == ["selection", "validation", "hans"]
    labels = prepared.evaluated["hans"].labels
    assert [subcase[1] == "n" for subcase in cases["subcase"]] == [bool(x) for x in labels]
    assert not (project / "results" / "prepared" / "mood" / "hans.csv").exists()

    table = pd.read_csv(project / "reports" / "tiny" / "hans.csv", keep_default_na=False)
    num_subcases = cases["subcase"].nunique()
    assert table.groupby(["task", "kind"]).size().to_dict() == {
        ("entailment", kind): runs * num_subcases
        for kind, runs in {
            "dense": 1, "imp": 2, "random": 1, "scratch": 1, "rewind": 2, "transfer": 1,
            "scratch_structured": 1,
            "pruned": 2, "retrained": 2, "majority": 1, "bag_of_words": 1, "word_vectors": 1,
        }.items()
    }  # fmt: skip
    assert set(table["num_examples"]) == {2}
    run = project / "results" / "runs" / "magnitude" / "entailment" / "seed-1" / "bad" / "retrained"
    logits = files.load_arrays(run / "predictions.safetensors")["hans.logits"]
    right = (logits.argmax(-1) == 0) == (labels == 0)
    rows = table.query("kind == 'retrained' and source == 'magnitude bad'")
    assert rows.set_index("subcase")["accuracy"].to_dict() == pytest.approx(
        pd.Series(right).groupby(cases["subcase"]).mean().to_dict()
    )

    scored = pd.read_csv(project / "reports" / "tiny" / "scores.csv")
    assert set(scored["split"]) == {"selection", "validation"}
    page = (project / "reports" / "tiny" / "index.html").read_text(encoding="utf-8")
    assert "No evidence: the dense model of" in page
    assert "from the miniature language" in page


def test_hans_has_a_header_alone_where_no_task_has_it(project: Path) -> None:
    table = pd.read_csv(project / "reports" / "tiny" / "hans.csv")
    assert list(table.columns) == [field.name for field in fields(rows_of.HansScore)]
    assert table.empty
    page = (project / "reports" / "tiny" / "index.html").read_text(encoding="utf-8")
    assert "Not run: no task has `hans` in params.yaml." in page


# --- from rewound weights --------------------------------------------------------------------

REWOUND = STUDY | {
    **TICKETS_ALONE,
    "tasks": ["mood", "similarity"],
    "seeds": [1],
    "data": {"similarity": STUDY["data"]["similarity"]},
    "override": {"mood": {}, "similarity": {}},
    "imp": STUDY["imp"] | {"rewind_to": 50, "keep_weights": []},
    "rewind": STUDY["rewind"] | {"points": [0]},
    "random": {"rounds": [2]},
    "transfer": {"sources": ["mood"], "targets": ["similarity"], "seeds": [1], "round": 1},
}


@pytest.mark.usefixtures("on_the_cpu")
def test_all_that_starts_from_rewound_weights_takes_the_steps_that_are_left(tmp_path: Path) -> None:
    """Two epochs of 24 examples in batches of 8 are 6 steps."""
    results = run_all(tmp_path / "rewound", REWOUND) / "results"
    expected = {"runs/transfer/mood/similarity/seed-1": 3}
    for task in REWOUND["tasks"]:
        expected |= {
            f"runs/dense/{task}/seed-1": 6,
            f"rounds/{task}/seed-1/round-2/before": 3,
            f"runs/ticket/{task}/seed-1/random/round-2": 3,
            f"runs/rewind/{task}/seed-1/point-0": 6,
            f"runs/ticket/{task}/seed-1/ticket": 3,
        }
    assert {
        path.parent.relative_to(results).as_posix(): len(files.load_record(path)["losses"])
        for part in ("runs", "rounds")
        for path in (results / part).rglob("history.json")
    } == expected


# --- where rounds depart from the default -----------------------------------------------------

DEPARTED = STUDY | {
    **TICKETS_ALONE,
    "tasks": ["mood", "mlm"],
    "seeds": [1],
    "data": {"mlm": STUDY["data"]["mlm"]},
    "override": {"mood": {}, "mlm": {}},
    "imp": {"rewind_to": 0, "keep_weights": [], "decay_over": 2, "classifier": "carried"},
    "earlier": {"rounds": [1]},
    "rewind": STUDY["rewind"] | {"tasks": ["mood"], "source": "sparse"},
    "random": {"rounds": [2]},
    "transfer": {"sources": ["mlm"], "targets": ["mlm"], "seeds": [1], "round": 1},
}


@pytest.mark.usefixtures("on_the_cpu")
def test_departures_of_rounds_do_what_their_names_say(tmp_path: Path) -> None:
    """A schedule over all rounds, a classifier that is carried, theta_i of the sparse training."""
    project = run_all(tmp_path / "departed", DEPARTED)
    results = project / "results"
    for task in DEPARTED["tasks"]:
        rounds, here = results / "rounds" / task / "seed-1", f"{task}/seed-1"
        heads = [load_file(rounds / f"round-{k}" / "classifier.safetensors") for k in (1, 2)]
        assert heads[0].keys() == heads[1].keys()
        assert not any("encoder" in name for name in heads[0])
        trained = load_file(results / "weights" / here / "trained.safetensors")
        assert any((heads[0][name] != trained[name]).any() for name in heads[0])  # another schedule

        losses = {
            name: files.load_record(folder / "history.json")["losses"]
            for name, folder in {
                "dense": results / "runs" / "dense" / here,
                "round 0": rounds / "round-1" / "before",
                "round 1": rounds / "round-2" / "before",
                "ticket 1": results / "runs" / "earlier" / here / "round-1" / "ticket",
            }.items()
        }
        assert losses["dense"][0] == losses["round 0"][0]  # from the same weights,
        assert losses["dense"][3:] != losses["round 0"][3:]  # at another rate
        assert losses["round 1"][0] != losses["ticket 1"][0]  # whose classifier is rewound

    table = pd.read_csv(project / "reports" / "tiny" / "scores.csv")
    shown = table.query("kind == 'imp' and round == 1 and task == 'mood' and split == 'validation'")
    folder = results / "runs" / "earlier" / "mood" / "seed-1" / "round-1" / "ticket"
    logits = files.load_arrays(folder / "predictions.safetensors")["validation.logits"]
    labels = tasks.load_prepared(results / "prepared" / "mood").evaluated["validation"].labels
    accuracy = float((logits.argmax(-1) == labels).mean())
    assert shown.set_index("metric")["score"]["accuracy"] == pytest.approx(accuracy, abs=1e-5)
    loaded = inputs.load("mood", 1, results / "encoder", results / "prepared" / "mood")
    mask = ticket(project, "mood", 1, 2)
    model = loaded.model(results / "weights" / "mood" / "seed-1" / "theta-0.safetensors")
    subnetworks.to_sparse_theta_(
        model, loaded.encoder, loaded.prepared, mask, loaded.noise, loaded.recipe, 50
    )
    expected = loaded.train(model, mask, 50).predictions
    assert_predictions(results / "runs" / "rewind" / "mood" / "seed-1" / "point-50", expected)
