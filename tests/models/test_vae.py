"""Pictures to latents and back: against diffusers in one piece, and in slices of any size."""

import pytest
import torch
from diffusers import AutoencoderKL

import tiny
from kineograph.core.errors import ModelError
from kineograph.models import vae as coder


@pytest.fixture(scope="module")
def vae() -> AutoencoderKL:
    return tiny.tiny_vae()


def pictures(count: int = 5, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, 3, 16, 24, generator=generator) * 2 - 1


def test_the_mean_scaled_as_the_config_says(vae: AutoencoderKL) -> None:
    given = pictures()
    wanted = vae.encode(given).latent_dist.mean * 0.18215
    for slices in (1, 2, 5, 9):
        made = coder.encode(vae, given, slices=slices)
        torch.testing.assert_close(made, wanted)
    assert made.shape == (5, 4, 8, 12) and not made.requires_grad


def test_samples_have_the_posteriors_spread_and_do_not_depend_on_slices(vae: AutoencoderKL) -> None:
    given = pictures()
    drawn = [
        coder.encode(
            vae, given, sample=True, generator=torch.Generator().manual_seed(3), slices=slices
        )
        for slices in (2, 5)
    ]
    torch.testing.assert_close(*drawn)
    spread = vae.encode(given).latent_dist
    noise = torch.randn(drawn[0].shape, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(drawn[0], (spread.mean + spread.std * noise) * 0.18215)


def test_a_shift_is_taken_off_and_put_back() -> None:
    plain, shifted = tiny.tiny_vae(), tiny.tiny_vae()
    shifted.register_to_config(shift_factor=0.5)
    given = pictures()
    told, wanted = coder.encode(shifted, given), coder.encode(plain, given)
    torch.testing.assert_close(told, wanted - 0.5 * 0.18215)
    torch.testing.assert_close(
        coder.decode_pictures(shifted, told), coder.decode_pictures(plain, wanted)
    )


def test_decoding_in_slices_is_decoding(vae: AutoencoderKL) -> None:
    latents = torch.randn(2, 4, 5, 8, 12, generator=torch.Generator().manual_seed(1))
    whole = torch.stack([vae.decode(clip.transpose(0, 1) / 0.18215).sample for clip in latents])
    wanted = ((whole.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(0, 1, 3, 4, 2)
    for slices in (1, 3, 4, 64):
        parts = list(coder.decode(vae, latents, slices=slices))
        made = torch.cat(parts, dim=1)
        assert made.shape == (2, 5, 16, 24, 3) and made.dtype == torch.uint8
        assert (made.int() - wanted.int()).abs().max() <= 1
        assert max(part.shape[0] * part.shape[1] for part in parts) <= max(slices, 2)


def test_what_is_not_asked_for_is_not_decoded(vae: AutoencoderKL, monkeypatch) -> None:
    calls = []
    real = vae.decode
    monkeypatch.setattr(vae, "decode", lambda held: calls.append(len(held)) or real(held))
    parts = coder.decode(vae, torch.zeros(1, 4, 12, 8, 8), slices=3)
    next(parts)
    parts.close()
    assert calls == [3]


def test_the_distilled_autoencoder() -> None:
    fast = tiny.tiny_fast_vae()
    given = pictures()
    assert coder.stride(fast) == 2 and coder.latent_channels(fast) == 4
    made = coder.encode(fast, given)
    torch.testing.assert_close(made, fast.encode(given).latents)
    (part,) = coder.decode(fast, made.transpose(0, 1)[None], slices=8)
    assert part.shape == (1, 5, 16, 24, 3)
    with pytest.raises(ModelError, match="has no posterior to draw from"):
        coder.encode(fast, given, sample=True)


def test_frames_and_pictures_are_each_others_inverse() -> None:
    every = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16, 1).repeat(1, 1, 1, 3)
    given = coder.to_pictures(every)
    assert given.shape == (1, 3, 16, 16) and given.min() == -1 and given.max() == 1
    assert torch.equal(coder.to_frames(given), every)
    assert coder.to_frames(torch.full((1, 3, 1, 1), 7.0)).max() == 255


def test_refusals(vae: AutoencoderKL) -> None:
    with pytest.raises(ModelError, match=r"25x16 were given; .* multiples of 2"):
        coder.encode(vae, torch.zeros(1, 3, 16, 25))
    with pytest.raises(ModelError, match=r"no numbers \(NaN\) in float32; load the model in"):
        coder.to_frames(torch.full((1, 3, 2, 2), torch.nan))
    assert coder.encode(vae, torch.zeros(0, 3, 16, 16)).shape == (0, 4, 8, 8)


def test_gradients_pass_the_decoder(vae: AutoencoderKL) -> None:
    latents = torch.randn(1, 4, 4, 4, requires_grad=True)
    coder.decode_pictures(vae, latents).square().mean().backward()
    assert latents.grad is not None and latents.grad.abs().sum() > 0
