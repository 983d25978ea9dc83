"""Sprites: areas that are known, edges without fringes, names that hold."""

import numpy as np
import pytest
import torch

from kineograph.core.errors import DataError
from kineograph.data.procedural.colours import COLOURS, name_of
from kineograph.data.procedural.shapes import (
    MARGIN,
    SHAPES,
    SUPERSAMPLING,
    bled,
    blob,
    depth_within,
    fitted,
    large_mask,
    mask,
)
from kineograph.data.procedural.sprites import KINDS, ON_SHAPES, Sprite, sprite
from kineograph.data.procedural.stock import Stock

SHAPE_ONLY = {"shape": 1}


def drawn(shape: str, size: int, tilt: float = 0.0) -> np.ndarray:
    return mask(fitted(SHAPES[shape](np.random.default_rng(0)), tilt), size)


@pytest.mark.parametrize("size", [16, 33, 64])
def test_areas_of_shapes_are_those_of_geometry(size: int) -> None:
    half = size / 2 - MARGIN
    perimeter = 8 * half
    slack = perimeter / SUPERSAMPLING * 0.6  # the outline itself is drawn, half a sample thick
    assert drawn("circle", size).sum() == pytest.approx(np.pi * half**2, abs=slack)
    assert drawn("square", size).sum() == pytest.approx(4 * half**2, abs=slack)
    triangle = np.sqrt(3) / 4 * (2 * half) ** 2
    assert drawn("triangle", size).sum() == pytest.approx(triangle, abs=slack)


def test_a_ring_is_hollow_and_a_cross_is_not() -> None:
    assert drawn("ring", 64)[32, 32] == 0
    assert drawn("ring", 64)[32, 5] == 1
    assert drawn("cross", 64)[32, 32] == 1
    assert drawn("cross", 64)[5, 5] == 0


def test_shapes_are_upright() -> None:
    heart, triangle = drawn("heart", 64), drawn("triangle", 64)
    assert heart[:32].sum() > heart[32:].sum()
    assert triangle[:32].sum() < triangle[32:].sum()
    for shape in ("circle", "square", "triangle", "heart", "cross", "ring"):
        picture = drawn(shape, 64)
        assert np.abs(picture - picture[:, ::-1]).max() < 0.35, shape
    assert drawn("crescent", 64)[32, 8] == 1 and drawn("crescent", 64)[32, 40] == 0


def test_a_tilt_turns_clockwise_on_the_screen() -> None:
    stick = np.array([(-0.1, -1.0), (0.1, -1.0), (0.1, 0.0), (-0.1, 0.0)])
    (turned,) = fitted([stick], np.pi / 2)
    assert np.ptp(turned[:, 0]) == pytest.approx(2)  # it lies down
    (slanted,) = fitted([stick], 0.3)
    top = slanted[slanted[:, 1] < slanted[:, 1].mean()]
    assert top[:, 0].mean() > 0


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_fill_the_square_but_for_the_rim(shape: str) -> None:
    picture = drawn(shape, 40, tilt=0.2)
    assert picture[[0, -1]].max() == 0 and picture[:, [0, -1]].max() == 0
    covered = np.argwhere(picture > 0)
    assert np.ptp(covered, axis=0).max() >= 36
    assert ((picture > 0) & (picture < 1)).any()  # smooth edges


def test_blobs_never_cross_themselves() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        radius = np.linalg.norm(blob(rng, roughness=0.6), axis=1)
        assert radius.min() > 0.35 and radius.max() < 1.65


def test_depth_within_is_in_pixels() -> None:
    large = large_mask(fitted(SHAPES["square"](np.random.default_rng(0))), 40)
    inside = depth_within(large)
    middle = 20 * SUPERSAMPLING
    assert inside[middle, middle] == pytest.approx(20 - MARGIN, abs=0.5)
    assert inside[0, 0] == 0


def test_colour_goes_on_beyond_the_edge() -> None:
    rgba = np.zeros((9, 9, 4), np.float32)
    rgba[3:6, 3:6] = (0.2, 0.4, 0.8, 1)
    rgba[4, 6] = (0.9, 0.1, 0.1, 1)
    grown = bled(rgba)
    np.testing.assert_array_equal(grown[..., 3], rgba[..., 3])
    np.testing.assert_array_equal(grown[3:6, 3:6], rgba[3:6, 3:6])
    np.testing.assert_allclose(grown[0, 0, :3], (0.2, 0.4, 0.8))
    np.testing.assert_allclose(grown[4, 8, :3], (0.9, 0.1, 0.1))
    assert bled(np.zeros((3, 3, 4), np.float32)).max() == 0


