"""params.yaml: what is refused and how, and what is read."""

import copy
import re
import shutil
import tempfile
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from stages.tickets import settings
from stages.tickets.settings import ParamsError
from stages.tickets.settings.connectivity import check_between
from tests.imports import ROOT

SHIPPED = ROOT / "params.yaml"
ABSENT = "absent"

Content = dict[str, Any]


@cache
def _example() -> Content:
    with tempfile.TemporaryDirectory() as folder:
        for file in (ROOT / "studies" / "off.yaml", Path(__file__).with_name("example.yaml")):
            shutil.copy(file, folder)
        return settings.content(Path(folder) / "example.yaml")


def example(changes: str = "") -> Content:
    """A study of every kind of task, with changes such as `train.epochs: 2, seeds: absent`."""
    content = copy.deepcopy(_example())
    for key, value in (YAML(typ="safe").load(f"{{{changes}}}") or {}).items():
        *path, last = (int(part) if part.isdigit() else part for part in key.split("."))
        section: Any = content
        for part in path:
            section = section[part]
        if value == ABSENT:
            del section[last]
        elif last == len(section) and isinstance(section, list):
            section.append(value)
        else:
            section[last] = value
    return content


# --- what is refused -------------------------------------------------------------------------

OWN = (
    "{train: a.csv, validation: b.csv, texts: [a], label: b, kind: regression, metrics: [pearson]}"
)
# A change of the example; then the key, the value and what is allowed, as the message has them.
REFUSED: list[tuple[str, ...]] = [
    ("sede: 1", "'sede'", "1", "seeds"),
    ("train.lr: 0.1", "train has", "'lr' with value 0.1", "learning_rate"),
    ("encoder.train.lr: 0.1", "encoder.train", "'lr'", "learning_rate"),
    ("encoder.depth: 4", "encoder has", "'depth' with value 4", "layers"),
    ("data.acceptability.size: 4", "data.acceptability", "'size'", "validation"),
    ("override.acceptability.clip: 4", "override.acceptability", "'clip'", "epochs"),
    ("rounds.1.rate: 0.5", "rounds[1]", "'rate'", "from, to, sparsity"),
    ("noise.data: 1", "noise has", "'data'", "data_order"),
    ("transfer.sources: [qqp]", "transfer.sources", "'qqp'", "acceptability"),
    ("transfer.targets: [qqp]", "transfer.targets", "'qqp'", "acceptability"),
    ("study: My Study", "study", "'My Study'", "characters a-z, 0-9 and _"),
    ("encoder.source: web", "encoder.source", "'web'", "'pretrain', 'hub'"),
    ("encoder.source: absent", "encoder.source", "missing", "'pretrain', 'hub'"),
    ("data.acceptability.source: web", "data.acceptability.source", "'web'", "'miniature', 'hub'"),
    ("encoder.hidden: 17", "encoder.hidden", "17", "multiples of attention_heads"),
    ("encoder.train.head_rate: 2.0", "encoder", "train.head_rate is 2", "nothing of it is pre-trained"),
    ("train.head_rate: 0", "train.head_rate", "0", "greater than 0"),
    ("prepare.max_length: 999", "prepare.max_length", "999", "encoder.max_length"),
    ("rounds.1.sparsity: 0.6", "rounds[1].sparsity", "0.6", "more than the 0.6"),
    ("rounds.1.sparsity: 1.0", "rounds[1].sparsity", "1.0", "less than 1"),
    ("rounds.1.from: 0", "rounds[1]", "from 0 to 2", "from 1 to 2"),
    ("rounds: []", "rounds is empty", "one entry at least"),
    ("last_round: 99", "last_round", "99", "2"),
    ("random.rounds: [99]", "random.rounds", "99", "up to 2"),
    ("random.rounds: [2, 2]", "random.rounds", "2", "once"),
    ("grid: tenths_of_original", "rounds[0].sparsity", "0.6", "is 0.1"),
    ("grid: tenths", "grid", "'tenths'", "'tenths_of_remaining'"),
    ("imp.decay_over: 0", "imp.decay_over", "0", "equal to 1"),
    ("imp.decay_over: 2", "earlier.rounds", "[]", "[1]"),
    ("imp.classifier: carried", "earlier.rounds", "[]", "[1]"),
    ("imp.classifier: kept", "imp.classifier", "'kept'", "'carried'"),
    ("earlier.rounds: [1]", "earlier.rounds", "[1]", "is []"),
    ("imp.decay_over: 99, earlier.rounds: [1]", "imp.decay_over", "99", "up to 2"),
    ("rewind.source: both", "rewind.source", "'both'", "'sparse'"),
    ("rewind.source: sparse, imp.rewind_to: 50, rewind.points: [0]",
     "rewind.source", "'sparse'", "imp.rewind_to 0"),
    ("controls.more.kinds: [shuffled]", "controls.more.kinds[0]", "'shuffled'", "one-shot"),
    ("controls.more.kinds: [one-shot-2]", "controls.more.kinds[0]", "'one-shot-2'", "draws"),
    ("controls.more.kinds: []", "controls.more.kinds", "empty", "one at least"),
    ("controls.more.kinds: [random]", "controls.more.kinds", "'random'", "round 2 already"),
    ("controls.more.kinds: [one-shot, one-shot]", "controls.more.kinds", "'one-shot'", "once"),
    ("controls.rounds: [99]", "controls.rounds", "99", "up to 2"),
    ("controls.tasks: [cola]", "controls.tasks", "'cola'", "acceptability"),
    ("standard.aliased.rounds: [99]", "standard.aliased.rounds", "99", "up to 2"),
    ("standard.tasks: [cola]", "standard.tasks", "'cola'", "acceptability"),
    ("standard.seeds: []", "standard.tasks", "'acceptability'", "in both or none"),
    ("standard.aliased.rounds: [1]", "standard.aliased.rounds", "1", "from 2 on"),
    ("standard.tasks: [], standard.seeds: []",
     "standard.aliased.rounds", "has rounds", "with standard.tasks"),
    ("controls.rounds: [1, 2]", "controls.rounds", "1", "from 2 on"),
    ("transfer.sources: [aliased-mlm]", "transfer.sources", "'aliased-mlm'", "from 2 on"),
    ("transfer.sources: [aliased-cola]", "transfer.sources", "'aliased-cola'", "aliased-mlm"),
    ("transfer.sources: [aliased-mlm], transfer.round: 2, standard.seeds: [2]",
     "transfer.sources", "'aliased-mlm'", "all of transfer.seeds, 1"),
    ("transfer_weights.targets: [mlm], transfer_weights.points: [0]",
     "transfer_weights.points", "0", "others than imp.rewind_to"),
    ("imp.classifier: carried, earlier.rounds: [1], imp.keep_weights: [1]",
     "imp.keep_weights", "[1]", "is none"),
    ("cross.mask_seeds: [99]", "cross.mask_seeds", "99", "1, 2, 3"),
    ("transfer.sources: [two-shot]", "transfer.sources[0]", "'two-shot'", "'multi-task'"),
    ("transfer_weights.sources: [one-shot]", "transfer_weights", "'one-shot'", "a-z, 0-9 and _"),
    ("transfer_weights.points: [30]", "transfer_weights.points", "30", "dense.points 0, 5, 10, 20, 50"),
    ("transfer.round: 99", "transfer.round", "99", "up to 2"),
    ("imp.keep_weights: [-1]", "imp.keep_weights[0]", "-1", "equal to 1"),
    ("imp.keep_weights: [2]", "imp.keep_weights", "2", "up to 1"),
    ("seeds: [1.0, 2.0]", "seeds[0]", "1.0", "a valid integer"),
    ("imp.rewind_to: 33", "imp.rewind_to", "33", "dense.points"),
    ("dense.points: []", "dense.points is empty", "one entry at least"),
    ("dense.points: [0, 50, 50]", "dense.points", "50", "once"),
    ("dense.points: [0, 100]", "dense.points[1]", "100", "less than 100"),
    ("rewind.points: [30]", "rewind.points", "30", "dense.points 0, 5, 10, 20, 50"),
    ("rewind.points: [50, 50]", "rewind.points", "50", "once"),
    ("rewind.points: []", "rewind.points", "empty", "one at least"),
    ("rewind.points: [0]", "rewind.points", "0", "others than imp.rewind_to"),
    ("rewind.tasks: [cola]", "rewind.tasks", "'cola'", "acceptability"),
    ("rewind.seeds: [99]", "rewind.seeds", "99", "1, 2, 3"),
    ("seeds: [1, 1]", "seeds", "1", "once"),
    ("seeds: [-1]", "seeds[0]", "-1", "greater than or equal to 0"),
    ("transfer.seeds: [99]", "transfer.seeds", "99", "1, 2, 3"),
    ("scratch.seeds: [99]", "scratch.seeds", "99", "1, 2, 3"),
    ("scratch.tasks: [cola]", "scratch.tasks", "'cola'", "acceptability"),
    ("multitask.seeds: [99]", "multitask.seeds", "99", "1, 2, 3"),
    ("multitask.tasks: [cola]", "multitask.tasks", "'cola'", "acceptability"),
    ("multitask.tasks: []", "multitask.tasks", "is empty", "one at least"),
    ("multitask.seeds: []", "transfer.seeds", "1", "multitask.seeds none"),
    ("distil.tasks: [cola]", "distil.tasks", "'cola'", "acceptability"),
    ("distil.tasks: [question]", "distil.tasks", "'question'", "one label for each example"),
    ("distil.tasks: [squad]", "distil.tasks", "'squad'", "one label for each example"),
    ("distil.tasks: [mlm]", "distil.tasks", "'mlm'", "one label for each example"),
    ("distil.seeds: [99]", "distil.seeds", "99", "1, 2, 3"),
    ("distil.seeds: []", "distil.seeds", "empty", "one at least"),
    ("distil.methods: []", "distil.methods", "empty", "one at least"),
    ("distil.methods: [kip]", "distil.methods[0]", "'kip'", "'regression', 'means', 'gradients'"),
    ("distil.methods: [noise, noise]", "distil.methods", "'noise'", "once"),
    ("distil.set.per_class: 0", "distil.set.per_class", "0", "equal to 1"),
    ("distil.set.encoders: []", "distil.set.encoders is empty", "one entry at least"),
    ("distil.set.encoders: [30]", "distil.set.encoders", "30", "dense.points 0, 5, 10, 20, 50"),
    ("distil.set.encoders: [last]", "distil.set.encoders[0]", "'last'", "'trained'"),
    ("distil.set.encoders: [0, 0]", "distil.set.encoders", "0", "once"),
    ("distil.set.seed: 99", "distil.set.seed", "99", "seeds 1, 2, 3"),
    ("distil.set.seed: 3", "distil.seeds", "has 3", "other than distil.set.seed"),
    ("distil.copies.methods: []", "distil.copies", "methods is empty", "rounds, arms or in none"),
    ("distil.copies.methods: [means]", "distil.copies.methods", "'means'", "random, noise and"),
    ("distil.copies.methods: [real]", "distil.copies.methods[0]", "'real'", "'real-short'"),
    ("distil.copies.rounds: [3]", "distil.copies.rounds", "3", "up to 2"),
    ("distil.copies.rounds: [1]", "connectivity.starts", "round: 1", "allowed with distil.copies"),
    ("distil.copies.arms: [head]", "connectivity.starts", "arm: head", "allowed with distil.copies"),
    ("connectivity.tasks: [mine, rte]", "connectivity.tasks", "'acceptability'", "acceptability, rte"),
    ("distil.set.steps: -1", "distil.set.steps", "-1", "equal to 0"),
    ("distil.set.ridge: 0", "distil.set.ridge", "0", "greater than 0"),
    ("distil.set.unrolled.inner: 0", "distil.set.unrolled.inner", "0", "equal to 1"),
    ("distil.masks.steps: 0", "distil.masks.steps", "0", "equal to 1"),
    ("distil.masks.rounds: []", "distil.masks.rounds", "empty", "one at least"),
    ("distil.masks.rounds: [3]", "distil.masks.rounds", "3", "up to 2"),
    ("imp.rewind_to: 50, rewind.points: [0]", "imp.rewind_to", "50", "with distil.tasks is 0"),
    ("search.tasks: [cola]", "search.tasks", "'cola'", "acceptability"),
    ("search.seeds: [99]", "search.seeds", "99", "1, 2, 3"),
    ("search.rule.variants: [magic]", "search.rule.variants[0]", "'magic'", "'published'"),
    ("search.rule.variants: [heads, heads]", "search.rule.variants", "'heads'", "once"),
    ("search.rule.split: test", "search.rule.split", "'test'", "'selection'"),
    ("search.rule.threshold: 1.1", "search.rule.threshold", "1.1", "less than or equal to 1"),
    ("retrain.tasks: [mlm]", "retrain.tasks", "'mlm'", "search.tasks"),
    ("retrain.seeds: [99]", "retrain.seeds", "99", "1, 2, 3"),
    ("retrain.structured: [best]", "retrain.structured[0]", "is 'best'", "draws such as random-2"),
    ("retrain.magnitude: [inverted]", "retrain.magnitude[0]", "is 'inverted'", "are good, random"),
    ("retrain.structured: [random-1]", "retrain.structured[0]", "'random-1'", "random-2"),
    ("search.seeds: [], retrain.seeds: []", "search.seeds", "empty", "one at least"),
    ("baselines.examples: 1", "baselines.examples", "1", "equal to 2"),
    ("verdict.close: 0", "verdict.close", "0", "greater than or equal to 1"),
    ("retrain.structured: [], retrain.magnitude: [], retrain.scratch: []",
     "retrain.structured", "empty", "one subnetwork at least"),
    ("retrain_super.subnetworks: [good]", "retrain_super.subnetworks[0]", "'good'", "'super-bad'"),
    ("retrain_super.tasks: [entailment]", "retrain_super.subnetworks", "empty", "one at least"),
    ("retrain_super.subnetworks: [super], retrain_super.tasks: [acceptability]",
     "retrain_super.tasks", "'acceptability'", "retrain.tasks entailment"),
    ("retrain.magnitude: [good, good]", "retrain.magnitude", "'good'", "once"),
    ("dense.points: [5, 50], imp.rewind_to: 5, rewind.points: [50]",
     "dense.points", "50", "lists with 0"),
    ("search.rule.variants: [heads]", "retrain.structured", "'good'", "'joint'"),
    ("patterns.tasks: [sentiment]", "patterns.tasks", "'sentiment'", "search.tasks"),
    ("patterns.network.seeds: []", "patterns.network.seeds", "empty", "one at least"),
    ("patterns.network.seeds: [1, 1]", "patterns.network.seeds", "1", "once"),
    ("patterns.network.size: 31", "patterns.network.size", "31", "equal to 32"),
    ("patterns.network.lengths: [9, 40]", "patterns.network.size", "32", "lengths, 40"),
    ("patterns.network.lengths: [9, 9]", "patterns.network.lengths", "[9, 9]", "and then more"),
    ("patterns.network.lengths: [4, 9]", "patterns.network.lengths[0]", "4", "equal to 5"),
    ("patterns.examples.split: train", "patterns.examples.split", "'train'", "'validation'"),
    ("patterns.examples.number: 0", "patterns.examples.number", "0", "equal to 1"),
    ("search.rule.variants: [magnitude], retrain.structured: [], retrain.scratch: []",
     "patterns.tasks", "'acceptability'", "'joint'"),
    ("connectivity.tasks: [cola]", "connectivity.tasks", "'cola'", "acceptability"),
    ("connectivity.tasks: [mlm]", "connectivity.starts[0].arm", "'head'", "'mlm'", "one label"),
    ("connectivity.tasks: [squad]", "connectivity.starts[0].arm", "'head'", "'squad'", "one label"),
    ("train.warmup: 0", "connectivity.starts[3].steps", "'rest-warmed'", "rest and all"),
    ("connectivity.seeds: [99]", "connectivity.seeds", "99", "1, 2, 3"),
    ("connectivity.starts: []", "connectivity.starts", "empty", "one at least"),
    ("connectivity.starts.0.net: wide", "connectivity.starts[0].net", "'wide'", "'reinitialised'"),
    ("connectivity.starts.0.arm: noise", "connectivity.starts[0].arm", "'noise'", "'dropout-only'"),
    ("connectivity.starts.0.steps: half", "connectivity.starts[0].steps", "'half'", "'all'"),
    ("connectivity.starts.0.steps: all", "connectivity.starts[0].steps", "'all'", "point 0 is 'rest'"),
    ("connectivity.starts.0.round: 1", "connectivity.starts[0].round", "1", "net 'dense' is 0"),
    ("connectivity.starts.1.round: 0", "connectivity.starts[1].round", "0", "'ticket' is 1 or more"),
    ("connectivity.starts.1.round: 3", "connectivity.starts[1].round", "3", "up to 2"),
    ("connectivity.starts.1.point: 30", "connectivity.starts[1].point", "30", "dense.points 0, 5, 10"),
    ("connectivity.starts.1.arm: head", "connectivity.starts[1].arm", "'head'", "point 20 are order"),
    ("connectivity.starts.1.arm: all", "connectivity.starts[1].arm", "'all'", "dropout-only"),
    ("connectivity.starts.2.arm: head", "connectivity.starts[2].arm", "'head'", "'scratch' are order"),
    ("connectivity.starts.2.point: 20", "connectivity.starts[2].point", "20", "net 'scratch' is 0"),
    ("connectivity.starts.1: {net: dense, round: 0, point: 0, arm: head, steps: rest}",
     "connectivity.starts has {net: dense, round: 0, point: 0, arm: head, steps: rest} twice"),
    ("connectivity.path.grid: 10", "connectivity.path.grid", "10", "odd numbers"),
    ("connectivity.path.grid: 1", "connectivity.path.grid", "1", "equal to 3"),
    ("connectivity.path.train_sample: 1", "connectivity.path.train_sample", "1", "equal to 2"),
    ("connectivity.threshold: 0", "connectivity.threshold", "0", "greater than 0"),
    ("between.tasks: [squad]", "between.tasks", "'squad'", "noise.head_init", "one label"),
    ("between.files.0.task: cola", "between.files[0].task", "'cola'", "acceptability"),
    ("between.files.0.name: My pair", "between.files[0].name", "'My pair'", "names of up to"),
    ("between.files.1: {name: mine_and_yours, task: mlm, first: a, second: b}",
     "between.files", "'mine_and_yours'", "name of its own"),
    ("between.of.meet: []", "between.of.meet", "empty", "one at least"),
    ("between.of.meet: [both]", "between.of.meet[0]", "'both'", "'intersection'"),
    ("connectivity.starts.0.steps: rest-warmed", "connectivity.starts[0].steps", "point 0 is 'rest'"),
    ("between.of.seeds: []", "between.of.seeds", "empty", "one at least"),
    ("between.of.pairs: []", "between.of.pairs", "empty", "one at least"),
    ("between.of.pairs: [rounds]", "between.of.pairs", "'rounds'", "imp.keep_weights has no round"),
    ("between.of.pairs: [dense]", "between.of.pairs", "'dense'", "imp.keep_weights has no round"),
    ("between.of.seeds: [1]", "between.of.pairs", "'seeds'", "between.of.seeds has one seed"),
    ("connectivity.starts: [dense]", "connectivity.starts[0] is 'dense'", "sections"),
    ("between.tasks: acceptability", "between.tasks is 'acceptability'", "allowed are lists"),
    ("noise.dropout: fixed", "noise.dropout is", "'fixed'", "'seed'"),
    ("noise.dropout: -1", "noise.dropout is", "-1", "0"),
    ("train.learning_rate: -0.1", "train.learning_rate", "-0.1", "greater than 0"),
    ("train.learning_rate: high", "train.learning_rate", "'high'", "number"),
    ("train.learning_rate: .nan", "train.learning_rate", "nan", "should be"),
    ("train.learning_rate: .inf", "train.learning_rate", "inf", "finite"),
    ("train.epochs: .inf", "train.epochs", "inf", "finite"),
    ("override.rte.learning_rate: 0", "override.rte.learning_rate", "0", "greater than 0"),
    ("train.batch_size: 1.5", "train.batch_size", "1.5", "integer"),
    ("train.batch_size: true", "train.batch_size", "True"),
    ("seeds: [true]", "seeds[0]", "True"),
    ("train.precision: fp16", "train.precision", "'fp16'", "'bf16' or 'fp32'"),
    ("train.betas: [0.9]", "train.betas[1]", "missing"),
    ("train: [1]", "train is [1]", "sections, with keys and values"),
    ("tasks: null", "tasks is None", "allowed are lists"),
    ("train: absent", "train", "missing"),
    ("train.clip: absent", "train.clip", "missing"),
    ("data.sentiment.hans: {per_subcase: 20}", "data.sentiment.hans", "20", "the task entailment"),
    ("data.entailment.hans.per_subcase: 0", "data.entailment.hans.per_subcase", "0", "1"),
    ("data.entailment.hans.per_subcase: 1001",
     "data.entailment.hans.per_subcase", "1001", "less than or equal to 1000"),
    ("data.entailment.hans.path: hans.txt",
     "data.entailment.hans has", "'path' with value 'hans.txt'", "allowed are per_subcase"),
    ("tasks: [acceptability, qqp]", "tasks has", "'qqp'", "acceptability"),
    ("tasks: [acceptability, acceptability]", "tasks has", "'acceptability'", "once"),
    ("data.qqp: {source: miniature, train: 10, validation: 10, seed: 0}", "data has", "'qqp'", "squad"),
    ("data.rte: {source: miniature, train: 10, validation: 10, seed: 0}",
     "data.rte", "miniature", "mlm"),
    ("override.qqp: {}", "override has", "'qqp'", "acceptability"),
    ("override.rte: absent", "override lacks", "'rte'", "a section for every task"),
    (f"own.rte: {OWN}", "own has", "'rte'", "names that data does not have"),
    ("own.mine.train: a.xls", "own.mine.train", "'a.xls'", ".csv, .tsv, .jsonl or .parquet"),
    ("own.mine.train: ~/a.csv", "own.mine.train", "'~/a.csv'", "without ~ and $"),
    ("own.mine.train: b.csv", "own.mine.validation", "'b.csv'", "another file than train"),
    ("own.mine.train: ./b.csv", "own.mine.validation", "'b.csv'", "another file than train"),
    ("own.mine.label: 1.5", "own.mine.label", "1.5", "valid string"),
    ("own.mine.metrics: [pearson]", "own.mine.metrics", "'pearson'", "accuracy, f1, matthews"),
    ("own.mine.texts: [a, b, c]", "own.mine.texts", "'c'", "at most 2"),
    ("own.mine.texts: [a, label]", "own.mine.label", "'label'", "a column that texts does not have"),
    ("encoder: {source: hub, name: x, revision: main, pooler: fresh}",
     "encoder.revision", "'main'", "0-9a-f"),
    ("encoder: {source: folder, path: x, pooler: fresh, licence: GPL 3}",
     "encoder.licence", "'GPL 3'", "A-Z"),
    ("search.tasks: [mlm], retrain.tasks: [], patterns.tasks: []",
     "search.tasks", "'mlm'", "with labels"),
    ("search.tasks: [question], retrain.tasks: [], patterns.tasks: []",
     "search.tasks", "'question'", "labels"),
    ("search.tasks: [squad], retrain.tasks: [], patterns.tasks: []",
     "search.tasks", "'squad'", "labels"),
    ("search.tasks: [wikitext], retrain.tasks: [], patterns.tasks: []",
     "search.tasks", "'wikitext'", "labels"),
    ("search.tasks: [corpus], retrain.tasks: [], patterns.tasks: []",
     "search.tasks", "'corpus'", "labels"),
    ("data.rte.config: squad", "data.rte.config", "'squad'", "cola"),
    ("data.rte.config: qnli", "data.rte.config", "'qnli'", "with hans are mnli, rte, whose"),
    ("data.squad.hans: {path: a.txt, per_subcase: 9}",
     "data.squad.config", "'plain_text'", "hans are mnli"),
    ("data.rte.max_length: 24", "data.rte.config", "'rte'", "with max_length are plain_text"),
    ("data.rte.stride: 9", "data.rte.config", "'rte'", "with stride are plain_text"),
    ("data.wikitext.stride: 9",
     "data.wikitext.config", "'wikitext-103-v1'", "with stride are plain_text"),
    ("data.squad.stride: 32", "data.squad", "stride is 32", "input, 32"),
    ("data.squad.max_length: 33", "data.squad.max_length is", "33", "max_length, 32"),
    ("data.rte.examples: {train: 5, validation: 20}", "data.rte.examples.train", "5", "equal to 10"),
    ("data.rte.examples: {train: 50}", "data.rte.examples.validation", "missing"),
    ("data.rte.hans.path: hans.csv", "data.rte.hans.path", "'hans.csv'", ".parquet or .txt"),
    ("data.rte.hans.per_subcase: 0", "data.rte.hans.per_subcase", "0", "equal to 1"),
    ("data.corpus.train: a.csv", "data.corpus.train", "'a.csv'", ".txt or .parquet"),
    ("data.corpus.train: b.txt", "data.corpus.validation", "'b.txt'", "another file"),
    ("data.corpus.max_length: 99", "data.corpus.max_length", "99", "encoder.max_length, 32"),
    ("data.corpus.validation: absent", "data.corpus.validation", "missing"),
    ("at_initialisation.tasks: [cola]", "at_initialisation.tasks", "'cola'", "acceptability"),
    ("at_initialisation.seeds: [9]", "at_initialisation.seeds", "9", "1, 2, 3"),
    ("at_initialisation.seeds: []", "at_initialisation.seeds", "empty", "one at least"),
    ("at_initialisation.starts: []", "at_initialisation.starts", "empty", "one at least"),
    ("at_initialisation.starts: [warm]", "at_initialisation.starts[0]", "'warm'", "'pretrained' or"),
    ("at_initialisation.masks: []", "at_initialisation.masks", "empty", "one at least"),
    ("at_initialisation.masks.1.name: snip", "at_initialisation.masks[1].name", "'snip'", "no other"),
    ("at_initialisation.masks.0.name: a/b", "at_initialisation.masks[0].name", "'a/b'", "a-z, 0-9"),
    ("at_initialisation.masks.0.score: hessian",
     "at_initialisation.masks[0].score", "'hessian'", "'grasp'"),
    ("at_initialisation.masks.0.iterations: 0",
     "at_initialisation.masks[0].iterations", "0", "equal to 1"),
    ("at_initialisation.masks.0.schedule: cubic",
     "at_initialisation.masks[0].schedule", "'cubic'", "'linear'"),
    ("at_initialisation.masks.0.scope: layer", "at_initialisation.masks[0].scope", "'layer'", "'matrix'"),
    ("at_initialisation.rule.compressions: []",
     "at_initialisation.rule.compressions", "empty", "one at least"),
    ("at_initialisation.rule.compressions: [1]",
     "at_initialisation.rule.compressions[0]", "1", "greater than 1"),
    ("at_initialisation.rule.compressions: [2, 2]", "at_initialisation.rule.compressions", "2", "once"),
    ("at_initialisation.rule.qk: half", "at_initialisation.rule.qk", "'half'", "'exclude'"),
    ("at_initialisation.rule.examples: 0", "at_initialisation.rule.examples", "0", "equal to 1"),
    ("at_initialisation.rule.temperature: 0", "at_initialisation.rule.temperature", "0", "than 0"),
    ("learned_masks.tasks: [cola]", "learned_masks.tasks", "'cola'", "acceptability"),
    ("learned_masks.seeds: []", "learned_masks.seeds", "empty", "one at least"),
    ("learned_masks.rounds: []", "learned_masks.rounds", "empty", "one at least"),
    ("learned_masks.rounds: [3]", "learned_masks.rounds", "3", "up to 2"),
    ("learned_masks.start: fresh", "learned_masks.start", "'fresh'", "'random'"),
    *(
        (f"learned_masks.rule.prior: {prior}",
         "learned_masks.rule.prior", "'size' and numbers above 0 and below 1")
        for prior in ("0", "0.0", "1", "1.5", "-0.2", "half")
    ),
    ("learned_masks.rule.temperatures: [1.0, 0.0]",
     "learned_masks.rule.temperatures[1]", "0.0", "greater than 0"),
    ("learned_masks.rule.temperatures: [-1, 1]",
     "learned_masks.rule.temperatures[0]", "-1", "greater than 0"),
    ("learned_masks.rule.temperatures: [1]", "learned_masks.rule.temperatures[1]", "missing"),
    ("learned_masks.rule.weight: -1", "learned_masks.rule.weight", "-1", "equal to 0"),
    ("learned_masks.rule.learning_rate: 0", "learned_masks.rule.learning_rate", "0", "than 0"),
    ("learned_masks.rule.head_rate: -1", "learned_masks.rule.head_rate", "-1", "equal to 0"),
    ("learned_masks.rule.length: 0", "learned_masks.rule.length", "0", "than 0"),
    ("learned_masks.rule.scope: layer", "learned_masks.rule.scope", "'layer'", "'matrix'"),
    ("learned_masks.noise.shares: [0.2, 1.0]",
     "learned_masks.noise.shares[1]", "1.0", "less than 1"),
    ("learned_masks.noise.shares: [-0.1]", "learned_masks.noise.shares[0]", "-0.1", "equal to 0"),
    ("learned_masks.noise.shares: [0, 0.4]", "learned_masks.noise.shares[0] is 0", "with a point"),
    ("learned_masks.noise.shares: []", "learned_masks.noise.shares", "empty", "one at least"),
    ("learned_masks.noise.points: 1", "learned_masks.noise.points", "1", "equal to 2"),
    ("learned_masks.noise.tasks: [mine], own.mine.kind: regression, own.mine.metrics: [pearson]",
     "learned_masks.noise.tasks", "'mine'", "tasks with classes"),
    ("learned_masks.noise.tasks: [rte], data.rte.hans: absent, data.rte.config: stsb",
     "learned_masks.noise.tasks", "'rte'", "tasks with classes"),
    ("learned_masks.noise.tasks: [mlm]", "learned_masks.noise.tasks", "'mlm'", "with classes"),
    ("learned_masks.noise.tasks: [question]",
     "learned_masks.noise.tasks", "'question'", "acceptability, mine, rte, mlm"),
    ("learned_masks.noise.rounds: [1], learned_masks.rounds: [2]",
     "learned_masks.noise.rounds", "1", "learned_masks.rounds 2"),
    ("learned_masks.noise.seeds: [3]", "learned_masks.noise.seeds", "3", "1, 2"),
    ("learned_masks.lend.sources: [question]",
     "learned_masks.lend.sources", "'question'", "acceptability, mine, rte, mlm"),
    ("learned_masks.lend.targets: [cola]", "learned_masks.lend.targets", "'cola'", "acceptability"),
    ("learned_masks.lend.targets: []", "learned_masks.lend.targets", "empty", "one at least"),
    ("learned_masks.lend.starts: []", "learned_masks.lend.starts", "empty", "one at least"),
    ("learned_masks.lend.starts: [warm]", "learned_masks.lend.starts[0]", "'warm'", "'fresh'"),
    ("sizes.tasks: [cola]", "sizes.tasks", "'cola'", "acceptability"),
    ("sizes.seeds: []", "sizes.seeds", "empty", "one at least"),
    ("sizes.lower.precisions: [int4]", "sizes.lower.precisions[0]", "'int4'", "'int8'"),
    ("greedy.tasks: [cola]", "greedy.tasks", "'cola'", "acceptability"),
    ("greedy.seeds: []", "greedy.seeds", "empty", "one at least"),
    ("greedy.sparsities: []", "greedy.sparsities", "empty", "one at least"),
    ("greedy.sparsities: [0.5, 0.0]", "greedy.sparsities[1]", "0.0", "greater than 0"),
    ("greedy.sparsities: [1.0]", "greedy.sparsities[0]", "1.0", "less than 1"),
    ("greedy.orders: [reversed]", "greedy.orders[0]", "'reversed'", "'one-shot'"),
    ("greedy.orders: [greedy, greedy]", "greedy.orders", "'greedy'", "once"),
    ("greedy.windows: [backwards]", "greedy.windows[0]", "'backwards'", "'reversed'"),
    ("greedy.keep_weights: [0.9]", "greedy.keep_weights", "0.9", "greedy.sparsities 0.5, 0.75"),
    ("greedy.examples: 0", "greedy.examples", "0", "equal to 1"),
    ("quantized.tasks: [cola]", "quantized.tasks", "'cola'", "acceptability"),
    ("quantized.seeds: []", "quantized.seeds", "empty", "one at least"),
    ("quantized.arms: []", "quantized.arms", "empty", "one at least"),
    ("quantized.arms: [w3a8]", "quantized.arms[0]", "'w3a8'", "bits are 2, 4, 8, or 32"),
    ("quantized.arms: [W8A8]", "quantized.arms[0]", "'W8A8'", "such as w4a8e8"),
    ("quantized.arms: [w8a8, w8a8e8]",
     "quantized.arms", "'w8a8e8'", "without bits of embeddings, which are its decoder"),
    *((f"quantized.tasks: [{task}], quantized.arms: [w8a8, w4a8e32, w8a8e8]",
       "quantized.arms", "'w8a8e8'", f"language model '{task}'") for task in ("wikitext", "corpus")),
    ("quantized.pruned.arms: [w2a2]", "quantized.pruned.arms", "'w2a2'", "w8a8, w4a8e32"),
    ("quantized.pruned.sparsities: []", "quantized.pruned.sparsities", "empty", "one at least"),
    ("quantized.pruned.sparsities: [1.0]", "quantized.pruned.sparsities[0]", "1.0", "less than 1"),
    ("quantized.pruned.orders: []", "quantized.pruned.orders", "empty", "one at least"),
    ("quantized.pruned.orders: [both]", "quantized.pruned.orders[0]", "'both'", "'jointly'"),
    ("quantized.rule.length: 0", "quantized.rule.length", "0", "than 0"),
    ("quantized.rule.rate: 0", "quantized.rule.rate", "0", "than 0"),
    ("quantized.rule.frozen: 1.5", "quantized.rule.frozen", "1.5", "equal to 1"),
    ("quantized.rule.scales: two", "quantized.rule.scales", "'two'", "'powers of two'"),
    ("quantized.rule.calibration: 0", "quantized.rule.calibration", "0", "equal to 1"),
    ("imp.rewind_to: 50, rewind.points: [0], distil.tasks: []",
     "imp.rewind_to", "50", "with learned_masks.tasks is 0"),
    ("ternary.tasks: [cola]", "ternary.tasks", "'cola'", "acceptability"),
    ("ternary.seeds: []", "ternary.seeds", "empty", "one at least"),
    ("ternary.arms: []", "ternary.arms", "empty", "one at least"),
    ("ternary.arms: [wpc]", "ternary.arms[0]", "'wpc'", "'clipped'"),
    ("ternary.blocks: []", "ternary.blocks", "empty", "one at least"),
    *((f'ternary.blocks: ["{blocks}"]', "ternary.blocks[0]", f"'{blocks}'", "head, and outputs x inputs")
      for blocks in ("0x16", "16", "16x", "16X16", "heads")),
    ("ternary.sparsities: [100]", "ternary.sparsities[0]", "100", "less than 100"),
    ("ternary.sparsities: [0.25]", "ternary.sparsities[0]", "0.25", "integer"),
    ("ternary.sparsities: [25, 25]", "ternary.sparsities", "25", "once"),
    ("ternary.rule.threshold: mean", "ternary.rule.threshold", "'mean'", "'twn'"),
    ("ternary.rule.embeddings: int8", "ternary.rule.embeddings", "'int8'", "'fp32'"),
    ("ternary.rule.scope: global", "ternary.rule.scope", "'global'", "'column'"),
    ("ternary.rule.gradient: kept", "ternary.rule.gradient", "'kept'", "'leaking'"),
    ("ternary.rule.weight: -1", "ternary.rule.weight", "-1", "equal to 0"),
    ("ternary.rule.ratio: 0", "ternary.rule.ratio", "0", "greater than 0"),
    ("ternary.rule.start: 1", "ternary.rule.start", "1", "less than 1"),
    ("ternary.rule.freeze: 1.0", "ternary.rule.freeze", "1.0", "less than 1"),
    ("ternary.rule.freeze: 0.1", "freeze is 0.1", "at least ternary.rule.start, 0.2"),
    ("ternary.rule.points: 0", "ternary.rule.points", "0", "equal to 1"),
    ("ternary.rule.embeddings: ternary", "ternary.tasks", "'mlm'", "other than masked"),
]  # fmt: skip


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case[0])
def test_a_wrong_file_is_refused_in_one_sentence(case: tuple[str, ...]) -> None:
    changes, *parts = case
    with pytest.raises(ParamsError) as caught:
        settings.checked(example(changes), "it")
    message = str(caught.value).removeprefix("it: ")
    assert [part for part in parts if part not in message] == []
    assert "\n" not in message
    assert "  " not in message
    assert len(message) < 400


