"""AnimateDiff's motion layers from wherever they are, put into a U-Net for pictures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import MotionAdapter, UNet2DConditionModel, UNetMotionModel

from kineograph.core.errors import ModelError
from kineograph.models.checkpoint import read_tensors
from kineograph.models.description import read_json, text_width
from kineograph.models.layouts import motion_module
from kineograph.models.loading.hub import local_folder
from kineograph.models.loading.parts import load_part, quiet
from kineograph.models.motion_module import version_of

_SD15 = (320, 640, 1280, 1280)


def load_motion(where: str | Path, unet: Any, dtype: torch.dtype = torch.float32) -> MotionAdapter:
    """Motion layers that fit a U-Net.

    Args:
        where: a folder or name on the hub in diffusers' layout, or an original file.
        unet: the UNet2DConditionModel or UNetMotionModel they are for.
        dtype: of their weights.

    Raises:
        ModelError: they are missing, broken, something else, or made for another U-Net.
    """
    if Path(where).is_file():
        motion = _original(Path(where), unet.config).to(dtype)
    else:
        folder = local_folder(where, "motion module")
        kind = read_json(folder / "config.json", folder).get("_class_name")
        if kind != "MotionAdapter":
            raise ModelError(
                f"{where} is a {kind}; motion layers are a MotionAdapter of diffusers, or an "
                "original file of AnimateDiff"
            )
        motion = load_part(MotionAdapter, folder, dtype=dtype)
    check_motion(motion, unet, where)
    return motion


def with_motion(
    unet: UNet2DConditionModel | UNetMotionModel, motion: MotionAdapter | None
) -> tuple[UNetMotionModel, str]:
    """A U-Net with motion layers, and their version; those it had are replaced.

    Args:
        unet: with or without motion layers; it is used up.
        motion: layers that fit it (`check_motion`); None to keep those it has.
    """
    if motion is None:
        return unet, version_of(unet)
    with quiet(), torch.random.fork_rng(devices=[]):
        if isinstance(unet, UNetMotionModel):
            made = _exchanged(unet, motion)
        else:
            made = UNetMotionModel.from_unet2d(unet, motion)
    return made.eval(), version_of(motion)


def check_motion(motion: MotionAdapter, unet: Any, where: str | Path) -> None:
    """Say whether motion layers fit a U-Net.

    Raises:
        ModelError: they do not; both widths or numbers of layers are named.
    """
    config, other = unet.config, motion.config
    widths, wanted = tuple(other["block_out_channels"]), tuple(config["block_out_channels"])
    if widths != wanted:
        raise ModelError(
            f"the motion module {where} is made for widths {_listed(widths)}, the U-Net has "
            f"{_listed(wanted)}; take the motion module for this base"
        )
    layers = _each(other["motion_layers_per_block"], len(widths))
    depth = _each(config["layers_per_block"], len(widths))
    if layers != depth:
        raise ModelError(
            f"the motion module {where} has {_listed(layers)} layers in its blocks, the U-Net "
            f"{_listed(depth)}; take the motion module for this base"
        )
    taken = other.get("conv_in_channels")
    if taken and taken != config["in_channels"]:
        raise ModelError(
            f"the motion module {where} reads {taken} channels, as PIA's does; the U-Net reads "
            f"{config['in_channels']}; take a motion module of AnimateDiff"
        )


def _original(path: Path, config: Mapping[str, Any]) -> MotionAdapter:
    tensors = read_tensors(path)
    try:
        motion = motion_module.read(tensors, groups=config["norm_num_groups"])
    except (ModelError, ValueError) as error:  # diffusers: a width that heads do not divide
        raise ModelError(f"{path}: {error}") from error
    width = text_width(config)
    if tuple(config["block_out_channels"]) == _SD15 and width != 768:
        raise ModelError(
            f"the motion module {path} is of AnimateDiff, trained on Stable Diffusion 1.5, text "
            f"width 768; this U-Net reads text of width {width}; take a Stable Diffusion 1.5 base"
        )
    return motion


def _exchanged(unet: UNetMotionModel, motion: MotionAdapter) -> UNetMotionModel:
    """The same spatial layers around other motion layers."""
    config = dict(unet.config)
    config |= {
        "motion_max_seq_length": motion.config["motion_max_seq_length"],
        "motion_num_attention_heads": motion.config["motion_num_attention_heads"],
        "use_motion_mid_block": motion.config["use_motion_mid_block"],
    }
    made = UNetMotionModel.from_config(config).to(unet.dtype)
    spatial = {k: v for k, v in unet.state_dict().items() if "motion_modules." not in k}
    made.load_state_dict(spatial, strict=False)
    made.load_motion_modules(motion)
    return made


def _each(layers: Any, count: int) -> tuple[int, ...]:
    return (layers,) * count if isinstance(layers, int) else tuple(layers)


def _listed(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers))
