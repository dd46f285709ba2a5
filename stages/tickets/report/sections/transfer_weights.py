"""Do masks transfer better with the source's weights than on theta_0?"""

from itertools import product

from stages.tickets.report import columns, names, table, words
from stages.tickets.report.claim import Bounded, Claim, of_every
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run
from stages.tickets.report.section import Section
from stages.tickets.report.table import Row, Table
from stages.tickets.settings import Study

COLUMNS = (
    columns.named("source", "source"),
    columns.named("target", "target"),
    columns.named("i, %", "point"),
    columns.score("on theta_i", "score", "collapsed", ""),
    columns.score("on theta_0", "theta_0", "theta_0_collapsed", "theta_0_"),
    columns.difference("change", "change", "change_"),
    columns.count("change"),
    columns.value("collapsed"),
)


def section(results: Results, study: Study) -> Section:
    """Show the source's mask on weights that its training has moved, minus that on theta_0."""
    return Section(
        "transfer_weights",
        "Do masks transfer better with the source's weights?",
        "Does a mask serve another task better on weights that the source's training has moved "
        "than on theta_0?",
        "Chen et al. 2020, Figure 3 (Figure 4 of the first version).",
        answer(results, study),
        stages=("transfer-weights",),
        tables=(weights_table(results, study),),
        claims=(as_well_on_theta_0(results, study),),
    )


def runs(source: str, target: str, point: int, study: Study) -> tuple[Run, Run]:
    """Name the source's mask on the source's weights at a point of its training, and on theta_0."""
    plain = Run(target, "transfer", study.transfer.round, source)
    return Run(target, "transfer_weights", point, source), plain


def answer(results: Results, study: Study) -> str:
    """Give the least and the greatest change at every point."""
    asked, parts = study.transfer_weights, []
    for point in asked.points:
        gains = [
            gain.mean
            for source, target in product(*map(results.usable, (asked.sources, asked.targets)))
            if (gain := results.compare(*runs(source, target, point, study)))
        ]
        if gains:
            pairs = words.count(len(gains), "pair")
            parts.append(f"{words.ends(gains, words.signed)} from i = {point} % ({pairs})")
    if not parts:
        return words.sentence(why_none(results, study))
    text = f"Change against theta_0 in points, by pair of tasks: {'; '.join(parts)}."
    return shared.naming(text, results)


def weights_table(results: Results, study: Study) -> Table:
    """List the source's mask on the source's weights at several points, beside theta_0."""
    sparsity = names.sparsities(study)[study.transfer.round]
    caption = (
        f"The mask of the source, {words.percent(sparsity)} sparse, trained on the target from the "
        "weights of the source at i % of its dense training (theta_i), and from where transfer starts "
        f"(theta_0: i = {study.imp.rewind_to} % of the target's)."
    )
    asked, scores = study.transfer_weights, results.scores
    rows = []
    for source, target, point in product(asked.sources, asked.targets, asked.points):
        moved, plain = runs(source, target, point, study)
        row = Row(source=source, target=target, point=point, change=results.compare(moved, plain))
        row.score, row.collapsed = results.summary(moved), scores.collapsed(moved)
        row.theta_0, row.theta_0_collapsed = results.summary(plain), scores.collapsed(plain)
        rows.append(row)
    ran, why = scores.has("transfer_weights"), results.not_run("transfer_weights")
    return table.table("transfer_weights", caption, rows if ran else (), COLUMNS, why)


def as_well_on_theta_0(results: Results, study: Study) -> Claim:
    """Subtract theta_0 from the sources' own later weights, by pair of tasks and point."""
    asked = study.transfer_weights
    tests = [
        Bounded(f"{source} on {target}, i = {at} %", gain, high=shared.margin(target, results))
        for source in results.usable(asked.sources)
        for target in results.usable(asked.targets)
        for at in asked.points
        if at > 0 and (gain := results.compare(*runs(source, target, at, study)))
    ]
    claim = results.claim("weights", words.count(len(tests), "interval"))
    return of_every(claim, tests, why_none(results, study))


def why_none(results: Results, study: Study) -> str:
    """Say why nothing decides: no source or no target has learned, or nothing ran."""
    asked, why = study.transfer_weights, results.not_run("transfer_weights")
    return shared.nothing(asked.sources, results, shared.nothing(asked.targets, results, why))
