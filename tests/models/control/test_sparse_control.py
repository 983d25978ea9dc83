"""SparseCtrl as an adapter: the same step as diffusers' own pipeline, fed with key frames."""

from pathlib import Path
from typing import Any

import pytest
import torch
from control_given import FRAMES, awaken, step
from diffusers import AnimateDiffSparseControlNetPipeline, SparseControlNetModel, UNetMotionModel
from einops import rearrange, repeat
from PIL import Image
from torch import Tensor

from kineograph.core.errors import ModelError
from kineograph.models.adapter import BaseShape
from kineograph.models.adapter_folder import load_adapter, save_adapter
from kineograph.models.control.encoder import ControlEncoder
from kineograph.models.control.sparse_control import SparseControl
from kineograph.models.control.sparse_network import base_of, network_for
from kineograph.models.denoiser import Denoiser
from kineograph.models.description import describe_adapter
from kineograph.models.given import Given
from kineograph.models.key_frames import KeyFrames
from tiny import (
    LATENT_CHANNELS,
    STRIDE,
    TEXT_WIDTH,
    tiny_motion_adapter,
    tiny_motion_unet,
    tiny_scheduler,
    tiny_text_encoder,
    tiny_tokenizer,
    tiny_unet2d,
    tiny_unet3d,
    tiny_vae,
)

CELLS = (8, 4)
SIZE = (CELLS[0] * STRIDE, CELLS[1] * STRIDE)
VARIANTS = ("rgb", "scribble")


def tiny_network(variant: str) -> SparseControlNetModel:
    """Diffusers' own network, every weight shaken, with stride `STRIDE` for drawings."""
    config = network_for(tiny_motion_unet().config, variant)
    torch.manual_seed(1)
    network = SparseControlNetModel(**config | {"conditioning_embedding_out_channels": (8, 12)})
    awaken(network)
    return network.eval()


def pictures(count: int, batch: int = 1, seed: int = 0) -> Tensor:
    drawn = torch.Generator().manual_seed(seed)
    bytes_ = torch.randint(256, (batch, count, 3, SIZE[1], SIZE[0]), generator=drawn)
    return bytes_ / 127.5 - 1


def as_pil(picture: Tensor) -> Image.Image:
    levels = ((picture + 1) * 127.5).round().to(torch.uint8)
    return Image.fromarray(rearrange(levels, "c h w -> h w c").numpy())


def latents(count: int, batch: int = 1, seed: int = 0) -> Tensor:
    drawn = torch.Generator().manual_seed(seed)
    return torch.randn(batch, count, LATENT_CHANNELS, CELLS[1], CELLS[0], generator=drawn)


def given(batch: int = 1, stride: int = STRIDE, **said: Any) -> Given:
    return Given(batch=batch, frames=FRAMES, size=SIZE, stride=stride, **said)