def test_rounds_that_do_not_follow_one_another_have_no_pair() -> None:
    asked = settings.checked(example("between.of.pairs: [rounds], imp.keep_weights: [1]"), "it")
    for kept, is_allowed in (((1,), True), ((2, 4), False), ((4, 2, 3), True), ((), False)):
        imp = asked.imp.model_copy(update={"keep_weights": kept})
        with nullcontext() if is_allowed else pytest.raises(ValueError, match="no two rounds in a"):
            check_between(asked.between, asked.tasks, asked.data, asked.noise, imp)


def test_several_problems_are_counted() -> None:
    with pytest.raises(ParamsError, match=r"^it: train is missing \(and 1 more\)$"):
        settings.checked(example("train: absent, plot: absent"), "it")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"tasks: [", "is not YAML"),
        (b"train: 1\ntrain: 2\n", "duplicate key"),
        (b"", "should be the sections study, title"),
        (b"- 1\n- 2\n", "should be the sections"),
        (b"tasks", "should be the sections"),
        (b"title: \xff\xfe", "is not YAML"),
    ],
)
def test_a_file_that_holds_no_sections_is_refused_in_one_line(
    tmp_path: Path, text: bytes, message: str
) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(text)
    with pytest.raises(ParamsError) as caught:
        settings.load(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    assert "  " not in str(caught.value)


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"params\.yaml does not exist; run this from"):
        settings.load(tmp_path / "params.yaml")


