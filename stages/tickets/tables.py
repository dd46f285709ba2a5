"""The tables of a report: their numbers for csv, and their cells as shown in points."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from stages.tickets import params, summary
from stages.tickets.summary import Agreement, Difference, Kept, Run, Scores, Seed, Summary

Value = str | int | float | None
Record = Mapping[str, Value]
NOT_RUN = "not run"
NONE = "–"  # an en dash: nothing to say by construction
METRICS = {
    "f1": "F1",
    "matthews": "Matthews",
    "pearson": "Pearson",
    "spearman": "Spearman",
    "masked_accuracy": "masked accuracy",
}
NAMES = {
    "majority": "majority class",
    "bag_of_words": "bag of words",
    "scratch": "dense from scratch",
    "dense": "dense",
    "imp": "IMP ticket",
    "random": "random mask",
}


class Config(Protocol):
    """The sections of params.yaml that tables read."""

    @property
    def tasks(self) -> tuple[str, ...]: ...
    @property
    def seeds(self) -> tuple[int, ...]: ...
    @property
    def rounds(self) -> tuple[params.Round, ...]: ...
    @property
    def imp(self) -> params.Imp: ...
    @property
    def rewind(self) -> params.Rewind: ...
    @property
    def random(self) -> params.Random: ...
    @property
    def scratch(self) -> params.Scratch: ...
    @property
    def transfer(self) -> params.Transfer: ...
    @property
    def tickets(self) -> params.Tickets: ...


@dataclass(frozen=True)
class Table:
    """One table: `header` and `rows` as shown, `records` for csv, or why there is nothing."""

    name: str
    caption: str
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    records: tuple[Record, ...] = ()
    missing: str = ""


# --- cells -----------------------------------------------------------------------------------


def points(value: float) -> str:
    """A fraction in points: 0.8134 is 81.3."""
    return f"{100 * value:.1f}".replace("-0.0", "0.0").replace("-", "−")


def signed(value: float) -> str:
    """A difference of fractions in points, with its sign."""
    text = points(value)
    return text if text.startswith("−") or text == "0.0" else "+" + text


def percent(share: float) -> str:
    """A share in per cent, kept on one line by a no-break space."""
    return f"{100 * share:.1f}".removesuffix(".0") + "\N{NO-BREAK SPACE}%"


def metric_name(metric: str) -> str:
    return METRICS.get(metric, metric)


def mean(found: Summary | None) -> str:
    """Mean ± half the interval; the score alone, and that it is alone, for one seed."""
    if found is None:
        return NOT_RUN
    if found.half is None:
        return f"{points(found.mean)} (n=1)"
    return f"{points(found.mean)} ± {points(found.half)}"


def spread(found: Summary | None) -> str:
    """Mean ± standard deviation."""
    if found is None:
        return NOT_RUN
    if found.std is None:
        return f"{points(found.mean)} (n=1)"
    return f"{points(found.mean)} ± {points(found.std)}"


def difference(found: Difference | None) -> str:
    """Mean difference [interval]."""
    if found is None:
        return NOT_RUN
    if found.low is None or found.high is None:
        return f"{signed(found.mean)} (n=1)"
    return f"{signed(found.mean)} [{signed(found.low)}, {signed(found.high)}]"


def p_value(found: Difference) -> str:
    if found.p is None:
        return "n=1" if found.n == 1 else "equal pairs"
    return "< 0.001" if found.p < 0.001 else f"{found.p:.3f}"


def _numbers(found: Summary | None, prefix: str = "") -> dict[str, Value]:
    if found is None:
        return {**{prefix + key: None for key in ("mean", "std", "low", "high")}, prefix + "n": 0}
    return {
        prefix + "mean": found.mean,
        prefix + "std": found.std,
        prefix + "low": found.low,
        prefix + "high": found.high,
        prefix + "n": found.n,
    }


# --- what ran --------------------------------------------------------------------------------


def why_not(kind: str, config: Config) -> str:
    """Why params.yaml asks for no run of this kind; if it does ask, that no score is there."""
    lists: dict[str, Sequence[tuple[str, Sequence[object]]]] = {
        "random": [("random.rounds", config.random.rounds)],
        "scratch": [("scratch.seeds", config.scratch.seeds)],
        "transfer": [
            ("transfer.sources", config.transfer.sources),
            ("transfer.targets", config.transfer.targets),
            ("transfer.seeds", config.transfer.seeds),
        ],
        "rewind": [("rewind.points", config.rewind.points)],
    }
    for key, values in lists.get(kind, []):
        if not values:
            return f"not run: {key} is empty in params.yaml"
    return "not run: scores.csv has no such row"


def why_no_agreement(config: Config) -> str:
    if len(config.seeds) == len(config.tasks) == 1:
        return "not run: agreement needs two seeds or two tasks"
    return "not run: agreement.csv has no such row"


def interval_name(config: Config) -> str:
    return f"{percent(config.tickets.confidence)} interval of the mean over seeds (Student's t)"


def sparsities(config: Config) -> dict[int, float]:
    """Sparsity by round."""
    return {after.to: after.sparsity for after in config.rounds}


def grid(scores: Scores, config: Config) -> list[tuple[str, int]]:
    """Kinds and rounds from the baselines to the sparsest ticket; random only where it ran."""
    runs = [("majority", 0), ("bag_of_words", 0), ("scratch", 0), ("dense", 0)]
    for number in sparsities(config):
        runs.append(("imp", number))
        if any(scores.of(Run(task, "random", number)) for task in config.tasks):
            runs.append(("random", number))
    return runs


def run_name(kind: str, number: int, config: Config) -> str:
    return NAMES[kind] + (f", {percent(sparsities(config)[number])}" if number else "")


# --- scores ----------------------------------------------------------------------------------


def scores_table(scores: Scores, config: Config) -> Table:
    """Headline scores of every task: baselines, dense, tickets and random masks."""
    columns = [(task, summary.VALIDATION, scores.metrics[task]) for task in config.tasks]
    caption = (
        "Scores on the validation split in points (100 × metric): mean ± half the "
        f"{interval_name(config)}. † a run of it predicts one class or a constant."
    )
    for kind in ("random", "scratch"):
        if not scores.has(kind):
            caption += f" {NAMES[kind].capitalize()}: {why_not(kind, config)}."
    return _scores("scores", caption, columns, scores, config)


def other_metrics_table(scores: Scores, config: Config) -> Table:
    """The other metrics of the tasks that have any, and of other validation splits."""
    caption = "As the table of scores, for the metrics that are not the task's main one."
    if not scores.others:
        return Table("other_metrics", caption, missing="no task has a second metric")
    return _scores("other_metrics", caption, list(scores.others), scores, config)


def _scores(
    name: str,
    caption: str,
    columns: Sequence[tuple[str, str, str]],
    scores: Scores,
    config: Config,
) -> Table:
    rows = [("metric", *(metric_name(metric) for _, _, metric in columns), NONE)]
    records: list[Record] = []
    for kind, number in grid(scores, config):
        cells, sizes = [], set()
        for task, split, metric in columns:
            run = Run(task, kind, number)
            found = scores.summary(run, config.tickets.confidence, split, metric)
            collapsed = scores.collapsed(run)
            if found and None in scores.of(run, split, metric):  # no seed, so no spread
                cells.append(points(found.mean) + (" †" if collapsed else ""))
                sizes.add("no seed")
            else:
                cells.append(mean(found) + (" †" if found and collapsed else ""))
                sizes |= {str(found.n)} if found else set()
            records.append(
                {
                    "task": task,
                    "split": split,
                    "metric": metric,
                    "kind": kind,
                    "round": number,
                    "sparsity": sparsities(config).get(number, 0.0),
                    **_numbers(found),
                    "collapsed": collapsed,
                }
            )
        rows.append((run_name(kind, number, config), *cells, ", ".join(sorted(sizes)) or NONE))
    labels = [
        task if split == summary.VALIDATION else f"{task} ({split.removeprefix('validation_')})"
        for task, split, _ in columns
    ]
    return Table(name, caption, ("run", *labels, "n"), tuple(rows), tuple(records))


# --- tickets ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ticket:
    """The sparsest matching ticket of a task, chosen on `selection`; all scores on `validation`."""

    task: str
    metric: str
    round: int | None
    dense: Summary
    ticket: Summary | None
    random: Summary | None
    loss: Difference | None
    """Ticket minus dense."""
    gain: Difference | None
    """Ticket minus random mask."""
    flags: tuple[str, ...]


def find_tickets(scores: Scores, config: Config) -> list[Ticket]:
    return [_ticket(task, scores, config) for task in config.tasks]


def _ticket(task: str, scores: Scores, config: Config) -> Ticket:
    confidence = config.tickets.confidence
    candidates = {
        number: found
        for number in sparsities(config)
        if (found := scores.summary(Run(task, "imp", number), confidence, summary.SELECTION))
    }
    dense_run = Run(task, "dense")
    reference = scores.summary(dense_run, confidence, summary.SELECTION)
    dense = scores.summary(dense_run, confidence)
    if reference is None or dense is None:
        raise ValueError(f"scores.csv has no dense scores of {task} on selection and validation")
    chosen = summary.last_matching_round(candidates, reference)
    flags = [_collapse(dense_run, "dense", scores)]
    majority = scores.summary(Run(task, "majority"), confidence)
    if majority and dense.mean <= majority.mean:
        flags.append("dense not above majority")
    if chosen is None:
        flags.append("none matches on selection")
        shown = tuple(flag for flag in flags if flag)
        metric = scores.metrics[task]
        return Ticket(task, metric, None, dense, None, None, None, None, shown)
    imp, random = Run(task, "imp", chosen), Run(task, "random", chosen)
    ticket = scores.summary(imp, confidence)
    if ticket and not summary.matches(ticket, dense):
        flags.append("does not match on validation")
    flags += [_collapse(imp, "ticket", scores), _collapse(random, "random", scores)]
    return Ticket(
        task,
        scores.metrics[task],
        chosen,
        dense,
        ticket,
        scores.summary(random, confidence),
        summary.compare(scores.of(imp), scores.of(dense_run), confidence),
        summary.compare(scores.of(imp), scores.of(random), confidence),
        tuple(flag for flag in flags if flag),
    )


def _collapse(run: Run, name: str, scores: Scores) -> str:
    count = scores.collapsed(run)
    return f"{count} of {len(scores.of(run))} {name} runs collapsed" if count else ""


def tickets_table(scores: Scores, config: Config) -> Table:
    """The sparsest matching ticket of every task, beside dense and a random mask of its size."""
    caption = (
        "The highest sparsity at which the mean ticket is at most one standard deviation over "
        "seeds below the mean dense score, chosen on the selection split and reported on the "
        "validation split. Points; mean ± standard deviation over n seeds; differences are paired "
        f"by seed, with the {interval_name(config)}. Collapsed: predicts one class or a constant."
    )
    if len(config.seeds) == 1:
        caption += " With one seed the standard deviation counts as 0."
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    for found in find_tickets(scores, config):
        nothing = NONE if found.round is None else NOT_RUN
        runs = (found.dense, found.ticket, found.random)
        sizes = sorted({str(one.n) for one in runs if one})
        rows.append(
            (
                found.task,
                metric_name(found.metric),
                percent(sparsities(config)[found.round]) if found.round else "none",
                spread(found.dense),
                spread(found.ticket) if found.ticket else nothing,
                spread(found.random) if found.random else nothing,
                difference(found.loss) if found.loss else nothing,
                difference(found.gain) if found.gain else nothing,
                ", ".join(sizes),
                "; ".join(found.flags) or NONE,
            )
        )
        records.append(
            {
                "task": found.task,
                "metric": found.metric,
                "sparsity": sparsities(config)[found.round] if found.round else None,
                **_numbers(found.dense, "dense_"),
                **_numbers(found.ticket, "ticket_"),
                **_numbers(found.random, "random_"),
                **_numbers(found.loss, "ticket_minus_dense_"),
                **_numbers(found.gain, "ticket_minus_random_"),
                "flags": "; ".join(found.flags),
            }
        )
    first = ("task", "metric", "sparsity", "dense", "ticket", "random mask")
    header = (*first, "ticket − dense", "ticket − random", "n", "flags")
    return Table("tickets", caption, header, tuple(rows), tuple(records))


# --- tickets against random masks ------------------------------------------------------------


def pooled_gain(number: int, scores: Scores, config: Config) -> Difference | None:
    """Ticket minus random mask at one round over tasks, each counted once by its mean."""
    found = [
        summary.compare(
            scores.of(Run(task, "imp", number)),
            scores.of(Run(task, "random", number)),
            config.tickets.confidence,
        )
        for task in config.tasks
    ]
    means = [one.mean for one in found if one]
    return summary.summarize_differences(means, config.tickets.confidence) if means else None


def controls_table(scores: Scores, config: Config) -> Table:
    """IMP tickets minus random masks of the same size, by task and over tasks."""
    caption = (
        "IMP tickets minus random masks of exactly the same size, paired by seed, in points on "
        f"the validation split, with the {interval_name(config)} and the two-sided p of a paired "
        "t test, not corrected for the number of rows. In the rows over all tasks, n counts "
        "tasks, each by its mean over seeds, and metrics of different kinds are averaged."
    )
    if not scores.has("random"):
        return Table("controls", caption, missing=why_not("random", config))
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    for task in ("", *config.tasks):
        for number, sparsity in sparsities(config).items():
            imp, random = Run(task, "imp", number), Run(task, "random", number)
            confidence = config.tickets.confidence
            found = (
                summary.compare(scores.of(imp), scores.of(random), confidence)
                if task
                else pooled_gain(number, scores, config)
            )
            if found is None:
                continue
            unit = "" if task else (" tasks" if found.n > 1 else " task")
            rows.append(
                (
                    task or "all tasks",
                    percent(sparsity),
                    mean(scores.summary(imp, confidence)) if task else NONE,
                    mean(scores.summary(random, confidence)) if task else NONE,
                    difference(found),
                    f"{found.n}{unit}",
                    p_value(found),
                )
            )
            records.append(
                {
                    "task": task or "all tasks",
                    "round": number,
                    "sparsity": sparsity,
                    **_numbers(found),
                    "p": found.p,
                }
            )
    header = ("task", "sparsity", "IMP ticket", "random mask", "IMP − random", "n", "p")
    return Table("controls", caption, header, tuple(rows), tuple(records))


# --- transfer --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """A mask of `source` trained on `target`."""

    source: str
    target: str
    score: Summary
    difference: float
    """Mean minus the mean dense score of the target."""
    reaches_own: bool | None
    """At least the mean of the target's own ticket; None where that was not trained."""


