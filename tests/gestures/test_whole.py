"""From sparse to whole: rigid stays rigid, bending bends no more than it has to, pins hold."""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from kineograph.core.errors import DocumentError
from kineograph.core.tracks import Tracks
from kineograph.gestures import compose
from kineograph.gestures.base import Gesture
from kineograph.gestures.document import Document
from kineograph.gestures.drag import Drag
from kineograph.gestures.parts.arap import Bender
from kineograph.gestures.pin import Pin
from kineograph.gestures.scene import Scene
from kineograph.gestures.shorthand.line import parse_drag
from kineograph.vision.masks import write_mask

BAR = [(50, 130), (350, 130), (350, 170), (50, 170)]
"""The outline of a bar, 300 x 40 pixels."""

SCENE = Scene(size=(400, 300), frames=17, fps=8)


def settled(*gestures: Gesture, scene: Scene = SCENE) -> Tracks:
    tracks = compose.settle(gestures, scene).tracks
    assert tracks is not None
    return tracks


def drag(*path: tuple[float, float], whole: str = "rigid", **fields: object) -> Drag:
    return Drag(**{"path": path, "whole": whole, "part": BAR, "stride": 10, **fields})


def distances(points: np.ndarray) -> np.ndarray:
    """Between every two points."""
    return np.linalg.norm(points[:, None] - points[None], axis=-1)


def at(tracks: Tracks, place: tuple[float, float]) -> np.ndarray:
    """The way (T, 2) of the track that begins at a place."""
    away = np.linalg.norm(tracks.points[:, 0] - place, axis=1)
    assert away.min() < 0.01
    return tracks.points[int(away.argmin())]


# one drag


@pytest.mark.parametrize("whole", ["rigid", "similarity", "bend"])
def test_one_drag_moves_all_of_the_part_as_it_is(whole: str) -> None:
    tracks = settled(drag((100, 150), (130, 190), whole=whole))
    assert tracks.count == 30 * 4
    moved = tracks.points[:, -1] - tracks.points[:, 0]
    np.testing.assert_allclose(moved, np.broadcast_to((30, 40), moved.shape), atol=1e-4)
    assert tracks.visible.all()


def test_the_press_itself_is_a_track() -> None:
    tracks = settled(drag((103.3, 151.7), (130, 190)))
    np.testing.assert_allclose(at(tracks, (103.3, 151.7))[-1], (130, 190), atol=1e-3)


def test_it_is_specified_only_while_pressed_unless_it_persists() -> None:
    pressed = settled(drag((100, 150), (130, 150), start=0.5, end=1))
    assert (pressed.specified.sum(axis=1) == 5).all()
    resting = settled(drag((100, 150), (130, 150), start=0.5, end=1, persist=True))
    assert resting.visible.all()


def test_a_later_drag_on_the_moved_part_takes_it_further() -> None:
    first = drag((100, 150), (140, 150), end=1, persist=True)
    later = Drag(path=[(180, 150), (180, 200)], whole="rigid", start=1)
    tracks = settled(first, later)
    assert tracks.count == 120
    assert np.unique(tracks.group).tolist() == [0]
    np.testing.assert_allclose(
        at(tracks, (100, 150))[[8, 12, 16]], [(140, 150), (140, 175), (140, 200)], atol=1e-3
    )


# rigid and similarity


def test_two_drags_turn_a_part_and_leave_it_rigid() -> None:
    tracks = settled(drag((100, 150), (100, 100)), drag((300, 150), (300, 200)))
    apart = distances(tracks.points[:, 0])
    for frame in range(tracks.frames):
        np.testing.assert_allclose(distances(tracks.points[:, frame]), apart, atol=1e-3)
    arm = at(tracks, (300, 150)) - at(tracks, (100, 150))
    angle = np.arctan2(arm[:, 1], arm[:, 0])
    np.testing.assert_allclose(angle, np.arctan2(np.linspace(0, 100, 17), 200), atol=1e-5)


