"""Filled holes: nothing else changes, and the fill looks like what is around it."""

import cv2
import numpy as np

from kineograph.render.fill import fill, smooth_fill


def hole_in(shape, centre, radius):
    y, x = np.indices(shape)
    return (x - centre[0]) ** 2 + (y - centre[1]) ** 2 < radius**2


def test_only_the_hole_changes_and_twice_is_the_same(photograph):
    hole = hole_in(photograph.shape[:2], (225, 120), 60)
    once, again = fill(photograph, hole), fill(photograph, hole)
    assert (once[~hole] == photograph[~hole]).all()
    assert (once[hole] != photograph[hole]).any()
    assert (once == again).all()


def test_no_hole_is_the_picture(photograph):
    assert fill(photograph, np.zeros(photograph.shape[:2], bool)) is photograph


def test_a_plain_ground_is_continued():
    picture = np.full((120, 160, 3), (90, 140, 200), np.uint8)
    hole = hole_in((120, 160), (80, 60), 30)
    spoiled = picture.copy()
    spoiled[hole] = 0
    assert np.abs(fill(spoiled, hole).astype(int) - picture).max() <= 1
    assert np.abs(smooth_fill(spoiled, hole).astype(int) - picture).max() <= 1


def test_stripes_are_continued_better_than_by_smoothing():
    x = np.arange(288)
    row = (127 + 100 * np.sin(x * 2 * np.pi / 18)).astype(np.uint8)
    picture = np.repeat(np.tile(row, (288, 1))[..., None], 3, axis=2)
    hole = hole_in((288, 288), (144, 144), 40)
    spoiled = picture.copy()
    spoiled[hole] = 0

    def error(filled):
        return np.abs(filled[hole].astype(float) - picture[hole]).mean()

    assert error(fill(spoiled, hole)) < 0.5 * error(smooth_fill(spoiled, hole))


def test_a_hole_that_leaves_nothing_to_copy_is_smooth_and_finite():
    picture = np.full((64, 64, 3), 50, np.uint8)
    hole = np.ones((64, 64), bool)
    hole[:2] = False
    filled = fill(picture, hole)
    assert np.abs(filled.astype(int) - 50).max() <= 1


def test_detail_is_carried_over_at_full_size():
    rng = np.random.default_rng(0)
    picture = rng.integers(60, 200, (400, 600, 3)).astype(np.uint8)
    picture = cv2.GaussianBlur(picture, (0, 0), 1.0)
    hole = hole_in((400, 600), (300, 200), 60)
    filled = fill(picture, hole)
    core = hole_in((400, 600), (300, 200), 45)
    assert filled[core].std() > 0.4 * picture[core].std()
