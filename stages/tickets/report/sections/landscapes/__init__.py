"""How flat is the loss around trained networks: on planes, and by its second derivatives."""

from collections.abc import Sequence

from stages.tickets.report import columns, table, words
from stages.tickets.report.results import Results
from stages.tickets.report.rows import grouped
from stages.tickets.report.section import Section
from stages.tickets.report.sections.landscapes import figures, measured
from stages.tickets.report.table import Column, Row, Table
from stages.tickets.settings import Study

SURE = 2
"""Standard errors above 0 from which on a sum counts as surely positive."""
RANDOM = "Loss on random planes around trained networks, a panel per network"
PAIRS = "Loss on planes through theta_0 and two trained networks, a panel per pair"
OF_RANDOM = (
    "Loss on a plane along two random directions, minus that of the network in the middle. A step "
    "of 1 is as long as the weights of every row of a matrix; dropped weights, biases, LayerNorms "
    "and embeddings do not move."
)
OF_PAIRS = (
    "Loss minus that of the better network, on the plane with theta_0 of the first seed at (0, 0) "
    "and the networks at (1, 0) and (0, 1). The axes are neither orthogonal nor of one length; "
    "theta_i, and theta_0 with the second seed's classifier, are projected by least squares."
)
PATHS = (
    "Mid gap is the loss in the middle of the straight path between two networks minus the mean "
    "loss of its ends, and d'Hd is the curvature there along the way d between them. For a "
    "quadratic loss the curvature is −8 mid gaps. Either keeps is the share of prunable weights "
    "that at least one network keeps."
)
CURVATURE = (
    "Sums over the kept weights of the diagonal h of the Hessian, by Hutchinson's estimate, and "
    "of the mean squared gradients of examples, ± standard error, means over seeds. The sum of h "
    "· w² does not change if a LayerNorm absorbs a scale, so it compares networks. Error is the "
    "typical error of a single h over its size; from about 1 on, single weights are noise."
)


def plus_minus(header: str, name: str) -> Column:
    """Show a sum ± its standard error; csv has them apart."""

    def cell(row: Row) -> str:
        value, error = getattr(row, name), getattr(row, f"{name}_error")
        return f"{value:.3g} ± {error:.2g}".replace("-", "−")

    error = f"{name}_error"
    return Column(
        header,
        cell,
        {name: columns.getter(name), error: columns.getter(error)},
    )


OF_CURVATURE = (
    columns.named("task", "task"),
    columns.named("network", "network"),
    columns.value("round", "layer", "matrix", "size"),
    columns.text("matrices", "place"),
    columns.named("kept", "kept", "{:,.0f}".format),
    plus_minus("Σ h", "sum"),
    plus_minus("Σ h · w²", "scaled"),
    columns.number("Σ max(h, 0)", "positive", "{:.3g}".format, "positive"),
    columns.number("h < 0, %", "negative", words.points, "negative"),
    columns.number("surely, %", "surely_negative", words.points, "surely_negative"),
    columns.number("error", "relative_error", "{:.2g}".format, "relative_error"),
    plus_minus("Σ g²", "fisher"),
    plus_minus("Σ g² · w²", "fisher_scaled"),
    columns.value("n"),
)
OF_PATHS = (
    columns.named("task", "task"),
    columns.text("network", measured.network_of),
    columns.value("round"),
    columns.named("seed", "seed"),
    columns.named("other", "other"),
    columns.number("either keeps, %", "record.density", words.points, "density"),
    columns.number("length", "record.length", "{:.3g}".format, "length"),
    columns.number("mid gap", "record.mid_gap", "{:.3g}".format, "mid_gap"),
    columns.number("−8 mid gaps", lambda row: -8 * row.record["mid_gap"], "{:.3g}".format),
    columns.number("d'Hd", "record.curvature", "{:.3g}".format, "curvature"),
)
OF_MARKS = (
    columns.named("task", "task"),
    columns.text("network", measured.network_of),
    columns.value("round", "seed", "other"),
    columns.named("point", "name"),
    columns.number("x", "x", "{:.2f}".format, "x"),
    columns.number("y", "y", "{:.2f}".format, "y"),
    columns.number("beside the plane, %", "off", words.points, "off"),
    columns.number("loss", "loss", "{:.3f}".format, "loss"),
    columns.number("error", "error", "{:.3f}".format, "error"),
)
MARKS = (
    "Points in the planes of two networks. Beside the plane is the distance from it, in per cent "
    "of the distance from theta_0 of the first seed. Loss and error are those of the weights "
    "themselves."
)


