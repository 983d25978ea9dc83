"""What a model's file or folder is, told without loading it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kineograph.core.errors import ModelError
from kineograph.models.converting.card import read_card
from kineograph.models.description import (
    ADAPTERS,
    UNETS,
    adapter_folders,
    check_unet,
    describe_adapter,
    describe_base,
    read_json,
)
from kineograph.models.inspecting.header import read_folder, read_header, summed
from kineograph.models.inspecting.traits import (
    base_of_shapes,
    frames_of,
    motion_version,
    ranks_of,
    told_training,
)
from kineograph.models.kinds import reads_of, sparse_variant


@dataclass(frozen=True)
class Inspection:
    """What is known of a model.

    Args:
        path: the file or folder.
        what: what it is, in words.
        layout: whose layout it is in: "kineograph", "diffusers", or the name of an original.
        version: of a motion module, or which variant.
        tensors: how many.
        parameters: numbers in them.
        dtypes: type to how many numbers.
        size: bytes of the weights on the disk.
        reads: which conditions it reads, besides text.
        base: the base that it is, or that it fits.
        frames: the most frames at once; None if there is no bound.
        ranks: of a LoRA's matrices.
        training: what its card or its head says of how it was made.
        parts: a model folder's parts, and what each is.
        adapters: a model folder's adapters.
    """

    path: str
    what: str
    layout: str
    version: str | None = None
    tensors: int = 0
    parameters: int = 0
    dtypes: Mapping[str, int] = field(default_factory=dict)
    size: int = 0
    reads: tuple[str, ...] = ()
    base: str | None = None
    frames: int | None = None
    ranks: tuple[int, ...] = ()
    training: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)
    adapters: tuple["Inspection", ...] = ()


def inspect(path: str | Path) -> Inspection:
    """Say what a file or folder of weights is.

    Folders: a model in diffusers' layout, an adapter of Kineograph, a MotionAdapter, a
    SparseControlNetModel or another network of diffusers, LoRA weights. Files: every public layout
    that can be converted, LoRAs, single-file checkpoints.

    Raises:
        ModelError: there is nothing there, or it is not known; the message says what was found.
    """
    path = Path(path).expanduser()
    if path.is_file():
        return _file(path)
    if not path.is_dir():
        raise ModelError(f"there is no {path}; give a model's folder or a weights file")
    if (path / "unet" / "config.json").is_file():
        return _model(path) if (path / "vae").is_dir() else _smcd(path)
    if (path / "config.json").is_file():
        said = read_json(path / "config.json", path)
        return _adapter(path, said) if "kind" in said else _network(path, said)
    return _weights(path)


def _model(folder: Path) -> Inspection:
    """A whole model in diffusers' layout."""
    told = describe_base(folder)
    parts, heads = {}, []
    for part in sorted(path for path in folder.iterdir() if (path / "config.json").is_file()):
        head = read_folder(part)
        heads.append(head)
        kind = _class_name(read_json(part / "config.json", part))
        parts[part.name] = f"{kind}, {head.parameters:,} parameters"
    return Inspection(
        path=str(folder),
        what=f"model of the family {told.family}",
        layout="diffusers",
        version=None if told.motion else "without motion layers",
        **summed(heads),
        reads=tuple(sorted(told.reads)),
        base=_base(told.family, told.widths, told.text_width),
        frames=told.frames,
        training=read_card(folder),
        parts=parts,
        adapters=tuple(inspect(adapter.folder) for adapter in told.adapters),
    )


def _adapter(folder: Path, said: dict[str, Any]) -> Inspection:
    """An adapter of Kineograph."""
    told = describe_adapter(folder)
    base = (said.get("config") or {}).get("base") or {}
    known = {"family", "widths", "text_width"} <= set(base)
    return Inspection(
        path=str(folder),
        what=f"{told.kind} adapter",
        layout="kineograph",
        **summed([read_folder(folder)]),
        reads=told.reads,
        base=_base(base["family"], base["widths"], base["text_width"]) if known else None,
        training=read_card(folder),
    )


