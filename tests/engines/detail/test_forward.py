"""Throwing a picture forward: exact shifts, the nearer on top, what is lost leaves a hole."""

import numpy as np

from kineograph.engines.detail.forward import throw

SIDE = 32


def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)


def still() -> np.ndarray:
    return np.zeros((SIDE, SIDE, 2), np.float32)


def nowhere() -> np.ndarray:
    return np.zeros((SIDE, SIDE), bool)


def test_a_shift_by_whole_pixels_is_exact() -> None:
    picture, moved = noise(), still() + np.float32([5, -3])
    made = throw(picture, moved, np.zeros((SIDE, SIDE), np.float32), nowhere())
    np.testing.assert_allclose(made.image[: SIDE - 3, 5:], picture[3:, : SIDE - 5], atol=0.01)
    assert (made.share[: SIDE - 3, 5:] == 1).all()
    assert made.share[:, :5].max() == 0 and made.share[SIDE - 3 :].max() == 0


def test_the_nearer_lands_on_top_however_far_it_came() -> None:
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    picture[8:16, 8:16], picture[8:16, 16:24] = 100, 200
    moved, nearness = still(), np.zeros((SIDE, SIDE), np.float32)
    moved[8:16, 8:16, 0] = 8  # onto its neighbour
    for near, wanted in ((1, 100), (-1, 200)):
        nearness[8:16, 8:16] = near
        made = throw(picture, moved, nearness, nowhere())
        assert np.abs(made.image[10:14, 18:22] - wanted).max() < 1
        assert made.share[10:14, 10:14].max() == 0  # what it left


def test_what_is_lost_is_not_thrown() -> None:
    lost = nowhere()
    lost[4:10, 4:10] = True
    made = throw(noise(), still(), np.zeros((SIDE, SIDE), np.float32), lost)
    assert made.share[5:9, 5:9].max() == 0
    assert (made.share[~lost] > 0.4).all()


def test_what_grows_has_no_cracks() -> None:
    x = np.arange(SIDE, dtype=np.float32) + 0.5 - SIDE / 2
    moved = np.stack(np.meshgrid(x, x), axis=-1) * np.float32(0.8)
    made = throw(noise(), moved, np.zeros((SIDE, SIDE), np.float32), nowhere())
    assert made.share.min() == 1


def test_half_a_pixel_is_half_known_at_the_border() -> None:
    moved = still() + np.float32([0.5, 0])
    made = throw(noise(), moved, np.zeros((SIDE, SIDE), np.float32), nowhere())
    np.testing.assert_allclose(made.share[:, 0], 0.5)
    np.testing.assert_allclose(made.share[:, 1:], 1)
