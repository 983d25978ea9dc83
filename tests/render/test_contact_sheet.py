"""Contact sheets: the right frames, in order, whole, and tidy."""

import numpy as np
import pytest

from kineograph.core.errors import OutputError
from kineograph.render.contact_sheet import PAPER, contact_sheet, even_frames


def numbered(count: int, size: tuple[int, int] = (64, 36)) -> np.ndarray:
    """Frame i is plain and has the value 60 + i."""
    return np.stack([np.full((size[1], size[0], 3), 60 + i, np.uint8) for i in range(count)])


@pytest.mark.parametrize(
    ("frames", "count", "wanted"),
    [(5, 5, [0, 1, 2, 3, 4]), (9, 3, [0, 4, 8]), (3, 12, [0, 1, 2]), (49, 1, [0]), (1, 4, [0])],
)
def test_even_frames(frames, count, wanted):
    assert even_frames(frames, count).tolist() == wanted


def values_in_order(sheet: np.ndarray) -> list[int]:
    """The plain frames' values in the order they are read."""
    flat = (sheet == sheet[..., :1]).all(axis=2)
    found = {}
    for value in np.unique(sheet[flat][:, 0]):
        rows, columns = np.nonzero(flat & (sheet[..., 0] == value))
        if len(rows) > 400:
            found[int(value)] = (rows.min(), columns.min())
    return sorted(found, key=lambda value: found[value])


def test_frames_stand_in_reading_order_first_and_last_included():
    sheet = contact_sheet(numbered(49), 16, count=12, width=800)
    assert sheet.shape[1] == 800
    assert values_in_order(sheet) == [60 + i for i in even_frames(49, 12)]


def test_margins_are_paper_and_alike():
    sheet = contact_sheet(numbered(6), 8, columns=3, width=640)
    inked = (sheet != PAPER).any(axis=2)
    rows, columns = np.nonzero(inked.any(axis=1))[0], np.nonzero(inked.any(axis=0))[0]
    left, right = columns.min(), 639 - columns.max()
    assert abs(left - right) <= 1 and abs(rows.min() - left) <= 1
    assert sheet.shape[0] - 1 - rows.max() >= left


def test_columns_are_those_asked_for_and_else_make_a_pleasant_shape():
    tall = contact_sheet(numbered(6), 8, columns=1, width=200)
    assert tall.shape[0] > 3 * tall.shape[1]
    for size in ((36, 64), (64, 36), (64, 64)):
        height, width, _ = contact_sheet(numbered(12, size), 8).shape
        assert 0.8 < width / height < 2.4


def test_times_and_numbers_are_written():
    slow = contact_sheet(numbered(6), 8, columns=3, width=640)
    fast = contact_sheet(numbered(6), 16, columns=3, width=640)
    assert values_in_order(slow) == values_in_order(fast)
    assert (slow != fast).any()  # only the times can differ


def test_only_the_chosen_frames_are_asked_for():
    class Asked(list):
        def __getitem__(self, index):
            asked.add(index)
            return super().__getitem__(index)

    asked: set[int] = set()
    contact_sheet(Asked(numbered(30)), 8, count=4)
    assert asked == {0, 10, 19, 29}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": 0}, "0 of 4 frames were asked for; there have to be 1 or more of both"),
        ({"columns": 0}, "a sheet of 0 columns was asked for; give 1 or more"),
        ({"fps": 0}, "0 frames a second were given; give a positive number"),
        (
            {"width": 60, "columns": 4},
            "a sheet 60 pixels wide is too narrow for 4 columns; "
            "give a larger width or fewer columns",
        ),
    ],
)
def test_what_cannot_be_done_is_said(arguments, message):
    with pytest.raises(OutputError) as error:
        contact_sheet(numbered(4), **{"fps": 8, **arguments})
    assert str(error.value) == message


def test_no_frames():
    with pytest.raises(OutputError, match="12 of 0 frames were asked for"):
        contact_sheet(numbered(1)[:0], 8)
