"""A classifier that reads means of an encoder's last layer, in place of the architecture's own head.

Means are over tokens that are no padding, special tokens included, as in sentence-transformers. Of a pair
the first segment is every token of type 0, which for BERT is [CLS] A [SEP], and the second is B [SEP].
"""

from typing import Any, Literal

import torch
from torch import Tensor, nn
from transformers import MODEL_MAPPING, PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

Pooling = Literal["mean", "segments"]
FIELD = "text_pooling"
"""Field of a configuration that names the means; configurations without it have another head."""


class PooledClassifier(PreTrainedModel):
    """An encoder, the mean of its tokens or of each segment's, dropout, and a linear classifier.

    `mean` reads the mean of all tokens. `segments` reads [u, v, |u - v|, u * v], u and v the means of
    the first and the second segment (Conneau et al. 2017, Sec. 3.1).
    """

    _supports_sdpa = _supports_flash_attn = _supports_flex_attn = _supports_attention_backend = True

    def __init__(self, config: PreTrainedConfig) -> None:
        """
        Args:
            config: of the encoder, with `text_pooling`, `text_pooling_dropout` and `num_labels`.
        """
        body_class: Any = MODEL_MAPPING[type(config)]
        body = body_class(config)  # first, since it chooses its attention
        super().__init__(config)
        if getattr(body, "pooler", None) is not None:
            body.pooler = None
        self.base_model_prefix = body.base_model_prefix  # so weights keep their names
        setattr(self, self.base_model_prefix, body)
        self.dropout = nn.Dropout(config.text_pooling_dropout)
        vectors = 4 if config.text_pooling == "segments" else 1
        self.classifier = nn.Linear(vectors * config.hidden_size, int(config.num_labels or 0))
        self.post_init()  # type: ignore[no-untyped-call]

    def _init_weights(self, module: nn.Module) -> None:
        self.base_model._init_weights(module)  # type: ignore[operator]

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
    ) -> SequenceClassifierOutput:
        """Compute the logits (examples, outputs).

        Args:
            input_ids: (examples, tokens).
            attention_mask: (examples, tokens), or with two axes of 1 between; None for no padding.
            token_type_ids: 1 for tokens of the second segment, (examples, tokens); None for no second.
        """
        inputs = {"input_ids": input_ids, "attention_mask": attention_mask}
        if has_types(self.config):
            inputs["token_type_ids"] = token_type_ids
        given = {name: values for name, values in inputs.items() if values is not None}
        states = self.base_model(**given).last_hidden_state
        there = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        there = there.reshape(input_ids.shape)
        pooled = mean(states, there)
        if self.config.text_pooling == "segments":
            of_second = torch.zeros_like(input_ids) if token_type_ids is None else token_type_ids
            u, v = (mean(states, there * (of_second == number)) for number in (0, 1))
            pooled = torch.cat([u, v, (u - v).abs(), u * v], dim=-1)
        return SequenceClassifierOutput(logits=self.classifier(self.dropout(pooled)))


def has_types(config: PreTrainedConfig) -> bool:
    """Tell whether an encoder has embeddings of several token types."""
    return getattr(config, "type_vocab_size", 0) > 1


def takes_types(config: PreTrainedConfig) -> bool:
    """Tell whether a model takes token types, for its embeddings or to pool segments."""
    return has_types(config) or getattr(config, FIELD, None) == "segments"


def mean(states: Tensor, chosen: Tensor) -> Tensor:
    """Take the mean of the chosen tokens, in float32; 0 if none is chosen.

    Args:
        states: (examples, tokens, size).
        chosen: 1 or True at tokens that count, (examples, tokens).

    Returns:
        (examples, size).
    """
    weights = chosen.float()[..., None]
    return (states.float() * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)
