"""A base model: U-Net with motion layers, autoencoder, text encoder, noise schedule."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from kineograph.core.errors import ModelError
from kineograph.models.adapter import Adapter
from kineograph.models.adapter_folder import load_adapter
from kineograph.models.description import (
    ADAPTERS,
    BaseDescription,
    describe_base,
    read_json,
)
from kineograph.models.loading.motion_source import load_motion, with_motion
from kineograph.models.loading.parts import load_part, load_plain, quiet
from kineograph.models.loading.single_file import apply_single_file
from kineograph.models.text import TextEncoder
from kineograph.models.vae import latent_channels, stride
from kineograph.models.vision_encoder import VisionEncoder


@dataclass(eq=False)
class Base:
    """A model that adapters go onto.

    Args:
        description: what its folder says of it.
        unet: a UNetMotionModel or UNet3DConditionModel of diffusers.
        vae: an AutoencoderKL or AutoencoderTiny of diffusers.
        text: the text encoder with its tokenizer.
        scheduler: the config of the noise schedule, with its "_class_name".
        motion: the version of AnimateDiff's motion layers, "v1", "v2" or "v3"; None of others.
        vision: the vision encoder, if the folder has one.
        adapters: those that the folder always loads, by name.
    """

    description: BaseDescription
    unet: Any
    vae: Any
    text: TextEncoder
    scheduler: dict[str, Any]
    motion: str | None = None
    vision: VisionEncoder | None = None
    adapters: dict[str, Adapter] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of its folder, or on the hub."""
        return self.description.name

    @property
    def family(self) -> str:
        """The family it belongs to: "animatediff" or "modelscope"; its networks are alike in it."""
        return self.description.family

    @property
    def stride(self) -> int:
        """Pixels along the side of a latent cell."""
        return stride(self.vae)

    @property
    def frames(self) -> int | None:
        """The most frames its motion layers know positions for; None if there is no bound."""
        known = self.unet.config.get("motion_max_seq_length")
        return None if known is None else int(known)

    @property
    def dtype(self) -> torch.dtype:
        """The type of the U-Net's weights."""
        return next(self.unet.parameters()).dtype

    @property
    def device(self) -> torch.device:
        """Where the U-Net's weights are."""
        return next(self.unet.parameters()).device

    @property
    def networks(self) -> dict[str, nn.Module]:
        """Every network by name, adapters with "adapters/" before theirs."""
        found = {"unet": self.unet, "vae": self.vae, "text_encoder": self.text.model}
        if self.vision is not None:
            found["image_encoder"] = self.vision.model
        return found | {f"{ADAPTERS}/{name}": made for name, made in self.adapters.items()}

    def to(self, *, dtype: torch.dtype | None = None, device: Any = None) -> "Base":
        """Itself, with all weights moved in place."""
        with quiet():
            for network in self.networks.values():
                network.to(dtype=dtype, device=device)
        return self

    def check_frames(self, frames: int) -> None:
        """Say whether the motion layers read so many frames at once.

        Raises:
            ModelError: they do not.
        """
        if self.frames is not None and frames > self.frames:
            raise ModelError(
                f"{frames} frames were asked for; the motion layers of {self.name} read at most "
                f"{self.frames} at once; ask for fewer, or use context windows"
            )


def load_base(
    where: str | Path,
    *,
    motion: str | Path | None = None,
    checkpoint: str | Path | None = None,
    dtype: torch.dtype = torch.float32,
    device: Any = "cpu",
) -> Base:
    """Load a base from a folder in diffusers' layout, or by its name on the hub; it is frozen.

    Its unet/ is a UNetMotionModel, a UNet2DConditionModel of Stable Diffusion 1.5 (then motion
    layers come from `motion`, or from motion_adapter/ in the folder), or ModelScope's
    UNet3DConditionModel. Adapters in adapters/ are loaded with it.

    Args:
        where: the folder, or a name on the hub; `HF_HUB_OFFLINE` is honoured.
        motion: AnimateDiff's motion layers: a folder or name on the hub in diffusers' layout, or an
            original file. They replace those of the folder.
        checkpoint: a personalised checkpoint in one file (DreamBooth), whose spatial U-Net, text
            encoder and autoencoder replace the folder's.
        dtype: of all weights.
        device: where they go.

    Raises:
        ModelError: something is missing or broken, or the parts do not fit each other.
    """
    told = describe_base(where)
    vae, text = _vae(told, dtype), _text(told, dtype)
    unet, version = _unet(told, motion, dtype)
    if checkpoint is not None:
        _check_personal(told, checkpoint)
        apply_single_file(checkpoint, unet, vae, text.model)
    base = Base(
        description=told,
        unet=unet,
        vae=vae,
        text=text,
        scheduler=_scheduler(told.folder),
        motion=version,
        vision=_vision(told, dtype),
        adapters=_adapters(told, unet),
    )
    _check_widths(base)
    for network in base.networks.values():
        network.requires_grad_(False)
    return base.to(dtype=dtype, device=device)


