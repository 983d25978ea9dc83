"""Pins hold still what they cover, and nothing else."""

import numpy as np
import pytest

from kineograph.core.errors import DocumentError
from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.gestures.pin import Pin
from kineograph.gestures.scene import Scene

SCENE = Scene(size=(320, 240), frames=9, fps=8)


def expand(**fields) -> Tracks:
    tracks = Pin(**fields).expand(SCENE).tracks
    assert tracks is not None
    return tracks


def test_a_box_is_filled_with_the_middles_of_equal_cells() -> None:
    tracks = expand(region=(10, 20, 50, 40), stride=10)
    x, y = np.meshgrid([15, 25, 35, 45], [25, 35])
    np.testing.assert_allclose(tracks.points[:, 0], np.stack([x.ravel(), y.ravel()], axis=1))


def test_pins_are_static_and_visible() -> None:
    tracks = expand(region=(0, 0, 320, 90))
    assert (tracks.points == tracks.points[:, :1]).all()
    assert (tracks.state == State.VISIBLE).all()
    assert 100 < tracks.count < 400


def test_pins_hold_only_in_their_time_span() -> None:
    tracks = expand(region=(0, 0, 20, 20), start=0.25, end=0.5)
    assert (tracks.state == np.array([0, 0, 1, 1, 1, 0, 0, 0, 0])).all()


def test_a_polygon_holds_what_is_inside() -> None:
    tracks = expand(region=[(0, 0), (100, 0), (0, 100)], stride=4)
    assert (tracks.points[:, 0].sum(axis=1) <= 100).all()
    assert tracks.count * 16 == pytest.approx(100 * 100 / 2, rel=0.06)


def test_a_polygon_may_be_hollow() -> None:
    tracks = expand(
        region=[(0, 0), (90, 0), (90, 90), (0, 90), (0, 60), (60, 60), (60, 30), (0, 30)], stride=6
    )
    x, y = tracks.points[:, 0].T
    assert not ((x < 60) & (y > 30) & (y < 60)).any()
    assert ((x > 60) & (y > 30) & (y < 60)).any()


@pytest.mark.parametrize("region", [(5, 5, 6, 5.5), [(0, 0), (200, 2), (200, 4)]])
def test_a_region_finer_than_the_grid_is_still_held(region: tuple | list) -> None:
    assert expand(region=region).count >= 1


@pytest.mark.parametrize(
    ("region", "message"),
    [
        ((10, 10, 10, 50), "is the box 10,10,10,50, which has no area; give the left, top, right"),
        ((50, 10, 10, 50), "which has no area"),
        ([(0, 0), (10, 10)], "region has 2 entries; give 3 or more"),
        ([(0, 0), (10, 10), (20, 20)], "the region of 3 points has no area"),
        ((0, 0, 321, 50), "the region's corner 321,0 lies outside the picture of 320x240"),
        ([(0, 0), (10, 300), (20, 0)], "the region's corner 10,300 lies outside"),
        ((0, 0, 5), r"region\[3\] is missing"),
        ("all", "region is 'all'; give a list"),
        ((0, 0, float("nan"), 5), r"region\[2\] is nan; give a finite number"),
    ],
)
def test_bad_regions(region: object, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        expand(region=region)


def test_a_pin_takes_no_timing() -> None:
    with pytest.raises(DocumentError, match="a pin holds still and takes none, so leave it out"):
        Pin(region=(0, 0, 5, 5), timing="ease")


def test_too_many_pins() -> None:
    with pytest.raises(DocumentError, match="at most 3555555 are allowed; give a larger stride"):
        expand(region=(0, 0, 320, 240), stride=0.1)
