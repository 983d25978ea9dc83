"""Fourier features: the two orders against plain loops and diffusers' own."""

import math

import pytest
import torch
from torch import Tensor

from kineograph.conditioning.fourier import fourier


def gligen_by_loops(numbers: list[float], freqs: int, base: float) -> list[float]:
    found = []
    for k in range(freqs):
        for wave in (math.sin, math.cos):
            found += [wave(x * base ** (k / freqs)) for x in numbers]
    return found


def boximator_by_loops(numbers: list[float], freqs: int, base: float) -> list[float]:
    found = []
    for x in numbers:
        for k in range(freqs):
            angle = x * base ** (k / freqs)
            found += [math.cos(angle), math.sin(angle)]
    return found


def some(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("freqs", "base"), [(8, 100), (5, 1000.0)])
def test_both_orders_equal_their_loops(freqs: int, base: float) -> None:
    numbers = some(3, 4).double()
    for order, loops in (("gligen", gligen_by_loops), ("boximator", boximator_by_loops)):
        found = fourier(numbers, freqs=freqs, base=base, order=order)  # type: ignore[arg-type]
        rows = [loops(row, freqs, base) for row in numbers.tolist()]
        wanted = torch.tensor(rows, dtype=torch.float64)
        torch.testing.assert_close(found, wanted, atol=1e-9, rtol=0)


def test_gligens_order_is_that_of_diffusers() -> None:
    embeddings = pytest.importorskip("diffusers.models.embeddings")
    boxes = some(2, 7, 4)
    theirs = embeddings.get_fourier_embeds_from_boundingbox(8, boxes)
    torch.testing.assert_close(fourier(boxes), theirs, atol=1e-6, rtol=0)
    assert fourier(boxes).shape == (2, 7, 64)


def test_boximators_eight_numbers_make_128_features() -> None:
    found = fourier(some(2, 8, 3, 8), order="boximator")
    assert found.shape == (2, 8, 3, 128)
    zero = fourier(torch.zeros(8), order="boximator")
    assert zero.tolist() == [1.0, 0.0] * 64  # cosine first


def test_half_precision_is_computed_in_single() -> None:
    numbers = some(50, 4).half()
    found = fourier(numbers)
    assert found.dtype == torch.float16
    # in half precision throughout, the fastest angle alone is off by up to 0.016
    torch.testing.assert_close(found.float(), fourier(numbers.float()), atol=5e-4, rtol=0)
    assert fourier(numbers.double()).dtype == torch.float64
