"""What boxes tell of motion, by known answers and against a plain loop."""

import numpy as np
import pytest
import torch
from torch import Tensor

from kineograph.conditioning.box_batch import BoxBatch
from kineograph.conditioning.box_motion import HINTS, box_hints
from kineograph.conditioning.first_motion import SEEN, UNIT
from kineograph.core.boxes import Boxes

SIZE, GRID = (16, 8), (2, 4)
"""Cells of 4 pixels; a unit of motion is 2."""


def batch(*clips: tuple[list, list | None] | None) -> BoxBatch:
    """Clips of boxes in pixels, and their states."""
    held = [
        None
        if clip is None
        else Boxes.of(
            np.array(clip[0], float),
            None if clip[1] is None else np.array(clip[1], np.uint8),
            size=SIZE,
            fps=8,
        )
        for clip in clips
    ]
    frames = next(clip.frames for clip in held if clip is not None)
    return BoxBatch.of(held, frames=frames, size=SIZE)


def told(boxes: BoxBatch) -> Tensor:
    made = box_hints(boxes, GRID, SIZE)
    assert made.shape == (boxes.batch, HINTS, boxes.frames, *GRID)
    return made[0]


def test_the_cells_of_the_first_box_go_with_it() -> None:
    made = told(batch(([[(0, 0, 8, 4), (4, 4, 12, 8)]], None)))
    assert torch.equal(made[3, 1], torch.tensor([[1.0, 1, 0, 0], [0, 0, 0, 0]]))
    for column in (0, 1):
        torch.testing.assert_close(made[:4, 0, 0, column], torch.tensor([0, 0, SEEN, 1]))
        torch.testing.assert_close(made[:4, 1, 0, column], torch.tensor([2, 2, SEEN, 1]))
    assert not made[:4, :, 1].any() and not made[:4, :, :, 2:].any()
    assert torch.equal(made[4, 0], torch.tensor([[1.0, 1, 0, 0], [0, 0, 0, 0]]))
    assert torch.equal(made[4, 1], torch.tensor([[0.0, 0, 0, 0], [0, 1, 1, 0]]))


def test_a_box_that_grows_spreads_its_cells() -> None:
    made = told(batch(([[(4, 0, 12, 8), (0, 0, 16, 8)]], None)))
    # middles at 6 and 10 pixels go to 4 and 12
    torch.testing.assert_close(made[0, 1, 0], torch.tensor([0, -1.0, 1, 0]))
    assert not made[1].any()


def test_a_hidden_box_goes_on_and_one_that_nobody_gives_tells_nothing() -> None:
    placed = [(0, 0, 4, 4), (8, 0, 12, 4), (8, 0, 12, 4)]
    made = told(batch(([placed], [[1, 2, 0]])))
    torch.testing.assert_close(made[:4, 1, 0, 0], torch.tensor([4, 0, -SEEN, 1]))
    assert made[4, 1, 0, 2] == 1
    assert not made[:, 2].any()


def test_a_box_that_comes_later_tells_only_where_it_is() -> None:
    made = told(batch(([[(0, 0, 4, 4), (8, 0, 12, 4)]], [[0, 1]])))
    assert not made[:4].any()
    assert made[4].nonzero().tolist() == [[1, 0, 2]]


@pytest.mark.parametrize("turned", [False, True])
def test_where_boxes_overlap_the_smallest_tells(turned: bool) -> None:
    large, small = [(0, 0, 16, 8), (0, 0, 16, 8)], [(4, 0, 8, 4), (8, 0, 12, 4)]
    boxes = [small, large] if turned else [large, small]
    made = told(batch((boxes, None)))
    assert made[0, 1, 0].tolist() == [0, 2, 0, 0] and not made[0, 1, 1].any()
    assert (made[3] == 1).all()


def test_of_boxes_alike_the_first_tells() -> None:
    made = told(batch(([[(0, 0, 4, 4), (4, 0, 8, 4)], [(0, 0, 4, 4), (0, 4, 4, 8)]], None)))
    torch.testing.assert_close(made[:4, 1, 0, 0], torch.tensor([2, 0, SEEN, 1]))


def loop(boxes: BoxBatch) -> Tensor:
    made = torch.zeros(boxes.batch, HINTS, boxes.frames, *GRID)
    sides = torch.tensor(SIZE * 2)
    for clip in range(boxes.batch):
        for t in range(boxes.frames):
            for row in range(GRID[0]):
                for column in range(GRID[1]):
                    middle = ((column + 0.5) * 4, (row + 0.5) * 4)
                    cell = made[clip, :, t, row, column]
                    best = None
                    for item in range(boxes.count):
                        first, now = (boxes.boxes[clip, item, [0, t]] * sides).tolist()
                        given = boxes.state[clip, item, [0, t]].tolist()
                        if given[1] and covers(now, middle):
                            cell[4] = 1
                        if given[0] and covers(first, middle):
                            area = (first[2] - first[0]) * (first[3] - first[1])
                            if best is None or area < best[0]:
                                best = (area, first, now, given[1])
                    if best is not None and best[3]:
                        _, first, now, state = best
                        for axis in (0, 1):
                            share = (middle[axis] - first[axis]) / (first[axis + 2] - first[axis])
                            goes = now[axis] + share * (now[axis + 2] - now[axis])
                            cell[axis] = (goes - middle[axis]) / (UNIT * 16)
                        cell[2], cell[3] = (SEEN if state == 1 else -SEEN), 1
    return made


def covers(box: list[float], point: tuple[float, float]) -> bool:
    return box[0] <= point[0] < box[2] and box[1] <= point[1] < box[3]


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_loop(seed: int) -> None:
    draw = np.random.default_rng(seed)
    clips = []
    for _ in range(2):
        low = draw.uniform(0, (9, 4), (4, 3, 2))
        placed = np.concatenate([low, low + draw.uniform(1, (7, 4), low.shape)], axis=2)
        state = draw.choice(3, (4, 3), p=[0.2, 0.6, 0.2])
        clips.append((placed.tolist(), state.tolist()))
    held = batch(*clips)
    made = box_hints(held, GRID, SIZE)
    torch.testing.assert_close(made, loop(held), atol=1e-5, rtol=1e-5)
    assert made[:, 3].any() and not made[:, 3].all()


def test_nothing_is_told_of_clips_without_boxes() -> None:
    held = batch(([[(0, 0, 8, 4), (4, 4, 12, 8)]], None), None)
    assert not box_hints(held, GRID, SIZE)[1].any()
    assert not box_hints(held.cleared(), GRID, SIZE).any()
