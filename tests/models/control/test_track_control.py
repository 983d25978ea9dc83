"""The track ControlNet: silent at first, alone in learning, and true to the tracks."""

from pathlib import Path

import pytest
import torch
from control_given import BASES, CELLS, FRAMES, awaken, given, step, tracks
from diffusers import UNetMotionModel
from einops import rearrange
from torch import Tensor, nn

from kineograph.conditioning.identity_volume import identity_volume
from kineograph.core.errors import ModelError
from kineograph.models.adapter_folder import load_adapter, save_adapter
from kineograph.models.control.track_control import TrackControl, TrackControlConfig
from kineograph.models.denoiser import Denoiser
from kineograph.models.given import Given
from tiny import STRIDE, tiny_motion_unet


@pytest.fixture(params=BASES, name="base")
def a_base(request: pytest.FixtureRequest) -> nn.Module:
    base = BASES[request.param]()
    return base.requires_grad_(False)


def control(base: nn.Module, awake: bool = True, **options: object) -> TrackControl:
    """A small one with a pixel raster, every weight shaken unless it is to be as new."""
    settings: dict[str, object] = {"stride": STRIDE, "raster": 1, "channels": 8}
    torch.manual_seed(0)
    made = TrackControl.for_base(base, **settings | options).eval()
    if awake:
        awaken(made)
    return made


def plain(base: nn.Module, sample: Tensor, time: Tensor, text: Tensor) -> Tensor:
    return Denoiser(base)(sample, time, text)


@torch.no_grad()
def test_a_new_one_leaves_the_base_as_it_was(base: nn.Module) -> None:
    adapter = control(base, awake=False)
    condition = {"tracks": adapter.condition(given(tracks(), tracks(seed=1)))}

    steered = Denoiser(base, {"tracks": adapter})(*step(), condition)

    assert torch.equal(steered, plain(base, *step()))


def test_one_step_of_training_moves_the_adapter_and_nothing_else(base: nn.Module) -> None:
    adapter = control(base, awake=False)
    before = {name: held.clone() for name, held in base.state_dict().items()}
    mine = {name: held.clone() for name, held in adapter.state_dict().items()}
    network = Denoiser(base, {"tracks": adapter})
    trained = torch.optim.SGD(adapter.parameters(), lr=1.0)
    clips = given(tracks(), None)

    for _ in range(2):
        trained.zero_grad()
        made = network(*step(), {"tracks": adapter.condition(clips)})
        (made - step(seed=1)[0]).square().mean().backward()
        trained.step()

    assert all(torch.equal(held, before[name]) for name, held in base.state_dict().items())
    moved = {
        name for name, held in adapter.state_dict().items() if not torch.equal(held, mine[name])
    }
    assert {name.split(".")[0] for name in moved} == {"hint_in", "encoder"}
    assert {"hint_in.weight", "encoder.zero_mid.weight", "encoder.zero_down.0.weight"} <= moved
    with torch.no_grad():
        steered = network(*step(), {"tracks": adapter.condition(clips)})
        assert not torch.allclose(steered, plain(base, *step()), atol=1e-4)


@torch.no_grad()
def test_strength_scales_what_is_added(base: nn.Module) -> None:
    adapter = control(base)
    network = Denoiser(base, {"tracks": adapter})
    sample, time, text = step()
    condition = {"tracks": adapter.condition(given(tracks(), tracks(seed=1)))}
    own = plain(base, sample, time, text)

    assert torch.equal(network(sample, time, text, condition, {"tracks": 0}), own)
    half = network(sample, time, text, condition, {"tracks": 0.5})
    added = adapter.residuals(condition["tracks"], time, text).scaled(0.5)
    rows = text.repeat_interleave(FRAMES, 0) if "Motion" in type(base).__name__ else text
    told = base(
        sample,
        time,
        rows,
        down_block_additional_residuals=added.down,
        mid_block_additional_residual=added.mid,
    ).sample
    assert torch.equal(half, told)
    assert not torch.allclose(half, own, atol=1e-3)


@torch.no_grad()
def test_a_track_s_own_strength_is_in_the_volume() -> None:
    adapter = control(tiny_motion_unet())
    hints = [adapter.condition(given(tracks(strength=s))).hint for s in (0.0, 0.25, 1.0)]
    nothing, quarter, full = hints
    assert torch.allclose(quarter - nothing, 0.25 * (full - nothing), atol=1e-5)
    assert torch.equal(nothing, adapter.condition(given(None)).hint)


@torch.no_grad()
@pytest.mark.parametrize("state", [0, 2])
def test_hidden_tracks_change_nothing(base: nn.Module, state: int) -> None:
    adapter = control(base)
    seen, hidden = tracks(), tracks(count=4, seed=5, state=state)
    both = type(seen).merge(seen, hidden)

    one, two = (adapter.condition(given(clip, None)) for clip in (seen, both))

    assert torch.equal(one.hint, two.hint)
    blank = adapter.condition(given(hidden, hidden))
    assert torch.equal(blank.hint, adapter.condition(given(None, None)).hint)
    assert torch.equal(blank.hint, adapter.null(given(seen, seen)).hint)
    left_out = Given(batch=2, frames=FRAMES, size=given(None).size, stride=STRIDE)
    assert torch.equal(blank.hint, adapter.condition(left_out).hint)


@torch.no_grad()
def test_the_generator_draws_the_identities() -> None:
    adapter = control(tiny_motion_unet())
    first, again, other = (adapter.condition(given(tracks(), seed=s)).hint for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)