@torch.no_grad()
@pytest.mark.parametrize("variant", VARIANTS)
def test_it_takes_the_same_step_as_diffusers_pipeline(variant: str) -> None:
    network, scheduler = tiny_network(variant), tiny_scheduler()
    pipeline = AnimateDiffSparseControlNetPipeline(
        tiny_vae(),
        tiny_text_encoder(),
        tiny_tokenizer(),
        tiny_unet2d(),
        tiny_motion_adapter(),
        network,
        scheduler,
    )
    pipeline.set_progress_bar_config(disable=True)
    base = pipeline.unet
    seen: dict[str, Any] = {}
    hooks = [
        network.register_forward_pre_hook(
            lambda _, args, said: seen.update(said, time=args[1]), with_kwargs=True
        ),
        network.register_forward_hook(lambda _, args, made: seen.update(made=made)),
        base.register_forward_pre_hook(lambda _, args: seen.update(sample=args[0])),
        base.register_forward_hook(lambda _, args, made: seen.update(predicted=made.sample)),
    ]
    images, frames = pictures(2), [0, 3]
    drawn = torch.Generator().manual_seed(3)
    words = [torch.randn(1, 6, TEXT_WIDTH, generator=drawn) for _ in range(2)]
    pipeline(
        prompt_embeds=words[0],
        negative_prompt_embeds=words[1],
        num_frames=FRAMES,
        height=SIZE[1],
        width=SIZE[0],
        num_inference_steps=1,
        guidance_scale=7.5,
        generator=drawn,
        conditioning_frames=[as_pil(picture) for picture in images[0]],
        controlnet_frame_indices=frames,
        controlnet_conditioning_scale=0.7,
        output_type="latent",
    )
    for hook in hooks:
        hook.remove()

    adapter = SparseControl.from_network(network)
    held = seen["controlnet_cond"][:, :, frames] if variant == "rgb" else None
    keys = KeyFrames(
        images,
        torch.tensor([frames]),
        None if held is None else rearrange(held, "b c k h w -> b k c h w"),
    )
    condition = adapter.condition(given(key_frames=keys)).repeat(2)
    text = torch.cat([words[1], words[0]])
    steps = repeat(seen["time"], "-> two", two=2)
    mine = adapter.residuals(condition, steps, text).scaled(0.7)
    predicted = Denoiser(base, {"sparse": adapter})(
        seen["sample"], steps, text, {"sparse": condition}, {"sparse": 0.7}
    )

    assert adapter.variant == variant and adapter.shrinks == (1 if variant == "rgb" else STRIDE)
    told = torch.cat([seen["controlnet_cond"], seen["conditioning_mask"]], dim=1)
    assert torch.allclose(condition.hint[:1], told, atol=1e-6)
    tolerance = {"rtol": 1e-5, "atol": 1e-6}
    for one, other in zip((*mine.down, mine.mid), (*seen["made"][0], seen["made"][1]), strict=True):
        assert torch.allclose(one, other, **tolerance) and one.any()
    assert torch.allclose(predicted, seen["predicted"], rtol=1e-5, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_new_one_leaves_the_base_as_it_was(variant: str) -> None:
    base = tiny_motion_unet()
    adapter = SparseControl.for_base(base, variant=variant).eval()
    keys = {"key_frames": KeyFrames(pictures(1, 2), torch.tensor([[0], [4]]), latents(1, 2))}
    drawing = given(2, stride=8, **keys) if variant == "scribble" else given(2, **keys)
    condition = {"sparse": adapter.condition(drawing)}
    frames, height, width = condition["sparse"].hint.shape[2:]
    cells = (height // adapter.shrinks, width // adapter.shrinks)
    sample = torch.randn(2, 4, frames, *cells)
    _, time, text = step()

    steered = Denoiser(base, {"sparse": adapter})(sample, time, text, condition)

    assert torch.equal(steered, Denoiser(base)(sample, time, text))


@torch.no_grad()
def test_a_new_one_starts_as_the_base_s_encoder_without_motion() -> None:
    base = tiny_motion_unet(mid=True)
    made = SparseControl.for_base(base).network.state_dict()
    copied = [name for name in made if "motion_modules" not in name and name in base.state_dict()]
    assert all(torch.equal(made[name], base.state_dict()[name]) for name in copied)
    spatial = {name for name in ControlEncoder.from_base(base).state_dict() if "motion" not in name}
    assert set(copied) == {name for name in spatial if not name.startswith("zero_")} | {
        "conv_in.weight",
        "conv_in.bias",
    }
    moving = [name for name in made if "motion_modules" in name and ".proj_out." in name]
    assert moving and not any(made[name].any() for name in moving)


def test_the_picture_is_frame_0_unless_a_key_frame_is() -> None:
    adapter = SparseControl.from_network(tiny_network("rgb"))
    picture, keys = latents(1, 3, seed=1)[:, 0], latents(2, 3, seed=2)
    frames = torch.tensor([[4, 2], [0, 1], [-1, 3]])
    said = adapter.condition(
        given(
            3,
            picture=pictures(1, 3)[:, 0],
            picture_latent=picture,
            picture_given=torch.tensor([True, True, False]),
            key_frames=KeyFrames(pictures(2, 3), frames, keys),
        )
    ).hint
    slow = torch.zeros(3, LATENT_CHANNELS + 1, FRAMES, CELLS[1], CELLS[0])
    for clip, frame, latent in (
        (0, 0, picture[0]),
        (0, 4, keys[0, 0]),
        (0, 2, keys[0, 1]),
        (1, 0, keys[1, 0]),
        (1, 1, keys[1, 1]),
        (2, 3, keys[2, 1]),
    ):
        slow[clip, :-1, frame], slow[clip, -1, frame] = latent, 1
    assert torch.equal(said, slow)


def test_drawings_are_read_as_they_are_and_the_picture_is_not_one() -> None:
    adapter = SparseControl.from_network(tiny_network("scribble"))
    drawing = pictures(1, 2)
    keys = KeyFrames(drawing, torch.tensor([[2], [-1]]))
    said = adapter.condition(given(2, picture=pictures(1, 2)[:, 0], key_frames=keys)).hint
    assert said.shape == (2, 4, FRAMES, SIZE[1], SIZE[0])
    assert torch.equal(said[0, :3, 2], drawing[0, 0] / 2 + 0.5)
    assert said[0, 3].flatten(1).any(1).tolist() == [False, False, True, False, False]
    assert not said[1].any()
    assert not adapter.condition(given(2, picture=pictures(1, 2)[:, 0])).hint.any()


@pytest.mark.parametrize("variant", VARIANTS)
def test_nothing_given_is_a_mask_of_zeros(variant: str) -> None:
    adapter = SparseControl.from_network(tiny_network(variant))
    keys = KeyFrames(pictures(2), torch.tensor([[0, 1]]), latents(2))
    full = given(picture=pictures(1)[:, 0], picture_latent=latents(1)[:, 0], key_frames=keys)
    assert adapter.condition(full).hint.any()
    assert torch.equal(adapter.null(full).hint, adapter.condition(given()).hint)
    assert not adapter.null(full).hint.any()


@torch.no_grad()
@pytest.mark.parametrize("variant", VARIANTS)
def test_saved_and_loaded_it_is_the_same_to_the_bit(variant: str, tmp_path: Path) -> None:
    adapter = SparseControl.from_network(tiny_network(variant))
    save_adapter(adapter, tmp_path / "adapter")

    loaded = load_adapter(tmp_path / "adapter")

    assert isinstance(loaded, SparseControl) and loaded.variant == variant
    mine, its = adapter.state_dict(), loaded.state_dict()
    assert mine.keys() == its.keys()
    assert all(torch.equal(held, its[name]) for name, held in mine.items())
    keys = KeyFrames(pictures(2), torch.tensor([[0, 1]]), latents(2))
    condition = adapter.condition(given(key_frames=keys))
    _, time, text = step(1)
    one, two = (held.residuals(condition, time, text) for held in (adapter, loaded))
    assert torch.equal(one.mid, two.mid) and one.mid.any()


def test_only_the_adapter_learns() -> None:
    base = tiny_motion_unet().requires_grad_(False)
    adapter = SparseControl.for_base(base)
    before = {name: held.clone() for name, held in base.state_dict().items()}
    keys = KeyFrames(pictures(1, 2), torch.tensor([[0], [4]]), latents(1, 2))
    trained = torch.optim.SGD(adapter.parameters(), lr=1.0)
    sample, (_, time, text) = torch.randn(2, 4, FRAMES, CELLS[1], CELLS[0]), step()
    network = Denoiser(base, {"sparse": adapter})

    made = network(sample, time, text, {"sparse": adapter.condition(given(2, key_frames=keys))})
    made.square().mean().backward()
    trained.step()

    assert all(torch.equal(held, before[name]) for name, held in base.state_dict().items())
    assert adapter.network.controlnet_mid_block.weight.any()


def test_the_base_is_known_from_the_network() -> None:
    assert base_of(tiny_network("rgb")) == BaseShape.of(tiny_motion_unet())
    with torch.device("meta"):
        base = UNetMotionModel(cross_attention_dim=768)
        assert base_of(SparseControlNetModel()) == BaseShape.of(base)
        adapter = SparseControl.for_base(base)
    adapter.check_fits(base)


@pytest.mark.parametrize("variant", VARIANTS)
def test_for_stable_diffusion_it_has_the_layers_of_the_published_ones(variant: str) -> None:
    published = {
        "rgb": {"conditioning_channels": 4, "use_simplified_condition_embedding": True},
        "scribble": {"conditioning_channels": 3, "use_simplified_condition_embedding": False},
    }
    with torch.device("meta"):
        base = UNetMotionModel(cross_attention_dim=768, use_motion_mid_block=False)
        mine = SparseControl.for_base(base, variant=variant).network.state_dict()
        known = SparseControlNetModel(
            attention_head_dim=8, num_attention_heads=8, **published[variant]
        ).state_dict()
    assert {name: held.shape for name, held in mine.items()} == {
        name: held.shape for name, held in known.items()
    }


def test_scribbles_read_nothing_that_a_document_holds(tmp_path: Path) -> None:
    base = tiny_motion_unet()
    for variant, reads in (("rgb", {"picture"}), ("scribble", set())):
        adapter = SparseControl.for_base(base, variant=variant)
        assert adapter.reads == SparseControl.from_network(adapter.network).reads == reads
        save_adapter(adapter, tmp_path / variant)
        assert set(describe_adapter(tmp_path / variant).reads) == reads
        assert load_adapter(tmp_path / variant).reads == reads
    assert SparseControl.reads == {"picture"}
    assert "reads: nothing that a document holds" in (tmp_path / "scribble/README.md").read_text()


def test_what_does_not_fit_is_said() -> None:
    rgb, scribble = (SparseControl.from_network(tiny_network(kind)) for kind in VARIANTS)
    at = torch.tensor([[0]])
    with pytest.raises(ModelError, match="given pictures without latents; encode them with the"):
        rgb.condition(given(key_frames=KeyFrames(pictures(1), at)))
    with pytest.raises(ModelError, match="given pictures without latents"):
        rgb.condition(given(picture=pictures(1)[:, 0]))
    with pytest.raises(ModelError, match=r"key frames of 2 clips of 16x8 were given for 1 of 16x8"):
        rgb.condition(given(key_frames=KeyFrames(pictures(1, 2), at.expand(2, 1), latents(1, 2))))
    with pytest.raises(ModelError, match="for frame 9; the clip has frames 0 to 4"):
        scribble.condition(given(key_frames=KeyFrames(pictures(1), at + 9)))
    with pytest.raises(ModelError, match=r"a latent cell of 2 pixels; the autoencoder's .* have 4"):
        scribble.condition(given(stride=4))
    with pytest.raises(ModelError, match="asked for on a UNet3DConditionModel; it goes onto"):
        SparseControl.for_base(tiny_unet3d())
    with pytest.raises(ModelError, match="asked for as 'depth'; its variants are rgb and scribble"):
        SparseControl.for_base(tiny_motion_unet(), variant="depth")
    with pytest.raises(ModelError, match=r"^the options of adapter sparse-control.*wings"):
        SparseControl.for_base(tiny_motion_unet(), wings=2)
    broken = rgb.config.model_copy(update={"network": {"wings": 2}})
    with pytest.raises(ModelError, match="SparseCtrl cannot be built from its config: "):
        SparseControl(broken)
