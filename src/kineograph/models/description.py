"""What a model folder holds, told by its json files alone: no weights are read, no torch loaded."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kineograph.core.errors import ModelError
from kineograph.models.kinds import READS, reads_of
from kineograph.models.loading.hub import local_folder

UNETS: Mapping[str, str] = {
    "UNetMotionModel": "animatediff",
    "UNet2DConditionModel": "animatediff",
    "UNet3DConditionModel": "modelscope",
}
"""diffusers' class of a U-Net to the family of models it belongs to."""

ADAPTERS = "adapters"
"""The folder inside a model folder whose adapters are always loaded."""


@dataclass(frozen=True)
class AdapterDescription:
    """An adapter in a folder.

    Args:
        name: its folder's name.
        kind: such as "track-control".
        reads: which of "picture", "tracks", "boxes" it reads.
        folder: where it is.
    """

    name: str
    kind: str
    reads: tuple[str, ...]
    folder: Path


@dataclass(frozen=True)
class BaseDescription:
    """A base model in a folder of diffusers' layout.

    Args:
        folder: where it is.
        family: "animatediff" or "modelscope".
        unet: diffusers' class of its U-Net.
        widths: channels of the U-Net's levels.
        text_width: width of the text features that it reads.
        channels: of a latent.
        frames: the most frames its motion layers know positions for; None if there is no bound.
        stride: pixels along the side of a latent cell.
        size: (width, height) in pixels that it was trained for; None if it does not say.
        motion: whether it has motion layers; a plain Stable Diffusion has none.
        vision: whether it has a vision encoder.
        adapters: what is always loaded with it.
    """

    folder: Path
    family: str
    unet: str
    widths: tuple[int, ...]
    text_width: int
    channels: int
    frames: int | None
    stride: int
    size: tuple[int, int] | None
    motion: bool
    vision: bool
    adapters: tuple[AdapterDescription, ...] = ()

    @property
    def name(self) -> str:
        """The name of its folder, or on the hub."""
        return folder_name(self.folder)

    @property
    def reads(self) -> frozenset[str]:
        """What its adapters read, besides text."""
        return frozenset(name for adapter in self.adapters for name in adapter.reads)


def describe_base(where: str | Path) -> BaseDescription:
    """Describe a model folder, or a name on the hub.

    Raises:
        ModelError: it is missing, or of a kind that cannot be used.
    """
    folder = local_folder(where)
    unet = read_json(folder / "unet" / "config.json", folder)
    vae = read_json(folder / "vae" / "config.json", folder)
    kind = str(unet.get("_class_name"))
    check_unet(unet, folder)
    widths = unet.get("block_out_channels")
    if not isinstance(widths, list):
        raise ModelError(
            f"{folder / 'unet' / 'config.json'} does not say block_out_channels, the channels of "
            "the U-Net's levels; fetch the model again"
        )
    motion = _motion_config(folder, kind, unet)
    stride = 2 ** (len(_vae_levels(vae)) - 1)
    return BaseDescription(
        folder=folder,
        family=UNETS[kind],
        unet=kind,
        widths=tuple(widths),
        text_width=text_width(unet),
        channels=int(unet.get("in_channels", 4)),
        frames=None if motion is None else motion.get("motion_max_seq_length", 32),
        stride=stride,
        size=_size(unet.get("sample_size"), stride),
        motion=motion is not None or kind == "UNet3DConditionModel",
        vision=(folder / "image_encoder" / "config.json").is_file(),
        adapters=describe_adapters(folder / ADAPTERS),
    )


def describe_adapters(folder: Path) -> tuple[AdapterDescription, ...]:
    """The adapters in the folders of a folder, by name; none if there is no such folder.

    Hidden folders, such as file managers and editors leave behind, are none.

    Raises:
        ModelError: one of them is broken.
    """
    return tuple(describe_adapter(path) for path in adapter_folders(folder))


