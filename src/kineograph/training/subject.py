"""What a stage trains: a base with adapters, part of it learning, the rest frozen."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from kineograph.models.adapter import Adapter
from kineograph.models.base import Base
from kineograph.models.denoiser import Denoiser
from kineograph.models.loading.parts import quiet
from kineograph.models.short_attention import attend_shortly
from kineograph.training.fitting import adapter_of, adapter_sources, check_stage
from kineograph.training.low_rank import add_lora, is_low_rank, is_trained
from kineograph.training.noising import check_prediction, learns_to_predict, trained_config
from kineograph.training.origin import Origin, Place
from kineograph.training.part import Part, is_in, part_of
from kineograph.training.stage import Stage
from kineograph.training.without_motion import motion_off, without_motion


@dataclass(eq=False)
class Subject:
    """The networks of one stage.

    What learns is in float32 and wants gradients; everything else wants none and is of the type
    that was asked for. The denoiser holds the base's U-Net and all adapters; those of the base's
    own folder are among them. Where the stage leaves motion out, motion layers let everything pass.

    Args:
        stage: what is trained.
        base: what it is trained on.
        adapters: the stage's own, by name.
        denoiser: the base with all adapters.
        origin: where the base came from.
        sources: folders that frozen adapters came from, by name.
    """

    stage: Stage
    base: Base
    adapters: dict[str, Adapter]
    denoiser: Denoiser
    origin: Origin
    sources: dict[str, Path] = field(default_factory=dict)

    @staticmethod
    def of(
        stage: Stage,
        recipe_base: Place | None,
        *,
        motion: Place | None = None,
        device: Any = "cpu",
        dtype: torch.dtype = torch.float32,
        earlier: Mapping[str, Path] | None = None,
    ) -> "Subject":
        """Load and build what a stage trains; what is new is drawn by the stage's seed.

        Args:
            stage: of a recipe.
            recipe_base: a folder, a name on the hub, or "new:tiny"; a stage may have its own.
            motion: the recipe's motion layers, or "new:v1", "new:v2", "new:v3".
            device: where everything goes.
            dtype: of what is frozen.
            earlier: the folders to which earlier stages were exported, by stage.

        Raises:
            TrainingError: the base lacks what the stage needs, or an earlier stage is missing.
            ModelError: a base or an adapter is missing, broken or does not fit.
        """
        earlier = {name: Path(folder) for name, folder in (earlier or {}).items()}
        origin = Origin.of(stage, recipe_base, motion, earlier)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(stage.seed)
            base = origin.load(dtype=dtype)
            check_stage(stage, base)
            check_prediction(stage, base.scheduler)
            if stage.checkpointing:
                base.unet.enable_gradient_checkpointing()
            sources = adapter_sources(stage, earlier)
            adapters = {
                name: adapter_of(name, choice, base, sources.get(name))
                for name, choice in stage.adapters.items()
            }
            origin.load_loras(base)
            if stage.lora is not None:
                add_lora(base, stage.lora)
        denoiser = Denoiser(base.unet, base.adapters | adapters).eval()
        made = Subject(stage, base, adapters, denoiser, origin, sources)
        made._prepare(dtype, device)
        return made

    def trainable(self) -> dict[str, nn.Parameter]:
        """What learns, by name, always in the same order."""
        return {name: held for name, part, held in self._parameters() if self._learns(part)}

    def parts(self) -> list[Part]:
        """All parts, in order."""
        counts: dict[str, int] = {}
        for _, part, held in self._parameters():
            counts[part] = counts.get(part, 0) + held.numel()
        return [Part(name, count, self._learns(name)) for name, count in counts.items()]

    @property
    def trained_base(self) -> Base:
        """The base, its scheduler's config saying what it predicts since this stage."""
        if not learns_to_predict(self.stage):
            return self.base
        prediction = self.stage.objective.prediction
        return replace(self.base, scheduler=trained_config(self.base.scheduler, prediction))

    def frozen_digest(self) -> str:
        """A hash of every number that must not change, names and types included."""
        learns = {id(held) for held in self.trainable().values()}
        hashed = sha256()
        for network, held in self._networks().items():
            for name, tensor in sorted(_tensors(held).items()):
                if id(tensor) not in learns:
                    hashed.update(f"{network}.{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
                    hashed.update(_bytes(tensor))
        return hashed.hexdigest()

    def without_motion(self) -> AbstractContextManager[None]:
        """Motion layers, those of ControlNets too, let everything pass for a while."""
        return without_motion(self.denoiser)

    def export(self, folder: Path | str, card: str | None = None) -> None:
        """Write what was trained, whole or not at all; see `training/export.py`.

        Args:
            folder: where; an export that stands there is replaced.
            card: the model card; a short one is written if None.

        Raises:
            OutputError: it cannot be written, or something else stands there.
        """
        from kineograph.training.export import export

        export(self, Path(folder), card)

    def to(self, device: Any) -> "Subject":
        """Itself, moved in place."""
        with quiet():
            self.base.to(device=device)
            self.denoiser.to(device)
        return self

    def _prepare(self, dtype: torch.dtype, device: Any) -> None:
        with quiet():
            for network in self._networks().values():
                network.requires_grad_(False).to(dtype=dtype, device=device)
        for held in self.trainable().values():
            held.data = held.data.float()
            held.requires_grad_(True)
        if self.stage.checkpointing:
            for part in self.denoiser.adapters.modules():
                if hasattr(part, "enable_gradient_checkpointing"):
                    cast(Any, part).enable_gradient_checkpointing()
        if torch.device(device).type == "cpu":
            attend_shortly(self.base.unet)
            self.base.vae.to(memory_format=torch.channels_last)
        if not self.stage.temporal:
            motion_off(self.denoiser)

    def _learns(self, part: str) -> bool:
        return is_in(part, self.stage.trains)

    def _networks(self) -> dict[str, nn.Module]:
        """Every network by the part it is."""
        held: dict[str, nn.Module] = {
            "unet": self.base.unet,
            "text": self.base.text.model,
            "vae": self.base.vae,
        }
        if self.base.vision is not None:
            held["vision"] = self.base.vision.model
        return held | {f"adapters.{name}": own for name, own in self.denoiser.adapters.items()}

    def _parameters(self) -> Iterator[tuple[str, str, nn.Parameter]]:
        """Every parameter with its name and its part; low-rank changes come last."""
        low: list[tuple[str, str, nn.Parameter]] = []
        for network, held in self._networks().items():
            for name, parameter in held.named_parameters():
                if is_low_rank(name):
                    part = "lora" if is_trained(name) else "loras"
                    low.append((f"{part}.{network}.{name}", part, parameter))
                else:
                    yield f"{network}.{name}", part_of(network, name), parameter
        yield from low


def _tensors(network: nn.Module) -> dict[str, Tensor]:
    return {**dict(network.named_parameters()), **dict(network.named_buffers())}


def _bytes(tensor: Tensor) -> bytes:
    flat = tensor.detach().cpu().contiguous().flatten()
    return bytes(flat.view(torch.uint8).numpy().tobytes()) if flat.numel() else b""
