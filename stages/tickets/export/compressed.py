"""Forms that the experiments on channels, few bits and ternary blocks have stored, for the commands."""

import copy
from collections.abc import Iterator
from pathlib import Path

from safetensors.torch import load_file
from transformers import PreTrainedModel

from stages.tickets import files
from stages.tickets.encoder import parameters
from stages.tickets.encoder.theta import Encoder
from stages.tickets.export.form import Form, Made
from stages.tickets.export.study import Finished
from stages.tickets.greedy import compact
from stages.tickets.quantized import attached, bits, stored
from stages.tickets.report.scores import Run
from stages.tickets.report.sections.sizes import families
from stages.tickets.sizes import packed
from stages.tickets.sizes.packed import Packed
from stages.tickets.ternary import packed as ternary_files


def channels(study: Finished, task: str, seed: int) -> Iterator[Form]:
    """List the models without heads and neurons; what is not stored has dense weights."""
    for run, folder in _runs(study, "channels", task, seed):
        is_untrained = run.source.startswith("untrained")
        weights, where = folder / compact.WEIGHTS, folder.parent if is_untrained else folder

        def build(
            model: PreTrainedModel,
            encoder: Encoder,
            folder: Path = folder,
            where: Path = where,
            weights: Path = weights,
        ) -> Made:
            if weights.exists():
                made = compact.build(encoder, folder)
            else:
                made = copy.deepcopy(model).train(mode=False)
                compact.compact_(made, compact.load_channels(where / compact.CHANNELS))
            return Made(made, packed.of(made))

        is_stored = is_untrained or weights.exists()
        why = "greedy.keep_weights does not name it, so its weights are not stored"
        yield Form(_name(run), run, families.CHANNELS, build, "" if is_stored else why)


def few_bits(study: Finished, task: str, seed: int) -> Iterator[Form]:
    """List the models of few bits, complete or without heads and neurons."""
    for kind in ("quantized", "pruned_quantized"):
        for run, folder in _runs(study, kind, task, seed):

            def build(_: PreTrainedModel, encoder: Encoder, folder: Path = folder) -> Made:
                made = stored.build(encoder, folder)
                return Made(made, _whole_numbers(made, folder))

            yield Form(_name(run), run, families.FEW_BITS, build)


def _whole_numbers(model: PreTrainedModel, folder: Path) -> Packed:
    live = parameters.by_name(model)
    tables = {id(table.weight) for table in attached.embeddings(model).values()}
    of_arm = bits.of_arm(files.load_record(folder / stored.RECORD)["arm"])
    return packed.whole_numbers(
        load_file(folder / stored.TENSORS),
        {name: each.shape[1] for name, each in live.items() if each.ndim == 2},
        lambda name: of_arm.embeddings if id(live[name]) in tables else of_arm.weights,
        of_arm.activations,
    )


def ternary(study: Finished, task: str, seed: int) -> Iterator[Form]:
    """List the models with ternary blocks."""
    for run, folder in _runs(study, "ternary", task, seed):

        def build(_: PreTrainedModel, __: Encoder, folder: Path = folder) -> Made:
            matrices = files.load_record(folder / ternary_files.RECORD)["matrices"]
            entries = {name: {"as": "ternary", **sizes} for name, sizes in matrices.items()}
            tensors = load_file(folder / ternary_files.MODEL)
            return Made(ternary_files.build(study.encoder, folder), Packed(tensors, entries))

        yield Form(_name(run), run, families.TERNARY, build)


def _runs(study: Finished, kind: str, task: str, seed: int) -> Iterator[tuple[Run, Path]]:
    for run in study.manifest.runs:
        if (run.kind, run.task, run.seed) == (kind, task, seed):
            yield Run(task, kind, run.round, run.source or ""), study.root / run.folder


def _name(run: Run) -> str:
    return f"{run.kind}-{run.source}".replace("_", "-").replace(" ", "-")
