"""The default tracker on scenes with exact truth, and the protocol that all trackers keep."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kineograph.core.errors import TracksError
from kineograph.core.picture import fit
from kineograph.core.state import State
from kineograph.core.video import Video, open_video
from kineograph.evaluation.metrics.tapvid import TapVid, make_queries, tapvid
from kineograph.vision.flow_tracker import FlowTracker
from kineograph.vision.tracker import PointTracker, check_queries, grid_queries, with_queries
from named_scenes import SCENES, scene
from scenes import Layer, Motion, Scene, dead_leaves


def measured(name: str, frames: int, count: int = 60, mode: str = "first") -> TapVid:
    made = scene(name, frames)
    truth = made.tracks(count)
    asked = make_queries(truth, mode)
    found = FlowTracker()(made.video(), asked.queries)
    starts = asked.queries[:, 0].astype(np.int64)
    return tapvid(truth.select(asked.which), found, starts, mode)


# the scenes themselves


@pytest.mark.parametrize("name", SCENES)
def test_a_layer_is_found_where_it_was_placed(name: str) -> None:
    q = np.random.default_rng(0).uniform(-120, 120, (50, 2))
    for layer in SCENES[name](10).layers:
        for t in (0, 7):
            assert layer.motion.find(layer.motion.place(q, t), t) == pytest.approx(q, abs=1e-6)


def test_truth_is_where_the_texture_is() -> None:
    """What is seen at a true track keeps its colour, up to noise and resampling."""
    made = scene("front", 8)
    truth = made.tracks(200)
    frames = made.video().frames.astype(float)
    spread = []
    for points, seen in zip(truth.points, truth.visible, strict=True):
        at = np.floor(points[seen]).astype(int)
        spread.append(frames[np.flatnonzero(seen), at[:, 1], at[:, 0]].std(axis=0).mean())
    shuffled = frames[0].reshape(-1, 3).std(axis=0).mean()
    assert np.median(spread) < 0.2 * shuffled


def test_truth_is_hidden_exactly_behind_what_is_in_front() -> None:
    made = scene("behind", 30)
    truth = made.follow(np.array([[30.0, 120.0]]), 0)  # the middle of the disc
    x = truth.points[0, :, 0]
    behind = ((x > 75) & (x < 101)) | ((x > 163) & (x < 189))  # the posts
    assert np.array_equal(truth.state[0] == State.OCCLUDED, behind) and behind.any()


# the tracker


@pytest.mark.parametrize(
    ("name", "jaccard", "delta", "occlusion"),
    [("pan", 0.97, 0.98, 0.98), ("turn", 0.95, 0.97, 0.97), ("zoom", 0.95, 0.97, 0.97)],
)
def test_it_follows_motion_to_a_part_of_a_pixel(
    name: str, jaccard: float, delta: float, occlusion: float
) -> None:
    found = measured(name, 20)
    assert found.average_jaccard > jaccard, str(found)
    assert found.delta_average > delta, str(found)
    assert found.occlusion_accuracy > occlusion, str(found)


@pytest.mark.parametrize(
    ("name", "jaccard", "delta", "occlusion"),
    [
        ("behind", 0.72, 0.8, 0.87),
        ("front", 0.82, 0.9, 0.92),
        ("light", 0.95, 0.97, 0.97),
        ("cloth", 0.97, 0.98, 0.98),
        ("everything", 0.6, 0.7, 0.78),
    ],
)
@pytest.mark.slow
def test_it_copes_with_each_difficulty(
    name: str, jaccard: float, delta: float, occlusion: float
) -> None:
    found = measured(name, 48, 100)
    assert found.average_jaccard > jaccard, str(found)
    assert found.delta_average > delta, str(found)
    assert found.occlusion_accuracy > occlusion, str(found)


def test_a_hidden_point_is_said_to_be_hidden_and_found_again() -> None:
    made = scene("behind", 26)
    around = np.random.default_rng(1).uniform(-15, 15, (40, 2)) + np.array([30, 120])
    start = np.concatenate([np.zeros((40, 1)), around], axis=1).astype(np.float32)
    truth = made.follow(start[:, 1:].astype(np.float64), 0)
    found = FlowTracker()(made.video(), start)
    assert (~truth.visible).any(axis=1).all()  # every one goes behind the first post
    agrees = truth.visible == found.visible
    assert agrees.mean() > 0.75
    last = np.array([int(np.flatnonzero(seen)[-1]) for seen in truth.visible])
    rows = np.arange(40)
    missed = np.linalg.norm(found.points[rows, last] - truth.points[rows, last], axis=1)
    assert (found.visible[rows, last] & (missed < 1)).mean() > 0.5


def test_it_tracks_backwards_from_the_middle() -> None:
    made = scene("turn", 15)
    asked = grid_queries(made.size, 6, frame=7)
    truth = made.follow(asked[:, 1:].astype(np.float64), 7)
    found = FlowTracker()(made.video(), asked)
    near = np.linalg.norm(found.points - truth.points, axis=-1) < 0.5
    assert near[:, 0][truth.visible[:, 0]].mean() > 0.95
    assert near[:, -1][truth.visible[:, -1]].mean() > 0.95


def test_a_track_does_not_depend_on_what_else_is_asked() -> None:
    made = scene("front", 12)
    asked = make_queries(made.tracks(40)).queries
    tracker = FlowTracker()
    assert isinstance(tracker, PointTracker)
    whole, again = tracker(made.video(), asked), tracker(made.video(), asked)
    assert np.array_equal(whole.points, again.points)
    some = tracker(made.video(), asked[5:9])
    assert some.points == pytest.approx(whole.points[5:9], abs=0.02)
    assert np.array_equal(some.state, whole.state[5:9])


def test_positions_are_those_of_the_full_size() -> None:
    made = scene("pan", 10)
    large = Video(made.video().frames.repeat(3, axis=1).repeat(3, axis=2), made.fps)
    asked = grid_queries(made.size, 5)
    truth = made.follow(asked[:, 1:].astype(np.float64), 0)
    found = FlowTracker(side=256)(large, asked * [1, 3, 3])
    assert found.size == (768, 768)
    seen = truth.visible[:, -1]
    error = np.linalg.norm(found.points[seen, -1] / 3 - truth.points[seen, -1], axis=1)
    assert np.median(error) < 0.1


def test_a_still_flat_place_stays_where_it_is_when_something_passes() -> None:
    """Nothing to hold on to: it neither wanders nor is pushed by what comes along."""
    flat = np.full((300, 300, 3), 110, np.float32)
    car = Layer(dead_leaves(120, 3), Motion(lambda t: (-60 + 8.0 * t, 64)), lambda q: _box(q, 18))
    posts = Layer(dead_leaves(300, 5), Motion(lambda t: (64, 64)), lambda q: 44 - abs(q[..., 1]))
    made = Scene((Layer(flat, Motion(lambda t: (64, 64))), posts, car), 24, (128, 128), noise=1.5)
    asked = np.array([[0, x, 64] for x in (40, 55, 70, 85, 100)], np.float32)
    found = FlowTracker()(made.video(), asked)
    moved = np.linalg.norm(found.points - asked[:, None, 1:], axis=-1)
    assert moved.max() < 3
    true = made.follow(asked[:, 1:].astype(np.float64), 0)
    assert (found.visible == true.visible).mean() > 0.85


def _box(q: np.ndarray, half: float) -> np.ndarray:
    return np.abs(q).max(axis=-1) - half


@pytest.mark.parametrize("frames", [1, 2])
def test_the_shortest_videos(frames: int) -> None:
    video = Video(scene("pan", 8).video().frames[:frames], 24)
    asked = grid_queries(video.size, 4, frame=frames - 1)
    found = FlowTracker()(video, asked)
    assert (found.count, found.frames) == (16, frames)
    assert np.array_equal(found.points[:, frames - 1], asked[:, 1:])
    assert found.visible[:, frames - 1].all()


def test_tiny_flat_and_empty_ones() -> None:
    found = FlowTracker()(Video(np.zeros((4, 20, 30, 3), np.uint8), 8), grid_queries((30, 20), 3))
    assert found.specified.all() and np.abs(found.displacements()).max() < 1
    nothing = FlowTracker()(scene("pan", 8).video(), np.zeros((0, 3), np.float32))
    assert (nothing.count, nothing.frames) == (0, 8)


def test_progress_is_told_for_both_directions() -> None:
    told: list[tuple[int, int]] = []
    video = Video(scene("pan", 8).video().frames[:5], 24)
    FlowTracker(progress=lambda done, total: told.append((done, total)))(
        video, grid_queries(video.size, 3, frame=2)
    )
    assert told == [(i + 1, 10) for i in range(10)]


# queries


def test_a_grid_is_in_the_middles_of_square_cells() -> None:
    found = grid_queries((80, 40), 4, frame=2)
    assert found.tolist()[:4] == [[2, 10, 10], [2, 30, 10], [2, 50, 10], [2, 70, 10]]
    assert len(found) == 8
    with pytest.raises(TracksError, match="a grid of 0 points across was asked for; give 1 or"):
        grid_queries((80, 40), 0)


@given(width=st.integers(1, 2000), height=st.integers(1, 2000), across=st.integers(1, 60))
def test_a_grid_is_always_inside(width: int, height: int, across: int) -> None:
    found = grid_queries((width, height), across)
    assert (found[:, 1:] > 0).all() and (found[:, 1:] < (width, height)).all()


@pytest.mark.parametrize("query", [(-1, 5, 5), (3, 5, 5), (0, 30, 5), (0, 5, -0.1), (0.5, 5, 5)])
def test_queries_outside_the_video_are_refused(query: tuple[float, float, float]) -> None:
    video = Video(np.zeros((3, 20, 30, 3), np.uint8), 8)
    message = r"outside the video; give whole frames 0 to 2, x from 0 to below 30 and y to below 20"
    with pytest.raises(TracksError, match=message):
        FlowTracker()(video, np.array([[0, 1, 1], query], np.float32))
    with pytest.raises(TracksError, match=r"queries are \(4, 2\); they have to be \(N, 3\)"):
        check_queries(video, np.zeros((4, 2), np.float32))
    with pytest.raises(TracksError, match="a working side of 8 pixels was asked for; give 64 or"):
        FlowTracker(side=8)


def test_a_query_is_visible_where_it_was_asked_for() -> None:
    video = Video(np.zeros((3, 20, 30, 3), np.uint8), 8)
    points, seen = np.full((1, 3, 2), 50.0), np.array([[True, False, True]])
    found = with_queries(points, seen, video, np.array([[1, 4, 6]], np.float32))
    assert found.points[0, 1].tolist() == [4, 6]
    assert found.state[0].tolist() == [State.OCCLUDED, State.VISIBLE, State.OCCLUDED]


# real video


@pytest.mark.slow
def test_there_and_back_on_a_real_clip(clips: Path) -> None:
    """Points followed for a second and back again end where they began."""
    with open_video(clips / "juggle.mp4") as reader:
        frames = [fit(image, (512, 288)) for image, _ in zip(reader, range(20), strict=False)]
    video = Video(np.stack(frames), 24)
    asked = grid_queries(video.size, 16)
    there = FlowTracker()(video, asked)
    last = there.visible[:, -1]
    at = np.full((int(last.sum()), 1), 19)
    back = FlowTracker()(video, np.concatenate([at, there.points[last, -1]], axis=1))
    missed = np.linalg.norm(back.points[:, 0] - asked[last][:, 1:], axis=1)
    assert last.mean() > 0.85 and np.median(missed) < 0.1 and (missed < 1).mean() > 0.9