def transfer_cells(scores: Scores, config: Config) -> list[Cell]:
    confidence, number = config.tickets.confidence, config.transfer.round
    cells = []
    for source in config.transfer.sources:
        for target in config.transfer.targets:
            found = scores.summary(Run(target, "transfer", number, source), confidence)
            dense = scores.summary(Run(target, "dense"), confidence)
            if found is None or dense is None:
                continue
            own = _own_ticket(target, scores, config)
            reaches = None if own is None else found.mean >= own.mean - 1e-12
            cells.append(Cell(source, target, found, found.mean - dense.mean, reaches))
    return cells


def _own_ticket(target: str, scores: Scores, config: Config) -> Summary | None:
    """Of the transfer's seeds; where the target is no source, as IMP trained it."""
    number = config.transfer.round
    own: dict[Seed, float] = scores.of(Run(target, "transfer", number, target))
    if not own:
        imp = scores.of(Run(target, "imp", number))
        own = {seed: imp[seed] for seed in config.transfer.seeds if seed in imp}
    return summary.summarize(own.values(), config.tickets.confidence) if own else None


def reached(source: str, cells: Iterable[Cell]) -> tuple[int, int]:
    """On how many other targets a source's mask does as well as their own, and of how many."""
    others = [
        cell.reaches_own
        for cell in cells
        if cell.source == source != cell.target and cell.reaches_own is not None
    ]
    return sum(others), len(others)


