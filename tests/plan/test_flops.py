"""FLOPs and bytes: the numbers of bert-base, what has to hold, and the models and loops themselves."""

import math
from dataclasses import replace

import numpy as np
import pytest

from stages.tickets import files
from stages.tickets.plan import flops
from stages.tickets.plan.flops import Examples, Lengths, Shape
from stages.tickets.plan.shapes import MEANS
from stages.tickets.pruning import masks, structure
from stages.tickets.settings import Kind
from tests.conftest import RECIPE

BASE = Shape(12, 768, 3072, 30522, 512, 2, pooler=True)
TINY = Shape(2, 16, 40, 50, 24, 2, pooler=True)
EPOCHS_3 = RECIPE.model_copy(update={"epochs": 3.0, "batch_size": 32})


def of(train: int, longest: int = 128) -> Examples:
    return Examples("classification", 2, train, 0, longest)


@pytest.mark.parametrize(
    ("train", "steps", "peta"),
    [
        (392_702, 36_816, 79),
        (363_846, 34_113, 73),
        (104_743, 9_822, 21),
        (67_349, 6_315, 13.5),
        (8_551, 804, 1.7),
        (5_749, 540, 1.2),
        (3_668, 345, 0.7),
        (2_490, 234, 0.5),
        (635, 60, 0.1),
    ],
)
def test_trainings_of_bert_base_on_glue(train, steps, peta):
    """3 epochs in batches of 32 x 128 tokens; the steps are 3 times those of Chen et al. 2020."""
    assert flops.num_steps(train, EPOCHS_3) == steps
    found = flops.training(BASE, of(train), EPOCHS_3) / 1e15
    assert found == pytest.approx(peta, abs=0.5 if peta > 20 else 0.06)


def test_trainings_of_bert_base_on_squad_and_on_masked_words():
    squad = RECIPE.model_copy(update={"epochs": 2.0, "batch_size": 16})
    assert flops.num_steps(88_524, squad) == 11_066
    span = replace(of(88_524, 384), kind="span")
    assert flops.training(BASE, span, squad) / 1e15 == pytest.approx(37.5, abs=0.05)
    words = RECIPE.model_copy(update={"epochs": 1.0, "batch_size": 16, "masked": 0.15})
    mlm = replace(of(160_000, 512), kind="mlm")
    assert flops.num_steps(160_000, words) == 10_000
    layers = flops.training(BASE, of(160_000, 512), words) / 1e15
    assert layers == pytest.approx(46, abs=0.5)
    decoder = flops.training(BASE, mlm, words) / 1e15 - layers
    assert decoder == pytest.approx(1.7, abs=0.05)


def test_weights_of_bert_base():
    assert (BASE.layer_weights, BASE.prunable) == (84_934_656, 85_524_480)
    assert replace(BASE, pooler=False).prunable == BASE.layer_weights
    assert BASE.parameters("classification", 2) == 109_482_240 + 2 * 768 + 2
    assert flops.weights_bytes(BASE, of(1)) == pytest.approx(438e6, rel=1e-3)
    assert flops.mask_bytes(BASE) == 10_690_560


def test_one_layer_by_hand():
    """Width 2, MLP 3, one example of 5 tokens: 4 x 4 + 2 x 6 weights, 2 x 5 x 28, and 4 x 25 x 2."""
    shape = Shape(1, 2, 3, 10, 8, 2, pooler=False)
    assert flops.forward(shape, Lengths.of([5])) == 280 + 200
    assert flops.decoder(shape, 3.0) == 2 * 3 * 2 * 10
    assert flops.forward(shape, Lengths.of([1, 3])) == pytest.approx(
        (flops.forward(shape, Lengths.of([1])) + flops.forward(shape, Lengths.of([3]))) / 2
    )


def test_heads_and_mlps_add_up_to_the_whole():
    """Three of four heads and one of two MLPs: 8 x 9 x 16 x 12 + 4 x 81 x 12 and 4 x 9 x 16 x 40."""
    whole = structure.whole(2, 4)
    assert flops.forward_through(whole, 16, 40, 9) == flops.forward(TINY, Lengths.of([9]))
    few = structure.Structure(np.array([[1, 1, 1, 0], [0, 0, 0, 0]], bool), np.array([False, True]))
    assert flops.forward_through(few, 16, 40, 9) == 13_824 + 3_888 + 23_040


