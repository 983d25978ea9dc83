"""Windows over frames: every frame covered, and a blend against a plain loop."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kineograph.core.errors import EngineError
from kineograph.engines.diffusion.windows import Windows


def spans(windows: Windows) -> list[tuple[int, int]]:
    return [(frames.start, frames.stop) for frames in windows.frames]


def test_windows_start_every_stride_and_the_last_ends_with_the_clip() -> None:
    assert spans(Windows(24, 16, 12)) == [(0, 16), (4, 20), (8, 24)]
    assert spans(Windows(26, 16, 12)) == [(0, 16), (4, 20), (8, 24), (10, 26)]
    assert spans(Windows(48, 16, 0)) == [(0, 16), (16, 32), (32, 48)]
    assert spans(Windows(16, 16, 4)) == [(0, 16)]
    assert spans(Windows(9, 16, 4)) == [(0, 9)]
    assert spans(Windows(17, 16, 4)) == [(0, 16), (1, 17)]


def test_a_shift_moves_the_seams() -> None:
    assert spans(Windows(40, 16, 8, shift=3)) == [(0, 16), (5, 21), (13, 29), (21, 37), (24, 40)]


def test_weights_by_hand() -> None:
    assert torch.equal(Windows(4, 4).weights, torch.ones(1, 4))
    pyramid = Windows(6, 4, 2).weights
    assert torch.allclose(pyramid[0], torch.tensor([1, 1, 2 / 3, 1 / 3]))
    assert torch.allclose(pyramid[1], torch.tensor([1 / 3, 2 / 3, 1, 1]))
    uniform = Windows(6, 4, 2, "uniform").weights
    assert torch.allclose(uniform[0], torch.tensor([1, 1, 0.5, 0.5]))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_frame_is_covered_and_the_blend_is_a_weighted_mean(data: st.DataObject) -> None:
    total, length = data.draw(st.integers(1, 60)), data.draw(st.integers(1, 20))
    overlap = data.draw(st.integers(0, length - 1))
    shift = data.draw(st.integers(0, length - overlap - 1))
    windows = Windows(
        total, length, overlap, data.draw(st.sampled_from(["pyramid", "uniform"])), shift
    )
    assert {frame for frames in windows.frames for frame in frames} == set(range(total))
    assert len({len(frames) for frames in windows.frames}) == 1
    made = [torch.randn(1, 2, len(frames), 1, 2) for frames in windows.frames]
    wanted = torch.zeros(1, 2, total, 1, 2)
    for part, frames, weights in zip(made, windows.frames, windows.weights, strict=True):
        for place, frame in enumerate(frames):
            wanted[:, :, frame] += weights[place] * part[:, :, place]
    torch.testing.assert_close(windows.blend(iter(made)), wanted)
    whole = torch.randn(1, 2, total, 1, 2)
    cut = [whole[:, :, list(frames)] for frames in windows.frames]
    torch.testing.assert_close(windows.blend(cut), whole)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 60), st.integers(2, 20), st.data())
def test_neighbours_overlap_as_much_as_was_asked_for(
    total: int, length: int, data: st.DataObject
) -> None:
    overlap = data.draw(st.integers(0, length - 1))
    shift = data.draw(st.integers(0, length - overlap - 1))
    frames = Windows(total, length, overlap, shift=shift).frames
    for before, after in pairwise(frames):
        assert before.stop - after.start >= overlap


def test_half_precision_keeps_its_type() -> None:
    windows = Windows(6, 4, 2)
    halves = [torch.full((1, 1, 4, 1, 1), 0.1).half() for _ in windows.frames]
    blended = windows.blend(halves)
    assert blended.dtype == torch.float16
    assert torch.equal(blended, torch.full((1, 1, 6, 1, 1), 0.1).half())


def test_what_is_not_allowed_is_said() -> None:
    with pytest.raises(EngineError, match="windows of 0 frames over 4 were asked for"):
        Windows(4, 0)
    with pytest.raises(EngineError, match=r"an overlap of 4 frames .* of 4; give 0 to 3"):
        Windows(8, 4, 4)
    with pytest.raises(EngineError, match=r"a shift of 2 frames .* every 2; give 0 to 1"):
        Windows(8, 4, 2, shift=2)
    part = torch.zeros(1, 1, 4, 1, 1)
    with pytest.raises(EngineError, match="1 predictions or more were given for 2 windows"):
        Windows(6, 4, 2).blend([part])
    with pytest.raises(EngineError, match="3 predictions or more were given for 2 windows"):
        Windows(6, 4, 2).blend([part] * 3)
    with pytest.raises(EngineError, match="prediction has 4 frames; the windows have 5"):
        Windows(6, 5, 2).blend([part])
