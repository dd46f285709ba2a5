"""Kernels of torch that give the same bytes on every processor with AVX2, in place of its own on the CPU.

Torch calls MKL for products of matrices and for functions of single values. With MKL_CBWR=COMPATIBLE its
products are the same everywhere, but a step takes half as long again; numpy's OpenBLAS has the kernels
of a Haswell in every copy. Some of MKL's functions differed on an emulated processor even so, and a fifth
of its square roots are not the exact ones. Those of numpy did not differ. Convolutions would run in
oneDNN, which cuts its sums by the size of the caches.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial

import numpy as np
import torch
from scipy import special
from torch import Generator, Tensor

FLOATS = (torch.float32, torch.float64)
BY_VALUE: dict[str, Callable[..., object]] = {
    "acos": np.arccos,
    "asin": np.arcsin,
    "atan": np.arctan,
    "cos": np.cos,
    "erf": special.erf,
    "erfc": special.erfc,
    "erfinv": special.erfinv,
    "exp": np.exp,
    "log": np.log,
    "log10": np.log10,
    "log2": np.log2,
    "sin": np.sin,
    "sqrt": np.sqrt,
    "tan": np.tan,
    "tanh": np.tanh,
}
"""Functions that torch has MKL compute, by torch's name."""
_LIBRARY = torch.library.Library("aten", "IMPL")  # type: ignore[no-untyped-call]
"""A handle on aten, torch's library of operators; kernels put in through it are in use while it lives."""


@cache
def use_portable() -> None:
    """Exchange the kernels for the rest of the process."""
    kernels: dict[str, Callable[..., Tensor]]
    kernels = {"mm": mm, "addmm": addmm, "bmm": bmm, "baddbmm": baddbmm, "mv": mv, "dot": dot}
    kernels |= {"addmv": addmv, "bernoulli_.float": bernoulli_, "conv2d": conv2d}
    for name, function in BY_VALUE.items():
        kernels |= {name: partial(by_value, function), f"{name}_": partial(by_value_, function)}
    for name, kernel in kernels.items():
        _LIBRARY.impl(name, kernel, "CPU")  # type: ignore[no-untyped-call]
    _LIBRARY.impl("conv2d", conv2d, "AutogradCPU")  # type: ignore[no-untyped-call]


def mm(left: Tensor, right: Tensor) -> Tensor:
    """Multiply matrices (m, k) and (k, n); MKL does it for dtypes other than FLOATS."""
    product = left.new_empty(left.shape[0], right.shape[1])
    if left.dtype not in FLOATS:
        return torch.mm(left, right, out=product)
    return _multiplied(left, right, product)


def addmm(
    added: Tensor, left: Tensor, right: Tensor, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """Compute beta * added + alpha * left @ right; `added` is broadcast, and ignored if beta is 0."""
    product = mm(left, right)
    if alpha != 1:
        product.mul_(alpha)
    return product.add_(added, alpha=beta) if beta else product


def bmm(left: Tensor, right: Tensor) -> Tensor:
    """Multiply batches of matrices (b, m, k) and (b, k, n)."""
    product = left.new_empty(*left.shape[:2], right.shape[2])
    if left.dtype not in FLOATS:
        return torch.bmm(left, right, out=product)
    return _multiplied(left, right, product)


def baddbmm(
    added: Tensor, left: Tensor, right: Tensor, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """Compute beta * added + alpha * left @ right, batch by batch, as `addmm` does."""
    product = bmm(left, right)
    if alpha != 1:
        product.mul_(alpha)
    return product.add_(added, alpha=beta) if beta else product


def mv(matrix: Tensor, vector: Tensor) -> Tensor:
    """Multiply a matrix (m, k) and a vector (k)."""
    return mm(matrix, vector[:, None])[:, 0]


def addmv(
    added: Tensor, matrix: Tensor, vector: Tensor, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """Compute beta * added + alpha * matrix @ vector, as `addmm` does."""
    return addmm(added[..., None], matrix, vector[:, None], beta=beta, alpha=alpha)[:, 0]


def dot(left: Tensor, right: Tensor) -> Tensor:
    """Multiply two vectors (k)."""
    return mm(left[None], right[:, None])[0, 0]


def conv2d(
    images: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sequence[int] = (1,),
    padding: Sequence[int] = (0,),
    dilation: Sequence[int] = (1,),
    groups: int = 1,
) -> Tensor:
    """Convolve images (b, c, h, w), each pixel beside its neighbours, by one product of matrices.

    Autograd looks into it. Only plain convolutions, which our networks have, are possible.
    """
    options = (*stride, *dilation, groups)
    if set(options) != {1} or any(padding) or images.dim() != 4:
        raise RuntimeError("numerics is portable, which allows plain convolutions of images only")
    num_out, _, rows, columns = weight.shape
    height, width = images.shape[2] - rows + 1, images.shape[3] - columns + 1
    shifts = [(row, column) for row in range(rows) for column in range(columns)]
    last = images.permute(0, 2, 3, 1)
    near = torch.cat([last[:, r : r + height, c : c + width] for r, c in shifts], -1).flatten(0, 2)
    sums = torch.mm(near, weight.permute(2, 3, 1, 0).reshape(-1, num_out))
    sums = sums if bias is None else sums + bias
    return sums.view(-1, height, width, num_out).permute(0, 3, 1, 2)


def _multiplied(left: Tensor, right: Tensor, product: Tensor) -> Tensor:
    if left.dtype != right.dtype or left.shape[-1] != right.shape[-2]:
        shapes = f"{left.dtype} {tuple(left.shape)} and {right.dtype} {tuple(right.shape)}"
        raise RuntimeError(f"cannot multiply {shapes}")
    with np.errstate(all="ignore"):  # torch says nothing of overflow either
        np.matmul(left.detach().numpy(), right.detach().numpy(), out=product.numpy())
    return product


def by_value(function: Callable[..., object], values: Tensor) -> Tensor:
    """Compute a function of each value; whole numbers become torch's default dtype."""
    if values.dtype not in FLOATS and not values.is_complex():
        dtype = values.dtype if values.is_floating_point() else torch.get_default_dtype()
        return by_value(function, values.to(torch.float32)).to(dtype)
    with np.errstate(all="ignore"):
        return torch.from_numpy(np.asarray(function(values.detach().numpy())))


def by_value_(function: Callable[..., object], values: Tensor) -> Tensor:
    """Set each value to a function of it."""
    return values.copy_(by_value(function, values))


def bernoulli_(values: Tensor, p: float = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Set each value to 1 with probability `p`, else to 0, as torch does on processors not by Intel.

    On those by Intel torch asks MKL's generator, so that dropout would hit other values.
    """
    if not 0 <= p <= 1:
        raise RuntimeError(f"p is {p}, allowed are numbers in [0, 1]")
    drawn = torch.empty(values.shape, dtype=torch.float64).uniform_(generator=generator)
    return values.copy_(drawn < p)
