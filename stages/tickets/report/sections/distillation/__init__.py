"""Does a mask that is found on a few distilled sequences do as well as a ticket?"""

from collections.abc import Sequence

from stages.tickets.report import columns, table, words
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.section import Section
from stages.tickets.report.sections.connectivity.tables import shown_loss
from stages.tickets.report.sections.distillation import claims, figures, measured
from stages.tickets.report.sections.distillation.measured import ARMS, COPIED, DISTILLED, NOISE
from stages.tickets.report.table import Column, Row
from stages.tickets.settings import Study

STAGES = ("distil", "distil-rounds", "real-short", "spawn-distilled", "newcomers")
CAPTION = (
    "Scores of masks that were found on different data and trained on all real examples from the "
    "start, minus the ticket, paired by seed. Found on says training points × epochs × trainings. "
    "On the set is the dense model trained on the set alone, and a set is usable if that score is "
    "surely above the majority class."
)
MASKS_CAPTION = (
    "The same masks beside the one-shot mask and the ticket of the same seed, means over seeds; "
    "the row of all real examples has tickets of other seeds. Newcomers are weights that the "
    "ticket keeps and the one-shot mask drops, leavers are the reverse, and a hit is a weight "
    "that the other mask has too. Nearest are hits of as many weights nearest to the threshold, "
    "and at least is a bound on the Jaccard index from the largest move of a weight."
)
COPIES_CAPTION = (
    "Barriers of the validation error, in points, between two copies of a mask that are trained "
    "on all real examples from theta_0 and differ in the named noise. Dense models, tickets and "
    "controls are those of connectivity.starts. Verdicts take the whole interval."
)
NOT_COPIED = "not run: distil.copies.methods is empty in params.yaml"


def _share(header: str, name: str) -> Column:
    return columns.number(header, name, "{:.3f}".format, name)


PLACE = (
    columns.named("task", "task"),
    columns.text("mask found on", lambda row: COPIED[row.arm]),
    columns.only_csv("arm", "arm"),
    columns.value("round"),
    columns.sparsity(),
)
EVIDENCE = (
    columns.score("on the set", "on_set", prefix="on_set_", nothing=words.NONE),
    _share("Jaccard with one-shot", "jaccard_one_shot"),
    _share("newcomers hit", "newcomers_hit"),
    _share("by noise", "noise_hit"),
    _share("nearest", "newcomers_nearest"),
    columns.number("median move", "move_50", "{:.2g}".format, "move_50"),
)
"""What every table says: whether the set is usable, and what of a mask is only the threshold's."""
COLUMNS = (
    *PLACE,
    columns.number(
        "found on",
        "seen",
        lambda seen: f"{seen.points:,} × {seen.epochs:.3g} × {seen.trainings}",
    ),
    columns.value("seen.points", "seen.epochs", "seen.trainings"),
    columns.score("score", "score", prefix="score_"),
    columns.difference("− ticket", "gain", nothing=words.NONE),
    *EVIDENCE,
    columns.named("usable", "usable"),
    columns.count("score"),
)
MASK_COLUMNS = (
    *PLACE,
    *EVIDENCE,
    _share("chance", "newcomers_chance"),
    _share("leavers hit", "leavers_hit"),
    _share("nearest above", "leavers_nearest"),
    _share("Jaccard with the ticket", "jaccard_real"),
    _share("with one-shot at least", "jaccard_at_least"),
)
COPIES_COLUMNS = (
    *PLACE,
    columns.named("differ in", "noise"),
    columns.score("barrier", "chord", prefix="", nothing=words.NONE),
    columns.score("Frankle's", "frankle", prefix="frankle_", nothing=words.NONE),
    columns.number("barrier of loss", "loss", shown_loss),
    columns.spread_of("loss", "loss_"),
    columns.named("verdict", "verdict"),
    *EVIDENCE,
    columns.count("chord"),
)


def section(results: Results, study: Study) -> Section:
    """Show masks of sets beside tickets, and what of them is only the threshold's."""
    why = results.not_run("distilled")
    rows = measured.arms(results, study)
    compared = [row for row in rows if row.jaccard_one_shot is not None]
    copied = measured.copies(results, study, rows)
    no_copies = NOT_COPIED if rows else why
    return Section(
        "distillation",
        "Does a mask found on a few sequences do as well?",
        "Is a mask that is found on a distilled set as good as a ticket, and is it more than the "
        "one-shot mask with jitter at the threshold?",
        f"{claims.PAPER}, on images: masks found on distilled sets match tickets with up to 150 times "
        "fewer training points, and are more stable. On text nobody has asked it.",
        shared.naming(answer(rows), results) if rows else words.sentence(why),
        stages=STAGES,
        figures=(
            figures.scores(rows, results, study, why),
            figures.masks(compared, study, why),
        ),
        tables=(
            table.table("distilled", CAPTION, rows, COLUMNS, why),
            table.table("distilled_masks", MASKS_CAPTION, compared, MASK_COLUMNS, why),
            table.table("distilled_copies", COPIES_CAPTION, copied, COPIES_COLUMNS, no_copies),
        ),
        claims=tuple(claims.claims(rows, copied, results, study, why, no_copies)),
    )


def answer(rows: Sequence[Row]) -> str:
    """Say how far the sparsest distilled masks are from tickets, and what noise finds of these."""
    last = max(row.round for row in rows)
    shown = [row for row in rows if row.arm in (*DISTILLED, NOISE) and row.round == last]
    gains = "; ".join(
        f"{row.task}, {ARMS[row.arm]}, {words.difference(row.gain)}" for row in shown if row.gain
    )
    hits = "; ".join(
        f"{row.task}, {ARMS[row.arm]}, {words.percent(row.newcomers_hit)}, the threshold alone "
        f"{words.percent(row.newcomers_nearest)}"
        for row in shown
        if None not in (row.newcomers_hit, row.newcomers_nearest)
    )
    parts = [f"Masks minus the ticket: {gains or 'no pair of seeds'}."]
    if hits:
        parts.append(f"Of what tickets bring back beyond the one-shot mask, they find: {hits}.")
    return " ".join(parts)
