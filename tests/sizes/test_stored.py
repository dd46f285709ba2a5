"""Forms that other experiments have stored: built, written, and read by the loader of their folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch

from stages.tickets.encoder import parameters
from stages.tickets.encoder.theta import Encoder
from stages.tickets.export import compressed, forms
from stages.tickets.export.form import Form
from stages.tickets.export.study import Finished
from stages.tickets.greedy import compact
from stages.tickets.plan.manifest import Manifest, Run
from stages.tickets.pruning.channels import Channels
from stages.tickets.quantized import attached, bits, stored
from stages.tickets.report.sections.sizes import arms
from stages.tickets.sizes import packed_model
from stages.tickets.tasks.task import Prepared
from stages.tickets.ternary import blocks
from stages.tickets.ternary import packed as ternary_files
from stages.tickets.ternary.sizing import Block
from tests.quantized.test_attached import batches, built

CHANNELS = Channels(np.array([[True, False], [False, False]]), np.arange(64).reshape(2, 32) > 31)
"""A head of one layer and none of the other, no neuron of one layer and all of the other."""
BLOCK = Block(4, 8)


@dataclass(frozen=True)
class Study:
    """As much of a finished study as forms ask for."""

    manifest: Manifest
    root: Path
    encoder: Path


def study_of(kind: str, source: str, root: Path, encoder: Path) -> Finished:
    run = Run(f"runs/{kind}", "acceptability", kind, 1, 0, source=source)
    return cast("Finished", Study(Manifest((run,), {}, {}), root, encoder))


def with_biases(model: Any) -> Any:
    """Draw biases and LayerNorms, which are 0 and 1 at first, so that none can be lost unseen."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return model


def logits(model: Any) -> torch.Tensor:
    ids = torch.tensor([[2, 6, 7, 8, 3], [2, 9, 10, 3, 0]])
    with torch.inference_mode():
        made: torch.Tensor = model(input_ids=ids, attention_mask=(ids > 0).long()).logits
    return made


def assert_reads_again(form: Form, dense: Any, encoder: Encoder, expected: Any, out: Path) -> int:
    """The form says what its room says, and so does what is read from its folder; return its bytes."""
    made = form.build(dense, encoder)
    assert torch.equal(logits(made.model), logits(expected))
    out.mkdir()
    forms.save(made, out)
    read = packed_model.load(out)
    assert logits(read) == pytest.approx(logits(expected), abs=2e-6)
    assert {file.name for file in out.iterdir()} == {
        "config.json", "packed.safetensors", "packed_model.py",
    }  # fmt: skip
    assert arms.payload(out / packed_model.FILE) == made.held.num_bytes
    return made.held.num_bytes


@pytest.mark.parametrize("is_stored", [True, False])
def test_channels(
    encoder: Encoder, encoder_folder: Path, prepared: Prepared, tmp_path: Path, is_stored: bool
) -> None:
    dense, expected = (with_biases(built(encoder, prepared)).train(mode=False) for _ in range(2))
    compact.compact_(expected, CHANNELS)
    folder = tmp_path / "runs" / "channels"
    compact.save(expected, CHANNELS, prepared, folder, weights=is_stored)
    study = study_of("channels", "trained greedy 0.5", tmp_path, encoder_folder)
    (form,) = compressed.channels(study, "acceptability", 1)
    assert form.name == "channels-trained-greedy-0.5"
    assert bool(form.not_stored) != is_stored
    size = assert_reads_again(form, dense, encoder, expected, tmp_path / "out")
    dropped = arms.dropped(folder / "record.json")
    assert size == 4 * sum(each.numel() for each in dense.parameters()) - dropped
    if is_stored:
        assert arms.payload(folder / arms.STORED) == size


@pytest.mark.parametrize("channels", [None, CHANNELS], ids=["complete", "compact"])
@pytest.mark.parametrize("arm", ["w8a8e8", "w4a8e2", "w2a4", "w4a32", "w32a8"])
def test_few_bits(
    encoder: Encoder,
    encoder_folder: Path,
    prepared: Prepared,
    tmp_path: Path,
    arm: str,
    channels: Channels | None,
) -> None:
    model = with_biases(built(encoder, prepared))
    if channels:
        compact.compact_(model, channels)
    attached.attach_(model, bits.of_arm(arm))
    attached.calibrate_(model, batches(model, prepared))
    folder = tmp_path / "runs" / "quantized"
    stored.save(model, arm, channels, prepared, 8, folder)
    study = study_of("quantized", f"{arm} calibrated", tmp_path, encoder_folder)
    (form,) = compressed.few_bits(study, "acceptability", 1)
    expected = stored.build(encoder, folder)
    size = assert_reads_again(form, None, encoder, expected, tmp_path / "out")
    assert arms.payload(folder / arms.STORED) == size


def in_blocks(model: Any, encoder: Encoder, rows: bool) -> ternary_files.Taken:
    """Make the matrices of the layers ternary with half of their blocks, in place, and maybe words."""
    live, kept = parameters.by_name(model), {}
    words = model.get_input_embeddings().get_parameter("weight")
    names = [name for name in encoder.prunable if "layer" in name]
    with torch.no_grad():
        for name in names:
            weight = live[f"{model.base_model_prefix}.{name}"]
            number = BLOCK.number(weight.shape)
            kept[name] = (torch.arange(weight.numel() // 32).view(*number) % 2) > 0
            weight.copy_(0.3 * weight.sign() * (weight.abs() > 0.1))
            weight.mul_(blocks.spread(kept[name], BLOCK))
        if rows:
            scale = torch.arange(1.0, len(words) + 1)[:, None] / 8
            words.copy_(scale * words.sign() * (words.abs() > 0.1))
    return ternary_files.take(model, kept, dict.fromkeys(names, BLOCK), rows)


@pytest.mark.parametrize("rows", [True, False], ids=["ternary words", "float words"])
def test_ternary_blocks(
    encoder: Encoder, encoder_folder: Path, prepared: Prepared, tmp_path: Path, rows: bool
) -> None:
    """Signs and scales of half of the blocks of every matrix of the layers."""
    model = with_biases(built(encoder, prepared)).train(mode=False)
    taken = in_blocks(model, encoder, rows)
    live, kept = parameters.by_name(model), taken.in_blocks
    words = model.get_input_embeddings().get_parameter("weight")
    folder = tmp_path / "runs" / "ternary"
    ternary_files.save(taken, prepared, {}, folder)
    study = study_of("ternary", "clipped 4x8 50", tmp_path, encoder_folder)
    (form,) = compressed.ternary(study, "acceptability", 1)
    size = assert_reads_again(form, None, encoder, model, tmp_path / "out")
    assert arms.payload(folder / arms.STORED) == size
    weights = sum(live[name].numel() for name in kept)
    others = sum(each.numel() for each in live.values()) - weights - rows * words.numel()
    of_words = rows * (words.numel() // 4 + 4 * len(words))
    of_blocks = sum(-(-live[name].numel() // (4 * 8) // 8) for name in kept)
    assert size == weights // 2 // 4 + of_blocks + 4 * len(kept) + 4 * others + of_words
