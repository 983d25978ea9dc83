"""Gestures together: groups, contradictions and their remedies, drags that go on."""

import numpy as np
import pytest

from kineograph.core.errors import DocumentError
from kineograph.core.tracks import Tracks
from kineograph.gestures.base import Gesture
from kineograph.gestures.box import Box
from kineograph.gestures.document import Document
from kineograph.gestures.drag import Drag
from kineograph.gestures.pin import Pin

CLIP = {"size": (320, 240), "frames": 17, "fps": 8}
BRUSH = {"radius": 10, "stride": 5}


def drag(*path: tuple[float, float], **fields) -> Drag:
    return Drag(path=path, **{**BRUSH, **fields})


def expand(*gestures: Gesture) -> Tracks:
    tracks = Document(**CLIP, gestures=gestures).expand().tracks
    assert tracks is not None
    return tracks


def of(tracks: Tracks, gesture: int) -> Tracks:
    assert tracks.group is not None
    return tracks.select(tracks.group == gesture)


def test_groups_are_the_places_of_the_gestures() -> None:
    first, second = drag((50, 50), (90, 50)), drag((200, 50), (200, 90))
    motion = Document(
        **CLIP, gestures=(first, Box.through((0, 150, 40, 190)), second, Pin(region=(0, 0, 9, 9)))
    ).expand()
    assert motion.tracks is not None and motion.boxes is not None
    assert sorted(set(motion.tracks.group)) == [0, 2, 3]
    assert motion.boxes.group.tolist() == [1]


def test_a_document_without_gestures_moves_nothing() -> None:
    motion = Document(**CLIP).expand()
    assert motion.tracks is None and motion.boxes is None


def test_gestures_apart_leave_each_other_alone() -> None:
    first, second = drag((50, 50), (90, 50)), drag((200, 50), (200, 90), start=1)
    tracks = expand(first, second, Pin(region=(0, 200, 320, 240)))
    alone = expand(second)
    np.testing.assert_array_equal(of(tracks, 1).points, alone.points)
    np.testing.assert_array_equal(of(tracks, 1).state, alone.state)


def test_a_pin_under_a_drag_contradicts_it() -> None:
    with pytest.raises(DocumentError) as caught:
        expand(drag((50, 50), (90, 50), name="car"), Pin(region=(0, 0, 60, 240), stride=8))
    message = str(caught.value)
    assert message.startswith('gestures[0] (drag "car") and gestures[1] (pin) hold the same point ')
    assert "40.0 px apart at 2 s; give the one to be followed a smaller depth" in message
    assert "\n" not in message


@pytest.mark.parametrize("stride", [2, 40])
def test_the_contradiction_is_found_on_any_grid(stride: float) -> None:
    with pytest.raises(DocumentError, match="hold the same point"):
        expand(drag((50, 50), (90, 50)), Pin(region=(0, 0, 120, 120), stride=stride))


def test_a_pin_beside_a_drag_does_not_contradict_it() -> None:
    expand(drag((50, 50), (50, 90)), Pin(region=(65, 0, 320, 240), stride=30))


def test_what_passes_over_a_pin_later_does_not_contradict_it() -> None:
    expand(drag((50, 50), (200, 50)), Pin(region=(150, 0, 320, 240)))


def test_the_nearer_one_is_followed() -> None:
    pin = Pin(region=(0, 0, 100, 100), stride=10)
    tracks = expand(drag((50, 50), (90, 50), depth=1), pin)
    held, moved = of(tracks, 1), of(tracks, 0)
    assert moved.count == 25 and 0 < held.count < 100
    away = np.abs(held.points[:, 0] - 50).max(axis=1)
    assert away.min() > 10
    nearer_pin = expand(drag((50, 50), (90, 50)), Pin(region=(0, 0, 50, 100), stride=10, depth=0))
    assert of(nearer_pin, 0).count < 25 and of(nearer_pin, 0).points[:, 0, 0].min() > 45


def test_equal_depths_do_not_decide() -> None:
    with pytest.raises(DocumentError, match="hold the same point"):
        expand(drag((50, 50), (90, 50), depth=1), Pin(region=(0, 0, 60, 60), depth=1))


def test_nothing_may_be_left_of_a_gesture() -> None:
    with pytest.raises(
        DocumentError, match=r"nothing is left of gestures\[1\] \(pin\): gestures\[0\]"
    ):
        expand(drag((50, 50), (90, 50), depth=1), Pin(region=(48, 48, 52, 52)))


def test_the_same_motion_twice_is_no_contradiction() -> None:
    expand(drag((50, 50), (90, 50)), drag((52, 50), (92.5, 50)))


def test_drags_of_one_place_one_after_the_other_agree_when_let_go() -> None:
    expand(drag((50, 50), (90, 50), end=0.9), drag((50, 50), (50, 90), start=1))