def test_two_drags_also_scale_a_similar_part_and_are_met() -> None:
    tracks = settled(
        drag((100, 150), (60, 100), whole="similarity"),
        drag((300, 150), (340, 250), whole="similarity"),
    )
    np.testing.assert_allclose(at(tracks, (100, 150))[-1], (60, 100), atol=0.01)
    np.testing.assert_allclose(at(tracks, (300, 150))[-1], (340, 250), atol=0.01)
    ratio = distances(tracks.points[:, -1]) / np.maximum(distances(tracks.points[:, 0]), 1e-9)
    wanted = np.hypot(280, 150) / 200
    np.testing.assert_allclose(ratio[~np.eye(tracks.count, dtype=bool)], wanted, rtol=1e-4)


def test_a_pin_is_a_hinge_of_what_is_rigid() -> None:
    tracks = settled(drag((330, 150), (60, 420), leave=True), Pin(region=(50, 140, 70, 160)))
    pin = tracks.points[np.linalg.norm(tracks.points[:, 0] - (60, 150), axis=1) < 1e-3]
    np.testing.assert_allclose(pin[0], np.broadcast_to((60, 150), (17, 2)), atol=1e-2)
    np.testing.assert_allclose(at(tracks, (330, 150))[-1], (60, 420), atol=0.1)
    apart = distances(tracks.points[:, 0])
    np.testing.assert_allclose(distances(tracks.points[:, -1]), apart, atol=1e-3)


def test_a_rigid_part_pinned_twice_cannot_move() -> None:
    pins = Pin(region=(50, 130, 70, 150)), Pin(region=(300, 130, 320, 150))
    message = r"gestures\[0\] \(drag\): the part is pinned at two places and cannot turn; remove a"
    with pytest.raises(DocumentError, match=message):
        settled(drag((200, 150), (200, 100)), *pins)


# bending


def bent(frames: int = 17, end: tuple[float, float] = (280, -20)) -> Tracks:
    scene = Scene(size=(400, 300), frames=frames, fps=8)
    return settled(
        drag((340, 150), end, whole="bend", leave=True), Pin(region=(50, 130, 70, 170)), scene=scene
    )


def test_what_bends_meets_the_cursor_and_the_pin() -> None:
    tracks = bent()
    cursor = np.stack([np.linspace(340, 280, 17), np.linspace(150, -20, 17)], axis=1)
    np.testing.assert_allclose(at(tracks, (340, 150)), cursor, atol=0.1)
    held = (tracks.points[:, 0, 0] >= 50) & (tracks.points[:, 0, 0] < 69)
    moved = np.abs(tracks.points[held] - tracks.points[held][:, :1])
    assert moved.max() < 0.1


def test_bending_keeps_lengths_and_areas_where_interpolation_does_not() -> None:
    tracks = bent()
    here, there = tracks.points[:, 0], tracks.points[:, -1]
    share = np.clip((here[:, :1] - 70) / (340 - 70), 0, 1)
    plain = here + share * (-60, -170)

    def distortion(moved: np.ndarray) -> np.ndarray:
        """How much longer or shorter squares are in the direction in which they are most so."""
        index = {tuple(np.round(p).astype(int)): i for i, p in enumerate(here)}
        corners = [
            (i, index.get((x + 10, y)), index.get((x, y + 10))) for (x, y), i in index.items()
        ]
        i, right, below = np.array([c for c in corners if None not in c]).T
        sides = np.stack([moved[right] - moved[i], moved[below] - moved[i]], axis=-1) / 10
        return np.abs(np.linalg.svd(sides, compute_uv=False) - 1).max(axis=1)

    bent_most, plain_most = distortion(there), distortion(plain)
    assert bent_most.mean() < 0.06 < 0.3 < plain_most.mean()
    assert bent_most.max() < plain_most.max()


def test_bending_hardly_depends_on_the_number_of_frames() -> None:
    few, many = bent(5, (280, 40)), bent(33, (280, 40))
    np.testing.assert_allclose(few.points[:, -1], many.points[:, -1], atol=1.0)


def test_an_end_can_be_turned_all_the_way_round() -> None:
    angle = np.linspace(0, 2 * np.pi * 0.7, 25)
    around = [(200 + 130 * np.cos(a), 150 - 130 * np.sin(a)) for a in angle]
    tracks = settled(
        drag(*around, whole="bend", joints=[(200, 150)]),
        Pin(region=(50, 130, 190, 170)),
        scene=Scene(size=(400, 300), frames=49, fps=16),
    )
    far = tracks.points[tracks.points[:, 0, 0] > 240]
    spread = np.linalg.norm(far[:, -1] - (200, 150), axis=1) / np.linalg.norm(
        far[:, 0] - (200, 150), axis=1
    )
    assert 0.75 < spread.min() < spread.max() < 1.25


