"""What Yang, He and Fan 2020 state of a clipped penalty, tried on tasks in place of images."""

from collections.abc import Iterator, Mapping, Sequence

from stages.tickets.report import words
from stages.tickets.report.claim import Bounded, Claim, of_every
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run
from stages.tickets.report.sections.ternary import arms, course
from stages.tickets.report.sections.ternary.arms import CLIPPED, LASSO, PLAIN, PRUNED
from stages.tickets.report.sections.ternary.course import Point
from stages.tickets.settings import Study
from stages.tickets.statistics import intervals
from stages.tickets.statistics.intervals import Seed


def claims(points: Sequence[Point], results: Results, study: Study) -> Iterator[Claim]:
    """Decide the five statements, of the models with the most dropped blocks."""
    asked = study.ternary
    places = [(task, blocks) for task in results.usable(asked.tasks) for blocks in asked.blocks]
    most = max(asked.sparsities, default=0)

    def beside(other: str, reach: float) -> list[Bounded]:
        tests = []
        for task, blocks in places:
            run = arms.run_of(task, CLIPPED, blocks, most)
            dense = Run(task, "dense")
            second = dense if other == "dense" else arms.run_of(task, other, blocks, most)
            if gain := results.compare(run, second):
                low = -reach * shared.margin(task, results)
                tests.append(Bounded(f"{task}, {blocks}", gain, low=low))
        return tests

    def decide(name: str, tests: Sequence[Bounded]) -> Claim:
        claim = results.claim(name, words.count(len(tests), "test"))
        why = results.not_run("ternary")
        return of_every(claim, tests, shared.nothing(asked.tasks, results, why))

    yield decide("ternary_beside_lasso", beside(LASSO, 1.0))
    yield decide("ternary_beside_pruned", beside(PRUNED, 1.0))
    yield decide("ternary_close", beside("dense", study.verdict.close))
    yield decide("ternary_moves_less", [*_moves(points, places, study)])
    yield decide("ternary_stays", [*_stays(points, places, study)])


def _moves(
    points: Sequence[Point], places: Sequence[tuple[str, str]], study: Study
) -> Iterator[Bounded]:
    """Compare how far the two penalties move scales from where they are without a penalty."""
    scales = course.at_freeze(points, "scale")
    for place in places:
        plain = scales.get((*place, PLAIN), {})
        clipped, lasso = (
            _distance(scales.get((*place, arm), {}), plain) for arm in (CLIPPED, LASSO)
        )
        if gain := intervals.compare(clipped, lasso, study.tickets.confidence):
            yield Bounded(", ".join(place), gain, high=0.0)


def _distance(first: Mapping[Seed, float], second: Mapping[Seed, float]) -> dict[Seed, float]:
    return {seed: abs(first[seed] - second[seed]) for seed in first if seed in second}


def _stays(
    points: Sequence[Point], places: Sequence[tuple[str, str]], study: Study
) -> Iterator[Bounded]:
    """Compare scales and largest weights of the clipped penalty with those without a penalty."""
    reach = study.verdict.margins.share
    for name in ("scale", "largest"):
        known = course.at_freeze(points, name)
        for place in places:
            first, second = (known.get((*place, arm), {}) for arm in (CLIPPED, PLAIN))
            if gain := intervals.compare(first, second, study.tickets.confidence):
                yield Bounded(f"{', '.join(place)}: {name}", gain, -reach, reach)
