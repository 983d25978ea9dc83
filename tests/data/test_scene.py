"""Scenes: whole clips by number, the same every time, that go on where they were left."""

import itertools
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from kineograph.core.errors import DataError
from kineograph.core.state import State
from kineograph.data.clip import Clip
from kineograph.data.procedural.scene import Scenes, scene
from kineograph.data.procedural.settings import SceneSettings, settings_of

SMALL = settings_of(size=(48, 40), frames=6, sprites=12, backgrounds=4, spacing=4)


def same(one: Clip, other: Clip) -> bool:
    assert one.tracks and other.tracks and one.boxes and other.boxes
    return (
        np.array_equal(one.video, other.video)
        and np.array_equal(one.tracks.points, other.tracks.points)
        and np.array_equal(one.tracks.state, other.tracks.state)
        and np.array_equal(one.boxes.boxes, other.boxes.boxes)
        and np.array_equal(one.flow, other.flow)
        and np.array_equal(one.depth, other.depth)
        and np.array_equal(one.masks, other.masks)
        and (one.caption, one.name, one.facts) == (other.caption, other.name, other.facts)
    )


def test_a_scene_is_a_clip_with_all_its_truth() -> None:
    clip = scene(3, size=(48, 40), frames=6, sprites=12, backgrounds=4, objects=(2, 3))
    assert clip.size == (48, 40) and clip.frames == 6 and clip.fps == 16
    assert clip.tracks is not None and clip.boxes is not None and clip.masks is not None
    assert clip.tracks.count == 24 * 20
    assert clip.tracks.visible[:, 0].all() and clip.tracks.specified.all()
    assert clip.boxes.count == len(clip.masks) in (2, 3)
    assert clip.flow is not None and clip.flow.shape == (5, 40, 48, 2)
    assert clip.depth is not None and clip.cameras is not None
    assert clip.caption and clip.caption.islower() and "  " not in clip.caption
    assert np.ptp(clip.video) > 50


def test_tracks_masks_and_boxes_of_drawn_scenes_agree() -> None:
    right = wrong = 0
    large = settings_of(size=(128, 96), frames=6, backgrounds=4, sprite_kinds={"shape": 1})
    for clip in Scenes(large, seed=9).clips(range(12)):
        assert clip.tracks is not None and clip.boxes is not None and clip.masks is not None
        tracks, boxes = clip.tracks, clip.boxes
        assert tracks.group is not None
        for group in range(boxes.count):
            own = tracks.group == group
            for frame in range(clip.frames):
                at = tracks.points[own & tracks.visible[:, frame], frame]
                low, high = boxes.boxes[group, frame].reshape(2, 2)
                assert ((at >= low - 1) & (at <= high + 1)).all(), "points are in their box"
                cells = np.floor(at).astype(int)
                found = clip.masks[group, frame, cells[:, 1], cells[:, 0]]
                right, wrong = right + found.sum(), wrong + (~found).sum()
                if boxes.state[group, frame] == State.VISIBLE:
                    assert clip.masks[group, frame].any()
    assert wrong < 0.05 * right, "but for edges, a visible point is in its mask"


def test_the_same_number_is_the_same_scene_in_any_order() -> None:
    scenes = Scenes(SMALL, seed=2)
    first = scenes[5]
    np.random.seed(7)
    torch.manual_seed(7)
    other = Scenes(SMALL, seed=2)
    other[0]
    assert same(first, other[5])
    assert not same(first, other[6])
    assert not same(first, Scenes(SMALL, seed=3)[5])


def test_another_process_draws_the_same_bytes() -> None:
    code = (
        "import hashlib, torch; torch.set_num_threads(1)\n"
        "from kineograph.data.procedural.scene import scene\n"
        "c = scene(5, size=(48, 40), frames=6, sprites=12, backgrounds=4)\n"
        "data = [c.video, c.tracks.points, c.flow, c.depth, c.masks, c.boxes.boxes]\n"
        "said = b''.join(x.tobytes() for x in data) + c.caption.encode()\n"
        "print(hashlib.sha256(said).hexdigest())"
    )
    prints = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(prints) == 1


