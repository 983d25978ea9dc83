"""Which part of a generated motion is used."""

from dataclasses import replace

import numpy as np

from kineograph.conditioning.first_motion import SEEN, UNIT
from kineograph.core.boxes import Boxes
from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.engines.base import Request
from kineograph.engines.detail.calm import calmed
from kineograph.engines.detail.heeded import FINER, heeded

FRAMES, ROWS, COLUMNS, STRIDE = 3, 6, 8, 8
SIZE = (COLUMNS * STRIDE, ROWS * STRIDE)
GREY = np.full((SIZE[1], SIZE[0], 3), 128, np.uint8)
REQUEST = Request(size=SIZE, frames=FRAMES, fps=8.0, picture=GREY)


def generated() -> np.ndarray:
    """Everything goes right by a half unit, and is hidden at the end."""
    motion = np.zeros((3, FRAMES, ROWS, COLUMNS), np.float32)
    motion[0] = np.linspace(0, 0.5, FRAMES)[:, None, None]
    motion[2] = SEEN
    motion[2, -1] = -SEEN
    return motion


def track(x: float, y: float) -> Tracks:
    points = [[[x + 4 * frame, y] for frame in range(FRAMES)]]
    return Tracks.of(np.array(points), size=SIZE, fps=8.0)


def by_cell(made: np.ndarray) -> np.ndarray:
    """The means of the cells that the model knows."""
    channels, frames, rows, columns = made.shape
    apart = made.reshape(channels, frames, rows // FINER, FINER, columns // FINER, FINER)
    return apart.mean(axis=(3, 5))


def test_words_may_speak_of_everything() -> None:
    asked = replace(REQUEST, text="it goes right")
    made = by_cell(heeded(generated(), asked, GREY))
    np.testing.assert_allclose(made[:2], generated()[:2], atol=0.01)
    assert (made[2] > 0).all()


def test_a_camera_that_words_move_tears_nothing() -> None:
    """A zoom with some noise in every cell, over a picture with strong edges."""
    picture = np.full((96, 128, 3), 220, np.uint8)
    picture[28:68, 28:68] = 40
    y, x = np.mgrid[:12, :16].astype(np.float32)
    zoom = np.stack([x - 7.5, y - 5.5])[:, None] * np.linspace(0, 0.2, FRAMES)[:, None, None]
    noise = np.random.default_rng(1).normal(0, 0.1, zoom.shape)
    motion = np.concatenate([zoom + noise, np.full((1, *zoom.shape[1:]), -SEEN)])
    motion = motion.astype(np.float32)
    asked = replace(REQUEST, size=(128, 96), picture=picture, text="the camera zooms in")
    made = heeded(motion, asked, picture)
    np.testing.assert_allclose(by_cell(made)[:2], zoom, atol=0.25)
    assert np.abs(np.diff(made[:2], n=2, axis=3)).max() < 1e-4 and (made[2] > 0).all()
    motion[0, -1, 4:7, 4:7] += 1.5  # something goes its own way
    other = heeded(motion, asked, picture)
    assert by_cell(other)[0, -1, 5, 5] > zoom[0, -1, 5, 5] + 0.7


def test_where_tracks_tell_words_do_not() -> None:
    """Tracks that stay on the left half, and words that move all to the right."""
    points = [[[x, y]] * FRAMES for x in (4.0, 12, 20) for y in range(4, SIZE[1], 8)]
    stay = Tracks.of(np.array(points), size=SIZE, fps=8.0)
    halves = np.full_like(GREY, 230)
    halves[:, : SIZE[0] // 2] = 30
    asked = replace(REQUEST, text="it goes right", tracks=stay, picture=halves)
    made = by_cell(heeded(generated(), asked, halves))
    assert np.abs(made[0, -1, :, :2]).max() < 0.1 and made[0, -1, :, 6:].min() > 0.4


def test_everywhere_told_no_words_are_left() -> None:
    points = [[[x, y]] * FRAMES for x in range(2, SIZE[0], 4) for y in range(2, SIZE[1], 4)]
    stay = Tracks.of(np.array(points, np.float32), size=SIZE, fps=8.0)
    asked = replace(REQUEST, text="it goes right", tracks=stay)
    assert not heeded(generated(), asked, GREY)[:2].any()


def test_words_move_things_whole_whatever_cells_they_lie_in() -> None:
    """A dark square that ends within cells, of which the model moves those that it fills."""
    picture = np.full((96, 128, 3), 220, np.uint8)
    picture[28:68, 28:68] = 40
    motion = np.zeros((3, FRAMES, 12, 16), np.float32)
    motion[2] = SEEN
    motion[0, :, 4:8, 4:8] = np.linspace(0, 1, FRAMES)[:, None, None]
    asked = replace(REQUEST, size=(128, 96), picture=picture, text="the square goes right")
    made = heeded(motion, asked, picture)[0, -1]
    edge = 28 * FINER // STRIDE, 68 * FINER // STRIDE
    inside = made[edge[0] + 1 : edge[1] - 1, edge[0] + 1 : edge[1] - 1]
    assert inside.mean() > 0.95 and inside.min() > 0.9
    rest = np.ones(made.shape, bool)
    rest[edge[0] - 2 : edge[1] + 2, edge[0] - 2 : edge[1] + 2] = False
    assert np.abs(made[rest]).max() < 0.1


def test_what_no_track_is_near_stays_in_sight() -> None:
    made = by_cell(heeded(generated(), replace(REQUEST, tracks=track(12, 12)), GREY))
    assert made[0, -1, 1, 1] > 0.3 and made[2, -1, 1, 1] < 0
    assert abs(made[0, -1, 5, 7]) < 0.1 and made[2, -1, 5, 7] > 0.45
    assert not made[:2, 0].any()


def test_tracks_know_better_than_the_model() -> None:
    """A track that stays, where the model says that everything goes."""
    points = np.array([[[12.0, 12]] * FRAMES])
    stays = Tracks.of(points, size=SIZE, fps=8.0)
    assert not heeded(generated(), replace(REQUEST, tracks=stays), GREY)[:2].any()


def test_tracks_take_along_what_they_are_on() -> None:
    """A dark square on light ground, and one track in its middle: the square goes, not the rest."""
    picture = np.full((96, 128, 3), 220, np.uint8)
    picture[24:64, 24:64] = 40
    points = [[[44 + 12.0 * frame, 44] for frame in range(FRAMES)]]
    tracks = Tracks.of(np.array(points), size=(128, 96), fps=8.0)
    still = np.zeros((3, FRAMES, 12, 16), np.float32)
    still[2] = SEEN
    asked = replace(REQUEST, size=(128, 96), picture=picture, tracks=tracks)
    made = by_cell(heeded(still, asked, picture)) * UNIT * 128
    inside = made[0, -1, 4:7, 4:7]
    assert inside.min() > 15 and abs(made[0, -1, 4:7, 11:]).max() < 6


def test_what_a_track_lets_go_of_does_not_jump_back() -> None:
    points = np.array([[[12.0, 12], [16, 12], [20, 12]]])
    ends = Tracks.of(points, np.array([[1, 1, 0]], np.uint8), size=SIZE, fps=8.0)
    made = by_cell(heeded(generated(), replace(REQUEST, tracks=ends), GREY))
    assert made[0, 2, 1, 1] >= made[0, 1, 1, 1] > 0.2


def test_what_tracks_hide_stays_hidden_beside_words() -> None:
    points = np.full((1, FRAMES, 2), 12.0)
    hidden = Tracks.of(points, np.array([[1, 1, 2]], np.uint8), size=SIZE, fps=8.0)
    assert hidden.state[0, -1] == State.OCCLUDED
    asked = replace(REQUEST, tracks=hidden, text="it goes right")
    made = by_cell(heeded(generated(), asked, GREY))
    assert made[2, -1, 1, 1] < 0 < made[2, -1, 5, 7]


def test_no_tracks_are_nothing_asked() -> None:
    none = Tracks.of(np.zeros((0, FRAMES, 2)), size=SIZE, fps=8.0)
    asked = replace(REQUEST, tracks=none)
    np.testing.assert_array_equal(heeded(generated(), asked, GREY), calmed(generated()))


def test_a_box_takes_along_what_is_in_it() -> None:
    """A dark square in its box, which goes down; the model says right."""
    picture = np.full((96, 128, 3), 220, np.uint8)
    picture[24:56, 32:64] = 40
    placed = [[[32.0, 24 + 8 * frame, 64, 56 + 8 * frame] for frame in range(FRAMES)]]
    box = Boxes.of(np.array(placed), size=(128, 96), fps=8.0)
    motion = np.zeros((3, FRAMES, 12, 16), np.float32)
    motion[0, -1] = 0.5
    motion[2] = SEEN
    asked = replace(REQUEST, size=(128, 96), picture=picture, boxes=box)
    made = by_cell(heeded(motion, asked, picture)) * UNIT * 128
    assert made[1, -1, 4:6, 5:7].min() > 13 and np.abs(made[0, -1]).max() < 1
    assert np.abs(made[:2, -1, :, 12:]).max() < 3


def test_where_nothing_is_asked_the_picture_drifts_as_a_whole() -> None:
    np.testing.assert_array_equal(heeded(generated(), REQUEST, GREY), calmed(generated()))
