"""Poses: forward kinematics with known answers, rigid limbs, smooth joints, another's motion."""

import json
from pathlib import Path

import numpy as np
import pytest

from kineograph.core.errors import DocumentError, TracksError
from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.gestures.document import Document
from kineograph.gestures.drag import Drag
from kineograph.gestures.figures.figure import PARTS, TURNS, Figure
from kineograph.gestures.figures.pose_file import read_pose
from kineograph.gestures.pose import Pose
from kineograph.gestures.scene import Scene
from kineograph.vision.pose import JOINTS, Poses

SCENE = Scene(size=(360, 480), frames=9, fps=8)
STANDING = {
    "nose": (180, 80),
    "left_eye": (188, 72),
    "right_eye": (172, 72),
    "left_ear": (198, 76),
    "right_ear": (162, 76),
    "left_shoulder": (220, 130),
    "right_shoulder": (140, 130),
    "left_elbow": (246, 190),
    "right_elbow": (114, 190),
    "left_wrist": (256, 250),
    "right_wrist": (104, 250),
    "left_hip": (204, 260),
    "right_hip": (156, 260),
    "left_knee": (210, 340),
    "right_knee": (150, 340),
    "left_ankle": (212, 420),
    "right_ankle": (148, 420),
}
ARM = {name: STANDING[f"left_{name}"] for name in ("shoulder", "elbow", "wrist")}
WAVE = {"left_shoulder": -70, "left_elbow": -60, "right_hip": 20, "neck": 12, "waist": 8}


def pose(**fields) -> Pose:
    return Pose(**{"joints": STANDING, "keys": [{"angles": WAVE}], **fields})


def expand(scene: Scene = SCENE, **fields) -> Tracks:
    tracks = pose(**fields).expand(scene).tracks
    assert tracks is not None
    return tracks