def test_a_training_is_three_passes_over_what_it_sees():
    recipe = RECIPE.model_copy(update={"epochs": 2.0, "batch_size": 4})
    examples = replace(of(10, 7), lengths=Lengths.of([3] * 10))
    each = flops.forward(TINY, Lengths.of([3]))
    assert flops.training(TINY, examples, recipe, padded=False) == pytest.approx(3 * 20 * each)
    half = flops.training(TINY, examples, recipe, 50, padded=False)
    assert half == pytest.approx(3 * 10 * each)
    assert flops.training(TINY, examples, recipe) > 2 * 3 * 20 * each


def test_unknown_lengths_are_no_number():
    assert math.isnan(flops.training(TINY, of(10), RECIPE, padded=False))
    assert math.isnan(flops.prediction(TINY, of(10), padded=False))


@pytest.mark.parametrize("epochs", [0.1, 1.0, 1.25, 3.0])
@pytest.mark.parametrize("examples", [1, 7, 32, 33, 635])
def test_steps_are_those_of_the_training_loop(examples, epochs):
    from stages.tickets.training import schedule  # noqa: PLC0415

    recipe = RECIPE.model_copy(update={"epochs": epochs, "batch_size": 32})
    total = schedule.num_steps(examples, recipe)
    assert flops.num_steps(examples, recipe) == total
    for percent in (0, 5, 50, 99):
        left = total - schedule.step_at(percent, total)
        seen = flops.num_seen(examples, recipe, percent)
        assert seen * math.ceil(examples / 32) == pytest.approx(left * examples)


def test_weights_are_those_of_models():
    from transformers import BertConfig, BertForMaskedLM, BertModel, PreTrainedModel  # noqa: PLC0415
    from transformers import BertForQuestionAnswering as Spans  # noqa: PLC0415
    from transformers import BertForSequenceClassification as Classifier  # noqa: PLC0415

    from stages.tickets.encoder import theta  # noqa: PLC0415
    from stages.tickets.encoder.pooling import PooledClassifier  # noqa: PLC0415

    config = BertConfig(
        num_hidden_layers=2,
        hidden_size=16,
        intermediate_size=40,
        num_attention_heads=4,
        vocab_size=50,
        max_position_embeddings=24,
    )
    config.num_labels = 3
    body = BertModel(config)
    sizes = dict(body.named_parameters())
    assert TINY.prunable == sum(sizes[name].numel() for name in theta.prunable_names(body))
    made: tuple[tuple[Kind, int, PreTrainedModel], ...] = (
        ("mlm", 0, BertForMaskedLM(config)),
        ("classification", 3, Classifier(config)),
        ("span", 3, Spans(config)),
    )
    for kind, outputs, model in made:
        assert TINY.parameters(kind, outputs) == sum(p.numel() for p in model.parameters())
    config.text_pooling_dropout = 0.0
    for name, means in MEANS.items():
        config.text_pooling = name
        size = sum(p.numel() for p in PooledClassifier(config).parameters())
        shape = replace(TINY, pooler=False, means=means)
        assert shape.parameters("classification", 3) == size
        examples = Examples("classification", 3, 0, 0, 0)
        assert flops.head_bytes(shape, examples) == 4 * (means * 16 + 1) * 3
        assert shape.parameters("span", 3) == TINY.parameters("span", 3)


def test_a_mask_takes_the_bytes_of_its_file(tmp_path):
    mask = masks.dense({f"layer.{n}": np.ones((512, 256), np.float32) for n in range(4)})
    files.save_mask(mask, tmp_path / "mask.safetensors")
    shape = Shape(1, 256, 512, 0, 0, 0, pooler=False)
    shape = replace(shape, layers=1)
    assert shape.prunable == masks.num_weights(mask)
    size = (tmp_path / "mask.safetensors").stat().st_size
    assert flops.mask_bytes(shape) < size < flops.mask_bytes(shape) + 2_000


def test_predictions_take_a_float_an_output_and_two_numbers_a_hidden_word():
    examples = Examples("classification", 3, 0, 100, 20)
    assert flops.prediction_bytes(examples) == 100 * 3 * 4
    words = replace(examples, kind="mlm", hidden=0.15, evaluated_lengths=Lengths.of([10] * 5))
    assert flops.prediction_bytes(words) == 100 * 10 * 0.15 * 8
    assert flops.prediction_bytes(replace(examples, kind="span", outputs=2)) == 100 * 20 * 2 * 4