# --- what is read ----------------------------------------------------------------------------


def test_the_example_is_allowed() -> None:
    study = settings.checked(example(), "it")
    assert study.own["mine"].texts == ("text",)
    assert study.own["mine"].metrics == ("accuracy",)
    data = study.data["rte"]
    assert isinstance(data, settings.FolderData)
    assert data.hans == settings.HansFile(path="$SOMEWHERE/hans.txt", per_subcase=9)


@pytest.mark.parametrize(
    ("changes", "key", "value"),
    [
        ("data.rte.config: mnli", "data[rte].config", "mnli"),
        ("override.mine.epochs: 1.5", "override[mine].epochs", 1.5),
        ("data.squad.max_length: 30, data.squad.stride: 8", "data[squad].stride", 8),
        ("data.wikitext.max_length: 24", "data[wikitext].max_length", 24),
        ("data.corpus.train: ~/a.parquet", "data[corpus].train", "~/a.parquet"),
        ("data.rte.examples: {train: 99, validation: 10}", "data[rte].examples.train", 99),
        ("controls.more.kinds: [random-2, random-10]", "controls.more.kinds", ("random-2", "random-10")),
        ("transfer.sources: [aliased-mlm], transfer.round: 2", "transfer.sources", ("aliased-mlm",)),
    ],
)  # fmt: skip
def test_what_is_allowed_is_read(changes: str, key: str, value: object) -> None:
    section: Any = settings.checked(example(changes), "it")
    for part in re.findall(r"\w+", key):
        section = section[part] if isinstance(section, dict) else getattr(section, part)
    assert section == value