def adapter_folders(folder: Path) -> list[Path]:
    """The folders in a folder, by name, hidden ones left out."""
    found = folder.iterdir() if folder.is_dir() else ()
    return sorted(path for path in found if path.is_dir() and not path.name.startswith("."))


def describe_adapter(folder: Path) -> AdapterDescription:
    """One adapter's folder.

    Raises:
        ModelError: it is not there, holds none, or one of a kind that this version does not know.
    """
    if not (folder / "config.json").is_file():
        missing = "has no config.json" if folder.is_dir() else "is not there"
        raise ModelError(
            f"there is no adapter in {folder}: it {missing}; give an adapter's folder, with "
            "config.json and model.safetensors in it"
        )
    said = read_json(folder / "config.json", folder)
    kind = str(said.get("kind", ""))
    if kind not in READS:
        raise ModelError(
            f"{folder} holds {f'an adapter {kind!r}' if kind else 'no adapter'}; this "
            f"version knows {', '.join(sorted(READS))}"
        )
    config = said.get("config")
    reads = reads_of(kind, config if isinstance(config, dict) else {})
    return AdapterDescription(folder.resolve().name, kind, reads, folder)


def read_json(path: Path, folder: Path) -> dict[str, Any]:
    """A json file that a model folder has to have.

    Raises:
        ModelError: it is missing, or not an object in JSON.
    """
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        wanted = path.relative_to(folder)
        raise ModelError(
            f"{folder} has no {wanted}; give a folder in diffusers' layout, with unet, vae, "
            "text_encoder, tokenizer and scheduler in it"
        ) from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} is not JSON ({error}); fetch the model again") from error
    if not isinstance(held, dict):
        raise ModelError(f"{path} is not an object in JSON; fetch the model again")
    return held


def check_unet(config: Mapping[str, Any], folder: Path) -> None:
    """Say whether a U-Net's config is of a family that can be used.

    Raises:
        ModelError: it is not; the message says what it is.
    """
    kind = str(config.get("_class_name"))
    known = "Stable Diffusion 1.5 with a motion module (AnimateDiff), or ModelScope"
    if kind not in UNETS:
        what = {
            "UNetSpatioTemporalConditionModel": "Stable Video Diffusion; its engine is i2v",
            "I2VGenXLUNet": "I2VGen-XL; its engine is i2v",
        }.get(kind, f"a {kind}")
        raise ModelError(f"{folder} is {what}; this engine reads {known}")
    if config.get("addition_embed_type") == "text_time":
        raise ModelError(
            f"{folder} is Stable Diffusion XL, text width {text_width(config)}; this engine reads "
            f"{known}, text width 768 or 1024"
        )


def text_width(config: Mapping[str, Any]) -> int:
    """The width of the text features that a U-Net reads, by its config."""
    width = config.get("cross_attention_dim", 1024)
    return int(width if isinstance(width, int) else width[0])


def folder_name(folder: Path) -> str:
    """What to call the model in a folder; in the hub's cache, its name there."""
    for part in reversed(folder.parts):
        if part.startswith("models--"):
            return part.removeprefix("models--").replace("--", "/")
    return folder.resolve().name


def _motion_config(folder: Path, kind: str, unet: dict[str, Any]) -> dict[str, Any] | None:
    if kind == "UNetMotionModel":
        return unet
    path = folder / "motion_adapter" / "config.json"
    if kind == "UNet2DConditionModel" and path.is_file():
        return read_json(path, folder)
    return None


def _vae_levels(config: Mapping[str, Any]) -> list[int]:
    levels = config.get("encoder_block_out_channels") or config.get("block_out_channels")
    return list(levels or (64,))


def _size(sample: Any, stride: int) -> tuple[int, int] | None:
    if sample is None:
        return None
    height, width = (sample, sample) if isinstance(sample, int) else sample
    return int(width) * stride, int(height) * stride
