"""Blocks of a matrix: they come back as they were, and exactly as many as asked stay."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stages.tickets.settings import UserError
from stages.tickets.ternary import blocks, sizing
from stages.tickets.ternary.sizing import Block

BERT_BASE: Any = SimpleNamespace(model_type="bert", hidden_size=768, num_attention_heads=12)
QUERY = "encoder.layer.0.attention.self.query.weight"
OUT = "encoder.layer.0.attention.output.dense.weight"
MLP_IN = "encoder.layer.0.intermediate.dense.weight"
MLP_OUT = "encoder.layer.0.output.dense.weight"
GEOMETRIES = ("1x16", "16x16", "32x32", "head")


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize(
    ("name", "shape"), [(QUERY, (768, 768)), (OUT, (768, 768)), (MLP_OUT, (768, 3072))]
)
def test_blocks_put_together_are_the_matrix(
    geometry: str, name: str, shape: tuple[int, int]
) -> None:
    weights = torch.arange(shape[0] * shape[1]).reshape(shape)
    block = sizing.of(geometry, name, BERT_BASE)
    sizing.check(name, weights.shape, block, 0.5)
    cut = blocks.cut(weights, block)
    assert tuple(cut.shape[2:]) == (block.rows, block.columns)
    assert torch.equal(cut[-1, 0], weights[-block.rows :, : block.columns])
    assert torch.equal(cut[0, -1], weights[: block.rows, -block.columns :])
    assert torch.equal(blocks.joined(cut), weights)


def test_a_head_is_rows_of_what_reads_hidden_states_and_columns_of_what_writes_them() -> None:
    """Of bert-base a head has 64 x 768 weights in each of four matrices."""
    sizes = [sizing.of("head", name, BERT_BASE) for name in (QUERY, OUT, MLP_IN, MLP_OUT)]
    assert [str(block) for block in sizes] == ["64x768", "768x64", "64x768", "768x64"]


def test_bert_base_has_as_many_blocks_as_worked_out() -> None:
    """5,345,280 of 1 x 16, 334,080 of 16 x 16 and 83,520 of 32 x 32 in its 73 matrices."""
    square, wide, tall = (768, 768), (3072, 768), (768, 3072)
    shapes = [*[square] * (4 * 12 + 1), *[wide] * 12, *[tall] * 12]
    for geometry, number in {"1x16": 5_345_280, "16x16": 334_080, "32x32": 83_520}.items():
        block = sizing.of(geometry, QUERY, BERT_BASE)
        counts = [block.number(torch.Size(shape)) for shape in shapes]
        assert sum(rows * columns for rows, columns in counts) == number


@pytest.mark.parametrize("shape", [(768, 770), (770, 768), (8, 16)])
def test_ragged_shapes_are_refused_in_a_sentence(shape: tuple[int, int]) -> None:
    with pytest.raises(UserError, match=rf"16x16, which do not divide {OUT} of {shape[0]} x "):
        sizing.check(OUT, torch.Size(shape), Block(16, 16), 0.5)


def test_a_sparsity_that_leaves_no_block_is_refused() -> None:
    """Of 12 heads 97 % are all of them, and so are 90 % of 4 rows of blocks in a column."""
    sizing.check(QUERY, torch.Size((768, 768)), Block(64, 768), 0.9)
    with pytest.raises(UserError, match=r"sparsities has 97, which leaves none of 12 blocks"):
        sizing.check(QUERY, torch.Size((768, 768)), Block(64, 768), 0.97)
    sizing.check(QUERY, torch.Size((64, 64)), Block(16, 16), 0.9)
    with pytest.raises(UserError, match="none of 4 blocks of 16x16 in a column"):
        sizing.check(QUERY, torch.Size((64, 64)), Block(16, 16), 0.9, balanced=True)


def test_heads_of_an_encoder_that_is_not_built_like_bert_are_refused() -> None:
    config: Any = SimpleNamespace(model_type="albert", hidden_size=768, num_attention_heads=12)
    with pytest.raises(UserError, match=r"'albert', allowed with heads are bert, .*16x16"):
        sizing.of("head", QUERY, config)
    assert sizing.of("16x16", QUERY, config) == Block(16, 16)


def test_norms_are_those_of_the_tiles() -> None:
    weights = torch.tensor([[3.0, 4.0, 0.0, 0.0], [0.0, 0.0, 5.0, 12.0]])
    assert torch.equal(blocks.norms(weights, Block(1, 2)), torch.tensor([[5.0, 0], [0, 13]]))
    assert torch.equal(blocks.norms(weights, Block(2, 2)), torch.tensor([[5.0, 13.0]]))


@given(
    st.integers(1, 6),
    st.integers(1, 6),
    st.sampled_from([0.0, 0.25, 0.3, 0.5, 0.75, 0.8]),
    st.booleans(),
    st.integers(0, 5),
)
def test_exactly_as_many_blocks_stay_and_they_are_the_largest(
    rows: int, columns: int, sparsity: float, balanced: bool, seed: int
) -> None:
    norms = torch.randint(
        0, 4, (rows, columns), generator=torch.Generator().manual_seed(seed)
    ).float()
    stays = blocks.kept(norms, sparsity, balanced)
    assert stays.shape == norms.shape
    if balanced:
        assert set(stays.sum(0).tolist()) == {round((1 - sparsity) * rows)}
    else:
        assert int(stays.sum()) == round((1 - sparsity) * rows * columns)
    pieces = zip(norms.T, stays.T, strict=True) if balanced else [(norms, stays)]
    for values, kept in pieces:
        if kept.any() and not kept.all():
            assert values[kept].min() >= values[~kept].max()


def test_of_equal_norms_the_first_are_dropped() -> None:
    stays = blocks.kept(torch.ones(2, 3), 0.5)
    assert stays.tolist() == [[False] * 3, [True] * 3]


def test_blocks_without_a_number_cannot_be_ranked() -> None:
    with pytest.raises(ValueError, match="NaN"):
        blocks.kept(torch.tensor([[1.0, torch.nan]]), 0.5)


@pytest.mark.parametrize("block", [Block(1, 4), Block(2, 2), Block(4, 8)])
def test_a_mask_is_constant_in_every_block(block: Block) -> None:
    norms = torch.rand(
        block.number(torch.Size((8, 16))), generator=torch.Generator().manual_seed(1)
    )
    stays = blocks.kept(norms, 0.5)
    cut = blocks.cut(blocks.spread(stays, block), block).flatten(2)
    assert torch.equal(cut, stays[..., None].expand_as(cut))