def transfer_caption(config: Config) -> str:
    number = config.transfer.round
    seeds = len(config.transfer.seeds)
    return (
        f"Masks of round {number} ({percent(sparsities(config)[number])} sparse) found on the "
        "row's task and trained on the column's, minus the column's mean dense score over "
        f"{len(config.seeds)} {_plural('seed', len(config.seeds))}; points on the validation "
        f"split, mean over {seeds} {_plural('seed', seeds)} (n={seeds}). "
        "* at least the score of the column's own ticket on the same seeds."
    )


def transfer_table(scores: Scores, config: Config) -> Table:
    """Every source's mask on every target."""
    caption = transfer_caption(config) + " In brackets: the score itself. Last column: other tasks "
    caption += "on which the row's mask does as well as the task's own."
    cells = transfer_cells(scores, config)
    if not cells:
        return Table("transfer", caption, missing=why_not("transfer", config))
    by_place = {(cell.source, cell.target): cell for cell in cells}
    rows = []
    for source in config.transfer.sources:
        shown = []
        for target in config.transfer.targets:
            cell = by_place.get((source, target))
            star = "*" if cell and cell.reaches_own and source != target else ""
            text = f"{signed(cell.difference)}{star} ({points(cell.score.mean)})" if cell else ""
            shown.append(text or NOT_RUN)
        count, total = reached(source, cells)
        rows.append((source, *shown, f"{count} of {total}" if total else NONE))
    records: list[Record] = [
        {
            "source": cell.source,
            "target": cell.target,
            "difference": cell.difference,
            **_numbers(cell.score),
            "reaches_own": None if cell.reaches_own is None else int(cell.reaches_own),
        }
        for cell in cells
    ]
    header = ("mask of", *config.transfer.targets, "as good as own")
    return Table("transfer", caption, header, tuple(rows), tuple(records))


