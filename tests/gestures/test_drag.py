"""Drags frame by frame, as Motion Prompting's appendix A.4 has them."""

import numpy as np
import pytest

from kineograph.core.errors import DocumentError
from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.gestures.drag import Drag
from kineograph.gestures.scene import Scene

SCENE = Scene(size=(320, 240), frames=9, fps=8)
LINE = ((100, 100), (180, 100))


def expand(scene: Scene = SCENE, **fields) -> Tracks:
    tracks = Drag(**{"path": LINE, "radius": 10, "stride": 5, **fields}).expand(scene).tracks
    assert tracks is not None
    return tracks


def test_the_grid_is_square_and_centred_on_the_press() -> None:
    tracks = expand()
    x, y = np.meshgrid([90, 95, 100, 105, 110], [90, 95, 100, 105, 110])
    np.testing.assert_allclose(tracks.points[:, 0], np.stack([x.ravel(), y.ravel()], axis=1))


def test_the_stride_sets_the_distance_and_the_radius_the_reach() -> None:
    tracks = expand(radius=10, stride=4)
    assert sorted(set(tracks.points[:, 0, 0])) == [92, 96, 100, 104, 108]
    assert expand(radius=3, stride=4).count == 1


def test_the_default_brush_is_five_percent_of_the_short_side() -> None:
    tracks = expand(radius=None, stride=None)
    assert tracks.count == 49
    np.testing.assert_allclose(sorted(set(tracks.points[:, 0, 0])), 100 + 4.0 * np.arange(-3, 4))


def test_every_frame_of_a_whole_drag() -> None:
    tracks = expand()
    cursor = np.stack([100 + 10.0 * np.arange(9), np.full(9, 100)], axis=1)
    offsets = tracks.points[:, :1] - cursor[0]
    np.testing.assert_allclose(tracks.points, cursor + offsets, atol=1e-4)
    assert (tracks.state == State.VISIBLE).all()
    assert (tracks.size, tracks.fps, tracks.frames) == ((320, 240), 8.0, 9)


def test_it_is_specified_only_while_pressed() -> None:
    tracks = expand(start=0.25, end=0.75)
    expected = [0, 0, 1, 1, 1, 1, 1, 0, 0]
    assert (tracks.state == np.array(expected)).all()
    centre = tracks.points[12]
    np.testing.assert_allclose(centre[2:7, 0], [100, 120, 140, 160, 180], atol=1e-4)


def test_persist_rests_before_the_press_and_after_the_release() -> None:
    tracks = expand(start=0.25, end=0.75, persist=True)
    assert (tracks.state == State.VISIBLE).all()
    expected = [100, 100, 100, 120, 140, 160, 180, 180, 180]
    np.testing.assert_allclose(tracks.points[12, :, 0], expected, atol=1e-4)
    np.testing.assert_allclose(tracks.points[12, :, 1], 100, atol=1e-4)


def test_offsets_are_those_at_the_press_even_between_frames() -> None:
    tracks = expand(start=0.1875, end=0.8125)  # 1.5 to 6.5 frames
    assert (tracks.state[0] == [0, 0, 1, 1, 1, 1, 1, 0, 0]).all()
    np.testing.assert_allclose(
        tracks.points[12, 2:7, 0], 100 + 80 * np.arange(0.5, 5) / 5, atol=1e-4
    )


def test_easing_and_keys_set_the_pace_and_not_the_way() -> None:
    eased = expand(timing="ease-in-out").points[12, :, 0] - 100
    np.testing.assert_allclose(eased + eased[::-1], 80, atol=1e-3)
    assert eased[2] < 0.75 * 20
    keys = [{"at": 0, "to": 0}, {"at": 0.5, "to": 1}, {"at": 1, "to": 0.5}]
    keyed = expand(timing=keys).points[12, :, 0]
    np.testing.assert_allclose(keyed, [100, 120, 140, 160, 180, 170, 160, 150, 140], atol=1e-4)
    held = expand(timing="hold").points[12, :, 0]
    np.testing.assert_allclose(held, [100] * 8 + [180], atol=1e-4)


