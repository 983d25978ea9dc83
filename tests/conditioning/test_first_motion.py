"""Motion on the first frame's grid, by known answers and against plain loops."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from wandering import batch, seen, wandering

from kineograph.conditioning.first_motion import (
    HINTS,
    REACHES,
    SEEN,
    UNIT,
    hints,
    motion_of,
    revealed,
    tracks_of,
)
from kineograph.conditioning.track_batch import TrackBatch
from kineograph.core.state import State
from kineograph.core.tracks import Tracks

SIZE, STRIDE = (16, 8), 4
"""Pictures of 2 rows of 4 cells; a unit of motion is 2 pixels."""


def tracks(points: list, state: list | None = None) -> Tracks:
    held = None if state is None else np.array(state, np.uint8)
    return Tracks.of(np.array(points, float), held, size=SIZE, fps=8)


def motion_loop(held: Tracks, stride: int) -> np.ndarray:
    """`motion_of`, cell by cell."""
    unit = UNIT * max(held.size)
    rows, columns = held.size[1] // stride, held.size[0] // stride
    found = np.zeros((4, held.frames, rows, columns))
    for row in range(rows):
        for column in range(columns):
            centre = (np.array([column, row]) + 0.5) * stride
            here = [
                n
                for n in range(held.count)
                if held.state[n, 0] == State.VISIBLE
                and tuple(held.points[n, 0] // stride) == (column, row)
            ]
            if not here:
                continue
            best = min(here, key=lambda n: float(np.linalg.norm(held.points[n, 0] - centre)))
            for t in range(held.frames):
                if held.state[best, t] != State.UNSPECIFIED:
                    gone = (held.points[best, t] - held.points[best, 0]) / unit
                    shown = SEEN if held.state[best, t] == State.VISIBLE else -SEEN
                    found[:, t, row, column] = (*gone, shown, 1)
    return found


# the motion of a clip


def test_a_cell_goes_with_the_track_that_begins_nearest_its_middle() -> None:
    near, far = [(2.5, 2), (6.5, 1)], [(1, 1), (1, 5)]
    for order in ([near, far], [far, near]):
        found = motion_of(tracks(order), STRIDE)
        assert found.shape == (4, 2, 2, 4) and found.dtype == np.float32
        np.testing.assert_allclose(found[:, 0, 0, 0], (0, 0, SEEN, 1))
        np.testing.assert_allclose(found[:, 1, 0, 0], (2, -0.5, SEEN, 1))
        assert np.count_nonzero(found[3]) == 2


def test_what_the_first_frame_does_not_show_tells_nothing() -> None:
    hidden, late, outside, beyond = [(6, 2)] * 2, [(10, 2)] * 2, [(-1, 2)] * 2, [(16, 2)] * 2
    state = [[2, 1], [0, 1], [1, 1], [1, 1]]
    assert not motion_of(tracks([hidden, late, outside, beyond], state), STRIDE).any()


def test_what_hides_goes_on_and_what_is_let_go_of_is_not_told() -> None:
    found = motion_of(tracks([[(14, 6), (12, 6), (9, 9)]], [[1, 2, 0]]), STRIDE)
    np.testing.assert_allclose(found[:, 1, 1, 3], (-1, 0, -SEEN, 1))
    assert not found[:, 2].any()


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_loop(seed: int) -> None:
    held = wandering(seed, count=60, frames=4)
    np.testing.assert_allclose(motion_of(held, 8), motion_loop(held, 8), atol=1e-6)


# and back


def test_tracks_begin_in_the_middle_of_each_cell() -> None:
    motion = np.zeros((3, 2, 2, 4), np.float32)
    motion[:, 1, 1, 2] = (0.5, -1, -SEEN)
    motion[2, 1, 0, 0] = SEEN
    made = tracks_of(motion, SIZE, 8)
    assert (made.count, made.size, made.fps) == (8, SIZE, 8.0)
    row, column = np.divmod(np.arange(8), 4)
    np.testing.assert_allclose(made.points[:, 0], np.stack([column, row], 1) * 4 + 2)
    np.testing.assert_allclose(made.points[6, 1], (10 + 0.5 * 2, 6 - 1 * 2))
    assert (made.state[:, 0] == State.VISIBLE).all()
    assert (made.state[0, 1], made.state[6, 1]) == (State.VISIBLE, State.OCCLUDED)


def motion(seed: int, frames: int = 5) -> np.ndarray:
    """That of a clip whose every cell is told; the first frame rests."""
    rng = np.random.default_rng(seed)
    made = rng.normal(0, 0.5, (3, frames, 2, 4)).astype(np.float32)
    made[2] = np.where(made[2] > 0, SEEN, -SEEN)
    made[:, 0] = np.array([0, 0, SEEN])[:, None, None]
    return made


def test_to_tracks_and_back() -> None:
    held = motion(0)
    again = motion_of(tracks_of(held, SIZE, 8), STRIDE)
    np.testing.assert_allclose(again[:3], held, atol=1e-6)
    assert (again[3] == 1).all()


def test_from_tracks_and_back() -> None:
    held = tracks_of(motion(1), SIZE, 8)
    again = tracks_of(motion_of(held, STRIDE)[:3], SIZE, 8)
    np.testing.assert_allclose(again.points, held.points, atol=1e-5)
    np.testing.assert_array_equal(again.state, held.state)


def test_a_grid_serves_pictures_of_any_size() -> None:
    held = motion(2)
    large = tracks_of(held, (64, 32), 8)
    np.testing.assert_allclose(large.points, tracks_of(held, SIZE, 8).resize((64, 32)).points)


def test_the_first_frame_is_where_everything_begins() -> None:
    """A network's motion may not rest in the first frame; its tracks do."""
    held = motion(3)
    shifted = held + np.array([0.3, -0.1, 0], np.float32)[:, None, None, None]
    made, wanted = tracks_of(shifted, SIZE, 8), tracks_of(held, SIZE, 8)
    np.testing.assert_allclose(made.points, wanted.points, atol=1e-5)


