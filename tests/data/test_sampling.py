"""Windows, crops, sizes and mirrors: everything a clip holds follows its pictures."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from made_clips import assert_same, made_clip

from kineograph.core.boxes import Boxes
from kineograph.core.cameras import Cameras
from kineograph.core.errors import DataError
from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.data import sampling
from kineograph.data.clip import Clip, Fact
from kineograph.data.mirror import flip, random_flip
from kineograph.data.track_sampling import draw_count, draw_tracks, gap, subset, truncate


def moving_dot(frames: int = 9, size: tuple[int, int] = (64, 40)) -> Clip:
    """A bright 5x5 square that moves 3 px right and 1 px down a frame, with its track and flow."""
    w, h = size
    video = np.zeros((frames, h, w, 3), np.uint8)
    centres = np.stack([10.5 + 3 * np.arange(frames), 12.5 + np.arange(frames)], axis=1)
    flow = np.zeros((frames - 1, h, w, 2), np.float32)
    for t, (x, y) in enumerate(centres.astype(int)):
        video[t, y - 2 : y + 3, x - 2 : x + 3] = 255
        if t < frames - 1:
            flow[t, y - 2 : y + 3, x - 2 : x + 3] = 3, 1
    box = np.concatenate([centres - 2.5, centres + 2.5], axis=1)
    return Clip(
        video,
        12.0,
        "a square slides right",
        name="dot",
        tracks=Tracks.of(centres[None], size=size, fps=12),
        boxes=Boxes.of(box[None], size=size, fps=12, labels=("square",)),
        flow=flow,
    )


def found_dot(frame: np.ndarray) -> np.ndarray:
    """The middle of what is bright, in raster pixels."""
    weight = frame[..., 0].astype(np.float64)
    rows, columns = np.mgrid[: frame.shape[0], : frame.shape[1]] + 0.5
    return np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()


def check_dot(clip: Clip, tolerance: float = 0.01) -> None:
    """Track and box are where the picture shows the square, in every frame."""
    assert clip.tracks is not None and clip.boxes is not None
    for t, frame in enumerate(clip.video):
        seen = found_dot(frame)
        np.testing.assert_allclose(clip.tracks.points[0, t], seen, atol=tolerance)
        np.testing.assert_allclose(clip.boxes.centres[0, t], seen, atol=tolerance)


def test_a_window_takes_every_kth_frame_of_everything() -> None:
    clip = sampling.window(moving_dot(), 1, 3, 2)
    check_dot(clip)
    assert (clip.frames, clip.fps) == (3, 6)
    np.testing.assert_array_equal(clip.video, moving_dot().video[[1, 3, 5]])


def test_flow_over_a_stride_is_followed_through_the_frames_between() -> None:
    clip = sampling.window(moving_dot(), 0, 3, 2)
    assert clip.flow is not None
    np.testing.assert_allclose(clip.flow[0, 12, 10], [6, 2], atol=1e-5)
    np.testing.assert_allclose(clip.flow[0, 30, 40], [0, 0])


def test_flow_of_one_frame_is_none_at_all() -> None:
    clip = sampling.window(moving_dot(), 4, 1, 5)
    assert clip.flow is not None and clip.flow.shape == (0, 40, 64, 2)


@pytest.mark.parametrize(("start", "frames", "stride"), [(0, 10, 1), (-1, 2, 1), (0, 3, 5)])
def test_frames_that_are_not_there_are_refused(start: int, frames: int, stride: int) -> None:
    with pytest.raises(DataError, match=r"clip dot: frames .* were asked for; it has 0 to 8"):
        sampling.window(moving_dot(), start, frames, stride)


def test_windows_by_chance_reach_every_start_and_stride_that_fits() -> None:
    rng = np.random.default_rng(0)
    seen = {sampling.draw_window(7, 3, (1, 4), rng) for _ in range(600)}
    wanted = {(s, 3, k) for k in (1, 2, 3) for s in range(7 - 2 * k)}
    assert seen == wanted


def test_a_clip_that_is_too_short_is_refused() -> None:
    with pytest.raises(DataError, match="clip dot: it has 9 frames, too few for 6 at a "):
        sampling.random_window(moving_dot(), 6, np.random.default_rng(0), strides=(2, 4))


def test_a_crop_moves_tracks_boxes_and_flow() -> None:
    clip = sampling.crop(moving_dot(4), (5, 3, 40, 33))
    assert clip.size == (35, 30)
    check_dot(clip)
    assert clip.flow is not None
    np.testing.assert_array_equal(clip.flow[0, 12 - 3, 10 - 5], [3, 1])


def test_what_leaves_a_crop_is_hidden_and_keeps_its_place() -> None:
    clip = sampling.crop(moving_dot(), (0, 0, 20, 40))
    assert clip.tracks is not None and clip.boxes is not None
    states = clip.tracks.state[0].tolist()
    assert states == [State.VISIBLE] * 4 + [State.OCCLUDED] * 5
    assert clip.tracks.points[0, -1].tolist() == [34.5, 20.5]
    assert clip.boxes.state[0, -1] == State.OCCLUDED


def test_a_crop_outside_the_picture_is_refused() -> None:
    with pytest.raises(DataError, match="clip dot: a crop to 0, 0, 65, 40 was asked for"):
        sampling.crop(moving_dot(), (0, 0, 65, 40))


@pytest.mark.parametrize("size", [(32, 20), (128, 80), (48, 60)])
def test_a_resize_moves_everything_with_the_pictures(size: tuple[int, int]) -> None:
    clip = sampling.resize(moving_dot(5), size)
    assert clip.size == size
    check_dot(clip, 0.1)
    assert clip.flow is not None
    x, y = (np.array([10.5, 12.5]) * np.array(size) / (64, 40)).astype(int)
    np.testing.assert_allclose(clip.flow[0, y, x], np.array([3, 1]) * np.array(size) / (64, 40))


def test_a_fit_cuts_the_middle_out() -> None:
    clip = made_clip()
    np.testing.assert_array_equal(sampling.fit(clip, (16, 16)).video, clip.video[:, :, 4:20])
    stretched = sampling.fit(clip, (16, 16), "stretch")
    np.testing.assert_array_equal(
        stretched.video[0], cv2.resize(clip.video[0], (16, 16), interpolation=cv2.INTER_AREA)
    )


def test_random_crops_keep_the_aspect_and_the_place_of_things() -> None:
    rng = np.random.default_rng(1)
    for _ in range(5):
        clip = sampling.random_crop(moving_dot(3), (60, 40), rng, smallest=0.9)
        assert clip.size == (60, 40)
        check_dot(clip, 0.15)
    with pytest.raises(DataError, match="crops of at least 0 of the picture"):
        sampling.random_crop(moving_dot(3), (60, 40), rng, smallest=0)


def test_cameras_follow_a_crop() -> None:
    cameras = Cameras.from_fov(60, (64, 40), frames=9, fps=12)
    clip = replace(moving_dot(), cameras=cameras)
    point = np.array([[0.1, -0.2, 2.0]])
    before = cameras.project(point)[0]
    cropped = sampling.crop(clip, (5, 3, 40, 33)).cameras
    assert cropped is not None
    np.testing.assert_allclose(cropped.project(point)[0], before - [5, 3], atol=1e-4)


def test_a_mirror_turns_everything_round() -> None:
    clip = flip(moving_dot())
    check_dot(clip)
    assert clip.caption == "a square slides left"
    assert clip.flow is not None
    np.testing.assert_array_equal(clip.flow[0, 12, 63 - 10], [-3, 1])


def test_a_mirror_twice_is_no_mirror() -> None:
    clip = made_clip(3)
    assert_same(flip(flip(clip)), clip)
    once = flip(clip)
    assert once.facts == (Fact("red thing", "moves", "right", 5.5, 0), clip.facts[1])
    assert once.boxes is not None and once.boxes.labels == ("red thing", "right shoe")
    assert clip.masks is not None and once.masks is not None
    np.testing.assert_array_equal(once.masks[..., 0], clip.masks[..., -1])


def test_a_mirrored_camera_sees_the_mirrored_world() -> None:
    turn = cv2.Rodrigues(np.array([0.2, -0.3, 0.1]))[0]
    pose = np.concatenate([turn, [[0.3], [-0.1], [0.5]]], axis=1)
    lens = np.array([[30.0, 2.0, 13.0], [0, 33.0, 7.0], [0, 0, 1]])
    cameras = Cameras.of(lens, pose, size=(24, 16), fps=8)
    clip = Clip(np.zeros((1, 16, 24, 3), np.uint8), 8, cameras=cameras)
    points = np.random.default_rng(0).normal([0, 0, 6], 1, (8, 3))
    seen, _ = cameras.project(points)
    mirrored = flip(clip).cameras
    assert mirrored is not None
    again, _ = mirrored.project(points * [-1, 1, 1])
    np.testing.assert_allclose(again[..., 0], 24 - seen[..., 0], atol=1e-4)
    np.testing.assert_allclose(again[..., 1], seen[..., 1], atol=1e-4)


def test_mirrors_by_chance() -> None:
    rng = np.random.default_rng(0)
    clip = moving_dot(2)
    turned = sum(random_flip(clip, rng) is not clip for _ in range(400))
    assert 160 < turned < 240
    assert random_flip(clip, rng, 0) is clip


def test_numbers_of_tracks_are_drawn_as_the_papers_do() -> None:
    rng = np.random.default_rng(0)
    dense = [draw_count("dense", rng) for _ in range(30_000)]
    assert (min(dense), max(dense)) == (1000, 2000)
    assert abs(np.mean(dense) - 1500) < 8
    sparse = [draw_count("sparse", rng) for _ in range(2000)]
    assert set(sparse) == set(range(1, 9))
    powers = np.log2([draw_count("log-uniform", rng) for _ in range(20_000)])
    assert powers.min() == 0 and powers.max() <= 13
    shares = np.histogram(powers, bins=[4, 6, 8, 10, 12])[0] / len(powers)
    np.testing.assert_allclose(shares, 2 / 13, atol=0.015)


def test_some_tracks_are_taken_at_random() -> None:
    rng = np.random.default_rng(0)
    clip = made_clip()
    assert clip.tracks is not None
    taken = np.zeros(5)
    for _ in range(300):
        few = subset(clip, 2, rng).tracks
        assert few is not None and few.count == 2
        taken += [(point[None] == few.points).all((1, 2)).any() for point in clip.tracks.points]
    assert np.all(np.abs(taken - 120) < 40)
    all_of_them = draw_tracks(clip, "dense", rng).tracks
    assert all_of_them is not None and all_of_them.count == 5


def test_a_clip_without_tracks_is_refused() -> None:
    with pytest.raises(DataError, match="clip made 0 has no tracks; run"):
        subset(replace(made_clip(), tracks=None), 2, np.random.default_rng(0))


def test_truncated_tracks_are_released_not_hidden() -> None:
    rng = np.random.default_rng(0)
    clip = moving_dot()
    ends = []
    for _ in range(1000):
        cut = truncate(clip, rng).tracks
        assert cut is not None
        kept = int(cut.specified[0].sum())
        assert cut.state[0].tolist() == [1] * kept + [0] * (9 - kept)
        ends.append(kept)
    assert 150 < sum(end < 9 for end in ends) < 250
    assert set(ends) == set(range(1, 10))


def test_gaps_are_in_the_middle() -> None:
    rng = np.random.default_rng(0)
    clip = moving_dot()
    for _ in range(200):
        cut = gap(clip, rng, 1).tracks
        assert cut is not None
        free = np.flatnonzero(cut.state[0] == State.UNSPECIFIED)
        assert len(free) and free[0] >= 1 and free[-1] <= 7
        assert np.all(np.diff(free) == 1)
    assert gap(clip, rng, 0) is clip
