"""Depth: maps with and without holes, files of every kind, the stated guess, learned models."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from kineograph.core.cameras import intrinsics
from kineograph.core.errors import OutputError, VisionError
from kineograph.vision.depth import REACH, Depth, from_nearness
from kineograph.vision.depth_file import read_depth, write_depth
from kineograph.vision.depth_prior import DepthPrior

RAMP = np.linspace(1, 4, 48 * 64, dtype=np.float32).reshape(48, 64)


def plane(slant: float = 0.4) -> tuple[Depth, np.ndarray]:
    """A slanted plane z = 3 / (1 - slant y') and its lens."""
    K = intrinsics(50, (64, 48))
    y = (np.arange(48) + 0.5 - K[1, 2]) / K[1, 1]
    return Depth(np.repeat(3 / (1 - slant * y)[:, None], 64, axis=1).astype(np.float32), K), K


# maps


def test_between_pixels_a_plane_is_exact() -> None:
    depth, K = plane()
    points = np.random.default_rng(0).uniform((1, 1), (63, 47), (200, 2))
    true = 3 / (1 - 0.4 * (points[:, 1] - K[1, 2]) / K[1, 1])
    np.testing.assert_allclose(depth.at(points), true, rtol=1e-5)


def test_between_two_surfaces_there_is_no_third() -> None:
    depth = Depth(np.where(np.arange(8) < 4, 1.0, 5.0)[None].repeat(4, 0).astype(np.float32))
    x = np.linspace(0.1, 7.9, 79)
    found = depth.at(np.stack([x, np.full_like(x, 2.0)], axis=1))
    assert set(found) == {1.0, 5.0}
    np.testing.assert_array_equal(found, np.where(x < 4, 1, 5))
    assert set(depth.resize((13, 9)).depth.ravel()) == {1.0, 5.0}


def test_resizing_takes_the_lens_along() -> None:
    depth, K = plane()
    large = depth.resize((128, 144))
    np.testing.assert_allclose(large.K, K * [[2], [3], [1]])
    assert large.size == (128, 144) and large.depth.shape == (144, 128)
    np.testing.assert_allclose(large.lens(90)[0, 0], 64)
    np.testing.assert_allclose(depth.lens(), K)


def test_holes_are_filled_from_the_farther_side() -> None:
    given = np.array([[1, np.nan, 0, 5], [np.inf, 2, -1, np.nan], [np.nan] * 4], np.float32)
    filled = Depth.filled(given)
    np.testing.assert_array_equal(filled.depth, [[1, 5, 5, 5], [2, 2, 2, 2], [2, 2, 2, 2]])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((2, 2), np.float32), "holds 0.0 at x 0, y 0; depths have to be above 0"),
        (np.full((2, 2), np.nan, np.float32), "holds nan"),
        (np.ones((0, 2), np.float32), r"float32 \(height, width\) with at least one pixel"),
    ],
)
def test_what_no_depth_map_is(values: np.ndarray, message: str) -> None:
    with pytest.raises(VisionError, match=message):
        Depth(values)


def test_nothing_known_is_refused() -> None:
    with pytest.raises(VisionError, match="holds no depth above 0"):
        Depth.filled(np.zeros((3, 3), np.float32))


def test_nearness_becomes_depth() -> None:
    found = from_nearness(np.array([[0, 100], [50, 25]], np.uint8))
    np.testing.assert_allclose(found, [[REACH, 1], [1 / 0.55, 1 / 0.325]], rtol=1e-6)
    np.testing.assert_allclose(from_nearness(np.full((2, 2), 7)), REACH)


# files


@pytest.mark.parametrize("ending", ["png", "npy", "npz"])
def test_what_is_written_is_read_again(ending: str, tmp_path: Path) -> None:
    depth = Depth(RAMP, intrinsics(40, (64, 48)), metric=True)
    write_depth(tmp_path / f"d.{ending}", depth)
    again = read_depth(tmp_path / f"d.{ending}")
    np.testing.assert_allclose(again.depth, RAMP, rtol=4e-5 if ending == "png" else 0)
    if ending != "npy":
        assert again.metric and np.array_equal(again.K, depth.K)


