"""Adapters: trained weights beside a frozen base, and the three ways they can act on it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from jaxtyping import Float, Real
from pydantic import ValidationError
from torch import Tensor, nn

from kineograph.core.errors import ModelError
from kineograph.gestures.writing.messages import one_line
from kineograph.gestures.writing.model import Strict
from kineograph.models.condition import Condition, Residuals
from kineograph.models.gates import block_shapes, gate_values
from kineograph.models.given import Given

FAMILIES: Mapping[str, str] = {
    "UNetMotionModel": "animatediff",
    "UNet3DConditionModel": "modelscope",
}
"""The U-Nets that adapters are made for, and what their families are called."""


class BaseShape(Strict):
    """As much of a base U-Net as says whether an adapter fits it."""

    family: str
    """ "animatediff" (UNetMotionModel) or "modelscope" (UNet3DConditionModel)."""
    widths: tuple[int, ...]
    """Channels of each level."""
    text_width: int
    """Width of the text encoder's features."""
    latent_channels: int
    """Channels of the latents."""
    blocks: tuple[int, ...]
    """Widths of the spatial transformer blocks: down, middle, up."""

    @staticmethod
    def of(unet: nn.Module) -> "BaseShape":
        """The shape of a U-Net.

        Raises:
            ModelError: it is of a kind that adapters are not made for.
        """
        name = type(unet).__name__
        if name not in FAMILIES:
            raise ModelError(
                f"a {name} was given; adapters go onto {' or '.join(FAMILIES)}; give a Stable "
                "Diffusion U-Net a motion module first"
            )
        config: Any = unet.config
        text = config["cross_attention_dim"]
        return BaseShape(
            family=FAMILIES[name],
            widths=tuple(config["block_out_channels"]),
            text_width=text if isinstance(text, int) else text[0],
            latent_channels=config["in_channels"],
            blocks=tuple(shape.channels for shape in block_shapes(unet)),
        )


class AdapterConfig(Strict):
    """What it takes to build an adapter again; a subclass adds fields."""

    base: BaseShape
    """The base that it was made for."""


class Adapter(nn.Module, ABC):
    """Weights on a frozen base. Newly made, it changes nothing of what the base gives.

    It acts in at least one of three ways: `conv` reads `Condition.channels`, and its output is
    added to that of the base's input convolution (the same as widening that convolution); `gates`
    stand in the spatial blocks and read `Condition.tokens`; `residuals` are added to the skip
    connections, as a ControlNet's.
    """

    kind: ClassVar[str]
    """Its name in files and tables, as "track-control"."""
    Config: ClassVar[type[AdapterConfig]]
    reads: ClassVar[frozenset[str]]
    """The conditions that it reads: "picture", "tracks", "boxes"."""
    reads_labels: ClassVar[bool] = False
    """Whether it reads what is in the boxes, and not only where they are."""
    carries: ClassVar[int] = 0
    """Channels of the sample, behind the base's, that are its own; see `predicted`."""

    conv: nn.Module | None
    gates: nn.ModuleList | None

    def __init__(self, config: AdapterConfig) -> None:
        super().__init__()
        self.config = config
        self.conv = None
        self.gates = None

    @classmethod
    def for_base(cls, unet: Any, **options: Any) -> Any:
        """A new adapter of this kind that fits a base U-Net.

        Args:
            unet: a UNetMotionModel or UNet3DConditionModel.
            options: other fields of `Config`.

        Raises:
            ModelError: the U-Net is of a kind that adapters are not made for, or an option is
                unknown or has an impossible value.
        """
        made = cls(cls.config_of(base=BaseShape.of(unet), **options))
        return made.to(dtype=unet.dtype, device=unet.device)

    @classmethod
    def config_of(cls, **fields: Any) -> Any:
        """A config of this kind; what is wrong is said in one line.

        Raises:
            ModelError: a field is unknown or missing, or has an impossible value.
        """
        try:
            return cls.Config.model_validate(fields)
        except ValidationError as error:
            told = one_line(error, fields, f"the options of adapter {cls.kind}")
            raise ModelError(told) from None

    @abstractmethod
    def condition(self, given: Given) -> Condition:
        """What this adapter reads at every step, made once for a batch of clips.

        Raises:
            ModelError: what is given does not suit it.
        """

    def residuals(
        self,
        condition: Condition,
        timestep: Tensor,
        text: Float[Tensor, "batch length width"],
    ) -> Residuals | None:
        """What is added to the skip connections at one step; None if it does not act so."""
        return None

    def modulation(
        self, text: Float[Tensor, "batch length width"]
    ) -> Float[Tensor, "batch time_width"] | None:
        """What is added to the base's time embedding; None if it does not act so."""
        return None

    def predicted(
        self,
        features: Float[Tensor, "batch_frames width rows columns"],
        noisy: Float[Tensor, "batch channels frames rows columns"],
        timestep: Real[Tensor, " batch"],
        condition: Condition,
        text: Float[Tensor, "batch length text_width"],
    ) -> Float[Tensor, "batch channels frames rows columns"]:
        """The prediction for the channels of the sample that it carries.

        Args:
            features: what the base's output convolution reads.
            noisy: the channels that it carries.
            timestep: of the noise schedule.
            condition: as of `condition`.
            text: the text encoder's features, one row a clip.
        """
        raise NotImplementedError(f"a {self.kind} adapter carries no channels")

    @property
    def rank(self) -> int:
        """The place of its gates among others: lower act first, equal ones side by side."""
        return 10

    @property
    def gate_blocks(self) -> tuple[int, ...]:
        """The spatial blocks that the gates stand in; all of them unless overridden."""
        return tuple(range(len(self.gates or ())))

    def null(self, given: Given) -> Condition:
        """The condition when nothing it reads is given."""
        return self.condition(given.without(*self.reads))

    def check_fits(self, unet: nn.Module) -> None:
        """Say whether it was made for such a base.

        Raises:
            ModelError: it was made for another.
        """
        wanted, held = self.config.base, BaseShape.of(unet)
        for name in BaseShape.model_fields:
            if getattr(wanted, name) != getattr(held, name):
                raise ModelError(
                    f"the {self.kind} adapter was made for a base with {_said(name, wanted)}; this "
                    f"one has {_said(name, held)}; take the adapter for this base, or its base"
                )

    @property
    def dtype(self) -> torch.dtype:
        """The type of its weights."""
        return next(self.parameters()).dtype

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.parameters()).device

    def gate_values(self) -> dict[str, float]:
        """The tanh of every gate's alpha, by name; gates near zero do nothing."""
        return gate_values(self.named_parameters())


def _said(name: str, shape: BaseShape) -> str:
    value = getattr(shape, name)
    return f"{name.replace('_', ' ')} {value if not isinstance(value, tuple) else list(value)}"