# --- rewinding -------------------------------------------------------------------------------


def rewinding_table(scores: Scores, config: Config) -> Table:
    """The last ticket trained from the weights at several points of the dense training."""
    last = config.rounds[-1]
    caption = (
        f"The ticket of round {last.to} ({percent(last.sparsity)} sparse) trained from the "
        "weights at i % of the dense training, in points on the validation split: mean ± half the "
        f"{interval_name(config)}. The masks were found with rewinding to "
        f"{config.imp.rewind_to} %. The last columns are paired by seed."
    )
    if not scores.has("rewind"):
        return Table("rewinding", caption, missing=why_not("rewind", config))
    confidence = config.tickets.confidence
    later = [point for point in config.rewind.points if point]
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    for task in config.tasks:
        runs = {point: Run(task, "rewind", point) for point in config.rewind.points}
        found = {point: scores.summary(runs[point], confidence) for point in runs}
        gains = {
            point: summary.compare(scores.of(runs[point]), scores.of(runs[0]), confidence)
            for point in later
        }
        dense = scores.summary(Run(task, "dense"), confidence)
        sizes = sorted({str(one.n) for one in found.values() if one})
        rows.append(
            (
                task,
                mean(dense),
                *(mean(one) for one in found.values()),
                *(difference(one) for one in gains.values()),
                ", ".join(sizes) or NONE,
            )
        )
        for point, one in found.items():
            gain = _numbers(gains.get(point), "minus_point_0_")
            records.append({"task": task, "point": point, **_numbers(one), **gain})
    at = [f"i = {point} %" for point in config.rewind.points]
    header = ("task", "dense", *at, *(f"i = {point} % − i = 0 %" for point in later), "n")
    return Table("rewinding", caption, header, tuple(rows), tuple(records))


