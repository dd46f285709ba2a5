"""The study: all sections of params.yaml, and checks that compare sections."""

from collections.abc import Collection
from operator import attrgetter
from typing import Annotated, Literal

from pydantic import Field, model_validator

from stages.tickets.settings import trials
from stages.tickets.settings.at_start import AtInitialisation
from stages.tickets.settings.base import Name, NeededBy, Section, Seed, Unique, Whole, listed, rules
from stages.tickets.settings.connectivity import (
    Between,
    Connectivity,
    check_between,
    check_connectivity,
)
from stages.tickets.settings.data import Data, MiniatureData, OwnData, Prepare, check_data
from stages.tickets.settings.distil import Distil, check_distil
from stages.tickets.settings.encoder import Encoder, Pretrain
from stages.tickets.settings.landscapes import Curvature, Landscapes, Planes, check_networks
from stages.tickets.settings.learned import LearnedMasks, check_learned
from stages.tickets.settings.quantized import Greedy, Quantized, check_quantized
from stages.tickets.settings.reading import Plot, Ran, Tickets, Verdict
from stages.tickets.settings.rounds import (
    Controls,
    Dense,
    Earlier,
    Imp,
    Random,
    Rounds,
    check_controls,
    check_departures,
    check_grid,
)
from stages.tickets.settings.searches import (
    Baselines,
    Patterns,
    Retrain,
    RetrainSuper,
    Search,
    check_search,
    check_searched,
)
from stages.tickets.settings.ternary import Ternary, check_ternary
from stages.tickets.settings.train import Noise, Override, Train


