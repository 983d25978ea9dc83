"""A stage: one training run of a recipe, with everything that decides what it learns."""

from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, model_validator

from kineograph.gestures.writing.model import Strict

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]


class AdapterChoice(Strict):
    """An adapter that a stage puts onto the base."""

    kind: str
    """Such as "track-control"; `kineograph.models.kinds` has them all."""
    options: dict[str, JsonValue] = Field(default_factory=dict)
    """Of its config; a new one starts without effect."""
    source: str | None = None
    """Where trained weights come from: a folder, or "stage:NAME" for one of this recipe; new if
    None."""


class LoraChoice(Strict):
    """Low-rank changes that a stage trains."""

    rank: Count = 4
    """Of the two matrices."""
    on: Literal["motion", "spatial", "text"] = "motion"
    """The attention layers that it changes: MotionLoRA's, or a style's or domain adapter's."""


class Dropout(Strict):
    """How often a condition is left out, so that the model also learns to do without."""

    text: Share = 0.1
    picture: Share = 0.0
    picture_tokens: Share | None = None
    """Of the picture where gates attend to it, drawn apart from `picture`, which is then of what
    joins the input (SMCD: 0.1 and 0.25); None drops both together."""
    tracks: Share = 0.0
    boxes: Share = 0.0
    per: Literal["sample", "batch"] = "sample"
    """Whether it is drawn for each clip or for the whole batch (as SMCD and GLIGEN do)."""


class Focal(Strict):
    """The motion focal loss (MotiF, arXiv:2412.16153): weight 1 + strength * m'^2."""

    strength: Annotated[float, Field(ge=0)] = 1.0
    """Lambda; 0 is the plain loss exactly."""
    normalise: Literal["clip-max", "diagonal", "size", "none"] = "clip-max"
    last: Literal["repeat", "zero"] = "repeat"
    downsample: Literal["area", "max", "nearest"] = "area"
    inverse: bool = False
    """1 - m in place of m, the ablation."""
    masks: bool = False
    """The SAM 2 variant: the masks of what moves most in place of the speed."""


class Objective(Strict):
    """What the network learns to predict, and how errors count."""

    prediction: Literal["epsilon", "v_prediction", "flow"] = "epsilon"
    focal: Focal | None = None
    motion: Annotated[float, Field(ge=0)] = 1.0
    """How much the mean error of the motion counts beside that of the pictures, where an adapter
    carries it."""
    layers: Annotated[float, Field(ge=0)] = 0.0
    """How much it counts that the layers of an adapter that carries motion do not tell things apart
    that move apart."""
    revealed: Annotated[float, Field(ge=0)] = 0.0
    """How much more errors count where a frame shows what the first does not, which nothing but the
    network can tell; where an adapter carries motion."""
    inside_boxes: Annotated[float, Field(ge=1)] = 1.0
    """How much more errors inside boxes count (TrackDiffusion: 2); weights are brought back to a
    mean of 1."""
    min_snr: Annotated[float, Field(gt=0)] | None = None
    """Gamma of min-SNR weighting (Hang et al. 2023); None weighs all timesteps alike."""


class Optimiser(Strict):
    """How weights are changed."""

    name: Literal["adamw", "adafactor", "sgd"] = "adamw"
    lr: Annotated[float, Field(gt=0)] = 1e-4
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: Annotated[float, Field(ge=0)] = 1e-2
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    """After the warm-up: as it is, or down to 0 at the end."""
    warmup: Annotated[int, Field(ge=0)] = 0
    """Steps until the full rate."""
    clip: Annotated[float, Field(gt=0)] | None = 1.0
    """The largest norm of all gradients."""
    ema: Share = 0.0
    """Decay of the moving average that is exported; 0 keeps none."""


