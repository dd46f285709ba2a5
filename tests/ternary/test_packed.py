"""Packed models come back bit for bit, take two bits a weight, and refuse what is not theirs."""

from pathlib import Path

import numpy as np
import pytest
import torch

from stages.tickets import files
from stages.tickets.encoder import parameters
from stages.tickets.encoder.theta import Encoder
from stages.tickets.tasks.task import Prepared
from stages.tickets.ternary import blocks, measured, packed
from stages.tickets.ternary.sizing import Block
from stages.tickets.training import predict
from tests.ternary.test_training import trained

SHAPE = (32, 64)
GEOMETRIES = (Block(1, 16), Block(16, 16), Block(32, 32), Block(8, 64), Block(32, 4), Block(1, 1))


def matrix(block: Block, sparsity: float = 0.5) -> tuple[torch.Tensor, torch.Tensor]:
    """A ternary matrix with as many dropped blocks, and its kept blocks."""
    generator = torch.Generator().manual_seed(3)
    signs = torch.randint(-1, 2, SHAPE, generator=generator).float()
    kept = blocks.kept(torch.rand(block.number(torch.Size(SHAPE)), generator=generator), sparsity)
    return 0.0371 * signs * blocks.spread(kept, block), kept


@pytest.mark.parametrize("sparsity", [0.0, 0.25, 0.5])
@pytest.mark.parametrize("block", GEOMETRIES, ids=str)
def test_a_matrix_comes_back_and_takes_two_bits_a_kept_weight(
    block: Block, sparsity: float
) -> None:
    values, kept = matrix(block, sparsity)
    stored = packed.store(values, kept, block)
    arrays = packed.pack(stored)
    number = int(kept.sum()) * block.rows * block.columns
    assert {name: (array.dtype.name, array.size) for name, array in arrays.items()} == {
        "codes": ("uint8", -(-number // 4)),
        "blocks": ("uint8", -(-kept.numel() // 8)),
        "scale": ("float32", 1),
    }
    back = packed.unpack(arrays, SHAPE, block)
    assert back.values.dtype == np.float32
    np.testing.assert_array_equal(back.values, values.numpy())
    assert back.kept is not None
    np.testing.assert_array_equal(back.kept, kept.numpy())
    assert back.matrix == stored.matrix
    assert stored.matrix.stored == number


def test_codes_by_hand() -> None:
    """Of four weights in a byte the first is in the lowest bits: 1, 2 for -1, and 0."""
    values = 0.5 * torch.tensor([[1.0, -1, 0, 1], [-1, 0, 0, 0]])
    arrays = packed.pack(packed.store(values, torch.ones(2, 1, dtype=torch.bool), Block(1, 4)))
    assert arrays["codes"].tolist() == [0b01_00_10_01, 0b00_00_00_10]
    assert arrays["blocks"].tolist() == [0b1100_0000]
    assert arrays["scale"].tolist() == [[0.5]]


def test_rows_have_a_scale_each() -> None:
    values = torch.tensor([[1.0, -1, 0], [0, 0, 0], [0, 0.25, 0.25]])
    arrays = packed.pack(packed.store(values, None, None))
    assert set(arrays) == {"codes", "scale"}
    assert arrays["scale"].tolist() == [[1.0], [0.0], [0.25]]
    np.testing.assert_array_equal(packed.unpack(arrays, (3, 3), Block(1, 3)).values, values)


def test_what_is_not_ternary_is_refused() -> None:
    values, kept = matrix(Block(16, 16))
    wrong = values.clone()
    wrong[values != 0] *= torch.linspace(0.5, 1, int((values != 0).sum()))
    with pytest.raises(ValueError, match="more values than 0 and a scale"):
        packed.store(wrong, kept, Block(16, 16))
    with pytest.raises(ValueError, match="dropped block is not 0"):
        packed.store(values, ~kept, Block(16, 16))


def test_codes_of_another_length_are_refused() -> None:
    values, kept = matrix(Block(16, 16))
    arrays = packed.pack(packed.store(values, kept, Block(16, 16)))
    with pytest.raises(ValueError, match="255 bytes of codes are not those of 1024 weights"):
        packed.unpack({**arrays, "codes": arrays["codes"][:-1]}, SHAPE, Block(16, 16))


# --- models ----------------------------------------------------------------------------------


@pytest.mark.parametrize("embeddings", ["fp32", "ternary"])
@pytest.mark.parametrize("geometry", ["1x16", "head"])
def test_a_model_comes_back_with_its_predictions(
    encoder: Encoder,
    encoder_folder: Path,
    prepared: Prepared,
    tmp_path: Path,
    geometry: str,
    embeddings: str,
) -> None:
    made, model = trained(encoder, prepared, geometry=geometry, embeddings=embeddings)
    taken = packed.take(model, made.kept, made.block, embeddings == "ternary")
    size = measured.size_of(taken, made)
    packed.save(taken, prepared, size, tmp_path)
    back = packed.build(encoder_folder, tmp_path)
    assert not back.training
    live = parameters.by_name(model)
    assert live.keys() == parameters.by_name(back).keys()
    for name, parameter in parameters.by_name(back).items():
        assert parameter.dtype == torch.float32
        assert torch.equal(parameter, live[name]), name
    for name, array in predict.predict(back, prepared).items():
        np.testing.assert_array_equal(array, made.run.predictions[name])
    record = files.load_record(tmp_path / packed.RECORD)
    assert (record["bits"], len(record["matrices"])) == (2, 13 + (embeddings == "ternary"))
    assert record["kept_blocks"] * 2 == record["num_blocks"]
    assert record["kept_weights"] * 2 == record["weights"]
    assert 0 <= record["zero_among_dropped"] <= record["zero_at_freeze"] <= record["num_blocks"]
    assert 0 < record["zero_weights"] < record["kept_weights"]
    assert record["empty_blocks"] <= record["kept_blocks"]


def test_bytes_on_disk_are_those_that_are_counted(
    encoder: Encoder, prepared: Prepared, tmp_path: Path
) -> None:
    """Apart from names and shapes at the head of the file, and of what fills the last byte."""
    made, model = trained(encoder, prepared, geometry="4x4", embeddings="ternary")
    taken = packed.take(model, made.kept, made.block, rows=True)
    packed.save(taken, prepared, {}, tmp_path)
    content = (tmp_path / packed.MODEL).read_bytes()
    head = 8 + int.from_bytes(content[:8], "little")
    total = sum(parameter.numel() for parameter in model.parameters())
    counted = 4 * total / taken.ratios.model
    assert counted <= len(content) - head <= counted + 2 * 14


def test_a_file_of_another_model_is_refused(
    encoder: Encoder, encoder_folder: Path, prepared: Prepared, tmp_path: Path
) -> None:
    made, model = trained(encoder, prepared)
    taken = packed.take(model, made.kept, made.block, rows=False)
    name = next(iter(taken.others))
    del taken.others[name]
    packed.save(taken, prepared, {}, tmp_path)
    with pytest.raises(ValueError, match=f"and the model differ in '{name}'"):
        packed.build(encoder_folder, tmp_path)
