"""Paths: through their points, at constant speed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kineograph.core.errors import DocumentError
from kineograph.gestures.path import Path

CURVE = np.array([(10, 10), (60, 90), (110, 10), (115, 12), (300, 40)], float)
whole = st.integers(0, 500).map(float)
points = st.lists(st.tuples(whole, whole), min_size=2, max_size=8, unique=True).map(np.array)


def test_two_points_make_a_straight_line() -> None:
    path = Path.through(np.array([(0.0, 0.0), (30.0, 40.0)]))
    assert path.length == pytest.approx(50)
    at = path.at(np.array([0, 0.1, 0.5, 1]))
    np.testing.assert_allclose(at, [(0, 0), (3, 4), (15, 20), (30, 40)], atol=1e-9)


def test_ends_are_exact_and_progress_is_clamped() -> None:
    at = Path.through(CURVE).at(np.array([-1.0, 0.0, 1.0, 2.0]))
    np.testing.assert_allclose(at, CURVE[[0, 0, -1, -1]], atol=1e-9)


def test_speed_is_constant_along_a_curve() -> None:
    steps = np.diff(Path.through(CURVE).at(np.linspace(0, 1, 2001)), axis=0)
    speed = np.linalg.norm(steps, axis=1)
    assert speed.max() / speed.min() < 1.01


@given(points)
@settings(max_examples=40, deadline=None)
def test_it_passes_all_points_in_order(given_points: np.ndarray) -> None:
    path = Path.through(given_points)
    walked = path.at(np.linspace(0, 1, 20001))
    step = path.length / 20000
    nearest, reached = 0, []
    for point in given_points:
        away = np.linalg.norm(walked[nearest:] - point, axis=1)
        nearest += int(np.flatnonzero(away < step + 1e-6)[0])
        reached.append(nearest)
    assert reached == sorted(reached)


def test_points_on_a_circle_give_nearly_the_circle() -> None:
    turn = np.linspace(0, 2 * np.pi, 17)
    circle = 100 * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    walked = Path.through(circle).at(np.linspace(0, 1, 500))
    away = np.linalg.norm(walked, axis=1)
    np.testing.assert_allclose(away, 100, atol=1.5)  # it sets out along the chord
    np.testing.assert_allclose(away[40:-40], 100, atol=0.1)


def test_the_curve_has_no_corner_where_the_lines_have_one() -> None:
    corner = np.array([(0, 0), (100, 0), (100, 100)], float)

    def sharpest(straight: bool) -> float:
        steps = np.diff(Path.through(corner, straight=straight).at(np.linspace(0, 1, 801)), axis=0)
        angles = np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))
        return float(np.degrees(np.abs(np.diff(angles)).max()))

    assert sharpest(straight=True) > 40  # 90 degrees in one step, or two if it cuts the corner
    assert sharpest(straight=False) < 3


def test_straight_walks_the_polyline() -> None:
    path = Path.through(np.array([(0, 0), (100, 0), (100, 50)], float), straight=True)
    assert path.length == pytest.approx(150)
    np.testing.assert_allclose(path.at(np.array([2 / 3])), [(100, 0)], atol=1e-9)


def test_repeated_points_change_nothing() -> None:
    doubled = np.repeat(CURVE, 3, axis=0)
    progress = np.linspace(0, 1, 50)
    np.testing.assert_allclose(Path.through(doubled).at(progress), Path.through(CURVE).at(progress))


def test_there_and_back_stays_on_the_line() -> None:
    path = Path.through(np.array([(0, 0), (100, 0), (0, 0)], float))
    assert path.length == pytest.approx(200, rel=1e-3)
    assert np.abs(path.at(np.linspace(0, 1, 200))[:, 1]).max() == 0


@pytest.mark.parametrize(
    ("given_points", "message"),
    [
        ([(5, 5), (5, 5)], "the path has no length; give points that are apart"),
        ([(5, 5)], "the path has no length"),
        ([(5, 5), (np.nan, 5)], "a point of the path is not finite; give numbers"),
    ],
)
def test_bad_paths(given_points: list, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        Path.through(np.array(given_points, float))


def test_unevenly_spaced_points_make_no_loop() -> None:
    uneven = np.array([(0, 0), (100, 0), (101, 1), (101, 100)], float)
    steps = np.diff(Path.through(uneven).at(np.linspace(0, 1, 4001)), axis=0)
    angles = np.degrees(np.unwrap(np.arctan2(steps[:, 1], steps[:, 0])))
    assert np.abs(np.diff(angles)).sum() < 130  # 90 for the corner, and a little swing
