"""What `dvc repro` has to be asked for to make a part of the report again."""

from collections.abc import Collection, Mapping

from stages.tickets.settings import Study

REPORT = "uv run dvc repro report"
TICKETS = ("prune-round", "ticket", "earlier")
SECTIONS: Mapping[str, tuple[str, ...]] = {
    "tasks": ("prepare", "prepare-own"),
    "tickets": (*TICKETS, "random", "controls"),
    "scores": (*TICKETS, "random", "scratch", "baselines"),
    "controls": ("ticket", "random", "controls"),
    "transfer": ("transfer",),
    "transfer_weights": ("transfer-weights",),
    "rewinding": ("rewind", "standard"),
    "seeds": ("cross",),
    "agreement": ("stability",),
    "layers": ("stability",),
    "movement": ("stability",),
    "hans": ("ticket", "random", "retrain", "retrain-magnitude"),
    "patterns": ("patterns",),
}
"""Stages whose outputs a section of the report shows."""
NO_RUNS = ("transfer_published", "pattern_examples")
"""Figures and tables that show nothing of this study."""
CLAIMS: Mapping[str, tuple[str, ...]] = {
    "tickets_exist": TICKETS,
    "tickets_exist_apart": TICKETS,
    "better_than": ("ticket", "random", "controls"),
    "rewinding": ("rewind",),
    "standard": ("standard",),
    "aliased": ("standard",),
    "universal": ("transfer",),
    "universal_mean": ("transfer",),
    "best_source": ("transfer",),
    "half_served": ("transfer",),
    "larger_sources": ("transfer",),
    "one_shot": ("transfer", "controls"),
    "one_shot_beside_tasks": ("transfer",),
    "several_tasks": ("multi-task", "transfer"),
    "weights": ("transfer-weights",),
    "masks_agree": ("stability",),
    "mlm_mask_differs": ("stability",),
}
"""The same of statements; all that begin with better_than_ are one."""


Config = Study


def commands(stages: Collection[str], study: Config) -> tuple[str, ...]:
    """Commands that make the outputs of stages again, in order; the last one draws the report."""
    empty = without_items(study)
    asked = [stage for stage in stages if stage not in empty]
    return (f"uv run dvc repro {' '.join(asked)}", REPORT) if asked else (REPORT,)


def stages_of_claim(name: str) -> tuple[str, ...]:
    """Names of stages that decide a claim."""
    return CLAIMS["better_than" if name.startswith("better_than_") else name]


def without_items(config: Config) -> set[str]:
    """Stages that params.yaml gives nothing to run on, so that DVC does not know their names."""
    retrain, more = config.retrain, config.controls
    lists: Mapping[str, tuple[Collection[object], ...]] = {
        "prepare": (config.data,),
        "prepare-own": (config.own,),
        "earlier": (config.earlier.rounds,),
        "random": (config.random.rounds,),
        "controls": (more.tasks, more.seeds, more.rounds),
        "scratch": (config.scratch.seeds,),
        "transfer": (config.transfer.sources, config.transfer.targets, config.transfer.seeds),
        "transfer-weights": (
            config.transfer_weights.sources,
            config.transfer_weights.targets,
            config.transfer_weights.seeds,
            config.transfer_weights.points,
        ),
        "rewind": (config.rewind.tasks, config.rewind.seeds, config.rewind.points),
        "standard": (config.standard.tasks, config.standard.seeds),
        "cross": (config.cross.tasks, config.cross.mask_seeds, config.cross.seeds),
        "multi-task": (config.multitask.seeds,),
        "search": (config.search.tasks, config.search.seeds),
        "super": (retrain.tasks,),
        "retrain": (retrain.tasks, retrain.seeds, retrain.structured),
        "retrain-super": (retrain.tasks, retrain.seeds, retrain.super),
        "retrain-magnitude": (retrain.tasks, retrain.seeds, retrain.magnitude),
        "scratch-structured": (retrain.tasks, retrain.seeds, retrain.scratch),
        "patterns": (config.patterns.tasks,),
    }
    return {stage for stage, found in lists.items() if not all(found)}
