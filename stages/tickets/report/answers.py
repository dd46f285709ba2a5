"""What came out, in a sentence or two for each question of the report."""

from collections.abc import Sequence

from stages.tickets.report import findings, rewinding_tables, seed_tables, transfers
from stages.tickets.report import names as runs
from stages.tickets.report.names import Config, source_name
from stages.tickets.report.rows import Agreement, Kept, TaskSize
from stages.tickets.report.scores import Run, Scores
from stages.tickets.report.ticket_tables import rule_name
from stages.tickets.report.words import (
    NOT_RUN,
    count,
    difference,
    matrix_name,
    percent,
    points,
    probability,
    signed,
)
from stages.tickets.statistics.intervals import Difference


def on_tasks(tasks: Sequence[TaskSize]) -> str:
    sizes = [one.train for one in tasks]
    low, high = min(sizes), max(sizes)
    reach = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    return f"{count(len(tasks), 'task')} with {reach} training examples."


def on_tickets(scores: Scores, config: Config) -> str:
    found = findings.find_tickets(scores, config)
    at = [runs.sparsities(config)[one.round] for one in found if one.round]
    if not at:
        return (
            f"None of {count(len(found), 'task')} has a matching ticket."
            if len(found) > 1
            else "The task has no matching ticket."
        )
    verb = "has" if len(at) == 1 else "have"
    text = f"{len(at)} of {count(len(found), 'task')} {verb} a matching ticket, at {_range(at)} "
    text += "sparsity, as chosen on the selection split. "
    held = sum(one.matches for one in found)
    text += f"On the validation split {held} of {len(at)} {'matches' if held == 1 else 'match'}."
    unsure = sum(one.round is not None and not one.sure for one in found)
    if unsure:
        text += f" {unsure} of the {len(at)} {'is' if unsure == 1 else 'are'} not surely above the "
        text += "majority class, or the dense model is not."
    if config.tickets.rule != "one_std":
        text += f" To match: {rule_name(config)}."
    if config.imp.rewind_to:
        return text + " They start from rewound weights, so none counts as a winning ticket."
    return text + " They start from the pre-trained weights: a matching ticket is a winning one."


def on_scores(scores: Scores, config: Config) -> str:
    above = [
        task
        for task in config.tasks
        if (line := scores.of(Run(task, "bag_of_words")))
        and (dense := scores.of(Run(task, "dense")))
        and sum(dense.values()) / len(dense) > max(line.values())
    ]
    lines = sum(bool(scores.of(Run(task, "bag_of_words"))) for task in config.tasks)
    if not lines:
        return "No bag-of-words line was trained."
    return (
        f"The mean dense score is above the bag-of-words line on {len(above)} of "
        f"{count(lines, 'task')} that {'has' if lines == 1 else 'have'} one."
    )


def on_transfer(scores: Scores, config: Config) -> str:
    cells = transfers.transfer_cells(scores, config)
    if not cells:
        return _sentence(runs.why_not("transfer", config))
    counts = [transfers.reached(source, cells) for source in transfers.task_sources(config)]
    total = sum(number for _, number in counts)
    if not total:
        return "No task's mask was trained on another task than its own."
    text = f"{sum(count for count, _ in counts)} of {total} transfers of a task's mask to another task "
    text += f"score at least as high as the target's own ticket (n={len(config.transfer.seeds)}"
    if len(config.transfer.seeds) == 1:
        text += ", so nothing is known of their spread"
    text += "). "
    margin = config.tickets.transfer_margin
    names = [", ".join(map(source_name, transfers.universal(cells, at))) for at in (0.0, margin)]
    return text + (
        f"Sources that reach the own ticket on all of two or more other tasks: {names[0] or 'none'}; "
        f"allowing {points(margin)} points below it: {names[1] or 'none'}."
    )


def on_weights(scores: Scores, config: Config) -> str:
    parts = []
    for point in config.transfer_weights.points:
        pairs = transfers.weights_pairs(config, [point])
        found, number = findings.over_pairs(pairs, scores, config.tickets.confidence)
        if found:
            parts.append(f"{difference(found)} from i = {point} % ({count(number, 'pair')})")
    if not parts:
        return _sentence(runs.why_not("transfer_weights", config))
    return f"Change against theta_0 in points, mean over pairs of tasks: {'; '.join(parts)}."


