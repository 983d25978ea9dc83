"""Models from one layout into another: originals into folders with a card, and back."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from kineograph.core.errors import ModelError
from kineograph.models.adapter_folder import load_adapter
from kineograph.models.checkpoint import read_tensors
from kineograph.models.control.sparse_control import SparseControl
from kineograph.models.converting.smcd_folder import join_smcd, split_smcd
from kineograph.models.converting.written import (
    LORA,
    Job,
    Written,
    held_dtype,
    lora_metadata,
    write_adapter,
    write_file,
    write_lora,
    write_network,
)
from kineograph.models.grounding.grounding import Grounding
from kineograph.models.inspecting.inspection import Inspection, inspect
from kineograph.models.layouts import (
    domain_adapter,
    gligen,
    modelscope,
    motion_lora,
    motion_module,
    sparse_control,
)
from kineograph.models.loading.parts import first_line, load_part
from kineograph.models.motion_module import version_of


def convert(
    source: str | Path,
    out: str | Path,
    *,
    to: str | None = None,
    heads: int = 8,
    groups: int = 32,
) -> list[Written]:
    """Convert a model into another layout, without a change to any number.

    Originals are AnimateDiff's motion modules, MotionLoRAs, domain adapter and SparseCtrl, GLIGEN,
    ModelScope's U-Net and SMCD.

    Args:
        source: a file, or a folder of diffusers or Kineograph.
        out: the folder to write, or (to "original") the .safetensors file.
        to: "diffusers", "kineograph" or "original"; None takes the one that suits what `source` is.
        heads: attention heads of an original, which its file does not tell.
        groups: groups of an original's normalisations, likewise.

    Returns:
        What was written.

    Raises:
        ModelError: it is not known, or not to be had in that layout.
        OutputError: it cannot be written.
    """
    told = inspect(source)
    ways = _WAYS.get(_named(told))
    if ways is None:
        raise ModelError(
            f"{source} is a {told.what} in the layout {told.layout}; there is nothing to convert "
            "it to: AnimateDiff's, GLIGEN's, ModelScope's and SMCD's files can be converted, and "
            "back"
        )
    to = to or next(iter(ways))
    if to not in ways:
        raise ModelError(
            f"{source} is a {told.what} in the layout {told.layout}; it can be converted to "
            f"{', '.join(ways)}, not to {to}"
        )
    note = f"{told.layout} {told.version or ''}".strip()
    job = Job(Path(source).expanduser(), Path(out), heads, groups, f"converted from {note}")
    return ways[to](job)


def _named(told: Inspection) -> tuple[str, str]:
    return told.layout, told.what


def _motion_to_diffusers(job: Job) -> list[Written]:
    adapter = _built(job, motion_module.read, read_tensors(job.source))
    version = version_of(adapter)
    facts = {"version": version, "frames at most": str(adapter.config["motion_max_seq_length"])}
    return write_network(job, adapter, f"motion module of AnimateDiff {version}", facts)


def _motion_to_original(job: Job) -> list[Written]:
    from diffusers import MotionAdapter

    adapter = load_part(MotionAdapter, job.source, dtype=held_dtype(job.source))
    return write_file(job, motion_module.write(adapter), "motion module of AnimateDiff")


def _sparse_to_diffusers(job: Job) -> list[Written]:
    tensors = read_tensors(job.source)
    network = _built(job, sparse_control.read, tensors)
    variant = sparse_control.variant(tensors)
    facts = {"variant": variant, "reads": "picture" if variant == "rgb" else "key frames"}
    return write_network(job, network, "SparseCtrl", facts)


def _sparse_to_adapter(job: Job) -> list[Written]:
    tensors = read_tensors(job.source)
    network = _built(job, sparse_control.read, tensors)
    return write_adapter(job, SparseControl.from_network(network))


def _sparse_folder_to_adapter(job: Job) -> list[Written]:
    from diffusers import SparseControlNetModel

    network = load_part(SparseControlNetModel, job.source, dtype=held_dtype(job.source))
    return write_adapter(job, SparseControl.from_network(network))


def _sparse_folder_to_original(job: Job) -> list[Written]:
    from diffusers import SparseControlNetModel

    network = load_part(SparseControlNetModel, job.source, dtype=held_dtype(job.source))
    return write_file(job, sparse_control.write(network), "SparseCtrl")


def _sparse_adapter_to_original(job: Job) -> list[Written]:
    adapter = load_adapter(job.source)
    assert isinstance(adapter, SparseControl), "inspect has seen its kind"
    return write_file(job, sparse_control.write(adapter.network), "SparseCtrl")


def _gligen_to_adapter(job: Job) -> list[Written]:
    return write_adapter(job, gligen.read(read_tensors(job.source), heads=job.heads))


def _grounding_to_original(job: Job) -> list[Written]:
    adapter = load_adapter(job.source)
    assert isinstance(adapter, Grounding), "inspect has seen its kind"
    return write_file(job, gligen.write(adapter), "GLIGEN's own layers")


def _modelscope_to_diffusers(job: Job) -> list[Written]:
    network = modelscope.read(read_tensors(job.source), groups=job.groups)
    return write_network(job, network, "U-Net of ModelScope", {})


def _modelscope_to_original(job: Job) -> list[Written]:
    from diffusers import UNet3DConditionModel

    network = load_part(UNet3DConditionModel, job.source, dtype=held_dtype(job.source))
    return write_file(job, modelscope.write(network), "U-Net of ModelScope")


def _motion_lora_to_diffusers(job: Job) -> list[Written]:
    state = motion_lora.read(read_tensors(job.source))
    return write_lora(job, state, "MotionLoRA of AnimateDiff")


def _domain_to_diffusers(job: Job) -> list[Written]:
    state = domain_adapter.read(read_tensors(job.source))
    return write_lora(job, state, "domain adapter of AnimateDiff")


def _lora_to_original(job: Job) -> list[Written]:
    path = job.source / LORA if job.source.is_dir() else job.source
    tensors = read_tensors(path)
    if lora_metadata(path) or any(name.endswith(".alpha") for name in tensors):
        raise ModelError(
            f"{path} has alphas, which AnimateDiff's layout has no place for; give a LoRA without"
        )
    moves = any(".motion_modules." in name for name in tensors)
    layout = motion_lora if moves else domain_adapter
    return write_file(job, layout.write(tensors), layout.WHAT.removeprefix("a "))


def _built(job: Job, read: Callable[..., Any], tensors: Mapping[str, Tensor]) -> Any:
    """An original's network with the job's heads and groups."""
    try:
        return read(tensors, heads=job.heads, groups=job.groups)
    except ValueError as error:  # diffusers: a width that they do not divide
        raise ModelError(
            f"{job.source} cannot have {job.heads} heads and {job.groups} groups "
            f"({first_line(error)}); give those that it was trained with"
        ) from error


Ways = Mapping[str, Callable[[Job], list[Written]]]

_WAYS: Mapping[tuple[str, str], Ways] = {
    ("animatediff-motion-module", "motion module of AnimateDiff"): {
        "diffusers": _motion_to_diffusers
    },
    ("diffusers", "motion module of AnimateDiff"): {"original": _motion_to_original},
    ("motion-lora", "MotionLoRA of AnimateDiff"): {"diffusers": _motion_lora_to_diffusers},
    ("domain-adapter", "domain adapter of AnimateDiff"): {"diffusers": _domain_to_diffusers},
    ("lora", "LoRA"): {"original": _lora_to_original},
    ("sparse-control", "SparseCtrl"): {
        "kineograph": _sparse_to_adapter,
        "diffusers": _sparse_to_diffusers,
    },
    ("diffusers", "SparseCtrl"): {
        "kineograph": _sparse_folder_to_adapter,
        "original": _sparse_folder_to_original,
    },
    ("kineograph", "sparse-control adapter"): {"original": _sparse_adapter_to_original},
    ("gligen", "GLIGEN, grounding by boxes"): {"kineograph": _gligen_to_adapter},
    ("kineograph", "grounding adapter"): {"original": _grounding_to_original},
    ("modelscope", "U-Net of ModelScope"): {"diffusers": _modelscope_to_diffusers},
    ("diffusers", "U-Net of ModelScope"): {"original": _modelscope_to_original},
    ("smcd", "U-Net of SMCD"): {"kineograph": split_smcd},
    ("kineograph", "SMCD in parts"): {"original": join_smcd},
}
"""(Layout, what it is) to the layouts it can be written in, the one that suits first."""
