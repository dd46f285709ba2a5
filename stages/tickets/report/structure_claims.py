"""What Prasanna et al. 2020 say of sizes and places of what survives, beside what came out here."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from stages.tickets.report import names as runs
from stages.tickets.report.claims import compared, not_the_same_seeds
from stages.tickets.report.names import Config
from stages.tickets.report.published import PublishedStructure
from stages.tickets.report.search_rows import (
    Place,
    Searched,
    Size,
    StructureAgreement,
    WeightsOfLayer,
)
from stages.tickets.report.table import Record, Table
from stages.tickets.report.words import NONE


@dataclass(frozen=True)
class Found:
    """The tables that the quantities are computed from."""

    sizes: Sequence[Size]
    searched: Sequence[Searched]
    structures: Sequence[StructureAgreement]
    places: Sequence[Place]
    weights: Sequence[WeightsOfLayer]


@dataclass(frozen=True)
class Quantity:
    """A number per task; None where it was not measured."""

    statement: str
    of_task: Callable[[Found, str], float | None]
    directed: bool = False
    """Whether the statement has a direction: it says that the number is not 0."""


def _kappa(found: Found, task: str) -> float | None:
    key = ("seeds", "joint", task, "heads", "fleiss_kappa")
    return _mean(
        one.value
        for one in found.structures
        if (one.axis, one.variant, one.task, one.part, one.measure) == key
    )


def _kept(kind: str, name: str) -> Callable[[Found, str], float | None]:
    def of_task(found: Found, task: str) -> float | None:
        return _mean(
            one.kept / one.prunable
            for one in found.sizes
            if (one.kind, one.subnetwork, one.task) == (kind, name, task)
        )

    return of_task


def _kept_weights(found: Found, task: str) -> float | None:
    return _mean(
        one.kept
        for one in found.searched
        if (one.variant, one.task) == ("magnitude", task) and one.kept is not None
    )


def _middle(found: Found, task: str) -> float | None:
    """Of layers 4 to 7 of 12, or the same share of others."""
    survival = {
        one.layer: one.mean
        for one in found.places
        if (one.variant, one.task, one.part) == ("joint", task, "mlps")
    }
    num = len(survival)
    middle = range(num // 3, -(-2 * num // 3))
    inner = _mean(survival[layer] for layer in survival if layer in middle)
    outer = _mean(survival[layer] for layer in survival if layer not in middle)
    return None if inner is None or outer is None else inner - outer


def _upper(found: Found, task: str) -> float | None:
    layers: dict[int, list[float]] = {}
    for one in found.weights:
        if one.task == task:
            layers.setdefault(one.layer, []).append(one.kept / one.size)
    half = len(layers) / 2
    upper = _mean(share for layer, shares in layers.items() if layer >= half for share in shares)
    lower = _mean(share for layer, shares in layers.items() if layer < half for share in shares)
    return None if upper is None or lower is None else upper - lower


def _mean(values: Iterable[float]) -> float | None:
    listed = list(values)
    return sum(listed) / len(listed) if listed else None


QUANTITIES: Mapping[str, Quantity] = {
    "kappa_of_heads": Quantity("Fleiss κ of surviving heads over seeds", _kappa, directed=True),
    "kept_structured": Quantity(
        "Share of the parameters that good heads and MLPs hold", _kept("structured", "good")
    ),
    "kept_magnitude": Quantity("Share that good weights hold", _kept_weights),
    "kept_super": Quantity("Share that super-survivors hold", _kept("structured", "super")),
    "middle_mlps": Quantity(
        "MLPs in the middle survive most: share of seeds, middle third minus others",
        _middle,
        directed=True,
    ),
    "upper_layers": Quantity(
        "Magnitude pruning takes more from lower layers: share kept, upper half minus lower",
        _upper,
        directed=True,
    ),
}


def verdict(theirs: Sequence[float], ours: float | None, directed: bool) -> str:
    """agrees, direction only, or differs; empty where nothing ran here.

    agrees: ours lies between the least and the greatest of the paper's tasks, and if the statement has a
    direction, has the sign of their mean; direction only: else, if it has that sign; differs: else.
    """
    if ours is None:
        return ""
    same_sign = ours * sum(theirs) > 0
    if min(theirs) <= ours <= max(theirs) and (same_sign or not directed):
        return "agrees"
    return "direction only" if directed and same_sign else "differs"


def structure_claims_table(
    found: Found, published: Sequence[PublishedStructure], config: Config
) -> Table:
    """Sizes, places and stability of what survives: the paper's masks and ours, mean over tasks."""
    tasks = compared([one.task for one in published], config.search.tasks)
    paper_tasks, our_tasks = tasks.words
    seeds = len(config.search.seeds)
    caption = (
        "Of the paper: computed here from its published masks, heat maps and sizes, bert-base-uncased, "
        f"means over 5 seeds, {paper_tasks}: mean [least, greatest] over tasks. Here: {our_tasks}, means "
        f"over {seeds} seeds; the range is over tasks and says nothing about seeds. Shares of heads and "
        "MLPs are those of the retrained subnetworks, and thus of their tasks. Verdict: agrees, if "
        "our mean is between the paper's least and greatest, and of its sign where the statement has a "
        "direction; direction only, if it has one and the sign is theirs; else differs."
    )
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    for name, quantity in QUANTITIES.items():
        theirs = [
            one.value for one in published if one.quantity == name and one.task in tasks.theirs
        ]
        by_task = [quantity.of_task(found, task) for task in tasks.ours]
        measured = [value for value in by_task if value is not None]
        paper, ours = sum(theirs) / len(theirs), _mean(measured)
        why = runs.why_not("search", config)
        if config.search.tasks and ours is None:
            why = "not run: params.yaml asks for nothing that says this"
        said = verdict(theirs, ours, quantity.directed) or why
        if ours is not None and name == "kept_super":
            said = not_the_same_seeds(config) or said
        rows.append(
            (
                quantity.statement,
                _range(theirs),
                _range(measured),
                NONE if ours is None else f"{ours - paper:+.3f}".replace("-", "−"),
                str(len(measured)),
                said,
            )
        )
        records.append(
            {
                "quantity": name,
                "paper": paper, "paper_low": min(theirs), "paper_high": max(theirs),
                "here": ours,
                "here_low": min(measured, default=None), "here_high": max(measured, default=None),
                "tasks": len(measured), "seeds": seeds, "verdict": said,
            }
        )  # fmt: skip
    header = ("quantity", "paper", "here", "here − paper", "tasks", "verdict")
    return Table("structure_claims", caption, header, tuple(rows), tuple(records))


def _range(values: Sequence[float]) -> str:
    if not values:
        return NONE
    low, mean, high = min(values), sum(values) / len(values), max(values)
    if len(values) == 1:
        return f"{mean:.3f}".replace("-", "−")
    return f"{mean:.3f} [{low:.3f}, {high:.3f}]".replace("-", "−")