def on_rewinding(scores: Scores, config: Config) -> str:
    ran = {
        f"from i = {point} %": [
            found
            for task in config.rewind.tasks
            if (found := findings.rewinding_gain(task, point, scores, config))
        ]
        for point in config.rewind.points
    }
    for kind in rewinding_tables.OTHERS:
        ran[f"by {rewinding_tables.name_of(kind, config)}"] = [
            found
            for task in config.standard.tasks
            if (found := rewinding_tables.last_gain(task, kind, scores, config))
        ]
    parts = [f"{_gained(gains)} {name} ({_over(gains)})" for name, gains in ran.items() if gains]
    if not parts and not scores.has("rewind"):
        return _sentence(runs.why_not("rewind", config))
    if not parts:
        return "Only one point ran: nothing to compare."
    at = config.imp.rewind_to
    return f"Change against i = {at} %, mean over tasks in points: {'; '.join(parts)}."


def _gained(gains: Sequence[Difference]) -> str:
    """The mean over tasks; of one task with its interval."""
    if len(gains) == 1:
        return difference(gains[0])
    return signed(sum(one.mean for one in gains) / len(gains))


def _over(gains: Sequence[Difference]) -> str:
    """How many tasks and seeds, and from where to where the tasks reach."""
    means, n = [one.mean for one in gains], min(one.n for one in gains)
    reach = f", {signed(min(means))} to {signed(max(means))}" if len(means) > 1 else ""
    return f"{count(len(gains), 'task')}{reach}" + (
        "" if n == 1 and len(gains) == 1 else f", n={n}"
    )


def on_seeds(scores: Scores, config: Config) -> str:
    if not scores.has("cross"):
        return _sentence(runs.why_not("cross", config))
    parts, shapes = [], []
    for task in config.cross.tasks:
        found = seed_tables.decompose(task, scores, config)
        if found:
            shapes.append(found)
            parts.append(
                f"{task} {percent(found.rows.share)} mask, {percent(found.columns.share)} training, "
                f"{percent(found.rest.share)} neither alone"
            )
    if not parts:
        return "No task has a whole table of masks and trainings whose scores differ."
    masks, seeds = len(config.cross.mask_seeds), len(config.cross.seeds)
    chance = shapes[0]  # the same for all tasks
    text = (
        f"Of the variance over {masks} masks by {seeds} trainings, where chance alone gives "
        f"{percent(chance.rows.chance)} mask, {percent(chance.columns.chance)} training and "
        f"{percent(chance.rest.chance)} neither alone: {'; '.join(parts)}."
    )
    p_values = [effect.p for one in shapes for effect in (one.rows, one.columns)]
    known = [p for p in p_values if p is not None]
    if known and min(known) >= 1 - config.tickets.confidence:
        text += f" No effect is sure (p at least {probability(min(known))})."
    return text


def on_agreement(agreement: Sequence[Agreement], config: Config) -> str:
    here = findings.last_overlaps(agreement, config)
    parts = []
    for axis, name in (("tasks", "between tasks"), ("seeds", "between seeds")):
        value = findings.average(row.value for row in here if row.axis == axis)
        parts.append(f"{name} {NOT_RUN if value is None else f'{value:.2f}'}")
    floor = findings.average(row.floor for row in here)
    if floor is None:
        return _sentence(runs.why_no_agreement(config))
    return (
        f"Mean Jaccard similarity of the masks at {percent(config.rounds[-1].sparsity)} sparsity: "
        f"{', '.join(parts)}; uniformly random masks have {floor:.2f}."
    )


def on_layers(layers: Sequence[Kept], config: Config) -> str:
    found = [one for one in findings.densities(layers, config) if not one.task]
    if not found:
        return _sentence(runs.NO_LAYERS)
    dense, sparse = (pick(found, key=lambda one: one.density.mean) for pick in (max, min))
    names = []
    for one in (dense, sparse):
        place = "" if one.layer is None else f", layer {one.layer}"
        names.append(f"{points(1 - one.density.mean)} % ({matrix_name(one.matrix)}{place})")
    return (
        f"At {percent(config.rounds[-1].sparsity)} over all, sparsity goes from {names[0]} to "
        f"{names[1]}; mean over tasks and seeds, layers counted from 0."
    )


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


def _range(shares: Sequence[float]) -> str:
    low, high = min(shares), max(shares)
    return percent(low) if low == high else f"{percent(low)} to {percent(high)}"