def test_seeds_outside_the_picture_are_dropped() -> None:
    tracks = expand(path=((2, 100), (50, 100)))
    assert sorted(set(tracks.points[:, 0, 0])) == [2, 7, 12]


def test_what_is_dragged_out_is_hidden_and_not_open() -> None:
    tracks = expand(path=((300, 100), (380, 100)), leave=True, radius=1)
    assert (tracks.state[0] == [1, 1, 2, 2, 2, 2, 2, 2, 2]).all()


def test_depth_strength_and_group_are_carried() -> None:
    tracks = expand(depth=2, strength=0.5)
    assert tracks.depth is not None and (tracks.depth == 2).all()
    assert tracks.strength is not None and (tracks.strength == 0.5).all()
    assert tracks.group is not None and len(set(tracks.group)) == 1
    plain = expand()
    assert plain.depth is None and plain.strength is None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"path": [(-1, 5), (5, 5)]}, "the press at -1,5 lies outside the picture of 320x240"),
        ({"path": [(320, 5), (5, 5)]}, "the press at 320,5 lies outside"),
        ({"path": [(5, 5), (321, 5)]}, "point 2 of the path at 321,5 .*or allow it with leave"),
        ({"start": 0.5, "end": 3}, "reaches 3 s; the clip has 9 frames at 8 fps, 1.125 s"),
        ({"start": 2}, "reaches 2 s"),
        ({"start": 0.51, "end": 0.55}, "holds no frame of the clip, which has one every 0.125 s"),
        ({"start": 1.1}, "holds no frame of the clip"),
        ({"start": 0.5, "end": 0.55}, "holds only 1 frame of the clip; a drag needs 2 or more"),
        ({"radius": 1e4, "stride": 0.1}, "at most 3555555 are allowed; give a larger stride"),
    ],
)
def test_what_does_not_fit_the_scene(fields: dict, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        expand(**fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"path": [(1, 1), (1, 1)]}, "^drag: the path has no length; .*use a pin to hold still$"),
        ({"path": [(1, 1)]}, "^drag: path has 1 entries; give 2 or more$"),
        ({"path": [(1, 1), (float("nan"), 1)]}, r"^drag: path\[1\]\[0\] is nan; give a finite"),
        ({"path": [(1, 1), (float("inf"), 1)]}, r"^drag: path\[1\]\[0\] is inf"),
        ({"path": [(1, 1), ("2", 1)]}, r"path\[1\]\[0\] is '2'; give a number"),
        ({"path": [(1, 1), (2,)]}, r"path\[1\]\[1\] is missing"),
        ({"radius": 0}, "radius is 0; it should be greater than 0"),
        ({"stride": True}, "stride is True; give a number"),
        ({"strength": 0}, "strength is 0; it should be greater than 0"),
        ({"end": 1, "start": 1}, "lasts from 1 s to 1 s; the end has to be later"),
        ({"timing": "easein"}, "timing is 'easein'; did you mean ease-in. known: linear, ease,"),
        ({"timing": [{"at": 0, "to": 0}]}, "timing has 1 entries; give 2 or more"),
        (
            {"timing": [{"at": 1, "to": 0}, {"at": 0, "to": 1}]},
            "timing key at 0 follows one at 1; give the keys in order of time",
        ),
        (
            {"name": "cat", "raduis": 4},
            '^drag "cat" has an unknown field .raduis.; did you mean radius',
        ),
    ],
)
def test_what_no_drag_can_be(fields: dict, message: str) -> None:
    with pytest.raises(DocumentError, match=message) as caught:
        Drag(**{"path": LINE, **fields})
    assert "\n" not in str(caught.value)


def test_numpy_points_are_welcome() -> None:
    assert Drag(path=np.array(LINE)) == Drag(path=LINE)
    assert Drag(path=LINE, radius=np.float32(4)).radius == 4
