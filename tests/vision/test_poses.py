"""Poses of people: the form they have, following one through a video, and the ViTPose adapter."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from kineograph.core.errors import TracksError, VisionError
from kineograph.core.video import Video
from kineograph.vision import eyes
from kineograph.vision.pose import JOINTS, LIMBS, Pose, Poses, check_joints, follow

PLACES = np.random.default_rng(0).uniform(20, 100, (17, 2)).astype(np.float32)
SURE = np.ones(17, np.float32)


def test_cocos_joints() -> None:
    assert len(JOINTS) == 17 and JOINTS[0] == "nose" and JOINTS[-1] == "right_ankle"
    assert {joint for limb in LIMBS for joint in limb} == set(JOINTS)


def test_joints_by_name_are_those_that_were_found() -> None:
    score = SURE.copy()
    score[3] = 0.1
    joints = Pose(PLACES, score).joints
    assert set(joints) == set(JOINTS) - {"left_ear"}
    assert joints["nose"] == pytest.approx(PLACES[0])


def test_malformed_poses() -> None:
    with pytest.raises(VisionError, match="a pose of 16 joints was given; it has COCO's 17"):
        Pose(PLACES[:16], SURE[:16])
    with pytest.raises(VisionError, match="a joint of the pose is not finite"):
        Pose(PLACES * np.float32(np.nan), SURE)
    with pytest.raises(VisionError, match="unknown joint 'left_ellbow'; did you mean left_elbow"):
        check_joints(["nose", "left_ellbow"])


def test_poses_round_trip(tmp_path: Path) -> None:
    poses = Poses(np.stack([PLACES, PLACES + 1]), np.stack([SURE, SURE / 2]), (640, 480), 25)
    poses.save(tmp_path / "dance.npz")
    again = Poses.load(tmp_path / "dance.npz")
    np.testing.assert_array_equal(again.keypoints, poses.keypoints)
    np.testing.assert_array_equal(again.score, poses.score)
    assert (again.size, again.fps, again.frames) == ((640, 480), 25.0, 2)
    np.savez(tmp_path / "other.npz", version=1, a=3)
    with pytest.raises(TracksError, match="holds no poses: found a, version; needed version, key"):
        Poses.load(tmp_path / "other.npz")


class Crowd:
    """Two people, whom it names in another order at every look; the second frame is empty."""

    def __init__(self) -> None:
        self.looks = 0

    def __call__(self, picture: np.ndarray) -> list[Pose]:
        self.looks += 1
        if self.looks == 2:
            return []
        step = np.float32(self.looks)
        people = [Pose(PLACES + step, SURE), Pose(PLACES + np.float32(200) - step, SURE)]
        return people if self.looks % 2 else people[::-1]


def test_one_person_is_followed_through_a_video() -> None:
    video = Video(np.zeros((5, 32, 32, 3), np.uint8), fps=10)
    poses = follow(video, Crowd())
    moved = poses.keypoints[:, 0] - PLACES[0]
    np.testing.assert_allclose(moved[:, 0], [1, 1, 3, 4, 5], atol=1e-4)
    assert (poses.score[1] == 0).all() and (poses.score[[0, 2, 3, 4]] == 1).all()
    with pytest.raises(VisionError, match="nobody is found in the 5 frames; give another video"):
        follow(video, lambda picture: [])


def test_there_is_no_pose_eye_without_weights() -> None:
    with pytest.raises(VisionError, match='no pose eye works without weights; name "vitpose"'):
        eyes.eye("pose")


# the adapter, on a tiny model with random weights


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    backbone = transformers.VitPoseBackboneConfig(
        image_size=[64, 48],
        patch_size=[16, 16],
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        out_indices=[2],
    )
    config = transformers.VitPoseConfig(backbone_config=backbone, num_labels=17)
    folder = tmp_path_factory.mktemp("weights") / "vitpose"
    transformers.VitPoseForPoseEstimation(config).save_pretrained(folder)
    return folder


def test_vitpose_gives_a_pose_for_each_box(tiny: Path, photograph: np.ndarray) -> None:
    look = eyes.eye("pose", "vitpose", tiny)
    poses = look(photograph, boxes=[(100, 50, 300, 500), (10, 10, 60, 90)])
    assert len(poses) == 2 and len(look(photograph)) == 1
    assert poses[0].keypoints.dtype == np.float32
    again = look(photograph, boxes=[(100, 50, 300, 500)])
    np.testing.assert_allclose(again[0].keypoints, poses[0].keypoints, atol=1e-3)
    assert look(photograph, boxes=[]) == []
    with pytest.raises(VisionError, match="the box 5,5,5,9 of a person has no area"):
        look(photograph, boxes=[(5, 5, 5, 9)])


def test_vitpose_shows_and_reads_as_the_models_own_processor(
    tiny: Path, photograph: np.ndarray
) -> None:
    """The same crop, and the same peaks of the same maps, half a pixel of convention apart."""
    torch = pytest.importorskip("torch")
    own = pytest.importorskip("transformers.models.vitpose.image_processing_pil_vitpose")
    from kineograph.vision import vitpose

    processor = own.VitPoseImageProcessorPil(size={"height": 64, "width": 48})
    box, coco = (150.5, 100.5, 300.5, 400.5), [[[150.0, 100.0, 150.0, 300.0]]]
    view = vitpose._view(box, (64, 48))
    shown = vitpose._shown(photograph, view, (64, 48))
    expected = processor(photograph, boxes=coco, return_tensors="np")["pixel_values"][0]
    inner = np.s_[:, 2:-2, 2:-2]
    assert np.abs(shown[inner] - expected[inner]).max() < 0.05

    y, x = np.mgrid[:16, :12]
    peaks = np.random.default_rng(1).uniform((3, 3), (9, 12), (17, 2))
    heat = np.exp(-((x - peaks[:, :1, None]) ** 2 + (y - peaks[:, 1:, None]) ** 2) / 4)
    heat = heat.astype(np.float32)
    pose = vitpose._pose(heat, view)
    outputs = SimpleNamespace(heatmaps=torch.from_numpy(heat[None]))
    theirs = processor.post_process_pose_estimation(outputs, boxes=coco)[0][0]
    np.testing.assert_allclose(pose.keypoints - 0.5, theirs["keypoints"].numpy(), atol=0.05)
    np.testing.assert_allclose(pose.score, theirs["scores"].numpy(), atol=1e-6)
    centre, size = view
    truth = peaks * size / [11, 15] + centre - size / 2 + 0.5
    np.testing.assert_allclose(pose.keypoints, truth, atol=1.0)


def test_a_person_is_found_where_it_is_whatever_the_box() -> None:
    """A mark in the picture comes back at its own place: cropping and reading are inverse."""
    from kineograph.vision import vitpose

    picture = np.zeros((120, 160, 3), np.uint8)
    picture[60:64, 90:94] = 255
    for box in ((60, 20, 130, 110), (80, 50, 110, 80)):
        view = vitpose._view(tuple(map(float, box)), (256, 192))
        shown = vitpose._shown(picture, view, (256, 192)).mean(axis=0)
        light = shown - shown.min()
        y, x = np.mgrid[:256, :192]
        centre = np.array([(light * x).sum(), (light * y).sum()]) / light.sum()
        place = centre * view[1] / [191, 255] + view[0] - view[1] / 2 + 0.5
        np.testing.assert_allclose(place, [92, 62], atol=0.05)


def test_weights_of_something_else(tiny: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    with pytest.raises(VisionError, match=r"there is no folder .* of weights; fetch them: hf down"):
        eyes.eye("pose", "vitpose", tmp_path / "nothing")
    config = transformers.VitPoseConfig.from_pretrained(tiny)
    config.num_labels = 5
    transformers.VitPoseForPoseEstimation(config).save_pretrained(tmp_path / "five")
    with pytest.raises(VisionError, match="find 5 joints; give a model for COCO's 17"):
        eyes.eye("pose", "vitpose", tmp_path / "five")