# --- masks -----------------------------------------------------------------------------------

MEASURES = ("jaccard", "cohen_kappa", "fleiss_kappa")


def agreement_table(agreement: Sequence[Agreement], config: Config) -> Table:
    """Agreement of masks over seeds and over tasks, each with its chance floors."""
    caption = (
        "Agreement of masks between seeds of one task, and between tasks of one seed: mean over "
        "n pairs (Jaccard, Cohen) or over groups (Fleiss). In brackets what chance gives: masks "
        "drawn uniformly with the same sizes; masks with the same density in every matrix."
    )
    if not agreement:
        return Table("agreement", caption, missing=why_no_agreement(config))
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    last = config.rounds[-1].to
    for number, sparsity in sparsities(config).items():
        groups: list[tuple[str, str, list[Agreement]]] = []
        for axis in ("tasks", "seeds"):
            here = [row for row in agreement if (row.axis, row.round) == (axis, number)]
            groups.append((axis, "", here))
        if number == last:
            groups += [
                ("seeds", task, [row for row in groups[1][2] if row.first == task])
                for task in config.tasks
            ]
        for axis, task, group in groups:
            cells = [_agreement(group, measure) for measure in MEASURES]
            if not group:
                cells = [NOT_RUN] * len(MEASURES)
            names = {"tasks": "tasks, same seed", "seeds": "seeds, same task"}
            pairs = sum(row.measure == "jaccard" for row in group)
            rows.append((percent(sparsity), names[axis], task or "all", *cells, str(pairs)))
            for measure in MEASURES:
                chosen = [row for row in group if row.measure == measure]
                records.append(
                    {
                        "round": number,
                        "sparsity": sparsity,
                        "axis": axis,
                        "task": task or "all",
                        "measure": measure,
                        "value": average(row.value for row in chosen),
                        "floor": average(row.floor for row in chosen),
                        "floor_by_matrix": average(row.floor_by_matrix for row in chosen),
                        "n": len(chosen),
                    }
                )
    header = ("sparsity", "between", "task", "Jaccard", "Cohen's κ", "Fleiss' κ", "n")
    return Table("agreement", caption, header, tuple(rows), tuple(records))


