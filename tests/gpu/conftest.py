"""What is tried on a GPU: an encoder of four layers, and every test on both devices.

On the CPU a test compares the CPU with itself, so that the tests are known to run before there is a GPU.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from stages.tickets.files import Split
from stages.tickets.tasks.task import Prepared, Task, take

if TYPE_CHECKING:
    import torch

    from stages.tickets.encoder.theta import Encoder

NUM_WORDS = 500
LONGEST = 40
"""Tokens of the longest example."""


@pytest.fixture(params=["cpu", "cuda"])
def where(request: pytest.FixtureRequest) -> "torch.device":
    """The device that is compared with the CPU."""
    import torch  # noqa: PLC0415

    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("there is no GPU; the same test runs on the CPU")
    return torch.device(request.param)


@pytest.fixture(scope="session")
def layers_folder(on_the_cpu: None, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001
    """A BERT of four layers with heads of 32, with a pooler and without a head for words."""
    import torch  # noqa: PLC0415
    from transformers import BertConfig, BertModel  # noqa: PLC0415

    from stages.tickets.encoder import pretrained, theta  # noqa: PLC0415

    tokenizer, vocabulary = pretrained.word_tokenizer([f"w{i}" for i in range(NUM_WORDS)])
    config = BertConfig(
        vocab_size=vocabulary.size,
        hidden_size=128,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=512,
        max_position_embeddings=64,
        pad_token_id=vocabulary.pad,
        initializer_range=0.06,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        body = BertModel(config)
    folder = tmp_path_factory.mktemp("layers")
    loaded = theta.Pretrained(body, config, {}, True, tokenizer, vocabulary)
    theta.save(loaded, {"source": "test"}, folder)
    return folder


@pytest.fixture
def layers(layers_folder: Path) -> "Encoder":
    """Read anew for every test."""
    from stages.tickets.encoder import theta  # noqa: PLC0415

    return theta.load(layers_folder)


@pytest.fixture(scope="session")
def examples(on_the_cpu: None) -> Prepared:  # noqa: ARG001
    """Two classes, 512 examples of 4 to 40 tokens; each class has half of the words."""
    from stages.tickets.encoder import pretrained  # noqa: PLC0415

    _, vocabulary = pretrained.word_tokenizer([f"w{i}" for i in range(NUM_WORDS)])
    generator = np.random.default_rng(0)
    lengths = generator.integers(4, LONGEST + 1, 512)
    labels = generator.integers(0, 2, len(lengths))
    starts = np.concatenate([[0], np.cumsum(lengths)])
    of_token = np.repeat(labels, lengths)
    half = (vocabulary.size - 5) // 2
    ids = generator.integers(5, 5 + half, starts[-1]) + half * of_token
    split = Split(ids.astype(np.int32), np.zeros(starts[-1], dtype=np.int8), starts, labels)
    task = Task("halves", "classification", 2, ("accuracy",))
    return Prepared(task, vocabulary, split, {"validation": take(split, np.arange(200))})
