"""The denoiser: what adapters add to a base, and that the base stays as it was."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from kineograph.core.errors import ModelError
from kineograph.models.condition import Condition
from kineograph.models.denoiser import Denoiser
from kineograph.models.gates import GateInput, spatial_blocks
from kineograph.models.given import Given
from models.all_ways import AllWays
from tiny import randomise, tiny_motion_unet, tiny_unet2d, tiny_unet3d

FRAMES = 3
BASES: dict[str, Callable[[], nn.Module]] = {
    "animatediff": tiny_motion_unet,
    "animatediff-v2": lambda: tiny_motion_unet(mid=True),
    "modelscope": tiny_unet3d,
}


@pytest.fixture(params=BASES)
def base(request: pytest.FixtureRequest) -> nn.Module:
    torch.set_num_threads(1)
    return BASES[request.param]()


def clip(batch: int = 2, size: int = 8) -> tuple[Tensor, Tensor, Tensor]:
    draw = torch.Generator().manual_seed(0)
    sample = torch.randn(batch, 4, FRAMES, size, size, generator=draw)
    text = torch.randn(batch, 5, 32, generator=draw)
    return sample, torch.full((batch,), 7), text


def given(batch: int = 2, size: int = 8) -> Given:
    latent = torch.randn(batch, 4, size, size, generator=torch.Generator().manual_seed(1))
    return Given(batch, FRAMES, (2 * size, 2 * size), stride=2, picture_latent=latent)


def trained(adapter: AllWays, seed: int = 2) -> AllWays:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        randomise(adapter)
    return adapter


@torch.no_grad()
def plain(base: nn.Module, sample: Tensor, steps: Tensor, text: Tensor) -> Tensor:
    own = type(base).__name__ == "UNetMotionModel"
    rows = text.repeat_interleave(FRAMES, 0) if own else text
    return base(sample, steps, rows).sample


@torch.no_grad()
def test_a_new_adapter_changes_nothing_and_a_trained_one_does(base: nn.Module) -> None:
    before = plain(base, *clip())
    adapter = AllWays.for_base(base)
    denoiser = Denoiser(base, {"it": adapter})
    condition = {"it": adapter.condition(given())}
    assert torch.equal(denoiser(*clip(), condition), before)
    trained(adapter)
    assert (denoiser(*clip(), condition) - before).abs().max() > 1e-3
    assert torch.equal(denoiser(*clip(), condition, {"it": 0}), before)
    assert torch.equal(denoiser(*clip()), before)


@torch.no_grad()
@pytest.mark.parametrize("way", ["conv", "gates", "mid"])
def test_each_way_acts_by_itself(base: nn.Module, way: str) -> None:
    before = plain(base, *clip())
    adapter = trained(AllWays.for_base(base))
    for name, parameter in adapter.named_parameters():
        if not name.startswith(way):
            parameter.zero_()
    denoiser = Denoiser(base, {"it": adapter})
    condition = {"it": adapter.condition(given())}
    assert not torch.allclose(denoiser(*clip(), condition), before, atol=1e-4)


@torch.no_grad()
def test_the_input_way_is_a_widened_convolution(base: nn.Module) -> None:
    adapter = trained(AllWays.for_base(base))
    for name, parameter in adapter.named_parameters():
        if not name.startswith("conv"):
            parameter.zero_()
    condition = adapter.condition(given())
    ours = Denoiser(base, {"it": adapter})(*clip(), {"it": condition})
    widened = nn.Conv2d(8, 8, 3, padding=1)
    widened.weight.copy_(torch.cat([base.conv_in.weight, adapter.conv.weight], 1))
    widened.bias.copy_(base.conv_in.bias)
    base.conv_in = widened
    sample, steps, text = clip()
    assert condition.channels is not None
    wide = plain(base, torch.cat([sample, condition.channels], 1), steps, text)
    torch.testing.assert_close(ours, wide, atol=1e-5, rtol=1e-5)


def test_the_base_keeps_its_names_weights_and_output(base: nn.Module) -> None:
    before = {name: held.clone() for name, held in base.state_dict().items()}
    out = plain(base, *clip())
    adapter = trained(AllWays.for_base(base))
    denoiser = Denoiser(base, {"it": adapter})
    with torch.no_grad():
        denoiser(*clip(), {"it": adapter.condition(given())})
    after = base.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], held) for name, held in before.items())
    assert denoiser.release() is base
    assert torch.equal(plain(base, *clip()), out)
    assert not any("fuser" in vars(module) for module in base.modules())


def test_a_base_bears_the_gates_of_one_denoiser(base: nn.Module) -> None:
    adapter = trained(AllWays.for_base(base))
    first = Denoiser(base, {"it": adapter})
    with pytest.raises(ModelError, match=r"gates of another denoiser on it; release\(\) that one"):
        Denoiser(base, {"it": adapter})
    first.release()
    with pytest.raises(ModelError, match="has released its base; make a new one"):
        first(*clip(), {"it": adapter.condition(given())})
    Denoiser(base, {"it": adapter})


@torch.no_grad()
@pytest.mark.parametrize("name", ["tracks.v2", "keys", "forward", ""])
def test_adapters_may_have_any_name(name: str) -> None:
    base = tiny_motion_unet()
    adapter = trained(AllWays.for_base(base))
    condition = adapter.condition(given())
    expected = Denoiser(base, {"it": adapter})(*clip(), {"it": condition})
    Denoiser(base).release()
    base = tiny_motion_unet()
    made = Denoiser(base, {name: adapter})
    assert torch.equal(made(*clip(), {name: condition}), expected)
    assert len(made.state_dict()) == len(base.state_dict()) + len(adapter.state_dict())


def test_only_the_adapter_learns(base: nn.Module) -> None:
    base.requires_grad_(False)
    adapter = AllWays.for_base(base)
    denoiser = Denoiser(base, {"it": adapter})
    before = {name: held.clone() for name, held in denoiser.state_dict().items()}
    optimiser = torch.optim.SGD([p for p in denoiser.parameters() if p.requires_grad], lr=0.1)
    denoiser(*clip(), {"it": adapter.condition(given())}).square().mean().backward()
    optimiser.step()
    changed = {n for n, held in denoiser.state_dict().items() if not torch.equal(held, before[n])}
    assert changed == {name for name in before if name.startswith("adapters.it")}


@torch.no_grad()
def test_a_batch_is_its_clips(base: nn.Module) -> None:
    adapter = trained(AllWays.for_base(base))
    denoiser = Denoiser(base, {"it": adapter})
    adapter.mid.zero_()  # it looks at the whole batch
    both = adapter.condition(given())
    together = denoiser(*clip(), {"it": both})
    sample, steps, text = clip()
    latents = given().picture_latent
    assert latents is not None
    for index in range(2):
        one = Given(1, FRAMES, (16, 16), stride=2, picture_latent=latents[index : index + 1])
        part = slice(index, index + 1)
        alone = denoiser(sample[part], steps[part], text[part], {"it": adapter.condition(one)})
        torch.testing.assert_close(together[part], alone, atol=1e-5, rtol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("size", [8, 12, 16])
def test_any_size_goes_through_one_model(base: nn.Module, size: int) -> None:
    adapter = trained(AllWays.for_base(base))
    denoiser = Denoiser(base, {"it": adapter})
    made = denoiser(*clip(1, size), {"it": adapter.condition(given(1, size))})
    assert made.shape == (1, 4, FRAMES, size, size)
    assert torch.isfinite(made).all()


@torch.no_grad()
def test_gates_of_one_rank_act_side_by_side_and_others_in_order() -> None:
    base = tiny_motion_unet()
    first, second = trained(AllWays.for_base(base), 3), trained(AllWays.for_base(base), 4)
    conditions = {"a": first.condition(given()), "b": second.condition(given())}

    def added(place: int) -> Tensor:
        """What the first block's gates make of features, the second adapter at a place."""
        after = AllWays.for_base(base, place=place)
        after.load_state_dict(second.state_dict())
        denoiser = Denoiser(base, {"b": after, "a": first})
        held = {name: (held.tokens, 1.0) for name, held in conditions.items()}
        made = spatial_blocks(base)[0].fuser(features, GateInput(held))
        denoiser.release()
        return made

    features = torch.randn(2 * FRAMES, 64, 8, generator=torch.Generator().manual_seed(5))
    one = first.gates[0](features, conditions["a"].tokens)
    other = second.gates[0](features, conditions["b"].tokens)
    torch.testing.assert_close(added(10), one + other - features)
    torch.testing.assert_close(added(20), second.gates[0](one, conditions["b"].tokens))
    torch.testing.assert_close(added(0), first.gates[0](other, conditions["a"].tokens))


