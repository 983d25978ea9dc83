"""Saving memory leaves the output as it is; running out of it is said in one line."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from kineograph.core.errors import EngineError
from kineograph.engines.diffusion.free_noise import windowed_motion
from kineograph.engines.diffusion.memory import (
    OPTIONS,
    check_options,
    compile_blocks,
    prepare,
    told_of_memory,
)
from tiny import tiny_fast_vae, tiny_motion_unet, tiny_text_encoder, tiny_unet3d, tiny_vae

FRAMES = 7


def parts(unet: Callable[[], nn.Module] = tiny_motion_unet) -> dict[str, nn.Module]:
    return {"unet": unet(), "vae": tiny_vae(), "text_encoder": tiny_text_encoder()}


@torch.no_grad()
def clip(networks: Any) -> Tensor:
    """Text to frames in one step: every network is used as a model uses it."""
    generator = torch.Generator().manual_seed(0)
    sample = torch.randn(1, 4, FRAMES, 8, 8, generator=generator)
    text = networks["text_encoder"](torch.arange(9)[None]).last_hidden_state
    unet = networks["unet"]
    if type(unet).__name__ == "UNetMotionModel":
        text = text.repeat_interleave(FRAMES, 0)
    picture = torch.randn(2, 3, 16, 16, generator=generator)
    sample[:, :, :2] += networks["vae"].encode(picture).latent_dist.mean.movedim(0, 1)[None]
    for timestep in (700, 300):
        sample = sample - 0.5 * unet(sample, torch.tensor([timestep]), text).sample
    return networks["vae"].decode(sample[0].movedim(1, 0)).sample


@pytest.mark.parametrize("unet", [tiny_motion_unet, tiny_unet3d])
@pytest.mark.parametrize(
    "names", [["slicing"], ["tiling"], ["chunks"], ["offload"], ["layers"], ["chunks", "offload"]]
)
def test_the_output_stays(unet: Any, names: list[str]) -> None:
    wanted, networks = clip(parts(unet)), parts(unet)
    keys = {name: list(network.state_dict()) for name, network in networks.items()}
    prepare(networks, names, device="cpu")
    torch.testing.assert_close(clip(networks), wanted, rtol=1e-4, atol=1e-5)
    assert {name: list(held.state_dict()) for name, held in networks.items()} == keys


def test_every_option_is_tested_here() -> None:
    assert set(OPTIONS) == {"slicing", "tiling", "chunks", "offload", "layers", "float8"}


def test_8_bit_weights_change_little() -> None:
    wanted, networks = clip(parts()), parts()
    prepare(networks, ["float8"], device="cpu")
    kept = [p for p in networks["unet"].parameters() if p.dtype == torch.float8_e4m3fn]
    assert sum(p.numel() for p in kept) > 0.7 * sum(p.numel() for p in parts()["unet"].parameters())
    off = (clip(networks) - wanted).square().mean().sqrt() / wanted.std()
    assert 0 < off < 0.2
    assert networks["unet"].dtype == torch.float32


def test_feed_forward_layers_see_parts_of_their_rows() -> None:
    networks = parts()
    seen: list[int] = []
    layers = [m for m in networks["unet"].modules() if type(m).__name__ == "GEGLU"]
    for layer in layers:
        layer.register_forward_hook(lambda _, given, __: seen.append(len(given[0])))
    clip(networks)
    whole = max(seen)
    seen.clear()
    prepare(networks, ["chunks"], device="cpu")
    clip(networks)
    assert max(seen) == whole // 4


def test_the_autoencoder_takes_one_frame_at_a_time() -> None:
    networks = parts()
    prepare(networks, ["slicing"], device="cpu")
    seen: list[int] = []
    networks["vae"].decoder.register_forward_hook(lambda _, given, __: seen.append(len(given[0])))
    clip(networks)
    assert seen == [1] * FRAMES


def test_distilled_autoencoders_can_slice_too() -> None:
    vae = tiny_fast_vae()
    latents = torch.randn(3, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        wanted = vae.decode(latents).sample
        prepare({"vae": vae}, ["slicing"], device="cpu")
        torch.testing.assert_close(vae.decode(latents).sample, wanted)


def test_adapters_stay_on_the_device() -> None:
    networks = {**parts(), "adapters/track-control": nn.Linear(2, 2)}
    prepare(networks, ["offload"], device="meta")
    assert networks["adapters/track-control"].weight.device.type == "meta"
    assert next(networks["unet"].parameters()).device.type == "cpu"


def test_networks_go_to_the_device() -> None:
    networks = {"unet": nn.Linear(2, 2), "adapters/one": nn.Linear(2, 2)}
    prepare(networks, device="meta")
    assert all(held.weight.device.type == "meta" for held in networks.values())


def compiled(network: nn.Module) -> list[nn.Module]:
    return [m for m in network.modules() if m._compiled_call_impl is not None]


def test_blocks_are_compiled_by_themselves() -> None:
    wanted, networks = clip(parts()), parts()
    unet = networks["unet"]
    count = compile_blocks(unet, backend="eager")
    assert count == len(compiled(unet)) == 10
    assert {type(module).__name__ for module in compiled(unet)} == {"BasicTransformerBlock"}
    torch.testing.assert_close(clip(networks), wanted, rtol=1e-4, atol=1e-5)
    assert list(unet.state_dict()) == list(parts()["unet"].state_dict())


@pytest.mark.slow
def test_compiled_blocks_look_through_windows() -> None:
    plain, networks = parts(), parts()
    with windowed_motion(plain["unet"], 4, 2):
        wanted = clip(plain)
    compile_blocks(networks["unet"], backend="eager")
    before = clip(networks)
    with windowed_motion(networks["unet"], 4, 2):
        torch.testing.assert_close(clip(networks), wanted, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(clip(networks), before)


def test_prepare_compiles_whatever_has_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self: setattr(self, "_was", True))
    networks = {**parts(), "adapters/copy": tiny_motion_unet()}
    prepare(networks, device="cpu", compiled=True)
    for name in ("unet", "adapters/copy"):
        assert any(hasattr(module, "_was") for module in networks[name].modules())
    assert not any(hasattr(module, "_was") for module in networks["vae"].modules())


def test_unknown_options_are_said() -> None:
    with pytest.raises(EngineError, match=r"memory tilling was asked for; did you mean tiling\?"):
        check_options(["tilling"])
    with pytest.raises(EngineError, match="memory offload and layers exclude each other"):
        check_options(["layers", "offload"])
    assert check_options(["offload", "tiling", "tiling"]) == ("tiling", "offload")
    with pytest.raises(EngineError, match="memory tiling was asked for; this model has no autoenc"):
        prepare({"unet": tiny_motion_unet()}, ["tiling"], device="cpu")
    with pytest.raises(EngineError, match="a Linear has no transformer blocks to compile"):
        compile_blocks(nn.Linear(1, 1))


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] . CPUAllocator: not enough memory"),
        RuntimeError("MPS backend out of memory (MPS allocated: 17 GB)"),
        MemoryError(),
    ],
)
def test_running_out_of_memory_says_what_helps(error: Exception) -> None:
    with pytest.raises(EngineError) as caught, told_of_memory("a clip of 16 frames", ["tiling"]):
        raise error
    assert str(caught.value) == (
        "a clip of 16 frames does not fit into memory; try fewer frames, a smaller size or window, "
        "memory slicing, chunks, float8, offload, layers; dtype float16, or guidance 1"
    )
    assert caught.value.__suppress_context__


def test_other_errors_pass() -> None:
    with pytest.raises(RuntimeError, match="shapes"), told_of_memory():
        raise RuntimeError("shapes do not match")
    with told_of_memory():
        pass
