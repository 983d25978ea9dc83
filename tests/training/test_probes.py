"""Probes: each measure against known answers, and the whole on tiny networks."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from moving_square import FRAMES, SIDE, said, square_clip

import tiny
from kineograph.core.errors import TrainingError
from kineograph.core.tracks import Tracks
from kineograph.core.video import Video, read_video
from kineograph.data.clip import Clip, Fact
from kineograph.evaluation.followable import endpoint_error, followable, moving, still_error
from kineograph.evaluation.locating import by_colours, by_points, similarity
from kineograph.evaluation.metrics.boxes import box_overlap, still_overlap
from kineograph.evaluation.metrics.direction import agreement, cosine, measurable
from kineograph.evaluation.metrics.psnr import psnr
from kineograph.evaluation.small_tracker import SmallTracker
from kineograph.training.probes import Probing, run_probes
from kineograph.training.probes.measured import Measured
from kineograph.training.probes.probe_clips import probe_clips
from kineograph.training.stage import Stage
from kineograph.training.subject import Subject

SCENES: dict[str, Any] = {
    "kind": "scenes",
    "objects": [1, 1],
    "motions": {"slide": 1.0},
    "camera": 0.0,
    "still": 0.0,
}


# following


def test_the_small_tracker_follows_a_small_square() -> None:
    clip = square_clip((2.0, 1.0))
    queries = np.array([[0, 11.5, 15.5], [0, 9.5, 12.5], [2, 15.5, 17.5]], np.float32)
    found = SmallTracker()(Video(clip.video, 8), queries)
    step = np.array([2.0, 1.0])
    for query, track in zip(queries, found.points, strict=True):
        wanted = query[1:] + (np.arange(FRAMES) - query[0])[:, None] * step
        assert np.abs(track - wanted).max() < 0.6


def test_the_small_tracker_carries_a_plain_square_as_a_whole() -> None:
    video = np.full((4, 24, 24, 3), 90, np.uint8)
    for index in range(4):
        video[index, 8:15, 4 + 3 * index : 11 + 3 * index] = (220, 40, 30)
    found = SmallTracker()(Video(video, 8), np.array([[0, 7.5, 11.5]], np.float32))
    np.testing.assert_allclose(found.points[0], [[7.5 + 3 * i, 11.5] for i in range(4)], atol=0.3)


def test_the_true_video_is_near_zero_and_the_wrong_one_is_not() -> None:
    clip = square_clip((2.0, 0.0))
    assert clip.tracks is not None
    points = followable(clip.video, clip.tracks)
    other = square_clip((-1.0, 1.0), start=(6, 10))
    true, wrong = endpoint_error(clip.video, points), endpoint_error(other.video, points)
    still = endpoint_error(np.repeat(clip.video[:1], FRAMES, axis=0), points)
    assert true < 4
    assert still == pytest.approx(still_error(points), abs=1.5)
    assert wrong > still > 5 * true


def test_the_error_is_in_pixels_of_256() -> None:
    """A point that should go 1, 2, ... pixels of 32 and rests is 8, 16, ... of 256 off."""
    points = np.stack([np.arange(3) + 4.0, np.full(3, 5.0)], -1)[None]
    asked = Tracks.of(points, size=(32, 32), fps=8)
    assert still_error(asked) == pytest.approx((8 + 16) / 2)


def test_hidden_frames_and_the_frames_before_a_track_do_not_count() -> None:
    points = np.stack([[9.0, 4, 5, 6, 50], np.full(5, 5.0)], -1)[None]
    state = np.array([[0, 1, 1, 1, 2]], np.uint8)
    asked = Tracks.of(points, state, size=(32, 32), fps=8)
    assert still_error(asked) == pytest.approx((8 + 16) / 2)


def test_half_of_the_measured_points_move() -> None:
    clip = square_clip()
    assert clip.tracks is not None
    points = followable(clip.video, clip.tracks, 20)
    assert points.count == 20 and moving(points).sum() == 10
    rest = clip.tracks.select(np.flatnonzero(~moving(clip.tracks)))
    assert followable(clip.video, rest, 20).count == 20


def test_without_tracks_there_is_nothing_to_follow() -> None:
    none = Tracks.of(np.zeros((0, FRAMES, 2)), size=(SIDE, SIDE), fps=8)
    assert followable(square_clip().video, none).count == 0
    assert np.isnan(endpoint_error(square_clip().video, none)) and np.isnan(still_error(none))


# boxes


@pytest.mark.parametrize("pictured", [True, False])
def test_boxes_are_filled_by_the_true_video_only(pictured: bool) -> None:
    clip, other = square_clip((2.0, 0.0)), square_clip((0.0, 2.0))
    true = box_overlap(clip.video, clip, pictured=pictured)
    assert true > 0.7
    assert box_overlap(other.video, clip, pictured=pictured) < true - 0.25


def test_an_object_is_found_wherever_it_is() -> None:
    """By colours, the place in the true clip plays no part; by points it is where it began."""
    clip, moved = square_clip((2.0, 0.0)), square_clip((0.0, 0.0), start=(18, 20))
    by_colour = by_colours(moved.video, clip, 0)
    assert by_colour is not None
    np.testing.assert_allclose(by_colour.boxes, [[18, 20, 28, 30]] * FRAMES, atol=1.5)
    by_point = by_points(clip.video, clip, 0)
    assert by_point is not None and clip.boxes is not None
    np.testing.assert_allclose(by_point.boxes, clip.boxes.boxes[0], atol=1)
    np.testing.assert_allclose(by_point.scale, 1, atol=0.12)


def test_a_still_box_overlaps_by_the_known_share() -> None:
    """After i steps of 2 a square of 10 shares (10 - 2 i) / (10 + 2 i) with where it began."""
    shares = [(10 - 2 * i) / (10 + 2 * i) for i in range(1, 6)]
    assert still_overlap(square_clip(), pictured=True) == pytest.approx(np.mean(shares), abs=1e-6)
    assert still_overlap(square_clip(), pictured=False) == pytest.approx(np.mean([1, *shares]))


def test_a_similarity_is_found_despite_outliers() -> None:
    points = np.random.default_rng(0).uniform(0, 30, (40, 2))
    z = points[:, 0] + 1j * points[:, 1]
    w = 1.2 * np.exp(0.3j) * z + (4 - 2j)
    moved = np.stack([w.real, w.imag], -1)
    moved[:4] += 15
    factor, shift = similarity(points, moved)
    assert abs(factor) == pytest.approx(1.2, abs=0.02)
    assert np.angle(factor) == pytest.approx(0.3, abs=0.02)
    assert shift == pytest.approx(4 - 2j, abs=0.3)


# directions


@pytest.mark.parametrize("pictured", [True, False])
@pytest.mark.parametrize("step", [(2.0, 0.0), (-1.0, 0.0), (0.0, 2.0), (1.5, -1.5)])
def test_objects_go_where_they_are_said_to(step: tuple[float, float], pictured: bool) -> None:
    clip = square_clip(step)
    assert agreement(clip.video, clip, pictured=pictured) > 0.9
    still = np.repeat(clip.video[:1], FRAMES, axis=0)
    assert agreement(still, clip, pictured=pictured) == 0
    opposite = Fact("red square", "moves", said((-step[0], -step[1])), 10, 0)
    against = replace(clip, facts=(opposite,))
    assert agreement(clip.video, against, pictured=pictured) < -0.9


def _camera(texture: np.ndarray, matrices: list[np.ndarray], fact: Fact) -> Clip:
    """A textured ground seen by a camera: each frame is the first one warped."""
    frames = [
        cv2.warpAffine(texture[:96, :96], matrix, (96, 96), borderMode=cv2.BORDER_REFLECT)
        for matrix in matrices
    ]
    return Clip(video=np.stack(frames), fps=8, facts=(fact,))


@pytest.mark.parametrize(
    ("verb", "said", "against"),
    [("zooms", "in", "out"), ("rolls", "counterclockwise", "clockwise"), ("pans", "left", "right")],
)
def test_the_camera_does_what_is_said(
    texture: np.ndarray, verb: str, said: str, against: str
) -> None:
    """Zooming in enlarges; a camera turning left round turns the picture right; so with panning."""
    turn = {"zooms": (0.0, 1.04), "rolls": (-3.0, 1.0), "pans": (0.0, 1.0)}[verb]
    shift = 2.0 if verb == "pans" else 0.0
    matrices = []
    for index in range(6):
        held = cv2.getRotationMatrix2D((48, 48), turn[0] * index, turn[1] ** index)
        held[0, 2] += shift * index
        matrices.append(held)
    clip = _camera(texture, matrices, Fact("camera", verb, said, 1.0))
    assert agreement(clip.video, clip, pictured=True) > 0.9
    wrong = replace(clip, facts=(Fact("camera", verb, against, 1.0),))
    assert agreement(clip.video, wrong, pictured=True) < -0.9


def test_what_cannot_be_seen_is_left_out() -> None:
    clip = replace(square_clip(), facts=(Fact("red square", "wobbles", None, 2.0, 0),))
    assert not measurable(clip.facts[0])
    assert np.isnan(agreement(clip.video, clip, pictured=True))
    assert cosine(np.array([0.1, 0.0]), "right", 32) == 0
    assert cosine(np.array([3.0, 0.0]), "up right", 32) == pytest.approx(0.5**0.5)


# pictures and numbers


def test_the_signal_to_noise_ratio_is_that_of_the_formula() -> None:
    one = np.full((4, 4, 3), 100, np.uint8)
    assert psnr(one, one + np.uint8(5)) == pytest.approx(20 * np.log10(255 / 5))
    assert psnr(one, one) == 60


def test_a_measurement_says_its_mean_and_each_clip() -> None:
    before = Measured("epe", 0, (10.0, 30.0), "lower", "px", {"still": 25.0})
    after = replace(before, step=500, clips=(4.0, 8.0))
    assert before.value == 20 and after.beats(before) and not before.beats(after)
    assert replace(before, better="higher").beats(replace(after, better="higher"))
    assert str(before) == "epe 20 px (still 25)"
    assert after.plain()["clips"] == [4.0, 8.0]
    with pytest.raises(TrainingError, match="the probe epe has no clip to measure"):
        replace(before, clips=())


# the whole


def _stage(*measures: str, **fields: Any) -> Stage:
    given: dict[str, Any] = {
        "name": "tracks",
        "trains": ["adapters.tracks"],
        "adapters": {"tracks": {"kind": "track-control", "options": {"raster": 1, "channels": 8}}},
        "sampling": {"frames": 6, "size": (32, 32), "tracks": "dense"},
        "probes": [{"measure": measure, "clips": 2, "steps": 2} for measure in measures],
    }
    return Stage.model_validate(given | fields)


def _subject(folder: Path, stage: Stage) -> Subject:
    return Subject.of(stage, tiny.tiny_model_folder(folder / "base"))


@pytest.mark.slow
def test_probe_clips_are_always_the_same_and_have_what_is_measured() -> None:
    stage = _stage("epe", "box-iou", "direction")
    one, two = probe_clips(stage, 2, SCENES), probe_clips(stage, 2, SCENES)
    for clip, again in zip(one, two, strict=True):
        assert np.array_equal(clip.video, again.video) and clip.caption == again.caption
        assert clip.tracks is not None and again.tracks is not None
        assert np.array_equal(clip.tracks.points, again.tracks.points)
        assert clip.size == (32, 32) and clip.frames == 6 and any(map(measurable, clip.facts))
    assert not np.array_equal(one[0].video, one[1].video)
    with pytest.raises(TrainingError, match="probes direction, and 0 of 80 scenes have all that"):
        probe_clips(_stage("direction"), 2, {"kind": "scenes", "objects": [0, 0], "camera": 0})


@pytest.mark.slow
def test_probing_changes_nothing_and_repeats_itself(tmp_path: Path) -> None:
    subject = _subject(tmp_path, _stage("epe", "box-iou", "direction", "loss"))
    subject.base.unet.train()
    before = {name: held.clone() for name, held in subject.denoiser.state_dict().items()}
    chance = torch.random.get_rng_state()
    probing = Probing(SCENES, tmp_path / "run")
    found = probing(subject.stage.probes, subject, 0)
    assert torch.equal(chance, torch.random.get_rng_state())
    assert subject.base.unet.training and not subject.base.vae.training
    assert all(torch.equal(held, before[n]) for n, held in subject.denoiser.state_dict().items())
    again = Probing(SCENES)(subject.stage.probes, subject, 0)
    assert [one.plain() for one in found] == [one.plain() for one in again]
    assert {one.measure for one in found} == {"epe", "box-iou", "direction", "loss"}
    epe = next(one for one in found if one.measure == "epe")
    assert len(epe.clips) == 2 and epe.beside["true video"] < epe.beside["still"]
    sample = read_video(tmp_path / "run" / "samples" / "000000-epe-box-iou-direction.mp4")
    assert len(sample.frames) == 6 + 3 and sample.frames.std() > 5


@pytest.mark.slow
def test_probes_see_the_weights_as_they_are(tmp_path: Path) -> None:
    """Another adapter makes other videos; the same weights make the same ones again."""
    stage = _stage("epe", "loss")
    subject = _subject(tmp_path, stage)
    probing = Probing(SCENES)
    untrained = probing(stage.probes, subject, 0)
    held = subject.adapters["tracks"]
    kept = {name: value.clone() for name, value in held.state_dict().items()}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        tiny.randomise(held)
    changed = probing(stage.probes, subject, 1)
    assert all(one.clips != other.clips for one, other in zip(untrained, changed, strict=True))
    held.load_state_dict(kept)
    back = probing(stage.probes, subject, 2)
    assert [one.clips for one in back] == [one.clips for one in untrained]


def test_the_picture_is_held_against_what_the_autoencoder_can_do(tmp_path: Path) -> None:
    adapters = {"picture": {"kind": "picture-concat"}}
    fields = {"frames": 6, "size": (32, 32), "picture": "first"}
    stage = _stage("picture", trains=["adapters.picture"], adapters=adapters, sampling=fields)
    (found,) = run_probes(stage.probes, _subject(tmp_path, stage), 0)
    assert found.unit == "dB" and 0 < found.value < 60 and 0 < found.beside["autoencoder"] < 60


def test_an_autoencoder_is_probed_by_what_comes_back(tmp_path: Path) -> None:
    stage = _stage("picture", "loss", trains=["vae"], adapters={})
    found, loss = run_probes(stage.probes, _subject(tmp_path, stage), 0)
    assert found.value == pytest.approx(found.beside["autoencoder"], abs=1e-3) and loss.value > 0


def test_pictures_without_motion_are_probed_one_by_one(tmp_path: Path) -> None:
    sampling = {"frames": 1, "size": (32, 32)}
    adapters = {"boxes": {"kind": "grounding"}}
    stage = _stage(
        "box-iou", trains=["adapters.boxes"], adapters=adapters, sampling=sampling, temporal=False
    )
    (found,) = run_probes(stage.probes, _subject(tmp_path, stage), 0)
    assert 0 <= found.value <= 1 < 1 + found.beside["true video"]
