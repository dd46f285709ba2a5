"""params.yaml, typed: every section, what is allowed in it, and one-sentence errors."""

from stages.tickets.settings.base import ParamsError, Section, UserError, expanded
from stages.tickets.settings.checking import checked, content, load
from stages.tickets.settings.data import (
    ALLOWED_METRICS,
    GLUE,
    HANS_GLUE,
    HANS_MINIATURE,
    MINIATURE,
    MINIATURE_WITHOUT_LABELS,
    SQUAD,
    WIKITEXT,
    Data,
    DataSet,
    Examples,
    FolderData,
    HansFile,
    HubData,
    Kind,
    Metric,
    MiniatureData,
    MiniatureHans,
    OwnData,
    Prepare,
    TextData,
)
from stages.tickets.settings.encoder import (
    Encoder,
    FolderEncoder,
    HubEncoder,
    PackageEncoder,
    Pretrain,
)
from stages.tickets.settings.reading import Plot, Ran, Tickets, Verdict
from stages.tickets.settings.rounds import (
    DRAWN_CONTROLS,
    GRIDS,
    OTHER_CONTROLS,
    ControlKinds,
    Controls,
    Dense,
    Earlier,
    Imp,
    Random,
    Round,
)
from stages.tickets.settings.searches import (
    Baselines,
    PatternExamples,
    PatternNetwork,
    Patterns,
    Retrain,
    RetrainSuper,
    Search,
    SearchRule,
    SearchSplit,
    Variant,
)
from stages.tickets.settings.study import Study
from stages.tickets.settings.train import Noise, Override, Recipe, Train
from stages.tickets.settings.trials import (
    ALIASED,
    NO_TASKS,
    AliasedRounds,
    Cross,
    Multitask,
    Over,
    Rewind,
    Standard,
    Transfer,
    TransferWeights,
)

__all__ = [
    "ALIASED", "ALLOWED_METRICS", "DRAWN_CONTROLS", "GLUE", "GRIDS", "HANS_GLUE",
    "HANS_MINIATURE", "MINIATURE", "MINIATURE_WITHOUT_LABELS", "NO_TASKS", "OTHER_CONTROLS",
    "SQUAD", "WIKITEXT", "AliasedRounds", "Baselines", "ControlKinds", "Controls", "Cross",
    "Data", "DataSet", "Dense", "Earlier", "Encoder", "Examples", "FolderData", "FolderEncoder",
    "HansFile", "HubData", "HubEncoder", "Imp", "Kind", "Metric", "MiniatureData",
    "MiniatureHans", "Multitask", "Noise", "Over", "Override", "OwnData", "PackageEncoder", "ParamsError",
    "PatternExamples", "PatternNetwork", "Patterns", "Plot", "Prepare", "Pretrain", "Ran",
    "Random", "Recipe", "Retrain", "RetrainSuper", "Rewind", "Round", "Search", "SearchRule",
    "SearchSplit", "Section", "Standard", "Study", "TextData", "Tickets", "Train", "Transfer",
    "TransferWeights", "UserError", "Variant", "Verdict", "checked", "content", "expanded", "load",
]  # fmt: skip
