"""What Zhang, Colbert and Das 2022 and their earlier paper state, as far as an encoder decides it."""

import math
from collections.abc import Iterator, Sequence

from stages.tickets.report import words
from stages.tickets.report.claim import Bounded, Claim, of_every
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run
from stages.tickets.report.sections.quantized.measured import (
    CALIBRATED,
    KIND,
    PRUNED,
    TRAINED,
    run_of,
)
from stages.tickets.settings import Study

FIRST = "prune-first"


def claims(results: Results, study: Study) -> Iterator[Claim]:
    """Decide the five statements."""
    of, tasks = study.quantized, results.usable(study.quantized.tasks)
    close = study.verdict.close
    near = [
        test
        for task in tasks
        for arm in _of_bits(of.pruned.arms, "w8a8")
        for sparsity in of.pruned.sparsities
        if sparsity <= 0.5
        for test in _compared(
            f"{task}, {arm.upper()}, {words.percent(sparsity)}",
            run_of(task, arm, FIRST, sparsity),
            Run(task, "dense"),
            -close * shared.margin(task, results),
            results,
        )
    ]
    yield _decided("quantized_near", near, PRUNED, "w8a8 that loses half or less", results)
    trained = [
        test
        for task in tasks
        for arm in of.arms
        if arm not in (*_of_bits(of.arms, "w8a8"), *_of_bits(of.arms, "w32a32"))
        for test in _compared(
            f"{task}, {arm.upper()}",
            run_of(task, arm, TRAINED),
            run_of(task, arm, CALIBRATED),
            0.0,
            results,
        )
    ]
    yield _decided("quantized_trained", trained, KIND, "arm with fewer than 8 bits", results)
    half = [
        test
        for task in tasks
        for eight, four in _pairs(of.pruned.arms, of.arms)
        for test in _compared(
            f"{task}, {eight.upper()} and {four.upper()}",
            run_of(task, eight, FIRST, 0.5),
            run_of(task, four, TRAINED),
            -shared.margin(task, results),
            results,
        )
    ]
    lacks = "w8a8 that loses half beside a w4a4 with the same embeddings"
    yield _decided("quantized_half", half, PRUNED, lacks, results)
    for name, order, other in (
        ("quantized_prune_first", FIRST, "quantize-first"),
        ("quantized_jointly", "jointly", FIRST),
    ):
        tests = [
            test
            for task in tasks
            for arm in of.pruned.arms
            for sparsity in of.pruned.sparsities
            for test in _compared(
                f"{task}, {arm.upper()}, {words.percent(sparsity)}",
                run_of(task, arm, order, sparsity),
                run_of(task, arm, other, sparsity),
                -shared.margin(task, results),
                results,
            )
        ]
        yield _decided(name, tests, PRUNED, f"{order} beside {other}", results)


def _of_bits(arms: Sequence[str], start: str) -> list[str]:
    """Return the arms with some bits of weights and activations, whatever embeddings have."""
    return [arm for arm in arms if arm.partition("e")[0] == start]


def _pairs(pruned: Sequence[str], complete: Sequence[str]) -> list[tuple[str, str]]:
    """Return arms of 8 and of 4 bits with the same embeddings; half of the first is as large."""
    eights = _of_bits(pruned, "w8a8")
    return [(arm, four) for arm in eights if (four := arm.replace("w8a8", "w4a4")) in complete]


def _compared(of: str, first: Run, second: Run, low: float, results: Results) -> Iterator[Bounded]:
    """Yield the test that a run minus another is above `low`, if both ran."""
    if gain := results.compare(first, second):
        yield Bounded(of, gain, low, math.inf)


def _decided(name: str, tests: Sequence[Bounded], kind: str, lacks: str, results: Results) -> Claim:
    """Decide a statement; without a test say why nothing of a kind ran, or what the study lacks."""
    count, close = words.count(len(tests), "model"), f"{results.study.verdict.close:g}"
    has = results.scores.has(kind)
    why = f"not run: quantized in params.yaml has no {lacks}" if has else results.not_run(kind)
    tasks = results.study.quantized.tasks
    return of_every(
        results.claim(name, count, close=close), tests, shared.nothing(tasks, results, why)
    )
