"""Do masks that are learned over fixed weights resist wrong labels, and do they serve other tasks?"""

from stages.tickets.report import words
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.section import Section
from stages.tickets.report.sections.learned_masks import claims, lent, noise, searches
from stages.tickets.settings import Study


def section(results: Results, study: Study) -> Section:
    """Show learned masks untrained and trained, on flipped labels, and on other tasks."""
    found_by = searches.rows_of(results, study)
    curves = noise.read(results)
    trained = noise.rows_of(curves, results, study)
    loans = lent.rows_of(results, study)
    parts = (searches.answer(found_by), noise.answer(trained), lent.answer(loans))
    text = " ".join(filter(None, parts))
    why = results.not_run("learned")
    return Section(
        "learned_masks",
        "Can a mask be learned while the weights stay?",
        "If a probability is learned for every weight and no weight moves, does the mask work untrained, "
        "does its training resist wrong labels, and does it serve other tasks?",
        "Ghosh et al. 2024, who ask it of networks that restore images; Zhao et al. 2020 learn masks "
        "over BERT in place of fine-tuning.",
        shared.naming(text, results) if text else words.sentence(why),
        stages=(
            "learn-mask",
            "noisy-dense",
            "noisy-masks",
            "lend-mask",
            "learned-masks",
            "noise-curves",
        ),
        figures=(
            searches.figure(results, study),
            noise.figure(curves, results, study),
        ),
        tables=(
            searches.table_of(found_by, results),
            noise.table_of(trained, results),
            lent.table_of(loans, results),
        ),
        claims=tuple(claims.claims(results, study, trained)),
    )
