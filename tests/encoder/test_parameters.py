"""A decoder that is tied to word embeddings belongs to the body, whatever order a model lists it in."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import PreTrainedModel

from stages.tickets.encoder import parameters, pretrained, theta
from stages.tickets.encoder.theta import Encoder
from stages.tickets.encoder.weights import (
    draw_anew_,
    head_parameters,
    load_body_,
    load_head_,
    load_weights_,
    save_head,
    save_weights,
)
from stages.tickets.settings import FolderEncoder
from tests.encoder import checkpoints
from tests.encoder.test_architectures import TRAINS

WORDS = "embeddings.word_embeddings.weight"
DECODER = "lm_head.decoder.weight"
TYPES = ("bert", "camembert", "roberta", "xlm-roberta")


def encoder_of(folder: Path, model_type: str) -> Encoder:
    checkpoints.write(folder, model_type)
    source = FolderEncoder(source="folder", path=str(folder), pooler="pretrained")
    return theta.content_of(pretrained.fetch(source))


def language_model(encoder: Encoder) -> PreTrainedModel:
    return theta.build(encoder, "mlm", 0, 0.0, 1)


@pytest.mark.usefixtures("on_the_cpu")
@pytest.mark.parametrize("model_type", TRAINS)
def test_no_head_holds_the_word_embeddings(model_type: str, tmp_path: Path) -> None:
    """Nor are they in its file, so theta_0 with a head of its own takes no room."""
    encoder = encoder_of(tmp_path, model_type)
    model = language_model(encoder)
    tied = model.get_input_embeddings().get_parameter("weight")
    head = head_parameters(model, encoder)
    assert not any(parameter is tied for parameter in head.values())
    assert head.keys() == encoder.mlm_head.keys()
    assert not parameters.head(model)
    save_head(model, encoder, tmp_path / "head")
    assert load_file(tmp_path / "head").keys() == head.keys()


@pytest.mark.usefixtures("on_the_cpu")
@pytest.mark.parametrize("model_type", TYPES)
def test_trained_embeddings_go_with_the_body_and_not_with_the_head(
    model_type: str, tmp_path: Path
) -> None:
    encoder = encoder_of(tmp_path, model_type)
    trained = language_model(encoder)
    with torch.no_grad():
        for parameter in trained.parameters():
            parameter.add_(1.0)
    prefix = trained.base_model_prefix
    save_weights(trained, encoder, tmp_path / "weights")
    save_head(trained, encoder, tmp_path / "head")
    assert f"{prefix}.{WORDS}" in load_file(tmp_path / "weights")
    assert DECODER not in load_file(tmp_path / "weights")

    classifier = theta.build(encoder, "classification", 2, 0.0, 1)
    load_body_(classifier, encoder, tmp_path / "weights")
    expected = encoder.weights[WORDS] + 1
    assert torch.equal(classifier.base_model.get_parameter(WORDS), expected)
    same = language_model(encoder)
    load_weights_(same, encoder, tmp_path / "weights")
    assert torch.equal(same.base_model.get_parameter(WORDS), expected)
    carried = language_model(encoder)
    load_head_(carried, encoder, tmp_path / "head")
    assert torch.equal(carried.base_model.get_parameter(WORDS), encoder.weights[WORDS])


@pytest.mark.usefixtures("on_the_cpu")
@pytest.mark.parametrize("model_type", TYPES)
def test_embeddings_are_drawn_anew_with_the_body_alone(model_type: str, tmp_path: Path) -> None:
    encoder = encoder_of(tmp_path, model_type)
    model, drawn = language_model(encoder), theta.build(encoder, "mlm", 0, 0.0, 2, True)
    draw_anew_(model, encoder, drawn, layers=True)
    assert torch.equal(model.base_model.get_parameter(WORDS), encoder.weights[WORDS])
    draw_anew_(model, encoder, drawn, layers=False)
    own = drawn.base_model.get_parameter(WORDS)
    assert torch.equal(model.base_model.get_parameter(WORDS), own)


@pytest.mark.usefixtures("on_the_cpu")
@pytest.mark.parametrize("model_type", TYPES)
def test_a_head_that_is_drawn_has_a_rate_of_its_own_without_the_embeddings(
    model_type: str, tmp_path: Path
) -> None:
    encoder = encoder_of(tmp_path, model_type)
    model = language_model(replace(encoder, mlm_head={}))
    marked = parameters.head(model)
    assert len(marked) == len(encoder.mlm_head)
    assert not any(each is model.get_input_embeddings().weight for each in marked)