@torch.no_grad()
def test_gates_may_stand_in_some_blocks_only() -> None:
    base = tiny_motion_unet()
    count = len(AllWays.for_base(base).config.base.blocks)
    adapter = trained(AllWays.for_base(base, blocks_with_gates=(count - 1,)))
    adapter.conv.weight.zero_()
    adapter.mid.zero_()
    before = plain(base, *clip())
    made = Denoiser(base, {"it": adapter})(*clip(), {"it": adapter.condition(given())})
    assert len(adapter.gates) == 1
    assert not torch.allclose(made, before, atol=1e-4)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ModelError, match="UNet2DConditionModel was given; UNetMotionModel or"):
        Denoiser(tiny_unet2d())
    adapter = AllWays.for_base(tiny_motion_unet())
    message = "made for a base with family animatediff; this one has family modelscope"
    with pytest.raises(ModelError, match=message):
        Denoiser(tiny_unet3d(), {"it": adapter})
    denoiser = Denoiser(tiny_motion_unet(), {"it": adapter})
    with pytest.raises(ModelError, match="condition for adapter 'that' was given; there are: it"):
        denoiser(*clip(), {"that": adapter.condition(given())})
    short = Condition(channels=torch.zeros(2, 4, 2, 8, 8))
    with pytest.raises(ModelError, match="of 2 frames and the latents of 3"):
        denoiser(*clip(), {"it": short})
