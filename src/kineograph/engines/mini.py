"""Engine `mini`: Kineograph's own small model, and the picture's detail on what it generates."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, JsonValue

import kineograph
from kineograph.core.errors import EngineError, ModelError
from kineograph.engines.base import Capabilities, Engine, Frame, Input, Request, Settings
from kineograph.engines.read_text import read_part
from kineograph.engines.unet import UnetSettings
from kineograph.models.description import read_json

if TYPE_CHECKING:
    from kineograph.engines.diffusion.outline import Outline
    from kineograph.engines.diffusion.small_model import SmallModel

WEIGHTS = Path(kineograph.__file__).parent / "weights" / "mini"
"""The model that comes with the package."""

STEPS, GUIDANCE = 3, 1.5
"""Denoising steps, and how much more than by itself a text is followed, if nothing is said."""


class MiniSettings(Settings):
    """What can be set for engine `mini`; nothing has to be."""

    paths = ("model",)

    model: Annotated[str, Field(min_length=1)] | None = None
    """Another folder that a recipe like `mini` made; the packaged model if nothing is said."""
    steps: Annotated[int, Field(ge=1, le=1000)] = STEPS
    """Denoising steps."""
    guidance: JsonValue = None
    """How much more than by itself a condition is followed, as of engine unet; 1 follows it as it
    was learnt, in half the time. If nothing is said a text is followed 1.5 times as much."""
    side: Annotated[int, Field(ge=64, le=512)] = 64
    """The shorter side that the model works at, pixels; the detail comes from the picture."""
    keys: Annotated[int, Field(ge=2, le=32)] = 8
    """Frames that the model makes of a clip of any length; the motion between them is smooth."""
    detail: bool = True
    """Carry the picture along the generated motion; without, frames are as the model painted."""
    motion: Literal["asked", "own"] = "asked"
    """Move what is asked as it is asked; or all as the model says by itself, to compare models."""
    device: str | None = None
    """Where it computes, such as cuda, mps or cpu; the fastest there is."""
    dtype: Literal["float32", "float16", "bfloat16"] | None = None
    """What it computes in; by device."""


class MiniEngine(Engine):
    """Text, picture, tracks and boxes to video, offline, by a small model of Kineograph's own.

    The model denoises a small clip and, beside it, where each part of the picture goes. The picture
    is then moved so at its own size, and what it cannot show is taken from the small clip. Clips of
    any length: the model makes key frames, and the motion between them is smooth.
    """

    name = "mini"
    capabilities = Capabilities(
        reads=frozenset({"text", "negative text", "picture", "tracks", "boxes"})
    )
    settings = MiniSettings
    packages = ("torch", "diffusers", "transformers", "accelerate")
    install = "pip install 'kineograph[models]'"

    def __init__(self) -> None:
        self._model: SmallModel | None = None

    def capabilities_for(self, request: Request) -> Capabilities:
        """What the model's adapters read, found without loading any weights.

        Raises:
            EngineError: packages are missing, or the model is not of this engine's kind.
            ModelError: the model is missing or broken.
        """
        self.check_packages()
        settings: MiniSettings = self.settings_of(request)
        outline = _outline(settings)
        kinds = {held.kind for held in outline.adapters}
        if settings.detail and "joint-motion" not in kinds:
            raise EngineError(
                f"the model {outline.base.name} does not say where a picture's parts go (it has no "
                "joint-motion adapter); use --engine unet for it, or set detail=false"
            )
        reads: frozenset[Input] = frozenset({"text", "negative text", *outline.reads})
        return Capabilities(reads=reads)

    def notes(self, request: Request) -> Iterator[str]:
        """Where it computes, and what of the text it does not read."""
        from kineograph.engines.diffusion.device import choose

        outline = _outline(self.settings_of(request))
        yield choose(outline.settings.device, outline.settings.dtype).sentence
        read = read_part(request.text, outline.base.folder)
        if read != request.text:
            yield f"the text is longer than the model reads; it ends after '{_end_of(read)}'"

    def generate(self, request: Request) -> Iterator[Frame]:
        """Yield the frames; each knows which of its pixels came from the picture."""
        self.check_packages()
        from kineograph.engines.diffusion.small_model import SmallModel

        settings: MiniSettings = self.settings_of(request)
        if self._model is None or not self._model.serves(settings):
            self._model = None  # frees the old one before the new one comes
            self._model = SmallModel.load(settings)
        yield from self._model.frames(request, settings, self.progress)


def unet_settings(settings: MiniSettings, text: str = "") -> UnetSettings:
    """The same for engine `unet`, whose sampler it runs on.

    Args:
        settings: of this engine.
        text: of the request; without one there is nothing to guide by, if nothing is said.

    Raises:
        ModelError: there is no model.
    """
    folder = WEIGHTS if settings.model is None else Path(settings.model)
    adapters: tuple[str, ...] = ()
    if settings.model is None and not (folder / "unet").is_dir():
        raise ModelError(
            "the model of engine mini is not in this installation; install Kineograph from its "
            "wheel, or train one (kineograph train mini) and name its folder with --model"
        )
    guidance = settings.guidance if settings.guidance is not None else GUIDANCE if text else 1.0
    exported = folder / "engine.json"
    if exported.is_file():  # as `kineograph train` leaves it
        said = read_json(exported, folder)
        adapters = tuple(str(folder / name) for name in said.get("adapters", ()))
        folder = folder / str(said.get("model", "base"))
    return UnetSettings(
        model=str(folder),
        adapters=adapters,
        steps=settings.steps,
        guidance=guidance,
        device=settings.device,
        dtype=settings.dtype or _dtype(settings.device),
    )


def _dtype(device: str | None) -> Literal["float32", "float16", "bfloat16"] | None:
    """bfloat16 on processors that compute in it; None leaves the choice to the device."""
    import torch

    here = device == "cpu" or (device is None and not torch.cuda.is_available())
    return "bfloat16" if here and has_bfloat16() else None


def has_bfloat16() -> bool:
    """Whether the processor multiplies in bfloat16, and so does it faster than in float32."""
    import torch

    return any(
        bool(getattr(torch.cpu, name, bool)())
        for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    )


def _end_of(text: str) -> str:
    return " ".join(text.split()[-4:])


def _outline(settings: MiniSettings) -> "Outline":
    from kineograph.engines.diffusion.outline import Outline

    return Outline.of(unet_settings(settings))