def test_a_joint_takes_the_bend() -> None:
    def turns(*joints: tuple[float, float]) -> np.ndarray:
        """How far each stretch of the bar's middle line has turned at the end, radians."""
        tracks = settled(
            drag((340, 150), (270, 35), whole="bend", joints=joints),
            Pin(region=(50, 130, 90, 170)),
        )
        line = np.stack([at(tracks, (x, 150))[-1] for x in range(60, 350, 10)])
        steps = np.diff(line, axis=0)
        return np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))

    jointed, plain = turns((200, 150)), turns()
    across = slice(9, 19)  # from x = 150 to 250
    share = np.ptp(jointed[across]) / np.ptp(jointed)
    assert share > 0.8 > 0.65 > np.ptp(plain[across]) / np.ptp(plain)


def test_more_drags_and_pins_are_solved_together() -> None:
    tracks = settled(
        drag((60, 150), (60, 90), whole="bend"),
        drag((340, 150), (340, 90), whole="bend"),
        Pin(region=(190, 140, 210, 160)),
    )
    np.testing.assert_allclose(at(tracks, (60, 150))[-1], (60, 90), atol=0.1)
    np.testing.assert_allclose(at(tracks, (340, 150))[-1], (340, 90), atol=0.1)
    np.testing.assert_allclose(at(tracks, (200, 150))[-1], (200, 150), atol=0.1)
    assert np.unique(tracks.group).tolist() == [0]


def test_what_was_let_go_stays_until_it_is_taken_again() -> None:
    head = drag((340, 150), (340, 100), whole="bend", end=1, persist=True)
    tail = drag((60, 100), (60, 150), whole="bend", start=1, persist=True, part=None)
    tracks = settled(head, tail)
    np.testing.assert_allclose(at(tracks, (340, 150))[8:], [(340, 100)] * 9, atol=0.1)
    step = np.abs(np.diff(tracks.points, axis=1)).max()
    assert step < 15


def test_a_later_drag_takes_hold_of_what_is_there_then() -> None:
    head = drag((340, 150), (280, 40), whole="bend", end=1, persist=True)
    pin = Pin(region=(50, 130, 70, 170))
    again = Drag(path=[(280, 40), (330, 60)], whole="bend", start=1, persist=True, stride=10)
    tracks = settled(head, pin, again)
    np.testing.assert_allclose(at(tracks, (340, 150))[8], (280, 40), atol=0.1)
    np.testing.assert_allclose(at(tracks, (340, 150))[-1], (330, 60), atol=1.0)


def test_pieces_of_a_part_go_along_with_each_other() -> None:
    mask = np.zeros((300, 400), bool)
    mask[130:170, 50:190] = mask[130:170, 200:350] = True
    bender = Bender.over(mask, 1000)
    points = np.array([60 + 150j])
    ways = points[:, None] + np.array([[0, 25j]])
    corners = bender.bend(points, ways, np.ones((1, 2), bool))
    np.testing.assert_allclose(corners[:, 1] - corners[:, 0], 25j, atol=0.01)


@pytest.mark.slow
def test_sixteen_thousand_points_take_little_time() -> None:
    scene = Scene(size=(1024, 768), frames=81, fps=16)
    outline = [(100, 300), (900, 300), (900, 460), (100, 460)]
    gestures = [
        Drag(path=[(880, 380), (700, 100)], whole="bend", part=outline, stride=2.8),
        Pin(region=(100, 300, 140, 460)),
    ]
    begun = time.perf_counter()
    tracks = settled(*gestures, scene=scene)
    assert tracks.count > 16_000
    assert time.perf_counter() - begun < 20  # about 2 s; the rest is for busy machines


# where it comes from, and what cannot be