def test_a_hard_box_contradicts_a_pin_in_it_and_a_soft_one_does_not() -> None:
    keys = [{"box": (40, 40, 100, 100)}, {"box": (140, 40, 200, 100)}]
    pin = Pin(region=(60, 60, 70, 70))
    with pytest.raises(DocumentError, match=r"gestures\[0\] \(box\) and gestures\[1\] \(pin\)"):
        expand(Box(keys=keys), pin)
    expand(Box(keys=[{**key, "hard": False} for key in keys]), pin)
    expand(Box(keys=keys), Pin(region=(120, 40, 200, 100)))
    tracks = expand(Box(keys=keys, depth=1), Pin(region=(0, 0, 120, 120), stride=10))
    inside = (np.abs(tracks.points[:, 0] - 70) < 30).all(axis=1)
    assert not inside.any()


def test_boxes_of_two_objects_may_overlap() -> None:
    keys = {"box": (40, 40, 100, 100)}, {"box": (140, 40, 200, 100)}
    Document(**CLIP, gestures=(Box(keys=keys), Box(keys=keys[::-1]), Box(keys=keys[:1]))).expand()


def test_a_later_drag_takes_what_persists_further() -> None:
    first = drag((50, 50), (90, 50), end=0.5, persist=True)
    second = drag((94, 52), (94, 132), start=1, end=1.5)
    tracks = expand(first, second)
    carried = of(tracks, 0)
    assert carried.visible.all()
    centre = carried.points[12]
    np.testing.assert_allclose(centre[:5, 0], [50, 60, 70, 80, 90], atol=1e-4)
    np.testing.assert_allclose(centre[4:, 0], 90, atol=1e-4)
    expected = [50] * 9 + [70, 90, 110, 130] + [130] * 4
    np.testing.assert_allclose(centre[:, 1], expected, atol=1e-4)
    assert of(tracks, 1).state[12].tolist() == [0] * 8 + [1] * 5 + [0] * 4


def test_a_later_drag_that_persists_was_where_the_earlier_one_had_it() -> None:
    first = drag((50, 50), (90, 50), end=0.5)
    second = drag((94, 52), (94, 132), start=1, end=1.5, persist=True)
    tracks = expand(first, second)
    later = of(tracks, 1)
    assert later.visible.all()
    np.testing.assert_allclose(later.points[12, :5, 0], [54, 64, 74, 84, 94], atol=1e-4)
    np.testing.assert_allclose(later.points[12, :9, 1], 52, atol=1e-4)
    np.testing.assert_allclose(later.points[12, 12:, 1], 132, atol=1e-4)
    assert of(tracks, 0).state[12].tolist() == [1] * 5 + [0] * 12


def test_three_drags_in_a_row_stay_together() -> None:
    tracks = expand(
        drag((50, 50), (90, 50), end=0.5, persist=True),
        drag((90, 50), (90, 90), start=0.5, end=1, persist=True),
        drag((90, 90), (130, 90), start=1, end=1.5, persist=True),
    )
    assert tracks.visible.all()
    for gesture in range(3):
        np.testing.assert_allclose(of(tracks, gesture).points, of(tracks, 0).points, atol=1e-3)
    np.testing.assert_allclose(
        of(tracks, 2).points[12, [0, 4, 8, 12, 16]],
        [(50, 50), (90, 50), (90, 90), (130, 90), (130, 90)],
        atol=1e-3,
    )


def test_a_third_drag_takes_the_first_along_even_where_it_only_touches_the_second() -> None:
    tracks = expand(
        drag((50, 50), (90, 50), end=0.5, persist=True),
        drag((100, 50), (100, 90), start=0.5, end=1, persist=True),
        drag((110, 90), (150, 90), start=1, end=1.5, persist=True),
    )
    np.testing.assert_allclose(of(tracks, 0).points[12, -1], (130, 90), atol=1e-3)


def test_the_order_in_the_document_does_not_matter() -> None:
    first = drag((50, 50), (90, 50), end=0.5, persist=True)
    second = drag((94, 52), (94, 132), start=1, end=1.5, persist=True)
    one, other = expand(first, second), expand(second, first)
    np.testing.assert_array_equal(of(one, 0).points, of(other, 1).points)


def test_a_persistent_drag_of_the_same_place_contradicts_when_it_begins_elsewhere() -> None:
    with pytest.raises(DocumentError, match="hold the same point"):
        expand(
            drag((50, 50), (120, 50), end=0.5, persist=True),
            drag((50, 50), (50, 120), start=1, end=1.5, persist=True),
        )


def test_continuing_hides_what_leaves_and_shows_what_returns() -> None:
    tracks = expand(
        drag((280, 50), (315, 50), end=0.5, persist=True),
        drag((315, 50), (280, 50), start=1, end=1.5),
    )
    edge = of(tracks, 0).state[14]  # 10 pixels to the right of the cursor
    assert edge.tolist()[0] == 1 and edge.tolist()[4:9] == [2] * 5 and edge.tolist()[12:] == [1] * 5