def section(results: Results, study: Study) -> Section:
    """Show the loss around the networks whose weights are stored."""
    around, pairs = (measured.surfaces(results, name) for name in ("landscapes", "planes"))
    curved = measured.curvature(results)
    why = {name: results.not_run(name) for name in ("landscape", "plane", "curvature")}
    return Section(
        "landscapes",
        "How flat is the loss around trained networks?",
        "How does the loss grow away from dense networks and tickets, between the networks of two seeds, "
        "and in which matrices is it curved?",
        "Li et al. 2018 for random planes, Hao et al. 2019 for planes with theta_0, and Bekas et al. "
        "2007 for the diagonal; neither of the two papers on BERT asks this.",
        answer(curved, around, pairs, why),
        stages=("landscape", "plane", "curvature"),
        figures=(
            figures.contours(
                "landscapes", RANDOM, OF_RANDOM, around, ("first direction", "second direction"),
                study, why["landscape"],
            ),
            figures.contours(
                "planes", PAIRS, OF_PAIRS, pairs, ("first network", "second network"),
                study, why["plane"],
            ),
        ),
        tables=(
            curvature_table(curved, why["curvature"]),
            table.table("planes", PATHS, pairs, OF_PATHS, why["plane"]),
            table.table("plane_points", MARKS, marks(pairs), OF_MARKS, why["plane"]),
        ),
    )  # fmt: skip


def answer(
    curved: Sequence[Row], around: Sequence[Row], pairs: Sequence[Row], why: dict[str, str]
) -> str:
    """Tell the scale-free curvature of every network and where most of it is, in a sentence."""
    networks = [row for row in curved if row.layer is None and row.matrix == "all"]
    if networks:
        sums = [
            f"{row.scaled:.3g} ± {row.scaled_error:.2g} ({row.task}, {row.network})"
            for row in networks
        ]
        text = ", ".join(sums).replace("-", "−")
        types = [
            row
            for row in curved
            if row.layer is None and row.matrix != "all" and row.scaled > SURE * row.scaled_error
        ]
        where = "no type of matrices has surely more than 0"
        if types:
            most = max(types, key=lambda row: row.scaled)
            where = f"the type of matrices with most of it is {most.place} ({most.task}, {most.network})"
        return f"The sum of h · w² over the kept weights is {text}, and {where}."
    if pairs:
        bowls = sum(row.record["mid_gap"] <= 0 for row in pairs)
        return (
            f"In the middle between two networks the loss is not above the mean of both in {bowls} of "
            f"{words.count(len(pairs), 'pair')}."
        )
    if around:
        rises = [float(row.loss.min() - row.base) for row in around]
        return (
            "The lowest loss on a random plane minus that of the network is "
            f"{words.ends(rises, '{:.2g}'.format)}, over {words.count(len(around), 'network')}."
        )
    return words.sentence(why["landscape"])


def curvature_table(curved: Sequence[Row], why: str) -> Table:
    """List curvature by layer and by type of matrix; csv also has every matrix."""
    shown = [row for row in curved if row.layer is None or row.matrix == "all"]
    networks = grouped(shown, lambda row: (row.task, row.round)).values()
    shown = [row for network in networks for row in sorted(network, key=rank)]
    long = table.records(curved, *OF_CURVATURE)
    return table.table("curvature", CURVATURE, shown, OF_CURVATURE, why, long)


def rank(row: Row) -> int:
    """Return the place of a row in its network: all matrices, then layers, then types of matrices."""
    if row.matrix == "all":
        return 0 if row.layer is None else 1 + int(row.layer)
    return 1000


def marks(pairs: Sequence[Row]) -> list[Row]:
    """List the points of all planes."""
    return [
        Row(
            task=pair.task, seed=pair.seed, other=pair.other, round=pair.round,
            **vars(point),
        )
        for pair in pairs
        for point in pair.marks
    ]  # fmt: skip
