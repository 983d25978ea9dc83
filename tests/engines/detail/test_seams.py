"""Generated content beside what is known: its tone fits, and what is known stays."""

import cv2
import numpy as np

from kineograph.engines.detail.seams import faith_in, joined

SIDE = 48


def pattern() -> np.ndarray:
    x = np.arange(SIDE, dtype=np.float32)
    wave = 120 + 30 * np.sin(x / 5)[None] * np.cos(x / 7)[:, None]
    return np.repeat(wave[..., None], 3, axis=2).astype(np.float32)


def hole() -> np.ndarray:
    share = np.ones((SIDE, SIDE), np.float32)
    share[16:32, 16:32] = 0
    return share


def test_a_tone_that_is_off_leaves_no_seam() -> None:
    image, share = pattern(), hole()
    made = joined(np.where(share[..., None] > 0, image, 0), share, image - np.float32([9, 0, -6]))
    np.testing.assert_allclose(made, image, atol=0.1)


def test_what_is_known_stays() -> None:
    image, share = pattern(), hole()
    other = np.full_like(image, 30)
    made = joined(image, share, other)
    np.testing.assert_array_equal(made[share == 1], image[share == 1])
    full = joined(image, np.ones_like(share), other)
    np.testing.assert_array_equal(full, image)


def test_foreign_colours_do_not_tint_the_hole() -> None:
    image, share = pattern(), hole()
    generated = image - 5
    image[10:16, 10:38] = 250  # known, and something else was generated there
    made = joined(image, share, generated)
    inside = np.s_[20:30, 18:30]
    np.testing.assert_allclose(made[inside], generated[inside] + 5, atol=4)


def test_a_faithful_picture_is_believed_and_another_is_not() -> None:
    image, share = pattern(), hole()
    assert faith_in(image, share, image + 12) > 0.99
    assert faith_in(image, share, cv2.GaussianBlur(image, (0, 0), 3)) > 0.9
    other = np.random.default_rng(0).normal(120, 40, image.shape).astype(np.float32)
    assert faith_in(image, share, other) < 0.1
    assert faith_in(image, share, image - 2 * (image - 120)) == 0  # bright for dark


def test_what_is_not_believed_is_not_shown() -> None:
    image, share = np.full((SIDE, SIDE, 3), 90, np.float32), hole()
    other = np.random.default_rng(0).normal(120, 40, image.shape).astype(np.float32)
    np.testing.assert_allclose(joined(image, share, other, 0), image, atol=0.1)
