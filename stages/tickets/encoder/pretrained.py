"""Load a pre-trained encoder from the Hub, a folder or a package, or build one without pre-training."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import get_args

from huggingface_hub import snapshot_download
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import Tensor
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForMaskedLM,
    BertConfig,
    BertForMaskedLM,
    PreTrainedModel,
)
from transformers.utils import logging

from stages.tickets.encoder import checked, checkpoint, parameters, pooling, tokens, trial
from stages.tickets.encoder.checked import POOLER, Loaded
from stages.tickets.encoder.theta import Pretrained
from stages.tickets.settings import (
    FolderEncoder,
    HubEncoder,
    PackageEncoder,
    ParamsError,
    Pretrain,
)
from stages.tickets.tasks.task import Vocabulary

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
SMALL_FILES = ["*.json", "*.txt", "*.model"]
"""Files of the Hub that are checked before the weights are fetched."""


def fetch(source: HubEncoder | FolderEncoder | PackageEncoder) -> Pretrained:
    """Load a BERT-like encoder of transformers with its fast tokenizer, and check and try it.

    No code of the checkpoint is run, and pickled weights are read as nothing but weights. What later
    stages rely on is checked here and nowhere else: see `checkpoint`, `checked`, `tokens` and `trial`.

    Raises:
        ParamsError: the encoder does not exist or cannot be used.
    """
    if isinstance(source, HubEncoder):
        name = source.name
        where = {"pretrained_model_name_or_path": name, "revision": source.revision}
        with _reading(name):
            folder = Path(
                snapshot_download(
                    name,
                    revision=source.revision,
                    allow_patterns=SMALL_FILES,
                    ignore_patterns="*/*",
                )
            )
    else:
        folder = checkpoint.folder_of(source)
        name = str(folder)
        where = {"pretrained_model_name_or_path": name}
    checked.check_type(checkpoint.check(folder, name), name)
    with _reading(name):
        config = AutoConfig.from_pretrained(**where, trust_remote_code=False)
    config.return_dict = True  # these change what a call returns, and not what it computes
    config.output_attentions = config.output_hidden_states = False
    vars(config).pop(pooling.FIELD, None)  # of a model that this project has made
    tokenizer = tokens.load(where, folder, name)
    with _reading(name):
        body, language_model = (
            Loaded.of(
                *auto.from_pretrained(
                    **where,
                    trust_remote_code=False,
                    config=config,
                    weights_only=True,
                    ignore_mismatched_sizes=True,  # the report names them
                    output_loading_info=True,
                )
            )
            for auto in (AutoModel, AutoModelForMaskedLM)
        )
    head = mlm_head(language_model.model)
    head = head if checked.has_head(language_model, head) else {}
    left = checked.check_weights(body, language_model, head, name)
    if left:
        print(
            f"The encoder {name} has weights of other tasks, which are left out: {', '.join(left)}."
        )
    words, vocabulary = tokens.vocabulary_of(tokenizer, body.model, name)
    if source.pooler in get_args(pooling.Pooling):
        setattr(body.model.config, pooling.FIELD, source.pooler)
    pooler = {weight for weight, _ in body.model.named_parameters() if weight.startswith(POOLER)}
    encoder = Pretrained(
        body.model,
        body.model.config,
        head,
        source.pooler == "pretrained" and bool(pooler) and not pooler & body.missing,
        words,
        vocabulary,
        checked.longest_input(body.model),
    )
    trial.check(encoder, name)
    return encoder


def mlm_head(model: PreTrainedModel) -> dict[str, Tensor]:
    """Return the parameters outside the body, without a decoder that is tied to the embeddings."""
    prefix = f"{model.base_model_prefix}."
    return {
        name: parameter
        for name, parameter in parameters.by_name(model).items()
        if not name.startswith(prefix)
    }


@contextmanager
def _reading(name: str) -> Iterator[None]:
    """Turn any error of the libraries that read a checkpoint into one sentence, without their reports."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        yield
    except Exception as error:
        reason = checkpoint.reason_of(error)
        if isinstance(error, UnpicklingError):
            reason = (
                "its pickled weights hold more than weights, and this project never runs code from a "
                "checkpoint; allowed are safetensors"
            )
        raise ParamsError(f"the encoder {name} cannot be loaded: {reason}") from error
    finally:
        logging.set_verbosity(verbosity)


def blank(source: Pretrain, vocabulary: Vocabulary) -> BertForMaskedLM:
    """Build a small BERT without pre-training, drawn from torch's global generator."""
    return BertForMaskedLM(
        BertConfig(
            vocab_size=vocabulary.size,
            hidden_size=source.hidden,
            num_hidden_layers=source.layers,
            num_attention_heads=source.attention_heads,
            intermediate_size=source.mlp,
            max_position_embeddings=source.max_length,
            initializer_range=source.initializer_range,
            pad_token_id=vocabulary.pad,
            hidden_dropout_prob=source.train.dropout,
            attention_probs_dropout_prob=source.train.dropout,
        )
    )


def word_tokenizer(words: Iterable[str]) -> tuple[Tokenizer, Vocabulary]:
    """Make a tokenizer of whole words, in BERT's format for sentences and pairs."""
    numbers = {word: number for number, word in enumerate((*SPECIAL_TOKENS, *words))}
    tokenizer = Tokenizer(models.WordLevel(numbers, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", numbers["[CLS]"]), ("[SEP]", numbers["[SEP]"])],
    )
    special = tuple(range(len(SPECIAL_TOKENS)))
    return tokenizer, Vocabulary(len(numbers), numbers["[PAD]"], numbers["[MASK]"], special)
