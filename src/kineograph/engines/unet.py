"""Engine `unet`: Stable Diffusion with a motion module, or ModelScope, and adapters on it."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, JsonValue

from kineograph.core.errors import EngineError
from kineograph.engines.base import Capabilities, Engine, Frame, Input, Request, Settings

if TYPE_CHECKING:
    from kineograph.engines.diffusion.model import Model
    from kineograph.engines.diffusion.outline import Outline


class UnetSettings(Settings):
    """What can be set for engine `unet`."""

    paths = ("model", "motion", "checkpoint", "loras", "adapters")

    model: Annotated[str, Field(min_length=1)]
    """A folder in diffusers' layout, or a hub name; what is in its `adapters/` comes along."""
    motion: str | None = None
    """A motion module for a model without: a folder, a name on the hub or an original file."""
    checkpoint: str | None = None
    """A personalised base as a single file (DreamBooth), in place of the model's own weights."""
    original_norms: bool = False
    """Normalise as AnimateDiff's own code does where diffusers' differs: in the motion layers frame
    by frame, and for version 1 over all frames in the other layers."""
    loras: tuple[str, ...] = ()
    """LoRA files, motion LoRAs too; `file:0.8` is applied at 0.8."""
    adapters: tuple[str, ...] = ()
    """Folders of more adapters."""
    strengths: dict[str, JsonValue] = Field(default_factory=dict)
    """Of adapters by name: a number, or [place, value] keys over the steps, place 0 to 1."""
    steps: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Denoising steps; 25, and 4 for schedulers of few-step models."""
    scheduler: str | None = None
    """The sampling method, such as ddim, dpm++, lcm or lightning; ddim if nothing is said, and
    flow-euler for a model that predicts a flow."""
    noise_schedule: str = "auto"
    """The noise schedule of training: auto takes AnimateDiff's or ModelScope's own, model what the
    folder says, or a name: v1, v2, v3, modelscope, videocrafter, dynamicrafter, motif. A flow has
    none."""
    guidance: JsonValue = None
    """How much more than by itself a condition is followed: 7.5 for the text, or weights by term as
    {"text": 7.5, "tracks": 1.5}, also "text+boxes", and "combine" and "rescale" beside them; each
    weight may be keys over the steps. 7.5, and 1 for schedulers of few-step models."""
    long: Literal["windows", "free-noise"] = "windows"
    """What is done with clips longer than the motion module reaches."""
    window: Annotated[int, Field(ge=2)] | None = None
    """Frames that the network sees at once; as many as it can, at most 32."""
    overlap: Annotated[int, Field(ge=0)] | None = None
    """Frames that neighbouring windows share; a quarter of the window."""
    free_init: Annotated[int, Field(ge=0, le=10)] = 0
    """Rounds in which the noise is made again from the low frequencies of the result."""
    clip_skip: Annotated[int, Field(ge=0, le=11)] = 0
    """Last layers of the text encoder that are left out."""
    device: str | None = None
    """Where it computes, such as cuda, mps or cpu; the fastest there is."""
    dtype: Literal["float32", "float16", "bfloat16"] | None = None
    """What it computes in; by device."""
    memory: tuple[str, ...] = ()
    """What saves memory: slicing, tiling, chunks, float8, offload, layers."""
    compile: bool = False
    """Compile the network's blocks; worth it for many clips on a GPU."""


class UnetEngine(Engine):
    """Text, picture, tracks and boxes to video by latent diffusion.

    What it reads depends on the model: text always; a picture, tracks and boxes where an adapter
    reads them. The model is loaded for the first clip and kept for the next one.
    """

    name = "unet"
    capabilities = Capabilities(
        reads=frozenset({"text", "negative text", "picture", "tracks", "boxes"}), size_step=8
    )
    settings = UnetSettings
    packages = ("torch", "diffusers", "transformers", "peft", "accelerate")
    install = "pip install 'kineograph[models]'"
    on_step: Callable[[Any], Any] | None = None
    """Called after each denoising step with a `Step`; may return other latents."""

    def __init__(self) -> None:
        self._model: Model | None = None
        self._outline: Outline | None = None

    def capabilities_for(self, request: Request) -> Capabilities:
        """What the model and its adapters read, found without loading any weights.

        Raises:
            EngineError: packages are missing, or tracks or boxes are given to a model that reads
                neither.
            ModelError: the model or an adapter is missing or broken.
        """
        self.check_packages()
        outline = self._outlined(self._settings(request))
        reads: frozenset[Input] = frozenset({"text", "negative text", *outline.reads})
        can = Capabilities(reads=reads, size_step=outline.size_step)
        outline.check_readable(request)
        return can

    def notes(self, request: Request) -> Iterator[str]:
        """Where it computes, and what was put right in the settings."""
        yield from self._outlined(self._settings(request)).notes(request)

    def generate(self, request: Request) -> Iterator[Frame]:
        """Yield the frames; which pixels come from the picture cannot be told."""
        self.check_packages()
        from kineograph.engines.diffusion.generation import Generation

        model = self._loaded(self._settings(request))
        generation = Generation(model, request, self._settings(request), self.on_step)
        yield from generation.frames(self.progress)

    def _settings(self, request: Request) -> UnetSettings:
        if "model" not in request.settings:
            raise EngineError(
                "engine unet needs a model: --model with a folder or a name on the hub, or "
                '"model" in the document\'s engine settings'
            )
        settings: UnetSettings = self.settings_of(request)
        return settings

    def _outlined(self, settings: UnetSettings) -> "Outline":
        """The model's outline; kept, as the hub may have to be asked for it."""
        from kineograph.engines.diffusion.outline import Outline

        if self._outline is None or self._outline.settings != settings:
            self._outline = Outline.of(settings)
        return self._outline

    def _loaded(self, settings: UnetSettings) -> "Model":
        from kineograph.engines.diffusion.model import Model

        if self._model is None or not self._model.serves(settings):
            self._model = None  # frees the old one before the new one comes
            self._model = Model.load(settings, self.progress)
        return self._model
