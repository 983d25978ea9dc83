"""A generated motion made to agree with the tracks that were asked for."""

import numpy as np

import kineograph as kg
from kineograph.conditioning.first_motion import SEEN
from kineograph.engines.detail.correction import corrected, crowded_out
from kineograph.engines.detail.points import Points, cell_points, given_points
from kineograph.render.walker import Grid

SIZE = (64, 64)


def still_cells() -> Points:
    return cell_points(np.full((3, 4, 8, 8), 0, np.float32), SIZE, SIZE)


def given(points: np.ndarray) -> Points:
    return given_points(kg.Tracks.of(points, size=SIZE, fps=8), 4)


def agreeing(cells: Points, asked: Points) -> Points:
    told = np.zeros_like(asked.displacement)
    grey = np.zeros((cells.count, 3), np.float32), np.zeros((asked.count, 3), np.float32)
    return corrected(cells, asked, told, grey, Grid.over(SIZE))


def shifting(starts: np.ndarray) -> np.ndarray:
    return np.stack([starts + np.array([3 * t, -t]) for t in range(4)], axis=1)


def test_what_tracks_all_over_the_picture_miss_is_missed_everywhere() -> None:
    corners = np.array([[6, 6], [58, 6], [6, 58], [58, 58], [30, 34], [20, 44], [40, 20]], float)
    made = agreeing(still_cells(), given(shifting(corners)))
    np.testing.assert_allclose(made.displacement[:, 3], np.tile([9, -3], (64, 1)), atol=0.05)


def test_one_track_moves_what_is_near_it() -> None:
    made = agreeing(still_cells(), given(shifting(np.array([[20.0, 20.0]]))))
    far = np.linalg.norm(made.anchors - 20, axis=1)
    assert np.linalg.norm(made.displacement[far < 6, 3], axis=1).min() > 6
    assert np.linalg.norm(made.displacement[far > 45, 3], axis=1).max() < 2


def test_cells_give_way_to_dense_tracks() -> None:
    dense = np.stack(np.meshgrid(np.arange(1, 33, 2.0), np.arange(1, 33, 2.0)), -1).reshape(-1, 2)
    cells = crowded_out(still_cells(), given(shifting(dense)))
    covered = (cells.anchors < 28).all(axis=1)
    assert cells.weight[covered].max() < 0.02
    np.testing.assert_array_equal(cells.weight[(cells.anchors > 44).any(axis=1)], 1)


def test_cells_that_hardly_move_hold_still() -> None:
    motion = np.zeros((3, 4, 8, 8), np.float32)
    motion[0, 1:, :4] = 0.01  # 0.08 of 64 pixels
    motion[0, 1:, 4:] = 0.1
    gone = cell_points(motion, SIZE, SIZE).displacement.reshape(8, 8, 4, 2)
    assert not gone[:4].any()
    np.testing.assert_allclose(gone[4:, :, 1:, 0], 0.8, rtol=1e-5)


def test_hidden_and_outside_tracks_are_not_seen() -> None:
    points = np.array([[[8.0, 8], [8, 8]], [[60, 8], [70, 8]]])
    state = np.array([[1, 2], [1, 1]], np.uint8)
    found = given_points(kg.Tracks.of(points, state=state, size=SIZE, fps=8), 4)
    np.testing.assert_array_equal(found.seen, [[SEEN, -SEEN], [SEEN, -SEEN]])