def test_a_part_comes_from_a_masks_file(tmp_path: Path) -> None:
    mask = np.zeros((300, 400), bool)
    mask[130:170, 50:350] = True
    write_mask(tmp_path / "bar.png", mask)
    document = Document(size=(400, 300), frames=9, fps=8)
    path = tmp_path / "scene.motion.json"
    document.add(drag((100, 150), (130, 150), part=str(tmp_path / "bar.png"))).save(path)
    assert '"part": "bar.png"' in path.read_text()
    tracks = Document.load(path).expand().tracks
    assert tracks is not None and tracks.count == 120


def test_a_part_is_found_on_the_documents_picture(photo_file: Path, tmp_path: Path) -> None:
    document = Document.for_picture(photo_file, frames=5, fps=8)
    path = tmp_path / "scene.motion.json"
    document.add(Drag(path=[(224, 110), (240, 110)], whole="rigid")).save(path)
    tracks = Document.load(path).expand().tracks
    assert tracks is not None and 500 < tracks.count < 1500
    low, high = tracks.points[:, 0].min(axis=0), tracks.points[:, 0].max(axis=0)
    assert (low > (150, 0)).all() and (high < (320, 200)).all()  # the head


def test_a_nearer_drag_is_not_held_by_a_pin() -> None:
    tracks = settled(drag((200, 150), (200, 250), depth=1), Pin(region=(0, 0, 400, 150), stride=20))
    np.testing.assert_allclose(at(tracks, (200, 150))[-1], (200, 250), atol=1e-3)


def test_pins_beside_a_part_do_not_hold_it() -> None:
    pins = [Pin(region=(0, 0, 400, 130)), Pin(region=(0, 170, 400, 300))]
    tracks = settled(drag((200, 150), (200, 200)), *pins)
    np.testing.assert_allclose(at(tracks, (200, 150))[-1], (200, 200), atol=1e-3)


@pytest.mark.parametrize(
    ("gestures", "message"),
    [
        (
            [drag((200, 100), (200, 250))],
            r"the press at 200,100 is not on the part that is to go along; press on it, or name",
        ),
        (
            [Drag(path=[(200, 100), (200, 250)], whole="rigid")],
            "a whole part is found on the picture, and there is none; give the document a picture",
        ),
        (
            [drag((100, 150), (130, 150)), drag((300, 150), (330, 150), whole="bend")],
            'are on one part, but one is "rigid" and the other "bend"; give both the same "whole"',
        ),
        (
            [drag((60, 150), (90, 150), whole="bend"), Pin(region=(50, 130, 80, 170))],
            "takes hold of what .* holds still; move one of them, or give the drag a smaller depth",
        ),
        ([drag((100, 150), (130, 150), part="away.png")], r"away\.png"),
    ],
)
def test_what_cannot_be(gestures: Sequence[Gesture], message: str) -> None:
    with pytest.raises(Exception, match=message) as caught:
        settled(*gestures, scene=Scene(size=(400, 300), frames=17, fps=8, folder=Path.cwd()))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"part": (0, 0, 9, 9)}, 'has a part, but not how it goes along; give "whole", such as'),
        (
            {"whole": "rigid", "joints": [(5, 5)]},
            'joints; only a part that bends has any: give "wh',
        ),
        ({"whole": "soft"}, "whole is 'soft'; .*known: rigid, similarity, bend"),
        ({"whole": "rigid", "part": (0, 0, 9)}, "is missing"),
    ],
)
def test_what_no_drag_can_say(fields: dict, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        Drag(path=[(1, 1), (5, 5)], **fields)


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        ("whole=rigid", {"whole": "rigid"}),
        ("whole=bend joints=10,20;50%,30", {"whole": "bend", "joints": [(10, 20), (200, 30)]}),
        ("whole=bend part=10%,0,300,200", {"whole": "bend", "part": (40, 0, 300, 200)}),
        ("whole=bend part=1,2;3,4;5,9", {"whole": "bend", "part": [(1, 2), (3, 4), (5, 9)]}),
        ("whole=similarity part=masks/a.png", {"whole": "similarity", "part": "masks/a.png"}),
    ],
)
def test_shorthand(words: str, fields: dict) -> None:
    path = [(100.0, 150.0), (130.0, 150.0)]
    assert parse_drag(f"100,150 > 130,150 {words}", (400, 300)) == Drag(path=path, **fields)