class Study(Section):
    """All sections of params.yaml."""

    study: Name
    title: str
    banner: str
    """Text on top of every report; empty for none."""
    ran: Ran | None
    """Facts about the run of the committed report; null if none is committed."""
    tasks: Annotated[tuple[Name, ...], Field(min_length=1), Unique]
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1), Unique]
    noise: Noise
    numerics: Literal["portable", "fast"]
    """portable: the same bytes on every x86-64 Linux processor with AVX2; fast: whatever it can do."""
    encoder: Encoder
    data: dict[Name, Data]
    own: dict[Name, OwnData]
    prepare: Prepare
    train: Train
    override: dict[Name, Override]
    rounds: Rounds
    last_round: Whole
    """Number of the last round; it is written out because dvc.yaml cannot count."""
    grid: Literal["listed", "tenths_of_original", "tenths_of_remaining"]
    """Sparsities that `rounds` must have. listed: any; tenths_of_original: 0.1, 0.2, ... (the authors'
    code); tenths_of_remaining: 0.1, 0.19, 0.271, ... (Algorithm 1 of Chen et al. 2020)."""
    dense: Dense
    imp: Imp
    earlier: Earlier
    rewind: trials.Rewind
    random: Random
    controls: Controls
    standard: trials.Standard
    cross: trials.Cross
    multitask: trials.Multitask
    scratch: trials.Over
    transfer: trials.Transfer
    transfer_weights: trials.TransferWeights
    distil: Distil
    baselines: Baselines
    search: Search
    retrain: Retrain
    retrain_super: RetrainSuper
    patterns: Patterns
    at_initialisation: AtInitialisation
    learned_masks: LearnedMasks
    greedy: Greedy
    quantized: Quantized
    ternary: Ternary
    sizes: trials.Sizes
    landscapes: Landscapes
    planes: Planes
    curvature: Curvature
    connectivity: Connectivity
    between: Between
    tickets: Tickets
    verdict: Verdict
    plot: Plot

    @property
    def sources(self) -> tuple[str, ...]:
        """All sources of masks that can be transferred."""
        return (
            *self.tasks,
            *trials.NO_TASKS,
            *(f"{trials.ALIASED}{task}" for task in self.standard.tasks),
        )

    @model_validator(mode="after")
    def _sections_agree(self) -> "Study":
        self._check_described()
        self._check_lengths()
        self._check_numerics()
        check_data(self.data, self.prepare)
        check_grid(self.rounds, self.grid)
        last = len(self.rounds)
        if self.last_round != last:
            raise ValueError(f"last_round is {self.last_round}, allowed is {last}, that of rounds")
        self._check_rules()
        check_departures(self.imp, self.earlier, last)
        trials.check_rewind(self.rewind, self.imp)
        check_controls(self.controls, self.random, self.imp)
        trials.check_aliased(self.standard, self.transfer, self.imp)
        trials.check_transfer(self.transfer, self.transfer_weights, self.multitask, self.imp)
        check_search(self.search, self.data)
        check_searched(self.retrain, self.retrain_super, self.patterns, self.search, self.dense)
        check_connectivity(self.connectivity, self.data, self.train, self.dense, last)
        check_between(self.between, self.tasks, self.data, self.noise, self.imp)
        check_distil(self.distil, self.data, self.seeds, self.dense, self.imp, self.connectivity)
        check_learned(self.learned_masks, self.data, self.own, self.imp)
        check_ternary(self.ternary, self.data)
        check_quantized(self.quantized, self.data)
        trials.check_sizes(self.sizes, self.numerics)
        networks = {key: getattr(self, key) for key in ("landscapes", "planes", "curvature")}
        check_networks(self.imp, self.planes, networks)
        return self

    def _check_described(self) -> None:
        """Check that every task has one section in data or own, and one in override, and no others."""
        described = (*self.data, *self.own)
        for task in self.tasks:
            if task not in described:
                raise ValueError(f"tasks has {task!r}, allowed are {listed(described)}")
            if task not in self.override:
                raise ValueError(f"override lacks {task!r}, allowed is a section for every task")
        for task in self.own:
            if task in self.data:
                raise ValueError(f"own has {task!r}, allowed are names that data does not have")
        sections: dict[str, Collection[str]]
        sections = {"data": self.data, "own": self.own, "override": self.override}
        for key, names in sections.items():
            for name in names:
                if name not in self.tasks:
                    raise ValueError(
                        f"{key} has {name!r}, allowed are the tasks {listed(self.tasks)}"
                    )

    def _check_lengths(self) -> None:
        """Check that no input is longer than an encoder of the study's own has positions for."""
        lengths = {"prepare.max_length": self.prepare.max_length}
        for name, data in self.data.items():
            if not isinstance(data, MiniatureData) and data.max_length is not None:
                lengths[f"data.{name}.max_length"] = data.max_length
        for key, length in lengths.items():
            if isinstance(self.encoder, Pretrain) and length > self.encoder.max_length:
                raise ValueError(
                    f"{key} is {length}, allowed is at most encoder.max_length, "
                    f"{self.encoder.max_length}"
                )

    def _check_numerics(self) -> None:
        """Check that nothing is asked for whose last digits depend on the processor, if they may not."""
        if self.numerics == "fast":
            return
        recipes = {"train": self.train}
        if isinstance(self.encoder, Pretrain):
            recipes["encoder.train"] = self.encoder.train
        threads = {f"{key}.threads": recipe.threads for key, recipe in recipes.items()}
        if self.patterns.tasks:
            threads["patterns.network.threads"] = self.patterns.network.threads
        for key, number in threads.items():
            if number != 1:
                raise ValueError(f"{key} is {number}, allowed is 1 while numerics is portable")
        for key, recipe in recipes.items():
            if recipe.precision != "fp32":
                raise ValueError(
                    f"{key}.precision is {recipe.precision}, allowed is fp32 while numerics is portable"
                )

    def _check_rules(self) -> None:
        """Check the rules that fields of all sections state, such as `Among("tasks")`."""
        for key, rule in rules(Study):
            values, other = attrgetter(key)(self), attrgetter(rule.of)(self)
            if isinstance(rule, NeededBy):
                if other and not values:
                    raise ValueError(f"{key} is empty, allowed with {rule.of} is one at least")
                continue
            for value in values if isinstance(values, tuple) else (values,):
                problem = rule.problem(value, other)
                if problem:
                    verb = "has" if isinstance(values, tuple) else "is"
                    raise ValueError(f"{key} {verb} {value!r}, {problem}")