@pytest.mark.parametrize("number", ["2.0e-5", "2e-05", "2e-5", "0.00002"])
def test_every_way_to_write_a_learning_rate_is_a_number(tmp_path: Path, number: str) -> None:
    """`-S train.learning_rate=2e-5` makes DVC write 2e-05, which YAML 1.1 reads as text."""
    text = SHIPPED.read_text(encoding="utf-8")
    changed, count = re.subn(r"(?m)^  learning_rate: \S+", f"  learning_rate: {number}", text)
    assert count == 1
    (tmp_path / "params.yaml").write_text(changed, encoding="utf-8")
    assert settings.load(tmp_path / "params.yaml").train.learning_rate == 2e-5


def test_a_study_is_frozen() -> None:
    study = settings.load(SHIPPED)
    for section, key in ((study, "seeds"), (study.train, "epochs"), (study.rounds[0], "sparsity")):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(section, key, None)


@pytest.mark.parametrize(
    ("section", "kind"),
    [
        (f"source: hub, name: a/b, revision: {'f' * 40}", settings.HubEncoder),
        ("source: folder, path: ~/bert, licence: apache-2.0", settings.FolderEncoder),
        ("source: package, name: gt_all, path: model", settings.PackageEncoder),
    ],
)
def test_every_source_of_an_encoder_is_read(section: str, kind: type[settings.Section]) -> None:
    encoder = settings.checked(example(f"encoder: {{{section}, pooler: fresh}}"), "it").encoder
    assert isinstance(encoder, kind)
    assert not isinstance(encoder, settings.Pretrain)
    assert encoder.licence == ("apache-2.0" if "licence" in section else None)


