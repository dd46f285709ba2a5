"""Is it the mask or the training: which seed moves the scores."""

from collections.abc import Sequence

from stages.tickets.report import columns, table, words
from stages.tickets.report.papers.shared import naming
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run
from stages.tickets.report.section import Section
from stages.tickets.report.table import Column, Record, Row, Table
from stages.tickets.settings import Study
from stages.tickets.statistics import variance
from stages.tickets.statistics.variance import TwoWay


def section(results: Results, study: Study) -> Section:
    """Show how much of the spread over seeds is the mask's, and how much the training's."""
    rows = cross(results, study)
    learned = [row for row in rows if row.task not in results.no_evidence]
    return Section(
        "seeds",
        "Is it the mask or the training?",
        "How much of the spread over seeds is due to the mask that a seed found, and how much to "
        "the training that followed?",
        "Chen et al. 2020 report one spread over five runs, which does not tell them apart.",
        naming(answer(learned, study), results)
        if rows
        else words.sentence(results.not_run("cross")),
        stages=("cross",),
        tables=(cross_table(rows, results, study), variance_table(rows, results)),
    )


def cross(results: Results, study: Study) -> list[Row]:
    """Collect last tickets whose mask is of a seed and whose training is of another, for all such tasks.

    Returns:
        For every task the scores by the seed of the mask (rows) and of the training (columns), None if
        a run is missing; their summary; and their analysis, None if a run is missing or all are equal.
    """
    asked, last, rows = study.cross, study.rounds[-1].to, []
    for task in asked.tasks if results.scores.has("cross") else ():
        runs = [Run(task, "cross", last, str(mask)) for mask in asked.mask_seeds]
        cells = [[results.scores.of(run).get(seed) for seed in asked.seeds] for run in runs]
        known = [[cell for cell in row if cell is not None] for row in cells]
        summary = results.over([cell for row in known for cell in row])
        analysis = variance.two_way(known) if known == cells else None
        rows.append(Row(task=task, scores=cells, summary=summary, analysis=analysis))
    return rows


def answer(rows: Sequence[Row], study: Study) -> str:
    """Give the shares of the variance, beside what chance alone gives."""
    analyses: dict[str, TwoWay] = {row.task: row.analysis for row in rows if row.analysis}
    if not analyses:
        return "No task has a whole table of masks and trainings whose scores differ."
    chance = _shares(next(iter(analyses.values())), "chance")  # the same for all tasks
    shares = "; ".join(f"{task} {_shares(two, 'share')}" for task, two in analyses.items())
    text = (
        f"Of the variance over {len(study.cross.mask_seeds)} masks by {len(study.cross.seeds)} "
        f"trainings, where chance alone gives {chance}: {shares}."
    )
    effects = [effect for two in analyses.values() for effect in (two.rows, two.columns)]
    p_values = [effect.p for effect in effects if effect.p is not None]
    if p_values and min(p_values) >= 1 - study.tickets.confidence:
        text += f" No effect is sure (p at least {words.probability(min(p_values))})."
    return text


def _shares(two: TwoWay, of: str) -> str:
    """Word the shares of the mask, the training and neither, or what chance gives of them."""
    mask, training, rest = (
        words.percent(getattr(effect, of)) for effect in (two.rows, two.columns, two.rest)
    )
    return f"{mask} mask, {training} training, {rest} neither alone"


def cross_table(rows: Sequence[Row], results: Results, study: Study) -> Table:
    """List every cell: the ticket of one seed trained with the noise of another."""
    last, masks, seeds = study.rounds[-1], study.cross.mask_seeds, study.cross.seeds
    caption = (
        f"Tickets of round {last.to} ({words.percent(last.sparsity)} sparse) by the seed of their mask "
        "(rows) and of their training (columns), with mean ± standard deviation of rows and columns at "
        "the ends. * both seeds are the same: the ticket's own run."
    )
    lines: list[Sequence[str]] = []
    long: list[Record] = []

    def over(cells: Sequence[float | None]) -> str:
        return words.spread(results.over([cell for cell in cells if cell is not None]))

    for row in rows:
        for mask, cells in zip(masks, row.scores, strict=True):
            by_seed = dict(zip(seeds, cells, strict=True))
            shown = (
                words.NOT_RUN if cell is None else words.points(cell) + "*" * (seed == mask)
                for seed, cell in by_seed.items()
            )
            lines.append((row.task, f"mask seed {mask}", *shown, over(cells)))
            long += [
                {"task": row.task, "mask_seed": mask, "seed": seed, "score": cell}
                for seed, cell in by_seed.items()
            ]
        over_masks = map(over, zip(*row.scores, strict=True))
        lines.append((row.task, "over masks", *over_masks, words.NONE))
    header = ("task", "mask", *(f"training seed {seed}" for seed in seeds), "over trainings")
    return table.of_cells("cross", caption, header, lines, long, results.not_run("cross"))


def _part(name: str, part: str) -> tuple[Column, ...]:
    """Show share beside chance, standard deviation, and p, which the rest has not."""
    of = f"analysis.{part}"

    def share(row: Row) -> str:
        if effect := getattr(row.analysis, part, None):
            return f"{words.percent(effect.share)} ({words.percent(effect.chance)})"
        return words.NOT_RUN if any(None in cells for cells in row.scores) else words.NONE

    return (
        columns.text(f"{name}: share", share),
        columns.only_csv(f"{name}_share", f"{of}.share"),
        columns.only_csv(f"{name}_chance", f"{of}.chance"),
        columns.number("std", f"{of}.std", words.points, f"{name}_std"),
        columns.number("" if name == "rest" else "p", f"{of}.p", words.probability, f"{name}_p"),
    )


COLUMNS = (
    columns.named("task", "task"),
    *_part("mask", "rows"),
    *_part("training", "columns"),
    *_part("rest", "rest"),
    columns.count("summary"),
    columns.spread_of("summary"),
)


def variance_table(rows: Sequence[Row], results: Results) -> Table:
    """List which share of the variance is the mask's, which the training's, and which neither's."""
    caption = (
        "Analysis of variance of the table above, score = mean + mask + training + rest: share of the "
        "sum of squares (in brackets what no effect gives on average), std of the effect in points with "
        "the rest's share taken off, and p of the F test against the rest. The rest holds noise and what "
        "only one mask with one training does; from so few seeds a share is known roughly at best."
    )
    return table.table("cross_variance", caption, rows, COLUMNS, results.not_run("cross"))
