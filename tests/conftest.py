"""What the tests share: a two-layer encoder of width 16 and tasks of a few sentences, on the CPU.

torch and transformers are imported in the fixtures that need them: they cost ten seconds, and most test
files need neither.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import settings
from tokenizers import Tokenizer

from stages.tickets.files import Split
from stages.tickets.settings import Train
from stages.tickets.settings.noise import Seeds
from stages.tickets.tasks import spans, texts
from stages.tickets.tasks.spans import Answer, Question, Questions
from stages.tickets.tasks.task import Prepared, Task, Vocabulary, hide_in_split
from stages.tickets.tasks.texts import Texts

if TYPE_CHECKING:
    from stages.tickets.encoder.theta import Encoder

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"  # read when transformers is imported, so not in a fixture
settings.register_profile("here", deadline=None, database=None, derandomize=True, max_examples=50)
settings.load_profile("here")

Words = tuple[Tokenizer, Vocabulary]

WORDS = ("the", "a", "cat", "cats", "dog", "dogs", "sees", "see", "sleeps", "sleep", "old", "not")
SENTENCES = {
    "the cat sleeps": 1,
    "the cats sleep": 1,
    "the old cat sees a dog": 1,
    "the dogs see the old old cats": 1,
    "the cat sleep": 0,
    "a old cats sees": 0,
    "the dog see the cats": 0,
    "the old dogs sees a cat": 0,
}
UNSEEN = {
    "the dog sleeps": 1,
    "the old old cats see a dog": 1,
    "a dog sleep": 0,
    "the cats sees the dog": 0,
    "dogs sleep": 1,
}
PAIRS = [
    ("the cat sleeps", "a cat sleeps", 4.5),
    ("the dogs see the cats", "the dogs sleep", 2.0),
    ("the old cat", "the old dog sees a cat", 1.5),
    ("a dog sees the cat", "a dog sees the cat", 5.0),
    ("cats sleep", "the old old dogs see", 0.0),
    ("the dog", "a dog sleeps", 3.5),
]
QUESTIONS = [
    ("sees a dog", "the old cat sees a dog", "the old cat"),
    ("sleeps", "the dogs see a cat the old cat sleeps not the dog", "the old cat"),
    ("see the cats", "the dogs see the old old cats", "the dogs"),
    ("sleep", "the cats sleep", "the cats"),
    ("see", "a dog sleeps the old dogs see a cat", "the old dogs"),
]
RECIPE = Train(
    epochs=1.25,  # five steps over SENTENCES
    batch_size=2,
    learning_rate=1e-2,
    head_rate=1.0,
    warmup=0.0,
    weight_decay=0.01,
    betas=(0.9, 0.999),
    epsilon=1e-8,
    clip=1.0,
    dropout=0.1,
    precision="fp32",
    group=2,
    masked=0.2,
    threads=1,
)
SEEDS = Seeds(head_init=1, data_order=2, dropout=3, mask=4)


@pytest.fixture(scope="session")
def on_the_cpu() -> Iterator[None]:
    """Training and evaluation in this process stay on the CPU, also where there is a GPU."""
    import torch  # noqa: PLC0415

    from stages.tickets.encoder import device  # noqa: PLC0415

    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(device, "device", lambda: torch.device("cpu"))
        yield


@pytest.fixture(scope="session")
def encoder_folder(words: Words, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder with a pooler and an MLM head; its weights are large enough to tell apart."""
    return _save_encoder(words, tmp_path_factory.mktemp("encoder"), complete=True)


@pytest.fixture(scope="session")
def bare_folder(words: Words, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same encoder with neither pooler nor MLM head."""
    return _save_encoder(words, tmp_path_factory.mktemp("bare"), complete=False)


@pytest.fixture
def encoder(encoder_folder: Path) -> "Encoder":
    """Read anew for every test, so that none can spoil it for the next."""
    from stages.tickets.encoder import theta  # noqa: PLC0415

    return theta.load(encoder_folder)


@pytest.fixture
def bare_encoder(bare_folder: Path) -> "Encoder":
    from stages.tickets.encoder import theta as encoders  # noqa: PLC0415

    return encoders.load(bare_folder)


def _save_encoder(words: Words, folder: Path, *, complete: bool) -> Path:
    import torch  # noqa: PLC0415
    from transformers import BertConfig, BertForMaskedLM, BertModel  # noqa: PLC0415

    from stages.tickets.encoder import pretrained  # noqa: PLC0415
    from stages.tickets.encoder import theta as encoder  # noqa: PLC0415

    tokenizer, vocabulary = words
    config = BertConfig(
        vocab_size=vocabulary.size,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=24,
        pad_token_id=vocabulary.pad,
        initializer_range=0.2,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        body = BertModel(config)
        head = pretrained.mlm_head(BertForMaskedLM(config)) if complete else {}
    encoder.save(
        encoder.Pretrained(body, config, head, complete, tokenizer, vocabulary),
        {"source": "test"},
        folder,
    )
    return folder


@pytest.fixture(scope="session")
def words(on_the_cpu: None) -> Words:  # noqa: ARG001  whoever has words, trains
    """A tokenizer of the words of the sentences below, and its vocabulary."""
    from stages.tickets.encoder import pretrained  # noqa: PLC0415

    return pretrained.word_tokenizer(WORDS)


@pytest.fixture(scope="session")
def prepared(words: Words) -> Prepared:
    """Two classes: SENTENCES for training, UNSEEN for validation."""
    tokenizer, vocabulary = words
    train, validation = (
        texts.tokenise(Texts(list(table), None, np.array(list(table.values()))), tokenizer, 12)
        for table in (SENTENCES, UNSEEN)
    )
    task = Task("acceptability", "classification", 2, ("matthews", "accuracy"))
    return Prepared(task, vocabulary, train, {"validation": validation})


@pytest.fixture(scope="session")
def prepared_pairs(words: Words) -> Prepared:
    """Regression on PAIRS, scored on the training examples."""
    tokenizer, vocabulary = words
    firsts, seconds, labels = zip(*PAIRS, strict=True)
    split = texts.tokenise(
        Texts(list(firsts), list(seconds), np.array(labels, dtype=np.float32)), tokenizer, 12
    )
    task = Task("similarity", "regression", 1, ("pearson", "spearman"))
    return Prepared(task, vocabulary, split, {"validation": split})


@pytest.fixture(scope="session")
def prepared_spans(words: Words) -> Prepared:
    """Who sees whom: windows of 14 tokens, two for the longer texts, scored on the training examples."""
    tokenizer, vocabulary = words
    split, _ = spans.windows(asked_of(QUESTIONS), tokenizer, 14, 3)
    task = Task("question", "span", 2, ("answer_f1", "exact_match"))
    return Prepared(task, vocabulary, split, {"validation": split})


def asked_of(rows: Sequence[tuple[str, str, str]]) -> Questions:
    """Questions by number, from (question, context, answer)."""
    return Questions(
        [
            Question(str(i), question, context, (Answer(answer, context.index(answer)),))
            for i, (question, context, answer) in enumerate(rows)
        ]
    )


@pytest.fixture(scope="session")
def prepared_words(prepared: Prepared) -> Prepared:
    """Masked language modelling on the sentences of `prepared`."""
    validation = hide_in_split(prepared.evaluated["validation"], prepared.vocabulary, 0.3, seed=0)
    train = prepared.train
    unlabelled = Split(train.ids, train.types, train.starts, np.zeros(len(train)))
    task = Task("mlm", "mlm", 0, ("masked_accuracy",))
    return Prepared(task, prepared.vocabulary, unlabelled, {"validation": validation})