@torch.no_grad()
def test_cells_of_the_raster_become_channels() -> None:
    adapter = control(tiny_motion_unet(), stride=STRIDE, raster=1, channels=6)
    clip = given(tracks())
    folded = adapter.volume(clip)
    drawn = identity_volume(
        clip.tracks, channels=6, generator=torch.Generator().manual_seed(0), dtype=torch.float32
    )
    frames = rearrange(drawn, "b c f h w -> (b f) c h w").contiguous()
    slow = rearrange(torch.pixel_unshuffle(frames, STRIDE), "(b f) c h w -> b c f h w", b=1)
    assert torch.equal(folded, slow)
    assert folded.shape == (1, 6 * STRIDE**2, FRAMES, CELLS[1], CELLS[0])
    assert folded.any()


@torch.no_grad()
def test_the_raster_may_be_the_latent_grid() -> None:
    adapter = control(tiny_motion_unet(), raster=STRIDE)
    assert adapter.volume(given(tracks())).shape == (1, 8, FRAMES, CELLS[1], CELLS[0])
    assert adapter.hint_in.in_channels == 8


@torch.no_grad()
def test_a_released_track_may_be_marked() -> None:
    adapter = control(tiny_motion_unet(), released_channel=True)
    hidden, blank = (adapter.condition(given(clip)).hint for clip in (tracks(state=2), None))
    assert adapter.hint_in.in_channels == 9 * STRIDE**2
    assert not torch.allclose(hidden, blank)


@torch.no_grad()
def test_without_time_and_text_it_runs_once(base: nn.Module) -> None:
    adapter = control(base, reads_time=False, reads_text=False)
    clips = given(tracks(), tracks(seed=1))
    condition = adapter.condition(clips)
    assert condition.residuals is not None
    runs: list[object] = []
    hook = adapter.encoder.register_forward_hook(lambda *said: runs.append(said))

    sample, time, text = step()
    network = Denoiser(base, {"tracks": adapter})
    once = network(sample, time, text, {"tracks": condition})

    assert not runs
    hook.remove()
    each = type(condition)(hint=condition.hint)
    assert torch.equal(network(sample, time, text, {"tracks": each}), once)
    for reads in ({"reads_time": False}, {"reads_text": False}, {}):
        assert control(base, **reads).condition(clips).residuals is None


def test_what_runs_once_is_trained_too() -> None:
    base = tiny_motion_unet().requires_grad_(False)
    adapter = control(base, reads_time=False, reads_text=False)
    network = Denoiser(base, {"tracks": adapter})
    made = network(*step(), {"tracks": adapter.condition(given(tracks(), None))})
    made.square().mean().backward()
    assert not [name for name, held in adapter.named_parameters() if held.grad is None]
    assert adapter.encoder.null_text.grad.any() and adapter.hint_in.weight.grad.any()


@torch.no_grad()
def test_a_clip_longer_than_the_motion_layers_is_left_to_windows() -> None:
    adapter = control(tiny_motion_unet(), reads_time=False, reads_text=False)
    long = Given(batch=1, frames=40, size=(8, 8), stride=STRIDE)
    condition = adapter.condition(long)
    assert condition.residuals is None and condition.hint.shape[2] == 40
    _, time, text = step(1)
    window = condition.picked(range(8, 24))
    assert adapter.residuals(window, time, text).mid.shape[0] == 16


@torch.no_grad()
def test_saved_and_loaded_it_is_the_same_to_the_bit(base: nn.Module, tmp_path: Path) -> None:
    adapter = control(base, reads_text=False, released_channel=True)
    save_adapter(adapter, tmp_path / "adapter")

    loaded = load_adapter(tmp_path / "adapter")

    assert isinstance(loaded, TrackControl) and loaded.config == adapter.config
    mine, its = adapter.state_dict(), loaded.state_dict()
    assert mine.keys() == its.keys()
    assert all(torch.equal(held, its[name]) for name, held in mine.items())
    clips = given(tracks(), None)
    made = []
    for one in (adapter, loaded):
        clips.generator.manual_seed(0)
        network = Denoiser(base, {"tracks": one})
        made.append(network(*step(), {"tracks": one.condition(clips)}))
    assert torch.equal(*made)


def test_what_does_not_fit_is_said() -> None:
    base = tiny_motion_unet()
    with pytest.raises(ModelError, match=r"a raster of 3 pixels .* has to divide the 8 pixels"):
        TrackControl.for_base(base, raster=3)
    with pytest.raises(ModelError, match=r"made for latent cells of 8 pixels; .* have 2; take"):
        TrackControl.for_base(base).condition(given(tracks()))


def test_the_full_one_has_the_planned_layers() -> None:
    with torch.device("meta"):
        base = UNetMotionModel(cross_attention_dim=768, use_motion_mid_block=False)
        whole = TrackControl.for_base(base)
    assert isinstance(whole.config, TrackControlConfig)
    # 2x2 cells of 64 channels to 320
    assert tuple(whole.hint_in.weight.shape) == (320, 256, 3, 3)
    parameters = sum(held.numel() for held in whole.parameters())
    encoder = sum(
        held.numel()
        for part in (base.time_embedding, base.down_blocks, base.mid_block)
        for held in part.parameters()
    )
    widths = [320] * 4 + [640] * 3 + [1280] * 6
    zeros = sum(width**2 + width for width in widths)
    assert parameters == encoder + zeros + 320 * 256 * 9 + 320
