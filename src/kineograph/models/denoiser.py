"""The denoiser: a frozen base U-Net and the adapters on it, as one network."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from typing import Any

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
        ModelError: an adapter was made for another base, the U-Net is none of the two, or another
            denoiser's gates are on it.
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
            sample: noisy latents.
            timestep: (batch,), or one for all.
            text: the text encoder's features, one row a clip.
            conditions: what each adapter reads; an adapter that is not named does not act.
            strengths: by adapter; 1 where nothing is said, 0 leaves it out.

        Raises:
            ModelError: a condition is for no adapter, or of other frames than the sample.
        """
        strengths = strengths or {}
        acting = {
            name: held for name, held in (conditions or {}).items() if strengths.get(name, 1.0) != 0
        }
        self._check(acting, sample)
        steps = timestep.expand(len(sample)) if timestep.ndim == 0 else timestep
        added = self._residuals(acting, strengths, steps, text)
        with self._joined_input(self._input(acting, strengths)):
            return self.unet(
                sample,
                steps,
                self._text(text, sample.shape[2]),
                cross_attention_kwargs=self._gate_arguments(acting, strengths),
                down_block_additional_residuals=None if added is None else added.down,
                mid_block_additional_residual=None if added is None else added.mid,
                return_dict=False,
            )[0]

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

    @contextmanager
    def _joined_input(self, added: Tensor | None) -> Iterator[None]:
        if added is None:
            yield
            return
        hook = self.unet.conv_in.register_forward_hook(lambda _, given, made: made + added)
        try:
            yield
        finally:
            hook.remove()

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


def _gate(adapter: Adapter, block: int) -> Any:
    """The adapter's gate in a block, if it has one there."""
    if adapter.gates is None or block not in adapter.gate_blocks:
        return None
    return adapter.gates[adapter.gate_blocks.index(block)]


def _times(held: Tensor, strength: Strength) -> Tensor:
    return held if strength == 1 else held * strength
