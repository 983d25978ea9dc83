"""SMCD's three files, and the model folder they become: the base it trained, two adapters."""

from dataclasses import replace
from pathlib import Path

from diffusers import UNet3DConditionModel

from kineograph.core.errors import ModelError
from kineograph.models.adapter_folder import load_adapter, save_adapter, short_card
from kineograph.models.checkpoint import read_tensors, write_tensors
from kineograph.models.converting.written import Job, Written, held_dtype, write_network
from kineograph.models.grounding.grounding import Grounding
from kineograph.models.layouts import modelscope, smcd
from kineograph.models.loading.parts import load_part
from kineograph.models.picture.dual import PictureDual

UNET = "U-Net of ModelScope as SMCD trained it"
FILES = ("pytorch_model", "pytorch_model_1", "pytorch_model_2")
"""What training leaves: U-Net, position net, visual encoder."""
BASE, BOXES, PICTURE = "unet", "adapters/boxes", "adapters/picture"
"""What they become: ModelScope's U-Net as SMCD trained it, in diffusers' layout, and two adapters.
With ModelScope's own vae, text_encoder, tokenizer and scheduler beside them it is a whole model."""


def split_smcd(job: Job) -> list[Written]:
    """SMCD's files as a model folder without ModelScope's unchanged parts.

    Args:
        job: its source is the folder of the files, or the first of them.

    Raises:
        ModelError: one of them is missing or something else.
    """
    folder = job.source if job.source.is_dir() else job.source.parent
    unet, net, encoder = (_found(folder, name) for name in FILES)
    if unet is None or net is None:
        raise ModelError(
            f"{folder} lacks {FILES[0] if unet is None else FILES[1]}.bin; SMCD is three files: "
            f"{', '.join(f'{name}.bin' for name in FILES)}"
        )
    held = smcd.read(
        read_tensors(unet), read_tensors(net), None if encoder is None else read_tensors(encoder)
    )
    base = replace(job, out=job.out / BASE)
    written = write_network(base, modelscope.read(held.base, groups=job.groups), UNET, {})
    for name, adapter in ((BOXES, held.grounding), (PICTURE, held.picture)):
        if adapter is not None:
            save_adapter(adapter, job.out / name, short_card(adapter, f"origin: {job.note}"))
            written.append(Written(job.out / name, f"{adapter.kind} adapter"))
    return written


def join_smcd(job: Job) -> list[Written]:
    """SMCD's three files again, as safetensors in a folder.

    Raises:
        ModelError: a part is missing or something else.
    """
    grounding = load_adapter(job.source / BOXES)
    picture = load_adapter(job.source / PICTURE) if (job.source / PICTURE).is_dir() else None
    if not isinstance(grounding, Grounding) or not isinstance(picture, PictureDual | None):
        raise ModelError(
            f"{job.source} holds {grounding.kind} and {picture and picture.kind}; SMCD is a "
            "grounding adapter and a picture-dual adapter"
        )
    unet = load_part(UNet3DConditionModel, job.source / BASE, dtype=held_dtype(job.source / BASE))
    base = modelscope.write(unet)
    written = []
    for name, tensors in zip(FILES, smcd.write(smcd.Smcd(grounding, picture, base)), strict=True):
        if tensors:
            write_tensors(job.out / f"{name}.safetensors", tensors)
            written.append(Written(job.out / f"{name}.safetensors", "SMCD's own"))
    return written


def _found(folder: Path, name: str) -> Path | None:
    """One of the files, whichever way it is written."""
    paths = [folder / f"{name}{ending}" for ending in (".safetensors", ".bin", ".pt")]
    return next((path for path in paths if path.is_file()), None)
