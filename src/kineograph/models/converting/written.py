"""What conversions write: folders with a card, and originals as files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from kineograph.core.errors import ModelError, OutputError
from kineograph.core.files import whole_folder
from kineograph.models.adapter import Adapter
from kineograph.models.adapter_folder import save_adapter, short_card
from kineograph.models.checkpoint import read_metadata, write_tensors
from kineograph.models.converting.card import NAME, write_card
from kineograph.models.inspecting.header import read_folder
from kineograph.models.loading.parts import quiet

LORA = "pytorch_lora_weights.safetensors"
"""What diffusers calls the file of a LoRA in a folder."""


@dataclass(frozen=True)
class Job:
    """A conversion.

    Args:
        source: the file or folder that is read.
        out: what is written.
        heads: of the original's attentions, which no file tells.
        groups: of the original's group normalisations, likewise.
        note: where the weights come from, for the card.
    """

    source: Path
    out: Path
    heads: int = 8
    groups: int = 32
    note: str = ""


@dataclass(frozen=True)
class Written:
    """What a conversion made.

    Args:
        path: the file or folder.
        what: what it is.
    """

    path: Path
    what: str


def write_network(job: Job, network: Any, what: str, facts: Mapping[str, str]) -> list[Written]:
    """A network of diffusers as its folder: config.json, weights, card."""
    count = sum(held.numel() for held in network.parameters())
    card = write_card(what, {**facts, "parameters": f"{count:,}", **_origin(job)})
    with whole_folder(job.out, replaceable=_replaceable(job.out)) as partial, quiet():
        network.save_pretrained(partial)
        (partial / NAME).write_text(card, encoding="utf-8")
    return [Written(job.out, f"{what}, in diffusers' layout")]


def write_adapter(job: Job, adapter: Adapter) -> list[Written]:
    """An adapter of Kineograph as its folder."""
    save_adapter(adapter, job.out, short_card(adapter, f"origin: {_origin(job)['origin']}"))
    return [Written(job.out, f"{adapter.kind} adapter, in Kineograph's layout")]


def write_lora(job: Job, state: Mapping[str, Tensor], what: str) -> list[Written]:
    """A LoRA under the names of diffusers and peft, as a folder with a card."""
    ranks = sorted({held.shape[0] for name, held in state.items() if ".lora_A." in name})
    facts = {"rank": ", ".join(map(str, ranks)), "layers": str(len(state) // 2)} | _origin(job)
    with whole_folder(job.out, replaceable=_replaceable(job.out)) as partial:
        write_tensors(partial / LORA, {f"unet.{name}": held for name, held in state.items()})
        (partial / NAME).write_text(write_card(what, facts), encoding="utf-8")
    return [Written(job.out, f"{what}, in diffusers' layout")]


def write_file(job: Job, tensors: Mapping[str, Tensor], what: str) -> list[Written]:
    """An original, as one safetensors file."""
    if job.out.suffix != ".safetensors":
        raise OutputError(
            f"{job.out} was to be an original; originals are one file: name it .safetensors"
        )
    write_tensors(job.out, tensors)
    return [Written(job.out, f"{what}, in its original layout")]


def held_dtype(folder: Path) -> torch.dtype:
    """The type that most numbers in a folder's weights have.

    Raises:
        ModelError: torch has no such type.
    """
    name = next(iter(read_folder(folder).counted), "float32")
    dtype = getattr(torch, name, None)
    if not isinstance(dtype, torch.dtype):
        raise ModelError(f"the weights in {folder} are {name}, which cannot be read; fetch others")
    return dtype


def lora_metadata(path: Path) -> bool:
    """Whether a LoRA's head holds alphas, which originals have no place for."""
    return "lora_adapter_metadata" in read_metadata(path)


def _origin(job: Job) -> dict[str, str]:
    return {"origin": f"{job.source.name}, {job.note}"}


def _replaceable(folder: Path) -> bool:
    """Whether what stands there is such a folder: a config or a LoRA, and a card."""
    held = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    return NAME in held and bool(held & {"config.json", LORA})
