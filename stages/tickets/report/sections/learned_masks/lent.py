"""Learned masks of sources on targets, beside the sources' tickets and draws of the same density."""

from collections.abc import Sequence

from stages.tickets.pruning.rivals import LENT
from stages.tickets.report import columns, names, table, words
from stages.tickets.report.results import Results
from stages.tickets.report.rows import grouped
from stages.tickets.report.scores import Run
from stages.tickets.report.table import Row, Table
from stages.tickets.settings import Study

CAPTION = (
    "Masks of a source are trained on a target, from the weights over which they were learned "
    "(same) or from others that are drawn (fresh). Shuffled is the learned mask with its "
    "survivors shuffled within every matrix, and by density is another draw of its law. The "
    "difference of these two is what a draw alone does."
)
COLUMNS = (
    columns.named("source", "source"),
    columns.named("target", "target"),
    columns.value("round"),
    columns.sparsity(),
    columns.named("start", "start"),
    columns.score("learned", "learned", prefix="learned_"),
    columns.score("IMP ticket", "imp", prefix="imp_"),
    columns.score("shuffled", "shuffled", prefix="shuffled_"),
    columns.score("by density", "by_density", prefix="by_density_"),
    columns.difference("learned − shuffled", "beside_shuffled", "minus_shuffled_", words.NONE),
    columns.difference("learned − IMP", "beside_imp", "minus_imp_", words.NONE),
    columns.difference("by density − shuffled", "of_draws", "draws_", words.NONE),
    columns.count("learned"),
)


def run_of(source: str, target: str, mask: str, start: str, number: int) -> Run:
    """Name the run of a mask of a source on a target."""
    return Run(target, "lent", number, f"{source} {mask} {start}")


def rows_of(results: Results, study: Study) -> list[Row]:
    """Make a row per source, target, size and start that has scores."""
    asked = study.learned_masks.lend
    rows = []
    for source in asked.sources:
        for target in asked.targets:
            for number in asked.rounds:
                for start in asked.starts:
                    runs = {name: run_of(source, target, name, start, number) for name in LENT}
                    if not results.scores.ran([*runs.values()]):
                        continue
                    known = {
                        name.replace("-", "_"): results.summary(run) for name, run in runs.items()
                    }
                    rows.append(
                        Row(
                            source=source,
                            target=target,
                            round=number,
                            sparsity=names.sparsities(study)[number],
                            start=start,
                            beside_shuffled=results.compare(runs["learned"], runs["shuffled"]),
                            beside_imp=results.compare(runs["learned"], runs["imp"]),
                            of_draws=results.compare(runs["by-density"], runs["shuffled"]),
                            **known,
                        )
                    )
    return rows


def answer(rows: Sequence[Row]) -> str:
    """Tell what learned masks gain over their shuffles on other tasks, by start."""
    others = [row for row in rows if row.source != row.target and row.beside_shuffled]
    texts = []
    for start, own in grouped(others, lambda row: row.start).items():
        gains = [100 * row.beside_shuffled.mean for row in own]
        texts.append(f"{start} start {words.ends(gains, '{:+.1f}'.format)}".replace("-", "−"))
    if not texts:
        return ""
    return f"On other tasks, learned masks minus their shuffles, in points: {'; '.join(texts)}."


def table_of(rows: Sequence[Row], results: Results) -> Table:
    """List the loans."""
    return table.table("lent_masks", CAPTION, rows, COLUMNS, results.not_run("lent"))
