"""The denoiser: a frozen base U-Net and the adapters on it, as one network."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from itertools import groupby
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from kineograph.core.errors import ModelError
from kineograph.models.adapter import FAMILIES, Adapter
from kineograph.models.condition import Condition, Residuals
from kineograph.models.gates import Gate, GateInput, GateStack, put_in, spatial_blocks, take_out

Strength = float | int
"""How much an adapter counts, for all clips of a batch; 1 is as trained, 0 leaves it out."""


class Adapters(nn.ModuleDict):
    """Adapters by name; any name, also one that could be no attribute's."""

    def add_module(self, name: str, module: Any) -> None:
        """Hold an adapter under a name."""
        self._modules[name] = module


class Denoiser(nn.Module):
    """A base U-Net with any number of adapters.

    The base keeps its weights, their names and its modules: gates are called from a slot that
    diffusers' blocks have for them, and what is added at the input is added from outside.
    `release` leaves the base as it was; until then no other denoiser can put gates on it.

    Args:
        unet: a UNetMotionModel or a UNet3DConditionModel.
        adapters: by the name under which their conditions are given; any names.

    Raises:
        ModelError: an adapter was made for another base, the U-Net is none of the two, another
            denoiser's gates are on it, or more than one adapter carries channels.
    """

    unet: Any
    adapters: Any

    def __init__(self, unet: Any, adapters: Mapping[str, Adapter] | None = None) -> None:
        super().__init__()
        if type(unet).__name__ not in FAMILIES:
            raise ModelError(
                f"a {type(unet).__name__} was given; {' or '.join(FAMILIES)} can denoise clips"
            )
        self.unet = unet
        self.adapters = Adapters(dict(adapters or {}))
        for adapter in self.adapters.values():
            adapter.check_fits(unet)
        self._carrier = _carrier(self.adapters)
        self._gated = {name for name, held in self.adapters.items() if held.gates is not None}
        self._released = False
        if self._gated:
            put_in(unet, self._stacks())

    def forward(
        self,
        sample: Float[Tensor, "batch channels frames height width"],
        timestep: Tensor,
        text: Float[Tensor, "batch length text_width"],
        conditions: Mapping[str, Condition] | None = None,
        strengths: Mapping[str, Strength] | None = None,
    ) -> Float[Tensor, "batch channels frames height width"]:
        """The base's prediction (noise, v or flow, as it was trained), steered by the adapters.

        Args:
            sample: noisy latents; behind them the channels of an acting adapter that carries some,
                whose prediction then follows the base's.
            timestep: (batch,), or one for all.
            text: the text encoder's features, one row a clip.
            conditions: what each adapter reads; an adapter that is not named does not act.
            strengths: by adapter; 1 where nothing is said, 0 leaves it out. One that carries
                channels predicts them at any strength.

        Raises:
            ModelError: a condition is for no adapter, or of other frames than the sample, or the
                sample has other channels than the base and what acts on it.
        """
        strengths = strengths or {}
        acting = {
            name: held
            for name, held in (conditions or {}).items()
            if strengths.get(name, 1.0) != 0 or name == self._carrier
        }
        self._check(acting, sample)
        steps = timestep.expand(len(sample)) if timestep.ndim == 0 else timestep
        carrier = self._carrier if self._carrier in acting else None
        pictures, carried = self._apart(sample, carrier)
        added = self._residuals(acting, strengths, steps, text)
        with (
            self._joined_input(self._input(acting, strengths)),
            self._joined_time(self._modulation(acting, strengths, text)),
            self._last_features(carrier is not None) as last,
        ):
            made = self.unet(
                pictures,
                steps,
                self._text(text, sample.shape[2]),
                cross_attention_kwargs=self._gate_arguments(acting, strengths),
                down_block_additional_residuals=None if added is None else added.down,
                mid_block_additional_residual=None if added is None else added.mid,
                return_dict=False,
            )[0]
        if carrier is None:
            return made
        own = self.adapters[carrier].predicted(last[0], carried, steps, acting[carrier], text)
        return torch.cat([made, own.to(made)], dim=1)

    def release(self) -> nn.Module:
        """The base, as it was before the adapters came."""
        if self._gated:
            take_out(self.unet)
        self._released = True
        return self.unet

    def _stacks(self) -> list[GateStack]:
        """For each spatial block its gates, in groups of equal rank."""
        gated = sorted(
            ((name, held) for name, held in self.adapters.items() if name in self._gated),
            key=lambda item: item[1].rank,
        )
        stacks = []
        for index in range(len(spatial_blocks(self.unet))):
            groups: list[dict[str, Gate]] = []
            for _, members in groupby(gated, key=lambda item: item[1].rank):
                groups.append(
                    {name: gate for name, held in members if (gate := _gate(held, index))}
                )
            stacks.append(GateStack(groups))
        return stacks

    def _check(self, conditions: Mapping[str, Condition], sample: Tensor) -> None:
        if self._released:
            raise ModelError("this denoiser has released its base; make a new one")
        for name, held in conditions.items():
            if name not in self.adapters:
                there = ", ".join(self.adapters) or "none"
                raise ModelError(f"a condition for adapter {name!r} was given; there are: {there}")
            if held.frames != sample.shape[2]:
                raise ModelError(
                    f"the condition of adapter {name!r} is of {held.frames} frames and the latents "
                    f"of {sample.shape[2]}; give both the same"
                )

    def _text(self, text: Tensor, frames: int) -> Tensor:
        """UNetMotionModel wants a row for each frame; UNet3DConditionModel repeats by itself."""
        own = type(self.unet).__name__ == "UNetMotionModel"
        return text.repeat_interleave(frames, dim=0) if own else text

    def _apart(self, sample: Tensor, carrier: str | None) -> tuple[Tensor, Tensor]:
        """The base's channels of a sample, and those that an adapter carries."""
        own = int(self.unet.config["in_channels"])
        more = 0 if carrier is None else self.adapters[carrier].carries
        if sample.shape[1] != own + more:
            raise ModelError(
                f"a sample of {sample.shape[1]} channels was given; the base reads {own} and the "
                f"adapters that act carry {more}"
            )
        return sample[:, :own], sample[:, own:]

    @contextmanager
    def _last_features(self, wanted: bool) -> Iterator[list[Tensor]]:
        """What the base's output convolution reads, once it has run."""
        kept: list[Tensor] = []
        if not wanted:
            yield kept
            return
        hook = self.unet.conv_out.register_forward_pre_hook(lambda _, given: kept.append(given[0]))
        try:
            yield kept
        finally:
            hook.remove()

    def _input(
        self, conditions: Mapping[str, Condition], strengths: Mapping[str, Strength]
    ) -> Tensor | None:
        """What the adapters add to the output of the base's input convolution."""
        total: Tensor | None = None
        for name, held in conditions.items():
            conv = self.adapters[name].conv
            if conv is not None and held.channels is not None:
                rows = rearrange(held.channels, "b c f h w -> (b f) c h w")
                added = _times(conv(rows), strengths.get(name, 1.0))
                total = added if total is None else total + added
        return total

    def _modulation(
        self,
        conditions: Mapping[str, Condition],
        strengths: Mapping[str, Strength],
        text: Tensor,
    ) -> Tensor | None:
        """What the adapters add to the time embedding."""
        total: Tensor | None = None
        for name in conditions:
            made = self.adapters[name].modulation(text)
            if made is not None:
                made = _times(made, strengths.get(name, 1.0))
                total = made if total is None else total + made
        return total

    def _joined_input(self, added: Tensor | None) -> AbstractContextManager[None]:
        return _added_to(self.unet.conv_in, added)

    def _joined_time(self, added: Tensor | None) -> AbstractContextManager[None]:
        return _added_to(self.unet.time_embedding, added)

    def _gate_arguments(
        self, conditions: Mapping[str, Condition], strengths: Mapping[str, Strength]
    ) -> dict[str, Any] | None:
        if not self._gated:
            return None
        held = {
            name: (condition.tokens, strengths.get(name, 1.0))
            for name, condition in conditions.items()
            if name in self._gated and condition.tokens is not None
        }
        return {"gligen": {"objs": GateInput(held)}}

    def _residuals(
        self,
        conditions: Mapping[str, Condition],
        strengths: Mapping[str, Strength],
        timestep: Tensor,
        text: Tensor,
    ) -> Residuals | None:
        total: Residuals | None = None
        for name, held in conditions.items():
            made = self.adapters[name].residuals(held, timestep, text)
            if made is not None:
                strength = strengths.get(name, 1.0)
                made = made if strength == 1 else made.scaled(strength)
                total = made if total is None else total + made
        return total


def _carrier(adapters: Adapters) -> str | None:
    """The name of the adapter that carries channels of the sample, if there is one."""
    found = [name for name, held in adapters.items() if held.carries]
    if len(found) > 1:
        raise ModelError(
            f"adapters {' and '.join(found)} all carry channels of the sample; give one of them"
        )
    return found[0] if found else None


@contextmanager
def _added_to(module: nn.Module, added: Tensor | None) -> Iterator[None]:
    """Inside, something is added to what a module gives."""
    if added is None:
        yield
        return
    hook = module.register_forward_hook(lambda _, given, made: made + added.to(made))
    try:
        yield
    finally:
        hook.remove()


def _gate(adapter: Adapter, block: int) -> Any:
    """The adapter's gate in a block, if it has one there."""
    if adapter.gates is None or block not in adapter.gate_blocks:
        return None
    return adapter.gates[adapter.gate_blocks.index(block)]


def _times(held: Tensor, strength: Strength) -> Tensor:
    return held if strength == 1 else held * strength
