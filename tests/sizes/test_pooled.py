"""Forms of classifiers on means of tokens, loaded in a fresh process by the lines of their cards."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
import torch

from stages.tickets.encoder import pretrained, theta
from stages.tickets.encoder.pooling import PooledClassifier
from stages.tickets.encoder.theta import Encoder
from stages.tickets.export import compressed, forms
from stages.tickets.export.form import Form, Made
from stages.tickets.greedy import compact
from stages.tickets.pruning import masks
from stages.tickets.quantized import attached, bits, stored
from stages.tickets.settings import FolderEncoder
from stages.tickets.sizes import forms as sized
from stages.tickets.sizes import packed, packed_model
from stages.tickets.tasks.task import Prepared
from stages.tickets.ternary import packed as ternary_files
from tests.encoder import checkpoints
from tests.quantized.test_attached import batches, built
from tests.sizes.test_stored import CHANNELS, in_blocks, study_of, with_biases

pytestmark = pytest.mark.usefixtures("on_the_cpu")
IDS = torch.tensor([[2, 6, 7, 3, 8, 9, 3], [2, 10, 3, 11, 3, 0, 0]])
TYPES = torch.tensor([[0, 0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 0, 0]])
INPUTS = {"input_ids": IDS, "attention_mask": (IDS > 0).long()}
PROGRAM = """\
import os, sys, warnings
warnings.simplefilter("ignore")
import torch
for folder in sys.argv[1:]:
    os.chdir(folder)
    sys.path.insert(0, folder)
    scope = {}
    exec(open("card.py").read(), scope)
    inputs, types = torch.load("../inputs.pt")
    with torch.inference_mode():
        shown = [scope["model"](**inputs, **more).logits for more in (types, {})]
    torch.save(shown, "shown.pt")
    sys.path.remove(folder)
    for name in ("packed_model", "pooled"):
        sys.modules.pop(name, None)
"""
"""Python that asks the models of some folders with token types and without."""


def encoder_in(folder: Path, pooler: Literal["mean", "segments"]) -> Encoder:
    checkpoints.write(folder / "checkpoint", "bert")
    source = FolderEncoder(source="folder", path=str(folder / "checkpoint"), pooler=pooler)
    theta.save(pretrained.fetch(source), {}, folder / "encoder")
    return theta.load(folder / "encoder")


def ticket(model: Any, encoder: Encoder) -> Made:
    weights = {name: weight.numpy() for name, weight in encoder.weights.items()}
    matrices = {name: weights[name] for name in encoder.prunable}
    mask = masks.prune_by_magnitude(matrices, masks.dense(matrices), 0.5)
    made = sized.with_zeros(model, encoder, mask)
    return Made(made, packed.sparse(made, mask))


def all_forms(
    dense: Any, encoder: Encoder, prepared: Prepared, root: Path
) -> Iterator[tuple[str, Made]]:
    """Yield every kind of form of a dense model, what is stored being read from files."""
    study = study_of("channels", "trained greedy 0.5", root, root / "encoder")
    listed: list[Form] = [*forms.precisions(study, "acceptability", 1)]

    few = with_biases(built(encoder, prepared)).train(mode=False)
    compact.compact_(few, CHANNELS)
    compact.save(few, CHANNELS, prepared, root / "runs" / "channels", weights=True)
    listed += compressed.channels(study, "acceptability", 1)

    attached.attach_(few, bits.of_arm("w4a8e2"))
    attached.calibrate_(few, batches(few, prepared))
    stored.save(few, "w4a8e2", CHANNELS, prepared, 8, root / "runs" / "quantized")
    study = study_of("quantized", "w4a8e2 trained", root, root / "encoder")
    listed += compressed.few_bits(study, "acceptability", 1)

    ternary = with_biases(built(encoder, prepared)).train(mode=False)
    taken = in_blocks(ternary, encoder, rows=True)
    ternary_files.save(taken, prepared, {}, root / "runs" / "ternary")
    study = study_of("ternary", "clipped 4x8 50", root, root / "encoder")
    listed += compressed.ternary(study, "acceptability", 1)

    yield from ((form.name, form.build(dense, encoder)) for form in listed)
    yield "ticket", ticket(dense, encoder)


@pytest.mark.parametrize("how", ["mean", "segments"])
def test_all_forms_say_there_what_they_say_here(
    how: Literal["mean", "segments"],
    prepared: Prepared,
    prepared_pairs: Prepared,
    tmp_path: Path,
) -> None:
    encoder, data = encoder_in(tmp_path, how), prepared if how == "mean" else prepared_pairs
    dense = with_biases(built(encoder, data)).train(mode=False)
    assert isinstance(dense, PooledClassifier)
    assert dense.config.text_pooling == how
    types = {"token_type_ids": TYPES}
    torch.save((INPUTS, types), tmp_path / "inputs.pt")
    expected = {}
    for name, made in all_forms(dense, encoder, data, tmp_path):
        folder = tmp_path / name
        folder.mkdir()
        forms.save(made, folder)
        code = forms.loading(made, data.task.kind)
        assert "stages" not in code
        (folder / "card.py").write_text(code, encoding="utf-8")
        with torch.inference_mode():
            expected[name] = [made.model(**INPUTS, **more).logits for more in (types, {})]
    assert len(expected) == 7
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, str(program), *(str(tmp_path / name) for name in expected)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    for name, logits in expected.items():
        shown = torch.load(tmp_path / name / "shown.pt")
        assert not torch.equal(*logits)  # token types matter
        torch.testing.assert_close(shown, logits, rtol=0, atol=2e-6)
        assert name == "dense" or not torch.equal(logits[0], expected["dense"][0])
    elsewhere = packed_model.load(tmp_path / "int8")  # this is not its folder
    assert torch.equal(elsewhere(**INPUTS, **types).logits, expected["int8"][0])