# hints


def hints_loop(held: TrackBatch, stride: int) -> Tensor:
    """`hints`, cell by cell, with sums over all cells for the spread ones."""
    width, height = held.size
    rows, columns, unit = height // stride, width // stride, UNIT * max(held.size)
    made = torch.zeros(held.batch, HINTS, held.frames, rows, columns)
    for clip in range(held.batch):
        for t in range(held.frames):
            sums = torch.zeros(rows, columns, 4)
            for n in range(held.count):
                (x, y), now = held.points[clip, n, 0].tolist(), held.points[clip, n, t]
                begins = held.state[clip, n, 0] == 1 and 0 <= x < width and 0 <= y < height
                if not begins or held.state[clip, n, t] == 0:
                    continue
                inside = 0 <= now[0] < width and 0 <= now[1] < height
                shown = SEEN if held.state[clip, n, t] == 1 and inside else -SEEN
                gone = ((now - held.points[clip, n, 0]) / unit).tolist()
                told = torch.tensor([*gone, shown, 1.0]) * held.strength[clip, n]
                sums[int(y // stride), int(x // stride)] += told
            for row in range(rows):
                for column in range(columns):
                    made[clip, :, t, row, column] = cell_of(sums, row, column)
    return made


def cell_of(sums: Tensor, row: int, column: int) -> Tensor:
    own = sums[row, column]
    told = min(1.0, float(own[3]))
    said = [own[:3] / own[3] * told if told else torch.zeros(3), torch.tensor([told])]
    for reach in REACHES:
        half, total = round(2.5 * reach), torch.zeros(4)
        for r in range(sums.shape[0]):
            for c in range(sums.shape[1]):
                if max(abs(r - row), abs(c - column)) <= half:
                    away = (r - row) ** 2 + (c - column) ** 2
                    total += sums[r, c] * math.exp(-0.5 * away / reach**2)
        sure = float(total[3] / (total[3] + 0.02))
        said += [total[:2] / max(float(total[3]), 1e-6) * sure, torch.tensor([sure])]
    return torch.cat(said)


def test_hints_are_the_loop() -> None:
    held = batch(wandering(0, 9, 3), wandering(1, 4, 3, firm=True))
    torch.testing.assert_close(hints(held, 8), hints_loop(held, 8), atol=1e-5, rtol=1e-4)


def test_one_track_tells_its_cell_in_full_and_its_neighbours_of_it() -> None:
    held = seen([[(2, 2), (6, 3)]], SIZE)
    made = hints(held, STRIDE)[0]
    torch.testing.assert_close(made[:4, 1, 0, 0], torch.tensor([2, 0.5, SEEN, 1]))
    assert made[:4].count_nonzero() == 2 + 4  # resting in the first frame: only seen and told
    for first, reach in ((4, REACHES[0]), (7, REACHES[1])):
        sure = made[first + 2, 1]
        weight = math.exp(-0.5 * 4 / reach**2)  # two cells away
        assert sure[0, 2] == pytest.approx(weight / (weight + 0.02))
        assert sure[0, 0] == pytest.approx(1 / 1.02)
        torch.testing.assert_close(made[first, 1], 2 * sure)
        torch.testing.assert_close(made[first + 1, 1], 0.5 * sure)


def test_tracks_of_one_cell_are_averaged_and_weak_ones_tell_less() -> None:
    pair = [[(2, 2), (4, 2)], [(3, 3), (9, 3)]]
    both = hints(seen(pair, SIZE), STRIDE)
    torch.testing.assert_close(both[0, :4, 1, 0, 0], torch.tensor([2, 0, SEEN, 1]))
    weak = hints(seen(pair[:1], SIZE, strength=[0.25]), STRIDE)
    torch.testing.assert_close(weak[0, :4, 1, 0, 0], torch.tensor([0.25, 0, 0.25 * SEEN, 0.25]))


@pytest.mark.parametrize("state", [[2, 1], [0, 1]])
def test_tracks_that_begin_later_are_not_read(state: list[int]) -> None:
    late = TrackBatch.of([tracks([[(2, 2), (6, 3)]], [state])], frames=2, size=SIZE)
    assert not hints(late, STRIDE).any()


def test_nothing_is_told_without_tracks() -> None:
    for held in (TrackBatch.of([None], frames=2, size=SIZE), batch(wandering(0)).cleared()):
        made = hints(held, STRIDE)
        assert made.shape[:3] == (1, HINTS, held.frames) and not made.any()


def test_hints_of_every_cell_are_the_motion() -> None:
    """Where all is said there is nothing left to complete."""
    held = tracks_of(motion(4), SIZE, 8)
    made = hints(TrackBatch.of([held], frames=5, size=SIZE), STRIDE)[0]
    wanted = torch.from_numpy(motion_of(held.hide_outside(), STRIDE))
    torch.testing.assert_close(made[:4], wanted, atol=1e-5, rtol=1e-5)


# what is revealed


def row(*moved: float, shown: tuple[float, ...] | None = None) -> Tensor:
    """One row of four cells that go so many cells to the right."""
    made = torch.zeros(1, 3, 1, 1, 4)
    made[0, 0, 0, 0] = torch.tensor(moved) / (4 * UNIT)
    made[0, 2] = torch.tensor(shown or (SEEN,) * 4)
    return made


@pytest.mark.parametrize(
    ("motion", "wanted"),
    [
        (row(0, 0, 0, 0), [0, 0, 0, 0]),
        (row(1, 1, 1, 1), [1, 0, 0, 0]),
        (row(0.25, 0.25, 0.25, 0.25), [0.25, 0, 0, 0]),
        (row(0, 1, 0, 0), [0, 1, 0, 0]),
        (row(0, 0, 0, -9), [0, 0, 0, 1]),
        (row(0, 0, 0, 0, shown=(SEEN, -SEEN, SEEN, 0)), [0, 1, 0, 1]),
    ],
)
def test_revealed_is_what_nothing_has_gone_to(motion: Tensor, wanted: list[float]) -> None:
    torch.testing.assert_close(revealed(motion).flatten(), torch.tensor(wanted).float())


def revealed_loop(held: Tensor) -> Tensor:
    _, _, frames, rows, columns = held.shape
    cells = UNIT * max(rows, columns)
    left = torch.ones(len(held), 1, frames, rows, columns)
    for clip in range(len(held)):
        for t in range(frames):
            for r in range(rows):
                for c in range(columns):
                    dx, dy, shown = held[clip, :3, t, r, c].tolist()
                    for y in range(rows):
                        for x in range(columns):
                            across = max(0.0, 1 - abs(c + dx * cells - x))
                            down = max(0.0, 1 - abs(r + dy * cells - y))
                            left[clip, 0, t, y, x] -= across * down * (shown > 0)
    return left.clamp(min=0)


def test_revealed_is_the_loop() -> None:
    held = torch.from_numpy(np.stack([motion(seed, 3) for seed in (5, 6)]))
    made = revealed(held)
    torch.testing.assert_close(made, revealed_loop(held), atol=1e-5, rtol=0)
    assert not made[:, :, 0].any() and made[:, :, 1:].any()
