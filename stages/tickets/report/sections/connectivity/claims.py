"""What Frankle et al. 2020 state of networks for images, tried on encoders that are fine-tuned.

Stable is a barrier of theirs under their threshold, which is made for accuracy, so that tasks without
accuracy are left out. Copies differ in the order of examples and in dropout, unless a statement is about
the initial classifier.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from stages.tickets.report import words
from stages.tickets.report.claim import FAILS, HOLDS, NO_EVIDENCE, Bounded, Claim, of_every
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.sections.connectivity.lines import Line
from stages.tickets.report.sections.connectivity.measured import ACCURACY
from stages.tickets.report.sections.connectivity.tables import later_minus_dense
from stages.tickets.report.sections.connectivity.tried import Tests, Tried, lacks, place
from stages.tickets.settings import Study

NUMBERS = {"dense_stable": "dense", "tickets_as_stable": "ticket"}
"""Networks whose published points of stability stand beside a statement."""


def claims(lines: Sequence[Line], results: Results, study: Study, why: str) -> Iterator[Claim]:
    """Try all statements on stability.

    Args:
        why: why there is no line at all; empty if there is one.
    """
    tasks = tuple(dict.fromkeys(line.task for line in lines))
    usable = results.usable(tasks)
    kept = [line for line in lines if line.task in usable and line.metric == ACCURACY]
    tried = Tried(kept, results, study)
    why = why or shared.nothing(tasks, results, "")
    for name, make in STATEMENTS.items():
        tests, lacking = make(tried)
        over = words.count(len(tests), "place")
        claim = results.claim(name, over, threshold=f"{study.connectivity.threshold:g}")
        claim = replace(claim, published=published(name, results))
        yield of_every(claim, tests, why or lacking)


def published(name: str, results: Results) -> str:
    """Word from where on the paper's networks are stable, if a statement is about that."""
    points = [row for row in results.published_stability if row.net == NUMBERS.get(name)]
    return ", ".join(f"{row.network} {row.unit} {row.at:,}" for row in points) or words.NONE


def dense_stable(tried: Tried) -> Tests:
    """Try that dense networks are stable at every point from theta_0 on."""
    return under(tried.orders("dense"), tried.threshold, "net dense with arm order")


def under(lines: Sequence[Line], threshold: float, what: str) -> Tests:
    """Try that the barrier of every line lies under the threshold."""
    tests = [Bounded(place(line), line.frankle, high=threshold) for line in lines if line.frankle]
    return tests, lacks(lines, what)


def unstable(net: str) -> Callable[[Tried], Tests]:
    """Make the try that copies of a network are not stable."""

    def make(tried: Tried) -> Tests:
        lines = tried.orders(net)
        tests = [
            Bounded(place(line), line.frankle, low=tried.threshold)
            for line in lines
            if line.frankle
        ]
        return tests, lacks(lines, f"net {net} with arm order")

    return make


def not_matching(net: str) -> Callable[[Tried], Tests]:
    """Make the try that copies of a control are below the dense model by more than the margin."""

    def make(tried: Tried) -> Tests:
        lines = tried.orders(net)
        tests = [
            Bounded(place(line), line.gain, high=-shared.margin(line.task, tried.results))
            for line in lines
            if line.gain
        ]
        return tests, lacks(lines, f"net {net} with arm order")

    return make


def matching_stable(tried: Tried) -> Tests:
    """Try that tickets which surely match the dense model are stable."""
    lines = tried.orders("ticket")
    matching = [line for line in lines if tried.matching(line, line.gain) == HOLDS]
    if lines and not matching:
        return [], f"{NO_EVIDENCE}: no ticket surely matches"
    return under(matching, tried.threshold, "net ticket with arm order")


def tickets_as_stable(tried: Tried) -> Tests:
    """Try that tickets have no barrier above that of dense at the same point, beyond the margin."""
    tickets, dense = tried.orders("ticket"), tried.orders("dense")
    gains = tried.minus(tickets, dense, ["point"])
    tests = [Bounded(name, gain, high=tried.margin) for name, gain in gains.items()]
    return tests, lacks(
        tickets if dense else [], "nets ticket and dense with arm order from one point"
    )


def random_less_stable(tried: Tried) -> Tests:
    """Try that random masks have a higher barrier than tickets of their size at the same point."""
    random, tickets = tried.orders("random"), tried.orders("ticket")
    gains = tried.minus(random, tickets, ["round", "point"])
    tests = [Bounded(name, gain, low=0.0) for name, gain in gains.items()]
    return tests, lacks(
        random if tickets else [], "nets random and ticket with arm order from one point"
    )


def time_left(tried: Tried) -> Tests:
    """Try that a complete schedule from a point has the barrier of the steps that were left."""
    complete = [line for line in tried.lines if (line.arm, line.steps) == ("order", "all")]
    rest = [line for line in tried.lines if line.is_order]
    gains = tried.minus(complete, rest, ["net", "round", "point"])
    tests = [Bounded(name, gain, -tried.margin, tried.margin) for name, gain in gains.items()]
    return tests, lacks(complete if rest else [], "steps all beside steps rest with arm order")


def head_above_order(tried: Tried) -> Tests:
    """Try that another classifier raises more of a barrier above the chord than another order."""
    heads = [line for line in tried.lines if line.arm == "head"]
    orders = [line for line in tried.lines if line.is_order]
    gains = tried.minus(heads, orders, ["net", "round", "point"], "chord")
    tests = [Bounded(name, gain, low=0.0) for name, gain in gains.items()]
    return tests, lacks(heads if orders else [], "arms head and order of one network")


def head_refitted(tried: Tried) -> Tests:
    """Try that no barrier above the chord is left once classifiers are fitted anew along the line."""
    heads = [line for line in tried.lines if line.arm == "head"]
    tests = [
        Bounded(place(line), refitted, high=tried.threshold)
        for line in heads
        if (refitted := line.barrier("chord", head="refit"))
    ]
    return tests, lacks(heads, "arm head")


def rounds_connected(tried: Tried) -> Tests:
    """Try that successive tickets have a barrier exactly if the later one does not match.

    Tickets that neither surely match nor surely do not are left out.
    """
    lines = [line for line in tried.lines if line.rounds and line.rounds[0] + 1 == line.rounds[1]]
    bounds = {HOLDS: (-math.inf, tried.threshold), FAILS: (tried.threshold, math.inf)}
    tests = [
        Bounded(place(line), line.chord, *bounds[word])
        for line in lines
        if line.chord
        and (word := tried.matching(line, later_minus_dense(line, tried.results))) in bounds
    ]
    if lines:
        return tests, f"{NO_EVIDENCE}: no ticket surely matches or surely does not"
    return tests, "not run: between.of.pairs has no 'rounds'"


STATEMENTS: Mapping[str, Callable[[Tried], Tests]] = {
    "dense_stable": dense_stable,
    "scratch_unstable": unstable("scratch"),
    "time_left": time_left,
    "matching_stable": matching_stable,
    "tickets_as_stable": tickets_as_stable,
    "random_unstable": unstable("random"),
    "random_not_matching": not_matching("random"),
    "random_less_stable": random_less_stable,
    "reinitialised_unstable": unstable("reinitialised"),
    "reinitialised_not_matching": not_matching("reinitialised"),
    "head_above_order": head_above_order,
    "head_refitted": head_refitted,
    "rounds_connected": rounds_connected,
}
"""How every statement of published/claims.csv on stability is tried."""