def test_a_written_picture_is_white_where_near_and_the_same_each_time(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        write_depth(tmp_path / name, Depth(RAMP))
    grey = np.asarray(Image.open(tmp_path / "a.png"))
    assert grey[0, 0] == 65535 and grey[-1, -1] == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_pictures_of_others(tmp_path: Path) -> None:
    Image.fromarray(np.array([[255, 0]], np.uint8)).save(tmp_path / "white.png")
    Image.fromarray(np.array([[1500, 0, 3000]], np.uint16)).save(tmp_path / "sensor.png")
    cv2.imwrite(str(tmp_path / "f.tif"), np.array([[2.5, 4.5]], np.float32))
    cv2.imwrite(str(tmp_path / "f.pfm"), np.array([[2.5, 4.5]], np.float32))
    np.testing.assert_allclose(read_depth(tmp_path / "white.png").depth, [[1, REACH]])
    black = read_depth(tmp_path / "white.png", near_is_white=False)
    np.testing.assert_allclose(black.depth, [[255, 255]])  # 0 is a hole then
    np.testing.assert_allclose(read_depth(tmp_path / "sensor.png").depth, [[1500, 3000, 3000]])
    for name in ("f.tif", "f.pfm"):
        np.testing.assert_allclose(read_depth(tmp_path / name).depth, [[2.5, 4.5]])


def _text(path: Path, text: str = "no") -> None:
    path.write_text(text)


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("no.png", None, "does not exist; name one ending in .png"),
        ("a.png", _text, "cannot read depth from .*is it complete"),
        ("a.npy", _text, "cannot read depth from"),
        ("a.npz", _text, "cannot read depth from"),
        ("a.gif", _text, "it has to end in one of .png"),
        ("a.npz", lambda path: np.savez(path, x=np.ones(3)), 'it holds x and no "depth"'),
        ("a.npz", lambda path: np.savez(path, depth=RAMP, K=np.ones(3)), r"its K is \(3,\)"),
        ("a.npy", lambda path: np.save(path, np.ones(3)), r"float64 \(3,\); a depth map is 2D"),
        (
            "a.npy",
            lambda path: np.save(path, np.zeros((3, 3))),
            "a.npy: a depth map holds no depth",
        ),
        ("a.npy", lambda path: np.save(path, np.array([[{}]])), "cannot read depth"),
        (
            "a.png",
            lambda path: Image.fromarray(np.array([[[255, 0, 0]]], np.uint8)).save(path),
            "it is in colour; depth has to be grey",
        ),
    ],
)
def test_files_that_hold_no_depth(name: str, make, message: str, tmp_path: Path) -> None:
    if make is not None:
        make(tmp_path / name)
    with pytest.raises(VisionError, match=message) as caught:
        read_depth(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_other_endings_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"it has to end in .png, .npy, .npz"):
        write_depth(tmp_path / "d.jpg", Depth(RAMP))


# the guess


def test_a_meadow_recedes_to_its_horizon() -> None:
    meadow = np.empty((90, 120, 3), np.uint8)
    meadow[:36], meadow[36:] = (120, 160, 220), (70, 130, 60)
    depth = DepthPrior()(meadow).depth
    down = depth[:, 60]
    assert down[5] > 3.5 and down[-1] < 1.3
    assert (np.diff(down[40:]) <= 1e-3).all()


def test_a_thing_on_the_ground_stands_in_front_of_what_is_behind() -> None:
    room = np.full((120, 160, 3), 200, np.uint8)
    room[30:, 60:100] = (200, 60, 20)
    depth = DepthPrior()(room).depth
    assert depth[60, 80] < 0.75 * depth[60, 20]
    assert depth[60, 62] < 0.85 * depth[60, 56]  # it ends where its colour ends


