"""Does a mask that is made before any training come close to a ticket, and where does it collapse?"""

from collections import Counter
from collections.abc import Sequence

from stages.tickets.report import words
from stages.tickets.report.claim import HOLDS, decided
from stages.tickets.report.papers import shared, tanaka
from stages.tickets.report.results import Results
from stages.tickets.report.section import Section
from stages.tickets.report.sections.at_initialisation import collapse, figures
from stages.tickets.report.sections.at_initialisation import compared as masks
from stages.tickets.report.sections.at_initialisation.collapse import MaskRow, MatrixRow, NeuronRow
from stages.tickets.report.sections.at_initialisation.compared import KIND
from stages.tickets.report.table import Row
from stages.tickets.settings import Study


def section(results: Results, study: Study) -> Section:
    """Show scores of masks at initialisation beside tickets, and what the masks do to the encoder."""
    of_masks = results.read("collapse", "masks.csv", MaskRow)
    matrices = results.read("collapse", "matrices.csv", MatrixRow)
    neurons = results.read("collapse", "neurons.csv", NeuronRow)
    neurons = [row for row in neurons if row.task == neurons[0].task]
    compared = masks.compare(results, study)
    chosen = masks.best(compared, results, study)
    ends = collapse.ends(of_masks, results)
    tried = tanaka.claims(compared, chosen, ends, results, study)
    claims = tuple(decided(tried, study.tickets.confidence))
    return Section(
        KIND,
        "Can a mask be found before any training?",
        "Does a mask that is made of theta_0 or of random weights, without training them, come close to "
        "a ticket of its size, and at which compression does it leave a matrix empty?",
        "Tanaka et al. 2020, who ask it of convolutional networks; SNIP is by Lee et al. 2019, GraSP by "
        "Wang et al. 2020.",
        shared.naming(answer(chosen, ends, results), results)
        if compared
        else words.sentence(results.not_run(KIND)),
        stages=("at-initialisation", "collapse"),
        figures=(
            figures.scores_figure(compared, results, study),
            figures.neurons_figure(neurons, results, study),
            figures.sizes_figure(matrices, results, study),
        ),
        tables=(
            masks.best_table(chosen, results, study),
            masks.scores_table(compared, results, study),
            collapse.ends_table(ends, results, study),
            collapse.collapse_table(collapse.collapses(of_masks), results),
            collapse.densities_table(matrices, results),
            shared.claims_table("tanaka_claims", claims, results),
            tanaka.published_table(results),
        ),
        claims=claims,
    )


def answer(chosen: Sequence[Row], ends: Sequence[Row], results: Results) -> str:
    """Say how near the best masks come to tickets, by size, and how far each score can prune."""
    own = [row for row in chosen if row.task in results.usable([row.task])]
    near = "; ".join(
        f"{row.task} at {words.percent(row.sparsity)} {words.difference(row.gain)} ({row.mask})"
        for row in own
    )
    close, good = (
        Counter(getattr(row, name) for row in own)[HOLDS] for name in ("close", "as_good")
    )
    text = (
        f"The best mask found without training the task, minus the ticket of its size: {near}; surely "
        f"close {close} of {len(own)} times, surely as good {good} times. "
        if own
        else "No mask has the size of a ticket of a task that was learned. "
    )
    reached = ", ".join(f"{row.mask} of {row.start} weights {row.critical:,.0f}" for row in ends)
    return f"{text}Every matrix keeps a weight up to the compression: {reached}."
