"""How few bits does a trained encoder need, and does the order of pruning and quantizing matter?"""

from stages.tickets.report import words
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.section import Section
from stages.tickets.report.sections.quantized import claims, measured
from stages.tickets.settings import Study


def section(results: Results, study: Study) -> Section:
    """Show quantized models, calibrated alone, trained, and pruned as well."""
    rows = measured.rows_of(results, study)
    text, why = measured.answer(rows), results.not_run(measured.KIND)
    return Section(
        "quantized",
        "How few bits does a trained model need?",
        "What do weights and activations of 8, 4 and 2 bits cost, what does training with quantizers win "
        "back, and does it matter whether heads and neurons go before, after or meanwhile?",
        "Zhang, Colbert and Das 2022, who ask it of convolutional networks for images.",
        shared.naming(text, results) if text else words.sentence(why),
        stages=("quantize", "prune-and-quantize"),
        figures=(measured.figure(rows, results, study),),
        tables=(measured.table_of(rows, results, study),),
        claims=tuple(claims.claims(results, study)),
    )
