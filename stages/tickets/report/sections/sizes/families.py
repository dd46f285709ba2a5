"""Kinds of forms of a trained model: what their files hold, and on which hardware they are fast."""

from collections.abc import Mapping
from dataclasses import dataclass

from stages.tickets.report.figure import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
)


@dataclass(frozen=True)
class Family:
    """What all forms of one kind have in common."""

    name: str
    file: str
    """What the file holds."""
    fast: str
    """Where it runs faster than the dense model in float32, and where not."""
    look: tuple[str, str]
    """Colour and marker."""


DENSE = Family("dense, fp32", "all parameters with 32 bits", "It is the yardstick.", (BLACK, "o"))
BF16 = Family(
    "bf16",
    "all parameters with 16 bits",
    "It is fast on GPUs from Ampere on and on x86 with AVX512-BF16 or AMX; other CPUs convert, which is "
    "slower than fp32.",
    (BLUE, "s"),
)
INT8 = Family(
    "int8, dynamic",
    "weights of linear layers with 8 bits, embeddings and LayerNorms with 32",
    "It is fast on x86 CPUs with AVX2, and more so with VNNI; torch has no such kernel for GPUs.",
    (GREEN, "D"),
)
TICKET = Family(
    "IMP ticket, packed",
    "a bit for every prunable weight, kept ones and all other parameters with 32 bits",
    "It is fast nowhere: it is unpacked to dense matrices with zeros, which take the time and the memory "
    "of dense fp32, and as much disk if they are stored as they are.",
    (GREY, "v"),
)
HEADS = Family(
    "good heads and MLPs",
    "parameters that are left with 32 bits",
    "It is faster everywhere, since whole matrices are smaller or gone.",
    (ORANGE, "^"),
)
CHANNELS = Family(
    "greedy heads and neurons",
    "parameters that are left with 32 bits",
    "It is faster everywhere, since matrices are smaller or gone.",
    (VERMILION, "P"),
)
FEW_BITS = Family(
    "few bits",
    "matrices as whole numbers of 8, 4 or 2 bits with a scale per row, all else with 32",
    "It is fast nowhere here: torch has no kernel for these grids, so it is read back to fp32 and "
    "rounds its inputs, which costs time.",
    (PURPLE, "X"),
)
TERNARY = Family(
    "ternary blocks",
    "two bits per kept weight, a bit per block and a scale per matrix, all else with 32",
    "It is fast nowhere here: neither blocks of zeros nor ternary weights have a kernel in torch, so it "
    "is read back to fp32.",
    (SKY, "h"),
)
PRECISIONS: Mapping[str, Family] = {"bf16": BF16, "int8": INT8}
