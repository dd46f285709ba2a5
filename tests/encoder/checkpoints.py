"""Small random checkpoints of many architectures, in transformers' format, with a tokenizer of words."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForMaskedLM,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from tests.conftest import WORDS

LIKE_BERT = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
LIKE_ROBERTA = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
NAMES = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
"""Names of the special tokens, in the order of `LIKE_BERT`."""
OF_ROBERTA = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
COUNTED_FROM_PADDING = {**OF_ROBERTA, "max_position_embeddings": 26}

SIZES: Mapping[str, Any] = {
    "vocab_size": 40,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 24,
    "pad_token_id": 0,
    "initializer_range": 0.2,
}
OTHER_SIZES: Mapping[str, Mapping[str, Any]] = {
    "albert": {"embedding_size": 8},
    "big_bird": {"attention_type": "original_full"},
    "camembert": COUNTED_FROM_PADDING,
    "convbert": {"embedding_size": 16, "conv_kernel_size": 3, "head_ratio": 1},
    "data2vec-text": COUNTED_FROM_PADDING,
    "deberta": {"relative_attention": True, "pos_att_type": ["c2p", "p2c"]},
    "deberta-v2": {"relative_attention": True, "pos_att_type": ["c2p", "p2c"], "position_buckets": 8},
    "electra": {"embedding_size": 8},
    "funnel": {"block_sizes": [1, 1], "d_model": 16, "n_head": 2, "d_head": 8, "d_inner": 32},
    "gpt2": {"n_positions": 24},
    "ibert": COUNTED_FROM_PADDING,
    "longformer": {**COUNTED_FROM_PADDING, "attention_window": [4, 4]},
    "luke": {**COUNTED_FROM_PADDING, "entity_vocab_size": 8, "entity_emb_size": 8},
    "mobilebert": {
        "embedding_size": 8, "intra_bottleneck_size": 16, "true_hidden_size": 16,
        "num_feedforward_networks": 1,
    },
    "modernbert": {
        "global_attn_every_n_layers": 2, "local_attention": 8, "cls_token_id": 2, "sep_token_id": 3,
        "bos_token_id": 2, "eos_token_id": 3,
    },
    "mpnet": COUNTED_FROM_PADDING,
    "nystromformer": {"num_landmarks": 4, "segment_means_seq_len": 24},
    "rembert": {"input_embedding_size": 8, "output_embedding_size": 8},
    "roberta": COUNTED_FROM_PADDING,
    "roberta-prelayernorm": COUNTED_FROM_PADDING,
    "squeezebert": {"embedding_size": 16},
    "t5": {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2},
    "bart": {"d_model": 16, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 2,
             "decoder_attention_heads": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32,
             "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2},
    "xlm-roberta": COUNTED_FROM_PADDING,
    "xlnet": {"d_model": 16, "n_layer": 2, "n_head": 2, "d_inner": 32},
}  # fmt: skip
"""Sizes of architectures that need others than `SIZES`, by model_type."""


def config_of(model_type: str, **changes: object) -> PreTrainedConfig:
    """Make the configuration of a small model."""
    sizes = {**SIZES, **OTHER_SIZES.get(model_type, {}), **changes}
    if model_type == "funnel":  # its layers are counted by `block_sizes`
        del sizes["num_hidden_layers"]
    if model_type == "xlnet":  # it has no positions
        del sizes["max_position_embeddings"]
    return AutoConfig.for_model(model_type, **sizes)


def tokenizer_of(config: PreTrainedConfig) -> PreTrainedTokenizerFast:
    """Make a fast tokenizer whose padding has the id that the model expects."""
    special = LIKE_ROBERTA if config.pad_token_id == 1 else LIKE_BERT
    numbers = {word: number for number, word in enumerate((*special, *WORDS))}
    names = dict(zip(NAMES, LIKE_BERT, strict=True))
    if special is LIKE_ROBERTA:
        of_roberta = ("<pad>", "<unk>", "<s>", "</s>", "<mask>")
        names = dict(zip(NAMES, of_roberta, strict=True))
    tokenizer = Tokenizer(models.WordLevel(numbers, unk_token=names["unk_token"]))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    start, end = names["cls_token"], names["sep_token"]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{start} $A {end}",
        pair=f"{start} $A {end} $B:1 {end}:1",
        special_tokens=[(start, numbers[start]), (end, numbers[end])],
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)  # type: ignore[no-untyped-call]


def write(
    folder: Path, model_type: str, *, language_model: bool = True, **changes: Any
) -> PreTrainedModel:
    """Write a checkpoint with its tokenizer, of a language model if the architecture has such a model."""
    config = config_of(model_type, **changes)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        try:
            auto = AutoModelForMaskedLM if language_model else AutoModel
            model: PreTrainedModel = auto.from_config(config)
        except ValueError:
            model = AutoModel.from_config(config)
    model.save_pretrained(folder)
    tokenizer_of(config).save_pretrained(folder)
    return model