def test_tasks_named_like_sources_keep_their_names_in_messages() -> None:
    section = "{source: text, train: a.txt, validation: b.txt, max_length: 1}"
    with pytest.raises(ParamsError, match=r"^it: data\.text\.max_length is 1, but"):
        settings.checked(example(f"data.text: {section}"), "it")


# --- paths and grids -------------------------------------------------------------------------


def test_variables_and_home_are_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOMEWHERE", "/data")
    monkeypatch.setenv("HOME", "/home/reader")
    assert settings.expanded("$SOMEWHERE/glue", "key") == Path("/data/glue")
    assert settings.expanded("${SOMEWHERE}/glue", "key") == Path("/data/glue")
    assert settings.expanded("~/glue", "key") == Path("/home/reader/glue")
    assert settings.expanded("glue", "key") == Path("glue")


def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOWHERE", raising=False)
    with pytest.raises(ParamsError, match=r"data.rte.path is '\$NOWHERE/glue', .* NOWHERE is not"):
        settings.expanded("$NOWHERE/glue", "data.rte.path")


@pytest.mark.parametrize(
    ("grid", "expected"),
    [
        ("tenths_of_original", [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]),
        ("tenths_of_remaining", [0.1, 0.19, 0.271, 0.3439, 0.40951, 0.468559, 0.5217031]),
    ],
)
def test_grids_of_rounds(grid: str, expected: list[float]) -> None:
    """The released code drops 1/10, 1/9, 1/8, ... of the survivors; Algorithm 1 a tenth every time."""
    survivors = 1.0
    for number, sparsity in enumerate(expected, start=1):
        share = 1 / (11 - number) if grid == "tenths_of_original" else 0.1
        survivors *= 1 - share
        assert float(settings.GRIDS[grid](number)) == sparsity == pytest.approx(1 - survivors)
    rounds = [{"from": k, "to": k + 1, "sparsity": s} for k, s in enumerate(expected)]
    content = example() | {"rounds": rounds, "last_round": len(rounds), "grid": grid}
    assert settings.checked(content, "it").grid == grid
    rounds[1]["sparsity"] = 0.25
    with pytest.raises(
        ParamsError, match=rf"rounds\[1\]\.sparsity is 0.25, allowed with grid '{grid}'"
    ):
        settings.checked(content, "it")


def test_the_last_grid_of_the_remaining_is_that_of_the_paper() -> None:
    """After ten rounds 0.9 ** 10 of the weights are left, 34.9 %."""
    assert float(settings.GRIDS["tenths_of_remaining"](10)) == 0.6513215599
