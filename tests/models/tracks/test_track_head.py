"""The light head for tracks."""

from pathlib import Path

import numpy as np
import pytest
import torch

from clip_given import BASES, BATCH, FRAMES, SIZE, both_bases, clips, prediction, shaken
from kineograph.conditioning.identity_volume import identity_volume
from kineograph.conditioning.track_batch import TrackBatch
from kineograph.core.errors import ModelError
from kineograph.core.tracks import Tracks
from kineograph.models.adapter_folder import load_adapter, save_adapter
from kineograph.models.tracks.head import TrackHead

SMALL = {"channels": 6, "widths": (5,)}


@both_bases
@pytest.mark.parametrize("widths", [(), (5,), (7, 5)])
def test_at_first_nothing_changes_and_later_it_does(family: str, widths: tuple) -> None:
    unet = BASES[family]()
    bare = prediction(unet, {}, clips())
    adapter = TrackHead.for_base(unet, channels=6, widths=widths)
    assert torch.equal(prediction(unet, {"t": adapter}, clips()), bare)
    made = prediction(unet, {"t": shaken(adapter)}, clips())
    assert not torch.allclose(made, bare, atol=1e-4)


def test_the_channels_are_the_volume_through_the_head() -> None:
    torch.manual_seed(0)
    adapter = TrackHead.for_base(BASES["animatediff"](), **SMALL)
    made = adapter.condition(clips()).channels
    again = clips()
    volume = identity_volume(again.tracks, stride=2, channels=6, generator=again.generator)
    weight = adapter.head[0].weight[:, :, 0, 0]
    wanted = torch.nn.functional.silu(torch.einsum("oc,bcfhw->bofhw", weight, volume))
    assert made.shape == (BATCH, 5, FRAMES, 6, 8)
    torch.testing.assert_close(made, wanted)


def test_without_tracks_the_base_is_as_it_was_even_after_training() -> None:
    unet = BASES["modelscope"]()
    adapter = shaken(TrackHead.for_base(unet, **SMALL))
    bare = prediction(unet, {}, clips())
    nobody = TrackBatch.of([None] * BATCH, frames=FRAMES, size=SIZE)
    for given in (
        clips().without("tracks"),
        clips(tracks=None, generator=None),
        clips(tracks=nobody, generator=None),
    ):
        assert torch.equal(prediction(unet, {"t": adapter}, given), bare)


def test_hidden_tracks_say_nothing_unless_they_are_marked() -> None:
    points = np.full((1, FRAMES, 2), 3, np.float32)
    hidden = Tracks.of(points, state=np.full((1, FRAMES), 2, np.uint8), size=SIZE, fps=8.0)
    tracks = TrackBatch.of([hidden, None], frames=FRAMES, size=SIZE)
    unet = BASES["animatediff"]()
    plain = TrackHead.for_base(unet, channels=6, widths=())
    assert not plain.condition(clips(tracks=tracks)).channels.any()
    marking = TrackHead.for_base(unet, channels=6, widths=(), released=True)
    channels = marking.condition(clips(tracks=tracks)).channels
    assert channels.shape[1] == 7 == marking.conv.in_channels
    assert torch.equal(channels[0, 6].nonzero(), torch.tensor([[f, 1, 1] for f in range(FRAMES)]))
    assert not channels[1].any()


def test_frames_fold_into_channels() -> None:
    points = np.full((1, 5, 2), 3, np.float32)
    tracks = TrackBatch.of([Tracks.of(points, size=SIZE, fps=8.0)] * 2, frames=5, size=SIZE)
    adapter = TrackHead.for_base(
        BASES["animatediff"](), channels=6, widths=(), frames_per_latent=4, released=True
    )
    condition = adapter.condition(clips(frames=5, tracks=tracks))
    assert condition.channels.shape == (BATCH, 4 * 7, 2, 6, 8) and condition.frames == 2
    assert adapter.conv.in_channels == 28


def test_the_same_seed_draws_the_same_identities() -> None:
    adapter = TrackHead.for_base(BASES["animatediff"](), **SMALL)
    one, two = (adapter.condition(clips()).channels for _ in range(2))
    other = adapter.condition(clips(generator=torch.Generator().manual_seed(9))).channels
    assert torch.equal(one, two) and not torch.equal(one, other)


def test_saved_and_loaded_it_does_the_same(tmp_path: Path) -> None:
    unet = BASES["animatediff"]()
    adapter = shaken(TrackHead.for_base(unet, **SMALL))
    save_adapter(adapter, tmp_path / "head")
    again = load_adapter(tmp_path / "head")
    made = prediction(unet, {"t": again}, clips())
    assert torch.equal(made, prediction(unet, {"t": adapter}, clips()))


def test_what_does_not_suit_is_refused() -> None:
    adapter = TrackHead.for_base(BASES["animatediff"](), **SMALL)
    with pytest.raises(ModelError, match="neither ids nor a generator"):
        adapter.condition(clips(generator=None))
    other = TrackBatch.of([None, None], frames=FRAMES, size=(32, 12))
    with pytest.raises(ModelError, match="of 32x12 and the clip is 16x12"):
        adapter.condition(clips(tracks=other))
