"""Forms of a trained model by size, for the commands: which a study has, built, and written to a folder.

Every experiment that compresses gives its forms by one function in `SOURCES`.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from transformers import PreTrainedModel

from stages.tickets import files, output
from stages.tickets.encoder.pooling import PooledClassifier
from stages.tickets.encoder.theta import Encoder
from stages.tickets.export import card, compressed, origin, usage
from stages.tickets.export import model as models
from stages.tickets.export.form import Form, Made
from stages.tickets.export.markdown import code, python
from stages.tickets.export.study import Finished
from stages.tickets.report.scores import Run
from stages.tickets.report.sections.sizes import families
from stages.tickets.settings import Kind, ParamsError
from stages.tickets.sizes import forms, packed, packed_model

LOADER = "from packed_model import load\n\nmodel = load()\n"
"""Python that loads a packed model, run in its folder."""
LIMITS = (
    "Times and memory depend on the machine and the length of the texts. It knows one task, from the "
    "data above."
)
HOW = (
    "Its tensors are packed, which `from_pretrained` of transformers cannot read. `packed_model.py` in "
    "this folder reads them with numpy, safetensors, torch and transformers:"
)


def precisions(_: Finished, task: str, __: int) -> Iterator[Form]:
    """List the dense model as it is and in lower precision."""

    def dense(model: PreTrainedModel, _: Encoder) -> Made:
        return Made(model.train(mode=False), packed.of(model), not _is_pooled(model))

    yield Form("dense", Run(task, "dense"), families.DENSE, dense)
    for name, lower in forms.PRECISIONS.items():

        def build(
            model: PreTrainedModel,
            _: Encoder,
            lower: Callable[[PreTrainedModel], PreTrainedModel] = lower,
        ) -> Made:
            made = lower(model)
            held = packed.of(made)
            return Made(made, held, not (held.entries or _is_pooled(made)))

        yield Form(name, Run(task, "precision", 0, name), families.PRECISIONS[name], build)


def tickets(study: Finished, task: str, seed: int) -> Iterator[Form]:
    """List the tickets of all rounds; those whose weights are not stored have dense ones."""
    kept = study.settings.imp.keep_weights
    for after in study.settings.rounds:
        number = after.to
        stored = study.ticket(task, seed, number) / "weights.safetensors"

        def build(
            model: PreTrainedModel, encoder: Encoder, number: int = number, stored: Path = stored
        ) -> Made:
            weights = stored if number in kept else None
            mask = study.mask(task, seed, number)
            made = forms.with_zeros(model, encoder, mask, weights)
            return Made(made, packed.sparse(made, mask))

        why = (
            f"imp.keep_weights lacks {number}, so its weights are not stored; `python -m stages export "
            "ticket` trains it again"
        )
        run = Run(task, "imp", number)
        yield Form(f"ticket-{number}", run, families.TICKET, build, "" if number in kept else why)


def heads(study: Finished, task: str, seed: int) -> Iterator[Form]:
    """List the good heads and MLPs with their fine-tuned weights, if the study has searched for them."""
    search = study.settings.search
    if task in search.tasks and seed in search.seeds:

        def build(model: PreTrainedModel, _: Encoder) -> Made:
            made = forms.without(model, files.load_structure(study.searched(task, seed)))
            return Made(made, packed.of(made))

        run = Run(task, "pruned", 0, "structured good")
        yield Form("heads-and-mlps", run, families.HEADS, build)


SOURCES: tuple[Callable[[Finished, str, int], Iterator[Form]], ...] = (
    precisions,
    tickets,
    heads,
    compressed.channels,
    compressed.few_bits,
    compressed.ternary,
)
"""Functions that list forms of a task and seed; one more experiment that compresses is one more line."""


def of(study: Finished, task: str, seed: int) -> dict[str, Form]:
    """List the forms of a task and seed by name, the dense model first."""
    return {form.name: form for source in SOURCES for form in source(study, task, seed)}


def chosen(known: dict[str, Form], wanted: str) -> Form:
    """Return a form by its name; a ParamsError names those that there are."""
    if wanted not in known:
        raise ParamsError(f"--form is {wanted!r}, allowed are {', '.join(known)}")
    return known[wanted]


def describe_(made: Made, dense: PreTrainedModel) -> None:
    """Let the configuration of a form say what its outputs are, as that of the dense model does."""
    for key in ("id2label", "label2id", "problem_type"):
        setattr(made.model.config, key, getattr(dense.config, key))


def save(made: Made, folder: Path) -> None:
    """Write the model to a new folder, and the code that loads it if transformers does not."""
    if made.is_ordinary:
        models.save_whole(made.model, folder)
        return
    made.held.save(folder / packed_model.FILE)
    config = made.model.config
    config.architectures = [type(made.model).__name__]
    config.save_pretrained(folder)
    text = Path(packed_model.__file__).read_text(encoding="utf-8")
    output.save_text(text, folder / "packed_model.py")
    if isinstance(made.model, PooledClassifier):
        output.save_text(usage.pooled(made.model), folder / "pooled.py")


def loading(made: Made, kind: Kind) -> str:
    """Write Python that loads the model of `save` in its folder."""
    return usage.loading(made.model, kind) if made.is_ordinary else LOADER


def card_of(study: Finished, form: Form, made: Made, table: card.Table) -> str:
    """Write the card of a form."""
    task, seed = study.described(form.run.task), table.seeds[0]
    name = f"{task.name}: {form.family.name}, seed {seed}"
    pair = origin.is_pair(task.name, study.source(task.name))
    how = [] if made.is_ordinary else [HOW]
    size, memory = made.held.num_bytes, packed.in_memory(made.model)
    return card.of_model(
        study.about(),
        task,
        table,
        title=name,
        what=f"A model of the task {code(task.name)}: {form.family.name}. Its file holds "
        f"{form.family.file}: {size:,} bytes of tensors, and its weights take {memory:,} bytes of memory."
        f" {form.family.fast}",
        how_to_load=[
            *how,
            python(loading(made, task.kind)),
            python(usage.asking(task.kind, pair)),
            usage.TOKENIZER,
        ],
        limits=LIMITS,
        tags=["compressed"],
        is_whole=made.is_ordinary,
    )


def _is_pooled(model: PreTrainedModel) -> bool:
    return isinstance(model, PooledClassifier)
