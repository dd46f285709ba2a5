"""Should heads and neurons be chosen layer by layer, on what is pruned already?"""

from stages.tickets.report import words
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.section import Section
from stages.tickets.report.sections.greedy import claims, compared, rankings
from stages.tickets.settings import Study


def section(results: Results, study: Study) -> Section:
    """Show how rankings of channels change behind a pruned prefix, and scores by order of choice."""
    ranked = rankings.read(results)
    of_layers = rankings.rows_of(ranked, results)
    scored = compared.rows_of(results, study)
    parts = rankings.answer(of_layers, results), compared.answer(results, study)
    text = " ".join(filter(None, parts))
    return Section(
        "greedy",
        "Should channels be chosen layer by layer?",
        "Does the ranking of a layer's heads and neurons by their activations change if earlier layers "
        "are pruned, and is it better to choose them behind what is pruned already?",
        "Zhang, Colbert and Das 2022, who ask it of channels of convolutional networks.",
        shared.naming(text, results)
        if text
        else words.sentence(results.not_run("choose-channels")),
        stages=("choose-channels", "prune-channels", "channels-within"),
        figures=(
            rankings.figure(ranked, results, study),
            compared.figure(scored, results, study),
        ),
        tables=(
            rankings.table_of(of_layers, results),
            compared.table_of(scored, results),
        ),
        claims=tuple(claims.claims(of_layers, results, study)),
    )
