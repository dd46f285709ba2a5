"""params.yaml, typed: every section, what is allowed in it, and one-sentence errors."""

from stages.tickets.settings.base import ParamsError, Section, UserError, expanded
from stages.tickets.settings.checking import checked, content, load
from stages.tickets.settings.connectivity import Arm, Between, Connectivity, Net, Steps
from stages.tickets.settings.data import (
    ALLOWED_METRICS,
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
from stages.tickets.settings.distil import Distil, OnSets, SetOfSequences
from stages.tickets.settings.encoder import (
    Encoder,
    FolderEncoder,
    HubEncoder,
    PackageEncoder,
    Pretrain,
)
from stages.tickets.settings.learned import LearnedMasks, LearnRule
from stages.tickets.settings.quantized import Greedy, Quantized, QuantizedRule
from stages.tickets.settings.reading import Ran, Tickets, Verdict
from stages.tickets.settings.rounds import (
    DRAWN_CONTROLS,
    GRIDS,
    OTHER_CONTROLS,
    ControlKinds,
    Controls,
    Dense,
    Random,
    Round,
)
from stages.tickets.settings.searches import (
    Baselines,
    PatternNetwork,
    Retrain,
    RetrainSuper,
    Search,
)
from stages.tickets.settings.study import Study
from stages.tickets.settings.ternary import Ternary
from stages.tickets.settings.train import Noise, Override, Recipe, Train
from stages.tickets.settings.trials import (
    NO_TASKS,
    AliasedRounds,
    Cross,
    Multitask,
    Over,
    Rewind,
    Sizes,
    Standard,
    Transfer,
    TransferWeights,
)
