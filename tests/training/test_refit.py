"""Heads fitted anew: what they read, and that they make up for an unlike head."""

import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from stages.tickets.encoder import theta
from stages.tickets.encoder.theta import Encoder
from stages.tickets.settings import UserError
from stages.tickets.tasks.task import Prepared, Task
from stages.tickets.training import predict, refit

TOY = Task("toy", "classification", 2, ("accuracy",))
NUMBERS = Task("toy", "regression", 1, ("pearson",))


def test_heads_read_the_first_token_of_every_example_in_order(
    encoder: Encoder, prepared: Prepared
) -> None:
    model = theta.build(encoder, "classification", 2, 0.5, 1)
    arrays, states = refit.predicted(model, prepared)
    expected = predict.predict(model, prepared)
    np.testing.assert_array_equal(arrays["validation.logits"], expected["validation.logits"])
    split = prepared.evaluated["validation"]
    body = model.base_model
    for number, (start, stop) in enumerate(zip(split.starts[:-1], split.starts[1:], strict=True)):
        ids = torch.from_numpy(split.ids[start:stop]).long()[None]
        with torch.no_grad():
            alone = body(input_ids=ids).last_hidden_state[0, 0].numpy()
        np.testing.assert_allclose(states["validation"][number], alone, rtol=1e-3, atol=1e-5)
    assert not body._forward_hooks  # the model reads as before


def test_a_new_head_separates_what_a_wrong_head_confuses() -> None:
    generator = np.random.default_rng(0)
    labels = np.arange(60) % 2
    states = generator.normal(size=(60, 4)).astype(np.float32)
    states[:, 2] = labels * 4 + states[:, 2] / 4
    split = {"train": states[:40], "validation": states[40:]}
    fitted = refit.logits(TOY, split, labels[:40], "train")
    assert fitted["validation"].shape == (20, 2)
    head = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    shares = head.fit(split["train"], labels[:40]).predict_proba(split["validation"])
    np.testing.assert_allclose(softmax(fitted["validation"], axis=1), shares, atol=1e-5)
    assert (fitted["validation"].argmax(axis=1) == labels[40:]).all()
    scaled = {name: 1000 * part + 7 for name, part in split.items()}  # states are standardised
    again = refit.logits(TOY, scaled, labels[:40], "train")
    np.testing.assert_allclose(again["validation"], fitted["validation"], rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("classes", [2, 3])
def test_a_head_that_is_sure_has_finite_logits(classes: int) -> None:
    """A probability of 1 in float32 would leave 0 for the others, whose logarithm is no number."""
    labels = np.arange(600) % classes
    states = np.eye(classes, dtype=np.float32)[labels]
    far = {"train": states, "validation": 100 * states}
    task = Task("toy", "classification", classes, ("accuracy",))
    fitted = refit.logits(task, far, labels, "train")["validation"]
    assert np.isfinite(fitted).all()
    assert (fitted.argmax(axis=1) == labels).all()


def test_numbers_are_fitted_by_a_line() -> None:
    states = np.linspace(-1, 1, 40, dtype=np.float32)[:, None]
    split = {"train": states, "validation": states[::4]}
    fitted = refit.logits(NUMBERS, split, 3 * states[:, 0] + 1, "train")
    assert fitted["validation"].shape == (10, 1)
    np.testing.assert_allclose(fitted["validation"], 3 * states[::4] + 1, atol=0.1)


@pytest.mark.parametrize(
    ("labels", "lacking"), [([0, 0, 0, 0, 0], 1), ([0, 2, 0, 2, 2], 1), ([1, 2, 1, 2, 1], 0)]
)
def test_a_class_that_is_lacking_is_named_in_a_sentence(labels: list[int], lacking: int) -> None:
    """Without the error, what is fitted for class 2 would stand in the column of class 1."""
    states = {"train": np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)}
    with pytest.raises(
        UserError, match=rf"the 5 examples of 'toy' .* none of class {lacking}; raise connectivity"
    ):
        refit.logits(
            Task("toy", "classification", 3, ("accuracy",)), states, np.array(labels), "train"
        )


def test_columns_are_in_the_order_of_classes_whatever_comes_first() -> None:
    labels = np.array([2, 0, 1] * 20)
    states = {"train": np.eye(3, dtype=np.float32)[labels]}
    three = Task("toy", "classification", 3, ("accuracy",))
    fitted = refit.logits(three, states, labels, "train")["train"]
    assert (fitted.argmax(axis=1) == labels).all()
