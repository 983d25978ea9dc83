"""Motion of places from the points around them: exact where it is affine, unmixed at outlines."""

import numpy as np

from kineograph.engines.detail.local_fit import NEAR, fit
from kineograph.engines.detail.points import Points

SIDE = 64


def lattice(step: float) -> np.ndarray:
    one = (np.arange(int(SIDE / step), dtype=np.float32) + 0.5) * step
    return np.stack(np.meshgrid(one, one), axis=-1).reshape(-1, 2)


def points(anchors: np.ndarray, displacement: np.ndarray) -> Points:
    many = len(anchors)
    return Points(
        anchors,
        displacement.astype(np.float32),
        np.full(displacement.shape[:2], 0.5, np.float32),
        np.full(many, 8, np.float32),
        np.ones(many, np.float32),
    )


def fitted(held: Points, places: np.ndarray, colours: np.ndarray, own: np.ndarray) -> np.ndarray:
    away, index = held.nearest(places, NEAR)
    made = fit(places, colours, held, own, index, away, SIDE)
    return made.motion(held.displacement)


def test_an_affine_motion_is_continued_up_to_the_border() -> None:
    anchors, places = lattice(8), lattice(2)

    def affine(at: np.ndarray) -> np.ndarray:
        slope = np.array([[0.02, -0.03], [0.03, 0.01]], np.float32)
        return np.stack([at @ (slope * t) + (t, -t) for t in range(4)], axis=1)

    grey = [np.zeros((len(at), 3), np.float32) for at in (places, anchors)]
    found = fitted(points(anchors, affine(anchors)), places, *grey)
    assert np.abs(found - affine(places)).max() < 0.5
    inner = ((places > 8) & (places < SIDE - 8)).all(axis=1)
    assert np.abs(found - affine(places))[inner].max() < 0.05


def test_motions_do_not_mix_across_an_outline() -> None:
    anchors, places = lattice(8), lattice(1)

    def moves(at: np.ndarray) -> np.ndarray:
        far = np.where(at[:, :1] < 30, 12.0, 0.0) * np.ones((1, 2))
        return np.stack([far * t / 3 for t in range(4)], axis=1)

    def colour(at: np.ndarray) -> np.ndarray:
        return np.where(at[:, :1] < 30, 70.0, 30.0).astype(np.float32) * np.ones((1, 3), np.float32)

    found = fitted(points(anchors, moves(anchors)), places, colour(places), colour(anchors))
    missed = np.abs(found - moves(places)).max(axis=(1, 2))
    assert (missed < 0.1).mean() > 0.99


def test_what_is_seen_lies_between_what_the_points_say() -> None:
    anchors, places = lattice(8), lattice(4)
    held = points(anchors, np.zeros((len(anchors), 2, 2)))
    held.seen[anchors[:, 0] < 32] = -0.5
    away, index = held.nearest(places, NEAR)
    grey = [np.zeros((len(at), 3), np.float32) for at in (places, anchors)]
    seen = fit(places, grey[0], held, grey[1], index, away, SIDE).seen(held.seen)
    assert seen.shape == (len(places), 2)
    assert np.abs(seen).max() < 0.5001
    assert (seen[places[:, 0] < 24] < 0).all() and (seen[places[:, 0] > 40] > 0).all()