def _network(folder: Path, said: dict[str, Any]) -> Inspection:
    """A single network of diffusers or transformers."""
    kind = _class_name(said)
    header = read_folder(folder)
    version = reads = None
    if kind == "MotionAdapter":
        version = motion_version(said)
    elif kind == "SparseControlNetModel":
        version = sparse_variant(said)
        reads = reads_of("sparse-control", {"network": said})
    elif kind in UNETS:
        check_unet(said, folder)
    widths = said.get("block_out_channels")
    return Inspection(
        path=str(folder),
        what=_NETWORKS.get(kind, kind),
        layout="diffusers",
        version=version,
        **summed([header]),
        reads=reads or (),
        base=base_of_shapes(header.shapes, tuple(widths) if widths else None),
        frames=said.get("motion_max_seq_length"),
        training=read_card(folder),
    )


def _weights(folder: Path) -> Inspection:
    """A folder without a config: LoRA weights of diffusers, or SMCD's three files."""
    named = folder / "pytorch_lora_weights.safetensors"
    files = [named] if named.is_file() else sorted(folder.glob("*.safetensors"))
    files = files or sorted(path for path in folder.iterdir() if path.suffix in _WEIGHTS)
    if not files:
        raise ModelError(
            f"{folder} holds no model: no config.json, no unet, no weights; give a model's folder "
            "or a weights file"
        )
    return _file(files[0])


def _smcd(folder: Path) -> Inspection:
    """What a conversion makes of SMCD's files: a model without the parts that ModelScope has.

    Raises:
        ModelError: it is a model that lacks its autoencoder, and no such one.
    """
    places = folder / ADAPTERS
    held = adapter_folders(places)
    adapters = tuple(inspect(path) for path in held)
    unet = inspect(folder / "unet")
    if "grounding adapter" not in {one.what for one in adapters}:
        return _model(folder)  # says what is missing
    heads = [read_folder(folder / "unet"), *(read_folder(path) for path in held)]
    return Inspection(
        path=str(folder),
        what="SMCD in parts",
        layout="kineograph",
        **summed(heads),
        reads=tuple(sorted({name for adapter in adapters for name in adapter.reads})),
        base=unet.base,
        parts={"unet": "U-Net of ModelScope as SMCD trained it"},
        adapters=adapters,
    )


def _file(path: Path) -> Inspection:
    """A single file, told by its tensors."""
    from kineograph.models.layouts.detect import layout_of

    header = read_header(path)
    name = layout_of(header.shapes)
    if name is None:
        some = ", ".join(sorted(header.shapes)[:3]) or "no tensor"
        raise ModelError(
            f"{path} is of no layout that is known (it holds {some}); give AnimateDiff's, "
            "GLIGEN's, ModelScope's or SMCD's files, a LoRA, or a Stable Diffusion checkpoint"
        )
    layout, _, version = name.partition(" ")
    what, reads = _LAYOUTS[layout]
    if name == "sparse-control scribble":
        reads = ()  # key frames alone, which no document holds
    return Inspection(
        path=str(path),
        what=what,
        layout=layout,
        version=version or None,
        **summed([header]),
        reads=reads,
        base=base_of_shapes(header.shapes),
        frames=frames_of(header.shapes),
        ranks=ranks_of(header.shapes),
        training=told_training(header.metadata) | read_card(path.parent),
    )


_WEIGHTS = (".safetensors", ".ckpt", ".pt", ".pth", ".bin")

_NETWORKS = {
    "MotionAdapter": "motion module of AnimateDiff",
    "SparseControlNetModel": "SparseCtrl",
    "UNetMotionModel": "U-Net with motion layers",
    "UNet2DConditionModel": "U-Net for pictures",
    "UNet3DConditionModel": "U-Net of ModelScope",
    "AutoencoderKL": "autoencoder",
    "AutoencoderTiny": "autoencoder",
}

_LAYOUTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "animatediff-motion-module": ("motion module of AnimateDiff", ()),
    "motion-lora": ("MotionLoRA of AnimateDiff", ()),
    "domain-adapter": ("domain adapter of AnimateDiff", ()),
    "sparse-control": ("SparseCtrl", ("picture",)),
    "gligen": ("GLIGEN, grounding by boxes", ("boxes",)),
    "smcd": ("U-Net of SMCD", ("boxes", "picture")),
    "modelscope": ("U-Net of ModelScope", ()),
    "lora": ("LoRA", ()),
    "stable-diffusion": ("checkpoint of Stable Diffusion", ()),
}


def _class_name(said: Mapping[str, Any]) -> str:
    """The class that a config of diffusers or transformers is of."""
    return str(said.get("_class_name") or (said.get("architectures") or ["unknown"])[0])


def _base(family: str, widths: Any, text_width: int) -> str:
    return f"{family}, widths {', '.join(map(str, widths))}, text width {text_width}"