def test_the_guess_is_the_same_each_time_and_knows_its_lens(photograph: np.ndarray) -> None:
    first, second = DepthPrior(fov=70)(photograph), DepthPrior(fov=70)(photograph)
    np.testing.assert_array_equal(first.depth, second.depth)
    np.testing.assert_allclose(first.K, intrinsics(70, (512, 512)))
    assert not first.metric and first.depth.min() >= 1 and first.depth.max() <= 5.0001


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (3, 7), (700, 20)])
def test_the_guess_works_on_any_picture(shape: tuple[int, int]) -> None:
    assert DepthPrior()(np.zeros((*shape, 3), np.uint8)).depth.shape == shape


def test_impossible_guesses() -> None:
    with pytest.raises(VisionError, match=r"a horizon at 1\.5 was given; give 0"):
        DepthPrior(horizon=1.5)
    with pytest.raises(VisionError, match="a background 1 times as far"):
        DepthPrior(far=1)


# learned models, tiny and untrained


def _backbone():
    tf = pytest.importorskip("transformers")
    return tf.Dinov2Config(
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        image_size=56,
        patch_size=14,
        out_features=["stage1", "stage2", "stage3", "stage4"],
        reshape_hidden_states=False,
    )


def _depth_anything(folder: Path, kind: str) -> None:
    import transformers as tf

    config = tf.DepthAnythingConfig(
        backbone_config=_backbone(),
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
        head_hidden_size=8,
        reassemble_hidden_size=16,
        patch_size=14,
        depth_estimation_type=kind,
        max_depth=20,
    )
    tf.DepthAnythingForDepthEstimation(config).save_pretrained(folder)
    size = {"height": 56, "width": 56}
    tf.DPTImageProcessorPil(
        size=size, keep_aspect_ratio=True, ensure_multiple_of=14
    ).save_pretrained(folder)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["relative", "metric"])
def test_a_learned_model_gives_depth_at_the_pictures_size(kind: str, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from kineograph.vision.depth_model import DepthModel

    torch.manual_seed(0)
    _depth_anything(tmp_path, kind)
    picture = np.random.default_rng(0).integers(0, 255, (60, 90, 3), np.uint8)
    model = DepthModel(tmp_path)
    found = model(picture)
    assert found.size == (90, 60) and found.metric == (kind == "metric")
    np.testing.assert_array_equal(model(picture).depth, found.depth)
    if kind == "relative":
        np.testing.assert_allclose((found.depth.min(), found.depth.max()), (1, REACH), rtol=1e-4)


@pytest.mark.slow
def test_depth_pro_gives_metres_and_the_lens(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    tf = pytest.importorskip("transformers")
    from kineograph.vision.depth_model import DepthModel

    torch.manual_seed(0)
    tiny = {
        "model_type": "dinov2",
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "hidden_size": 16,
        "image_size": 16,
        "patch_size": 2,
    }
    config = tf.DepthProConfig(
        patch_size=16,
        intermediate_hook_ids=[1, 0],
        intermediate_feature_dims=[8, 8],
        scaled_images_ratios=[0.5, 1.0],
        scaled_images_overlap_ratios=[0.0, 0.2],
        scaled_images_feature_dims=[8, 8],
        fusion_hidden_size=8,
        use_fov_model=True,
        image_model_config=tiny,
        patch_model_config=tiny,
        fov_model_config=tiny,
    )
    tf.DepthProForDepthEstimation(config).save_pretrained(tmp_path)
    found = DepthModel(tmp_path)(np.zeros((40, 60, 3), np.uint8))
    assert found.metric and found.size == (60, 40) and found.K is not None


@pytest.mark.slow
def test_models_of_other_things_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    from kineograph.vision.depth_model import DepthModel

    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(
        VisionError, match="a model of the kind bert; a depth model has to be one of"
    ):
        DepthModel(tmp_path)
    with pytest.raises(VisionError, match="hf download depth-anything/Depth-Anything-V2-Small-hf"):
        DepthModel(tmp_path / "missing")
