"""The clips that probes measure on have captions and motion as training sees them."""

from typing import Any

import numpy as np
import pytest

from kineograph.core.errors import TrainingError
from kineograph.data.procedural.scene import scene
from kineograph.training.probes.probe_clips import SEED, probe_clips
from kineograph.training.scene_clips import PICTURED
from kineograph.training.stage import Stage

PLAIN: dict[str, Any] = {
    "objects": [1, 1],
    "motions": {"slide": 1.0},
    "camera": 0.0,
    "still": 0.0,
    "sprite_kinds": {"shape": 1.0},
    "background_kinds": {"pattern": 1.0},
}
SCENES: dict[str, Any] = {"kind": "scenes", **PLAIN}


def stage(frames: int, *measures: str) -> Stage:
    return Stage.model_validate(
        {
            "name": "pictures",
            "trains": ["unet.spatial"],
            "sampling": {"frames": frames, "size": (32, 32)},
            "probes": [{"measure": measure} for measure in measures or ("loss",)],
        }
    )


def whole(number: int, frames: int) -> Any:
    """The scene that a clip is cut from."""
    return scene(SEED + number, **PLAIN, size=(32, 32), frames=frames)


def test_pictures_are_single_frames_of_scenes_in_which_things_move() -> None:
    """A scene of one frame says that nothing happens, and does not even name what is there."""
    alone = scene(SEED, **PLAIN, size=(32, 32), frames=1)
    assert not any(fact.group is not None for fact in alone.facts)
    for number, clip in enumerate(probe_clips(stage(1, "box-iou"), 4, SCENES)):
        said = whole(number, PICTURED)
        assert clip.frames == 1 and clip.boxes is not None and clip.boxes.frames == 1
        assert clip.caption == said.caption and clip.facts == said.facts
        assert any(fact.verb == "moves" for fact in clip.facts)
        assert any(np.array_equal(clip.video[0], frame) for frame in said.video)


def test_a_part_is_cut_from_scenes_as_long_as_those_that_are_kept() -> None:
    data = {**SCENES, "few": 4, "frames": 6}
    starts = set()
    for number, clip in enumerate(probe_clips(stage(2), 8, data)):
        said = whole(number, 6)
        assert clip.caption == said.caption
        fits = [k for k in range(5) if np.array_equal(clip.video, said.video[k : k + 2])]
        assert fits and clip.boxes is not None
        assert np.array_equal(clip.boxes.boxes, said.boxes.boxes[:, fits[0] : fits[0] + 2])
        starts.add(fits[0])
    assert len(starts) > 1


def test_clips_as_long_as_their_scenes_are_whole() -> None:
    for number, clip in enumerate(probe_clips(stage(5), 2, SCENES)):
        assert np.array_equal(clip.video, whole(number, 5).video)


def test_a_single_frame_shows_no_direction() -> None:
    with pytest.raises(TrainingError, match="probes direction, and 0 of 40 scenes have all that"):
        probe_clips(stage(1, "direction"), 1, SCENES)