def average(values: Iterable[float]) -> float | None:
    found = list(values)
    return summary.summarize(found, 0.5).mean if found else None


def _agreement(rows: Iterable[Agreement], measure: str) -> str:
    chosen = [row for row in rows if row.measure == measure]
    if not chosen:
        return NOT_RUN
    value = average(row.value for row in chosen)
    floor = average(row.floor for row in chosen)
    by_matrix = average(row.floor_by_matrix for row in chosen)
    return f"{value:.3f} ({floor:.3f}; {by_matrix:.3f})".replace("-", "−")


@dataclass(frozen=True)
class Density:
    """Share of a matrix's weights that the last mask keeps, over seeds or over tasks and seeds."""

    task: str
    """Empty: over all tasks."""
    layer: int | None
    matrix: str
    size: int
    density: Summary


def densities(layers: Sequence[Kept], config: Config) -> list[Density]:
    """Of every matrix in the last round: over all tasks, then by task."""
    last = [row for row in layers if row.round == config.rounds[-1].to]
    groups: dict[tuple[str, int | None, str], list[Kept]] = {}
    for task in ("", *config.tasks):
        for row in last:
            if row.task == task or not task:
                groups.setdefault((task, row.layer, row.matrix), []).append(row)
    return [
        Density(
            *place,
            rows[0].size,
            summary.summarize([row.kept / row.size for row in rows], config.tickets.confidence),
        )
        for place, rows in groups.items()
    ]


def layers_table(layers: Sequence[Kept], config: Config) -> Table:
    """What the last mask keeps of every matrix."""
    last = config.rounds[-1]
    runs = len({(row.task, row.seed) for row in layers if row.round == last.to})
    caption = (
        f"Share of the weights that the ticket of round {last.to} keeps in every matrix, per "
        f"cent: mean over tasks and seeds (n={runs} masks). Over all matrices "
        f"{percent(1 - last.sparsity)} are kept. By task: the csv file."
    )
    found = densities(layers, config)
    if not found:
        return Table("layers", caption, missing="not run: layers.csv has no rows of the last round")
    overall = {(one.layer, one.matrix): one for one in found if not one.task}
    matrices = list(dict.fromkeys(matrix for layer, matrix in overall if layer is not None))
    numbers = sorted({layer for layer, _ in overall if layer is not None})
    rows: list[tuple[str, ...]] = []
    for number in numbers:
        here = [overall[number, matrix] for matrix in matrices]
        size = sum(one.size for one in here)
        whole = sum(one.size * one.density.mean for one in here) / size
        cells = (points(one.density.mean) for one in here)
        rows.append((f"layer {number}", *cells, points(whole)))
    for (layer, matrix), one in overall.items():
        if layer is None:
            rows.append((short(matrix), *(NONE,) * len(matrices), points(one.density.mean)))
    records: list[Record] = [
        {
            "task": one.task or "all tasks",
            "layer": one.layer,
            "matrix": one.matrix,
            "size": one.size,
            **_numbers(one.density),
        }
        for one in found
    ]
    header = ("matrices of", *(short(matrix) for matrix in matrices), "all")
    return Table("layers", caption, header, tuple(rows), tuple(records))


def short(matrix: str) -> str:
    """What a matrix does: attention.self.query is the query."""
    known = {
        "attention.self.query": "query",
        "attention.self.key": "key",
        "attention.self.value": "value",
        "attention.output.dense": "attention output",
        "intermediate.dense": "MLP in",
        "output.dense": "MLP out",
        "pooler.dense": "pooler",
    }
    return known.get(matrix, matrix)


def _plural(word: str, count: int) -> str:
    return word if count == 1 else word + "s"