def about(point: tuple, centre: tuple, degrees: float) -> np.ndarray:
    """A point turned clockwise in the picture about another one, by hand."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.array(centre) + turn @ (np.array(point) - np.array(centre))


def joints_at_end(**fields) -> dict[str, np.ndarray]:
    asked = pose(**fields)
    posed = asked.figure.pose(asked.movement(SCENE)[0])
    return {name: posed.joint(name)[-1] for name in asked.figure.joints}


def owned_by(asked: Pose, part: str) -> np.ndarray:
    return np.flatnonzero(asked.skin.owners == asked.limbs.owned.index(part))


# forward kinematics


def test_an_elbow_turns_the_forearm_by_so_much() -> None:
    end = joints_at_end(keys=[{"angles": {"left_elbow": 90}}])
    np.testing.assert_allclose(end["left_wrist"], about(ARM["wrist"], ARM["elbow"], 90))
    for name in JOINTS:
        if name != "left_wrist":
            np.testing.assert_allclose(end[name], STANDING[name], atol=1e-9)


def test_a_shoulder_carries_the_whole_arm_and_the_elbow_adds_to_it() -> None:
    end = joints_at_end(keys=[{"angles": {"left_shoulder": -70, "left_elbow": -60}}])
    elbow = about(ARM["elbow"], ARM["shoulder"], -70)
    wrist = about(about(ARM["wrist"], ARM["shoulder"], -70), tuple(elbow), -60)
    np.testing.assert_allclose(end["left_elbow"], elbow)
    np.testing.assert_allclose(end["left_wrist"], wrist)


def test_waist_turns_what_is_above_the_hips_and_body_turns_all() -> None:
    pelvis = (180, 260)
    waist = joints_at_end(keys=[{"angles": {"waist": 30}}])
    body = joints_at_end(keys=[{"angles": {"body": 30}, "move": (5, -7)}])
    for name, place in STANDING.items():
        above = name.split("_")[-1] not in ("hip", "knee", "ankle")
        np.testing.assert_allclose(waist[name], about(place, pelvis, 30) if above else place)
        np.testing.assert_allclose(body[name], about(place, pelvis, 30) + np.array([5, -7]))


def test_keys_follow_each_other_and_ease() -> None:
    keys = [{"angles": {"left_elbow": 40}}, {"angles": {"left_elbow": -20}, "move": (8, 0)}]
    asked = pose(keys=keys)
    movement, _ = asked.movement(SCENE)
    expected = [0, 10, 20, 30, 40, 25, 10, -5, -20]
    np.testing.assert_allclose(np.degrees(movement.turn["left_forearm"]), expected, atol=1e-9)
    np.testing.assert_allclose(movement.root[:, 0], np.arange(9), atol=1e-9)
    held, _ = pose(keys=[{**keys[0], "ease": "hold"}, keys[1]]).movement(SCENE)
    np.testing.assert_allclose(np.degrees(held.turn["left_forearm"])[4:8], 40)


# limbs


def test_limbs_are_dense_and_cover_what_lies_around_the_bones() -> None:
    tracks = expand()
    assert tracks.count > 800
    first = tracks.points[:, 0]
    for a, b in (("left_shoulder", "left_elbow"), ("right_knee", "right_ankle")):
        middle = (np.array(STANDING[a]) + STANDING[b]) / 2
        assert (np.linalg.norm(first - middle, axis=1) < 10).sum() > 4
    assert np.linalg.norm(first - [20, 20], axis=1).min() > 50
    assert len(np.unique(first, axis=0)) == tracks.count


def test_limbs_are_rigid_away_from_their_joints() -> None:
    asked = pose()
    points = asked.skin.points
    moved = asked.skin.moved(asked.figure.pose(asked.movement(SCENE)[0]))
    for part in ("left_upper_arm", "left_forearm", "right_thigh", "right_shin", "head"):
        start, end = (asked.figure.joints[j] for j in (PARTS[part].start, PARTS[part].end))
        share = (points - start) @ (end - start) / ((end - start) @ (end - start))
        low = 1.1 if part == "head" else 0.45
        mine = owned_by(asked, part)
        mine = mine[(share[mine] > low) & (share[mine] < (9 if part == "head" else 0.55))]
        assert len(mine) > 3
        gaps = np.linalg.norm(moved[mine][:, None] - moved[mine], axis=3)
        np.testing.assert_allclose(gaps, gaps[..., :1] * np.ones(9), atol=1e-6)


def test_bundles_follow_their_bone_exactly() -> None:
    asked = pose()
    posed = asked.figure.pose(asked.movement(SCENE)[0])
    moved = asked.skin.moved(posed)
    hand = owned_by(asked, "left_forearm")
    hand = hand[np.linalg.norm(asked.skin.points[hand] - ARM["wrist"], axis=1) < 12]
    offsets = asked.skin.points[hand] - ARM["wrist"]
    wrist = posed.joint("left_wrist")[-1]
    turned = np.array([about(offset, (0, 0), -122) for offset in offsets])
    np.testing.assert_allclose(moved[hand, -1], wrist + turned, atol=1e-6)


def test_lengths_of_bones_are_kept() -> None:
    end = joints_at_end()
    for part in PARTS.values():
        if part.start != part.end and part.end in JOINTS:
            before = np.linalg.norm(np.subtract(STANDING[part.end], STANDING[part.start]))
            assert np.linalg.norm(end[part.end] - end[part.start]) == pytest.approx(before)


@pytest.mark.parametrize("angles", [WAVE, {"waist": 25, "left_hip": -60, "right_knee": 70}])
def test_parts_meet_smoothly_at_their_joints(angles: dict) -> None:
    """On a fine grid around every joint, neighbours stay neighbours: nothing tears."""
    asked = pose(keys=[{"angles": angles}])
    posed = asked.figure.pose(asked.movement(SCENE)[0])
    for joint in ("left_elbow", "left_shoulder", "right_hip", "right_knee", "left_hip", "neck"):
        around = 0.6 * 0.11 * asked.figure.size
        steps = np.stack(np.meshgrid(*[np.arange(-around, around, 0.25)] * 2), axis=-1)
        points = asked.figure.joints[joint] + steps.reshape(-1, 2)
        skin = type(asked.skin)(asked.limbs, points)
        moved = skin.moved(posed)[:, -1].reshape(*steps.shape)
        for axis in (0, 1):
            stretch = np.linalg.norm(np.diff(moved, axis=axis), axis=2) / 0.25
            assert stretch.max() < 4, joint
        at_joint = type(asked.skin)(asked.limbs, asked.figure.joints[joint][None]).moved(posed)
        np.testing.assert_allclose(at_joint[0, -1], posed.joint(joint)[-1], atol=1e-6)


def test_a_bent_elbow_does_not_get_thinner() -> None:
    """Points at the joint keep their distance to it, whatever the angle."""
    asked = pose(keys=[{"angles": {"left_elbow": -120}}])
    posed = asked.figure.pose(asked.movement(SCENE)[0])
    points = np.array(ARM["elbow"]) + 8 * np.array([[np.cos(a), np.sin(a)] for a in range(6)])
    moved = type(asked.skin)(asked.limbs, points).moved(posed)[:, -1]
    away = np.linalg.norm(moved - posed.joint("left_elbow")[-1], axis=1)
    np.testing.assert_allclose(away, 8, atol=1e-6)


def test_an_arm_beside_the_trunk_does_not_drag_it_along() -> None:
    asked = pose(keys=[{"angles": {"left_shoulder": -90}}])
    posed = asked.figure.pose(asked.movement(SCENE)[0])
    flank = np.array([[196.0, 220.0], [190.0, 240.0]])
    moved = type(asked.skin)(asked.limbs, flank).moved(posed)[:, -1]
    np.testing.assert_allclose(moved, flank, atol=1e-6)


def test_no_motion_is_none() -> None:
    tracks = expand(keys=[{"angles": {"left_elbow": 0, "waist": 0}}])
    assert np.ptp(tracks.points, axis=1).max() < 1e-4
    assert (tracks.state == State.VISIBLE).all()


def test_time_span_and_persist() -> None:
    shown = expand(start=0.25, end=0.75)
    assert (shown.specified == np.isin(np.arange(9), range(2, 7))).all()
    kept = expand(start=0.25, end=0.75, persist=True)
    assert kept.specified.all() and np.ptp(kept.points[:, :3], axis=1).max() < 1e-4


def test_an_arm_alone_is_enough() -> None:
    joints = {f"left_{name}": place for name, place in ARM.items()}
    tracks = expand(joints=joints, keys=[{"angles": {"left_elbow": 30}}])
    assert tracks.count > 50 and set(np.unique(tracks.group)) == {5}


def test_a_list_in_order_is_the_same_as_names() -> None:
    listed = [list(STANDING[name]) for name in JOINTS]
    assert pose(joints=listed) == pose()
    assert pose(joints=np.array(listed)) == pose()
    scored = [[*STANDING[name], 0.0 if name == "nose" else 0.9] for name in JOINTS]
    assert set(pose(joints=scored).joints) == set(JOINTS) - {"nose"}
    partly = [None if name == "nose" else list(STANDING[name]) for name in JOINTS]
    assert set(pose(joints=partly).joints) == set(JOINTS) - {"nose"}


# what is in front


def test_the_front_side_hides_what_it_passes() -> None:
    across = [{"angles": {"left_shoulder": 75, "left_elbow": 10}}]
    free = expand(keys=across)
    assert free.visible.all()
    ahead = expand(keys=across, front="left")
    trunk = ahead.group == 0
    assert ahead.visible[:, 0].all()
    assert (~ahead.visible[trunk, -1]).sum() > 20
    arm = ahead.group == 5
    assert ahead.visible[arm].all()
    behind = expand(keys=across, front="right")
    assert behind.visible[behind.group == 0].all()
    assert (~behind.visible[behind.group == 5, -1]).sum() > 10


def test_depth_says_which_limb_is_in_front() -> None:
    tracks = expand(front="left", depth=2)
    mean = {group: tracks.depth[tracks.group == group].mean() for group in np.unique(tracks.group)}
    assert mean[5] < mean[0] < mean[4]  # left arm, trunk, right arm
    assert tracks.depth.min() >= 1.5 and tracks.depth.max() <= 2.5


# another person's motion


def acted(turn: np.ndarray, scale: float = 2.0, *, nod: float = 0.0) -> Poses:
    """Another person, twice as large, who turns the left forearm and moves to the right."""
    places = np.array([STANDING[name] for name in JOINTS], np.float64) * scale
    frames = np.repeat(places[None], len(turn), axis=0)
    elbow, wrist = JOINTS.index("left_elbow"), JOINTS.index("left_wrist")
    for t, degrees in enumerate(turn):
        frames[t, wrist] = about(places[wrist], places[elbow], degrees)
        frames[t] += [scale * t, nod]
    score = np.ones((len(turn), 17), np.float32)
    return Poses(frames.astype(np.float32), score, (720, 960), 8)


@pytest.fixture
def dance(tmp_path: Path) -> Path:
    acted(np.linspace(0, 80, 9)).save(tmp_path / "dance.npz")
    return tmp_path


def followed(folder: Path, **fields) -> dict[str, np.ndarray]:
    scene = Scene(size=(360, 480), frames=9, fps=8, folder=folder)
    asked = pose(**{"keys": None, "source": "dance.npz", **fields})
    posed = asked.figure.pose(asked.movement(scene)[0])
    return {name: posed.joint(name) for name in asked.figure.joints}


def test_another_person_is_followed_in_proportion(dance: Path) -> None:
    there = followed(dance)
    for t in range(9):
        wrist = about(ARM["wrist"], ARM["elbow"], 10 * t) + np.array([t, 0])
        np.testing.assert_allclose(there["left_wrist"][t], wrist, atol=1e-3)
        np.testing.assert_allclose(there["right_ankle"][t], np.array([148 + t, 420]), atol=1e-3)
    still = followed(dance, reach=0)
    np.testing.assert_allclose(still["pelvis"], np.tile([180, 260], (9, 1)), atol=1e-6)


def test_only_changes_are_followed_unless_the_pose_is_taken(dance: Path) -> None:
    other = {**STANDING, "right_wrist": (40, 190)}
    changed = followed(dance, joints=other, reach=0)
    np.testing.assert_allclose(changed["right_wrist"], np.tile([40, 190], (9, 1)), atol=1e-3)
    taken = followed(dance, joints=other, reach=0, match="take", ease_in=0.5)
    np.testing.assert_allclose(taken["right_wrist"][0], [40, 190], atol=1e-3)
    arm = np.subtract(STANDING["right_wrist"], STANDING["right_elbow"])
    seen = taken["right_wrist"][-1] - taken["right_elbow"][-1]
    assert arm[0] * seen[1] - arm[1] * seen[0] == pytest.approx(0, abs=1)
    assert arm @ seen > 0


def test_foreshortening_goes_with_the_motion(tmp_path: Path) -> None:
    poses = acted(np.zeros(9))
    keypoints = poses.keypoints.copy()
    elbow, wrist = (keypoints[:, JOINTS.index(f"left_{j}")] for j in ("elbow", "wrist"))
    share = np.linspace(1, 0.5, 9)[:, None]
    keypoints[:, JOINTS.index("left_wrist")] = elbow + share * (wrist - elbow)
    Poses(keypoints, poses.score, poses.size, poses.fps).save(tmp_path / "dance.npz")
    there = followed(tmp_path, reach=0)
    length = np.linalg.norm(there["left_wrist"] - there["left_elbow"], axis=1)
    np.testing.assert_allclose(length / length[0], share[:, 0], atol=1e-3)


def test_joints_that_are_not_found_go_with_what_carries_them(tmp_path: Path) -> None:
    poses = acted(np.linspace(0, 80, 9))
    score = poses.score.copy()
    score[:, JOINTS.index("right_wrist")] = 0
    score[3:6, JOINTS.index("left_wrist")] = 0.1
    keypoints = poses.keypoints.copy()
    keypoints[3:6, JOINTS.index("left_wrist")] = 0
    Poses(keypoints, score, poses.size, poses.fps).save(tmp_path / "dance.npz")
    there = followed(tmp_path, reach=0)
    np.testing.assert_allclose(there["right_wrist"], np.tile([104, 250], (9, 1)), atol=1e-3)
    assert np.linalg.norm(np.diff(there["left_wrist"], axis=0), axis=1).max() < 20


def test_a_source_plays_at_its_own_speed_or_fits_the_span(dance: Path) -> None:
    scene = Scene(size=(360, 480), frames=17, fps=8, folder=dance)
    own = pose(keys=None, source="dance.npz").expand(scene).tracks
    assert (own.specified == (np.arange(17) < 9)).all()
    fitted = pose(keys=None, source="dance.npz", end=2.0).expand(scene).tracks
    assert fitted.specified.all()
    np.testing.assert_allclose(fitted.points[:, ::2], own.points[:, :9], atol=1e-3)


def test_sources_are_read_only_from_the_documents_folder(dance: Path) -> None:
    inner = dance / "inner"
    inner.mkdir()
    asked = pose(keys=None, source="../dance.npz")
    scene = Scene(size=(360, 480), frames=9, fps=8, folder=inner)
    with pytest.raises(DocumentError, match="lies outside the document's folder"):
        asked.expand(scene)
    with pytest.raises(TracksError, match=r"does not exist; give a .npz file of poses"):
        pose(keys=None, source="no.npz").expand(SCENE)


# among other gestures, and in files


def test_poses_work_in_documents() -> None:
    document = Document(size=(360, 480), frames=9, fps=8).add(pose())
    assert Document.parse(document.to_dict(), ".") == document
    tracks = document.expand().tracks
    assert len(np.unique(tracks.group)) == 6
    with pytest.raises(DocumentError, match=r"\(pose\) and gestures\[1\] \(drag\) hold the same"):
        document.add(Drag(path=[(250, 220), (250, 300)])).expand()


def test_files_of_poses(tmp_path: Path, dance: Path) -> None:
    file = tmp_path / "wave.json"
    file.write_text(json.dumps({"joints": STANDING, "keys": [{"angles": WAVE}]}))
    assert read_pose(file) == pose()
    file.write_text(json.dumps({"kind": "pose", "joints": STANDING, "source": "dance.npz"}))
    assert read_pose(file).source == (tmp_path / "dance.npz").as_posix()
    file.write_text(json.dumps({"kind": "drag"}))
    with pytest.raises(DocumentError, match="it is a drag; give a file with a pose in it"):
        read_pose(file)
    file.write_text(json.dumps({"joints": STANDING}))
    with pytest.raises(DocumentError, match=r"wave.json: pose has neither keys nor a source"):
        read_pose(file)


# mistakes


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"joints": [[1, 2]] * 16},
            "^pose: joints has 16 joints; give COCO's 17 in their order, null for those",
        ),
        ({"joints": [[1, 2]] * 18}, "has 18 joints"),
        (
            {"joints": {"left_elbo": (1, 2)}},
            "joints has an unknown joint 'left_elbo'; did you mean left_elbow. known: nose, left",
        ),
        ({"joints": {"Left Wrist": (1, 2)}}, "unknown joint 'Left Wrist'; did you mean left_wrist"),
        ({"joints": {"nose": (1, 2)}}, r"has joints that make no limb \(nose\); give two that han"),
        ({"joints": {}}, r"has joints that make no limb \(none\)"),
        ({"joints": {"left_hip": (5, 5), "left_knee": (5, 5)}}, "has all its joints in one place"),
        ({"joints": {"nose": ("a", 2)}}, r"joints.nose\[0\] is 'a'; give a number"),
        ({"joints": 3}, "joints is 3; give an object with fields"),
        (
            {"keys": [{"angles": {"left_elbo": 3}}]},
            r"keys\[0\] has an angle of 'left_elbo', which is unknown; did you mean left_elbow",
        ),
        (
            {"keys": [{"angles": {"left_wrist": 3}}]},
            "an angle of 'left_wrist', which turns nothing: nothing hangs on it; .*known: body, w",
        ),
        ({"keys": [{}]}, r"keys\[0\] changes nothing; give it angles or move"),
        ({"keys": None}, "has neither keys nor a source; give one, or use a pin to hold still"),
        ({"source": "a.npz"}, "has both keys and a source; keep one of them"),
        (
            {"joints": {f"left_{k}": v for k, v in ARM.items()}, "keys": [{"angles": {"neck": 3}}]},
            "turns neck, but has no joints for that; give both shoulders and the nose",
        ),
        ({"front": "back"}, "front is 'back'; known: left, right"),
        ({"width": 0}, "width is 0; it should be greater than 0"),
    ],
)
def test_what_no_pose_can_be(fields: dict, message: str) -> None:
    with pytest.raises(DocumentError, match=message) as caught:
        pose(**fields)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"joints": {name: (x + 900, y) for name, (x, y) in STANDING.items()}},
            r"^the person around 1\d\d\d,\d+ lies outside the picture of 360x480; give joints in",
        ),
        ({"start": 0.5, "end": 0.55}, "holds only 1 frame of the clip; a pose needs 2 or more"),
        ({"keys": [{"move": (1, 1), "at": 5}]}, "key 1 is at 5 s; the gesture lasts from 0 s to 1"),
        ({"stride": 0.1, "width": 9}, "are allowed; give a larger stride"),
    ],
)
def test_what_does_not_fit_the_scene(fields: dict, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        expand(**fields)


def test_every_turn_has_a_part_and_every_part_an_owner() -> None:
    assert len(set(TURNS)) == len(PARTS)
    figure = Figure.of(STANDING)
    assert figure.parts == tuple(PARTS)
    assert figure.size == pytest.approx(120, abs=25)
