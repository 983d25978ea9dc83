"""The convention of points: raster pixels, half-pixel conversion, resizing, latent cells."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kineograph.core.errors import TracksError
from kineograph.core.points import from_pixel_centres, latent_cell, scale, to_pixel_centres

POINTS = arrays(np.float32, (5, 2), elements=st.floats(-4096, 4096, width=32))


def test_the_centre_of_the_top_left_pixel_is_a_half():
    assert from_pixel_centres(np.zeros(2, np.float32)).tolist() == [0.5, 0.5]
    assert to_pixel_centres(np.array([0.5, 0.5])).tolist() == [0.0, 0.0]


@settings(max_examples=30, deadline=None)
@given(arrays(np.int32, (5, 2), elements=st.integers(-(2**20), 2**20)))
def test_half_pixel_conversion_there_and_back_is_exact(whole):
    points = whole.astype(np.float32)
    back = to_pixel_centres(from_pixel_centres(points))
    assert back.dtype == np.float32
    np.testing.assert_array_equal(back, points)


def test_resizing_is_multiplication():
    points = np.array([[0, 0], [0.5, 0.5], [8, 4]], np.float32)
    scaled = scale(points, (8, 4), (24, 2))
    assert scaled.tolist() == [[0, 0], [1.5, 0.25], [24, 2]]
    assert scaled.dtype == np.float32


def test_resizing_points_agrees_with_opencv_resizing_the_picture():
    picture = np.zeros((32, 48), np.float32)
    picture[10:14, 20:30] = 1.0
    larger = cv2.resize(picture, (144, 64), interpolation=cv2.INTER_AREA)
    centre = _middle(picture)
    np.testing.assert_allclose(_middle(larger), scale(centre, (48, 32), (144, 64)), atol=1e-4)


def test_opencv_measures_pixel_centres():
    picture = np.zeros((9, 9), np.float32)
    picture[4, 6] = 1.0
    moments = cv2.moments(picture)
    found = np.array([moments["m10"], moments["m01"]]) / moments["m00"]
    assert from_pixel_centres(found).tolist() == [6.5, 4.5]


@settings(max_examples=30, deadline=None)
@given(POINTS, st.tuples(*[st.integers(1, 4096)] * 2), st.tuples(*[st.integers(1, 4096)] * 2))
def test_resizing_there_and_back(points, before, after):
    back = scale(scale(points, before, after), after, before)
    np.testing.assert_allclose(back, points, rtol=1e-6, atol=1e-30)


def test_the_latent_cell_is_the_floor():
    points = np.array([[0, 7.99], [8, 15.999], [-0.01, 64]], np.float32)
    cells = latent_cell(points, 8)
    assert cells.tolist() == [[0, 0], [1, 1], [-1, 8]]
    assert cells.dtype == np.int64


def test_every_pixel_centre_is_in_the_cell_that_holds_its_pixel():
    x, y = np.meshgrid(np.arange(16) + 0.5, np.arange(16) + 0.5)
    cells = latent_cell(np.stack([x, y], axis=-1), 4)
    np.testing.assert_array_equal(cells[..., 0], np.arange(16)[None].repeat(16, 0) // 4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: latent_cell(np.zeros((1, 2)), 0),
            "a latent stride of 0 was given; it has to be 1 or more",
        ),
        (
            lambda: latent_cell(np.array([[np.nan, 0]]), 8),
            "a point that is not finite has no latent cell; leave such points out",
        ),
        (
            lambda: scale(np.zeros((1, 2)), (0, 4), (4, 4)),
            "a picture size of 0, 4 was given; give width and height as two positive whole numbers",
        ),
    ],
)
def test_bad_arguments_say_what_to_do(make, message):
    with pytest.raises(TracksError) as caught:
        make()
    assert str(caught.value) == message


def _middle(picture):
    """The centre of mass in raster pixels."""
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]] + 0.5
    return np.array([(x * picture).sum(), (y * picture).sum()]) / picture.sum()