class Sampling(Strict):
    """What of a clip is shown, as each paper draws it."""

    frames: Count = 16
    size: tuple[Count, Count] = (256, 256)
    """(width, height)."""
    strides: tuple[Count, ...] = (4,)
    """One is drawn for each clip."""
    flip: Share = 0.0
    tracks: Literal["none", "dense", "sparse", "log-uniform"] = "none"
    """U{1000..2000}, U{1..8} or 2^U[0..13] tracks."""
    truncate: Share = 0.0
    """How often a clip's tracks end early (ATI)."""
    gaps: Share = 0.0
    """How often they are let go for a while in the middle (MotionStream)."""
    max_objects: Count = 8
    painted: Literal["none", "boxes"] = "none"
    """Boximator's self-tracking: boxes drawn in their identity colour in the frames to predict."""
    soft: Share = 0.0
    """The share of boxes that are relaxed and called soft (Boximator)."""
    picture: Literal["none", "first"] = "none"
    """Whether the first frame is given as the picture."""
    motion: Count | None = None
    """Pixels a cell of the motion that is denoised beside the pictures, as many as a latent cell
    has; None where no adapter carries any."""


class Probe(Strict):
    """A measurement on videos that are generated as training goes."""

    measure: Literal["epe", "box-iou", "direction", "picture", "loss", "loss-ratio"]
    """Tracks followed, boxes filled, the direction said in the text, likeness of the first frame to
    the picture, the loss of a fixed set under fixed noise, or MotiF's ratio of the loss where clips
    move to all of it, by timestep."""
    every: Count = 500
    """Steps from one to the next; it is also done before the first step and after the last."""
    clips: Count = 4
    steps: Count = 10
    """Denoising steps of each clip."""
    guidance: JsonValue = 1.0
    better: Literal["lower", "higher"] = "lower"


class Stage(Strict):
    """One training run: what trains on what, and what stays as it is."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    about: str = ""
    """A sentence: what it is for, and which paper's figures it follows."""
    trains: Annotated[tuple[str, ...], Field(min_length=1)]
    """Parts that learn: "unet", "unet.spatial", "unet.motion" (or of it only its ".attention",
    ".convolution" or ".input"), "text", "vae", "adapters.NAME", "lora"."""
    adapters: dict[str, AdapterChoice] = Field(default_factory=dict)
    """On the base, by name; those that `trains` does not name are frozen."""
    lora: LoraChoice | None = None
    temporal: bool = True
    """Whether the motion layers take part; without, frames are pictures of their own."""
    base: str | None = None
    """The base in place of the recipe's: a folder, a name on the hub, or "stage:NAME"."""
    data: dict[str, JsonValue] | None = None
    """What it is trained on, in place of the recipe's (SMCD: first pictures, then videos)."""
    sampling: Sampling = Field(default_factory=Sampling)
    dropout: Dropout = Field(default_factory=Dropout)
    objective: Objective = Field(default_factory=Objective)
    optimiser: Optimiser = Field(default_factory=Optimiser)
    steps: Count = 10_000
    batch: Count = 4
    """Clips a step and process."""
    accumulate: Count = 1
    precision: Literal["no", "bf16", "fp16"] = "no"
    checkpointing: bool = False
    """Activations are computed again in the backward pass, to save memory."""
    compile: bool = False
    probes: tuple[Probe, ...] = ()
    save_every: Count = 1000
    keep: Count = 3
    """Checkpoints that are kept, the newest ones."""
    seed: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _parts_are_there(self) -> Any:
        for part in self.trains:
            if part.startswith("adapters.") and part.removeprefix("adapters.") not in self.adapters:
                raise ValueError(f"trains {part}, and no such adapter is in adapters")
            if not part.startswith("adapters.") and part not in PARTS:
                raise ValueError(f"trains {part}; parts are {', '.join(PARTS)}, adapters.NAME")
        if ("lora" in self.trains) != (self.lora is not None):
            raise ValueError('trains "lora" and the field lora go together')
        return self


PARTS = (
    "unet",
    "unet.spatial",
    "unet.motion",
    "unet.motion.attention",
    "unet.motion.convolution",
    "unet.motion.input",
    "text",
    "vae",
    "lora",
)
"""What a stage may train beside adapters."""