def soft_and_solid(one: Sprite) -> tuple[torch.Tensor, torch.Tensor]:
    """The colours (3, n) of the soft edge and of what is solid."""
    rgb, alpha = one.rgba[:3], one.rgba[3]
    return rgb[:, alpha < 0.99], rgb[:, alpha >= 0.99]


def test_shapes_have_no_dark_fringe() -> None:
    rng = np.random.default_rng(0)
    plain = 0
    for _ in range(120):
        one = sprite(rng, 48, kinds=SHAPE_ONLY)
        soft, solid = soft_and_solid(one)
        low, high = solid.amin(dim=1), solid.amax(dim=1)
        assert (soft.amin(dim=1) > low - 0.12).all() and (soft.amax(dim=1) < high + 0.12).all()
        if len(one.name.split()) == 2 and high.sub(low).max() < 0.25:  # without an outline
            plain += 1
            assert (soft.mean(dim=1) - solid.mean(dim=1)).abs().max() < 0.06
    assert plain > 10


@pytest.mark.parametrize("size", [8, 24, 61])
def test_sprites_are_square_with_a_clear_rim(size: int, photograph: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    stock = Stock(photographs=(photograph,))
    for _ in range(30):
        one = sprite(rng, size, stock=stock)
        assert one.rgba.shape == (4, size, size)
        assert one.rgba.dtype == torch.float32
        assert one.rgba.min() >= 0 and one.rgba.max() <= 1
        edge = torch.cat([one.rgba[3, [0, -1]].flatten(), one.rgba[3, :, [0, -1]].flatten()])
        assert edge.max() == 0
        assert one.rgba[3].mean() > 0.1


def test_the_same_generator_draws_the_same_sprites(photograph: np.ndarray) -> None:
    stock = Stock(photographs=(photograph,))
    first, again = (np.random.default_rng(7) for _ in range(2))
    for _ in range(20):
        one, other = sprite(first, 32, stock=stock), sprite(again, 32, stock=stock)
        assert one.name == other.name and one.kind == other.kind
        assert torch.equal(one.rgba, other.rgba)


def test_the_name_says_colour_and_shape() -> None:
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(200):
        one = sprite(rng, 32, kinds=SHAPE_ONLY)
        *word, colour, shape = one.name.split()
        assert colour in COLOURS and shape in SHAPES
        assert word in ([], *([known] for known in ON_SHAPES))
        assert one.turnable == (bool(word) or shape not in ("circle", "ring"))
        seen.add((colour, shape))
        rgb = one.rgba[:3, one.rgba[3] > 0.9]
        shown = [name_of(pixel.numpy()) for pixel in rgb.T[:: max(1, rgb.shape[1] // 60)]]
        assert colour in shown, one.name
    assert len(seen) > 70


def test_a_piece_of_a_photograph_is_named_by_its_colour() -> None:
    orange = np.full((90, 90, 3), (250, 140, 20), np.uint8)
    one = sprite(
        np.random.default_rng(0), 40, stock=Stock(photographs=(orange,)), kinds={"photograph": 1}
    )
    assert one.name == "orange piece of a photograph"
    assert one.kind == "photograph" and one.turnable


def test_kinds_that_are_not_in_stock_are_left_out() -> None:
    rng = np.random.default_rng(0)
    assert {sprite(rng, 16).kind for _ in range(40)} == {"shape"}
    with pytest.raises(DataError, match=r"of the kinds glyph none is in stock; allow others"):
        sprite(rng, 16, kinds={"glyph": 1})
    with pytest.raises(DataError, match=r"kind 'ghost' with weight 1; kinds are shape, glyph, ph"):
        sprite(rng, 16, kinds={"ghost": 1})
    with pytest.raises(DataError, match=r"a sprite of 7 pixels is too small; give 8 or more"):
        sprite(rng, 7)
    assert set(KINDS) == {"shape", "glyph", "photograph"}