def test_iterating_goes_on_exactly_where_it_was() -> None:
    scenes = Scenes(SMALL, seed=4)
    list(itertools.islice(scenes, 3))
    state = json.loads(json.dumps(scenes.state_dict()))
    expected = list(itertools.islice(scenes, 2))
    resumed = Scenes(SMALL, seed=4)
    resumed.load_state_dict(state)
    again = list(itertools.islice(resumed, 2))
    assert all(same(a, b) for a, b in zip(expected, again, strict=True))
    assert same(again[0], scenes[3])


def test_processes_share_the_scenes() -> None:
    shared = [Scenes(SMALL, seed=4, rank=rank, ranks=2) for rank in range(2)]
    names = [clip.name for each in shared for clip in itertools.islice(each, 2)]
    whole = Scenes(SMALL, seed=4)
    assert names == [whole[i].name for i in (0, 2, 1, 3)]


def test_a_batch_is_the_scenes_one_by_one() -> None:
    scenes = Scenes(SMALL, seed=6)
    for clip, index in zip(scenes.clips([1, 4]), (1, 4), strict=True):
        assert same(clip, scenes[index])


def test_what_is_not_wanted_is_left_out() -> None:
    bare = scene(
        1,
        **SMALL.model_dump(exclude={"flow", "depth", "masks"}),
        flow=False,
        depth=False,
        masks=False,
    )
    assert bare.flow is None and bare.depth is None and bare.masks is None
    assert bare.tracks is not None and bare.boxes is not None


@pytest.mark.parametrize("frames", [1, 2])
def test_short_clips_are_clips(frames: int) -> None:
    clip = scene(2, size=(48, 40), frames=frames, sprites=12, backgrounds=4)
    assert clip.frames == frames and clip.flow is not None and len(clip.flow) == frames - 1


def test_no_objects_is_a_scene_too() -> None:
    clip = scene(2, size=(48, 40), frames=4, backgrounds=4, objects=(0, 0))
    assert clip.boxes is not None and clip.boxes.count == 0
    assert clip.masks is not None and len(clip.masks) == 0


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"sizes": 3}, "scene setting sizes is 3: .*; there are size, frames, fps, objects"),
        ({"size": (8, 64)}, r"scene setting size is \(8, 64\): give a width and a height of 16"),
        ({"objects": (4, 2)}, "scene setting objects is .*: give the least and the most"),
        (
            {"motions": {"fly": 1}},
            "scene setting motions is .*: motions are stay, slide, .*not fly",
        ),
        ({"motions": {"stay": 0}}, "give numbers of 0 or more, not all 0"),
        ({"camera": 2}, "scene setting camera is 2: Input should be less than or equal to 1"),
    ],
)
def test_settings_that_are_not_allowed_are_said(fields: dict, said: str) -> None:
    with pytest.raises(DataError, match=said) as raised:
        settings_of(**fields)
    assert "\n" not in str(raised.value)


def test_a_state_of_other_scenes_is_refused() -> None:
    scenes = Scenes(SMALL, seed=4)
    with pytest.raises(DataError, match="scenes of seed 4 cannot go on from a state of seed 5"):
        scenes.load_state_dict(Scenes(SMALL, seed=5).state_dict())
    with pytest.raises(DataError, match="scenes of ranks 1 cannot go on from a state of ranks 2"):
        scenes.load_state_dict(Scenes(SMALL, seed=4, ranks=2).state_dict())
    with pytest.raises(DataError, match="cannot go on from a state of settings"):
        scenes.load_state_dict(Scenes(SceneSettings(), seed=4).state_dict())
    with pytest.raises(DataError, match="a state of scenes lacks position, ranks"):
        scenes.load_state_dict({"seed": 4, "settings": {}})
    with pytest.raises(DataError, match="scene -1 was asked for; scenes are 0, 1, 2 and so on"):
        scenes[-1]
    with pytest.raises(DataError, match="for process 2 of 2 were asked for"):
        Scenes(SMALL, rank=2, ranks=2)