def _unet(
    told: BaseDescription, motion: str | Path | None, dtype: torch.dtype
) -> tuple[Any, str | None]:
    """The U-Net with its motion layers, and their version."""
    import diffusers

    spatial = load_part(getattr(diffusers, told.unet), told.folder / "unet", dtype=dtype)
    if told.family == "modelscope":
        if motion is not None:
            raise ModelError(
                f"motion layers {motion} were given for {told.name}; ModelScope has its own; give "
                "a Stable Diffusion 1.5 folder to put AnimateDiff's into"
            )
        return spatial, None
    if motion is None and told.unet == "UNet2DConditionModel":
        motion = told.folder / "motion_adapter"
        if not motion.is_dir():
            raise ModelError(
                f"{told.name} makes still pictures: it has no motion layers; give some, for "
                "example guoyww/animatediff-motion-adapter-v1-5-3 (hf download ...), or a motion "
                "module of AnimateDiff"
            )
    layers = None if motion is None else load_motion(motion, spatial, dtype)
    return with_motion(spatial, layers)


def _vae(told: BaseDescription, dtype: torch.dtype) -> Any:
    import diffusers

    folder = told.folder / "vae"
    kind = read_json(folder / "config.json", told.folder).get("_class_name")
    if kind not in ("AutoencoderKL", "AutoencoderTiny"):
        raise ModelError(
            f"{folder} is a {kind}; AutoencoderKL and AutoencoderTiny can be read; take the "
            "autoencoder that the U-Net was trained with"
        )
    return load_part(getattr(diffusers, kind), folder, dtype=dtype)


def _text(told: BaseDescription, dtype: torch.dtype) -> TextEncoder:
    from transformers import CLIPTextModel, CLIPTokenizer

    network = load_part(CLIPTextModel, told.folder / "text_encoder", dtype=dtype)
    return TextEncoder(load_plain(CLIPTokenizer, told.folder / "tokenizer"), network)


def _vision(told: BaseDescription, dtype: torch.dtype) -> VisionEncoder | None:
    if not told.vision:
        return None
    from transformers import CLIPVisionModelWithProjection

    folder = told.folder / "image_encoder"
    network = load_part(CLIPVisionModelWithProjection, folder, dtype=dtype)
    path = told.folder / "feature_extractor" / "preprocessor_config.json"
    said = read_json(path, told.folder) if path.is_file() else {}
    norms = {
        name: tuple(said[key])
        for name, key in (("mean", "image_mean"), ("std", "image_std"))
        if key in said
    }
    return VisionEncoder(network, **norms)


def _scheduler(folder: Path) -> dict[str, Any]:
    return read_json(folder / "scheduler" / "scheduler_config.json", folder)


def _adapters(told: BaseDescription, unet: Any) -> dict[str, Adapter]:
    held = {said.name: load_adapter(said.folder) for said in told.adapters}
    for adapter in held.values():
        adapter.check_fits(unet)
    return held


def _check_personal(told: BaseDescription, checkpoint: str | Path) -> None:
    if told.family != "animatediff":
        raise ModelError(
            f"the checkpoint {checkpoint} was given for {told.name}, which is {told.family}; "
            "personalised checkpoints are of Stable Diffusion 1.5; give such a folder"
        )


def _check_widths(base: Base) -> None:
    reads, written = base.description.text_width, base.text.width
    if reads != written:
        raise ModelError(
            f"the U-Net of {base.name} reads text of width {reads}, its text encoder writes "
            f"{written}; take both from one model"
        )
    cells, channels = latent_channels(base.vae), base.description.channels
    if cells != channels:
        raise ModelError(
            f"the U-Net of {base.name} reads latents of {channels} channels, its autoencoder "
            f"writes {cells}; take both from one model"
        )
