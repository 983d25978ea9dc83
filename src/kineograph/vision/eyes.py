"""The eyes there are: what measures pictures and videos, what each needs, and how to get it."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from kineograph.core.errors import VisionError

NEURAL = ("torch", "transformers", "safetensors")
"""What the adapters need that load a model through transformers."""

INSTALL = "pip install 'kineograph[eyes]'"
"""The command that installs what every adapter needs."""


@dataclass(frozen=True)
class Eye:
    """One way of measuring something.

    Args:
        target: where its class is, as "module:Class"; it is imported when it is asked for.
        needs: packages that have to be installed.
        weights: the repository on the Hugging Face hub that its weights are fetched from; None if
            it needs none.
        licence: of the weights.
        note: what one should know before using it.
        install: the command that installs what it needs.
        get: the command that fetches its weights, if they are not on the hub as a whole.
    """

    target: str
    needs: tuple[str, ...] = ()
    weights: str | None = None
    licence: str = ""
    note: str = ""
    install: str = INSTALL
    get: str = ""

    @property
    def missing(self) -> tuple[str, ...]:
        """The packages it needs that are not installed; none of them is imported to find out."""
        return tuple(name for name in self.needs if find_spec(name) is None)

    @property
    def folder(self) -> str:
        """Where the command of `fetch` puts its weights."""
        return "" if self.weights is None else f"weights/{self.weights.rpartition('/')[2]}"

    @property
    def fetch(self) -> str:
        """The command that fetches its weights; empty if it needs none."""
        return self.get or (
            "" if self.weights is None else f"hf download {self.weights} --local-dir {self.folder}"
        )


_HERE = "kineograph.vision."
_TAPNET = "https://storage.googleapis.com/dm-tapnet"

EYES: Mapping[str, Mapping[str, Eye]] = {
    "flow": {
        "dis": Eye(_HERE + "dis:DisFlow", note="OpenCV's dense inverse search"),
        "raft": Eye(
            _HERE + "raft:RaftFlow",
            needs=("torch", "torchvision"),
            licence="BSD-3-Clause",
            note="a checkpoint of torchvision's raft_large or raft_small",
            install="pip install torchvision, of the version that is for your torch",
            get="curl -O https://download.pytorch.org/models/raft_large_C_T_SKHT_V2-ff5fadd5.pth",
        ),
    },
    "tracker": {
        "flow": Eye(_HERE + "flow_tracker:FlowTracker", note="optical flow, both directions"),
        "cotracker": Eye(
            _HERE + "cotracker:CoTracker",
            needs=("torch", "cotracker"),
            weights="facebook/cotracker3",
            licence="CC-BY-NC-4.0: no commercial use",
            note="CoTracker3, offline",
            install="pip install git+https://github.com/facebookresearch/co-tracker",
            get="hf download facebook/cotracker3 scaled_offline.pth --local-dir weights/cotracker3",
        ),
        "tapir": Eye(
            _HERE + "tapir:BootsTapir",
            needs=("torch", "tapnet"),
            licence="Apache-2.0",
            note="BootsTAPIR",
            install="pip install 'tapnet[torch] @ git+https://github.com/google-deepmind/tapnet'",
            get=f"curl -O {_TAPNET}/bootstap/bootstapir_checkpoint_v2.pt",
        ),
        "tapnext": Eye(
            _HERE + "tapir:TapNext",
            needs=("torch", "tapnet", "torchvision"),
            licence="Apache-2.0",
            note="TAPNext or TAPNext++; needs CUDA",
            install="pip install 'tapnet[torch] @ git+https://github.com/google-deepmind/tapnet'",
            get=f"curl -O {_TAPNET}/tapnext/bootstapnext_ckpt.npz",
        ),
    },
    "depth": {
        "prior": Eye(
            _HERE + "depth_prior:DepthPrior", note="a guess from ground, horizon and edges"
        ),
        "model": Eye(
            _HERE + "depth_model:DepthModel",
            needs=NEURAL,
            weights="depth-anything/Depth-Anything-V2-Small-hf",
            licence="Apache-2.0",
            note="also ZoeDepth, Depth Pro and others of transformers",
        ),
    },
    "mask": {
        "grabcut": Eye(_HERE + "grabcut:GrabCut", note="a click or a box, by colours and edges"),
        "sam2": Eye(
            _HERE + "sam2:Sam2",
            needs=NEURAL,
            weights="facebook/sam2.1-hiera-tiny",
            licence="Apache-2.0",
            note="Segment Anything 2 and 2.1",
        ),
    },
    "pose": {
        "vitpose": Eye(
            _HERE + "vitpose:VitPose",
            needs=NEURAL,
            weights="usyd-community/vitpose-base-simple",
            licence="Apache-2.0",
            note="without it, joints are given by hand",
        ),
    },
    "caption": {
        "model": Eye(
            _HERE + "caption_model:CaptionModel",
            needs=NEURAL,
            weights="Salesforce/blip-image-captioning-base",
            licence="BSD-3-Clause",
            note="BLIP, GIT and others of transformers",
        ),
    },
}
"""Kind to name to eye. The first of a kind that needs no weights is its default."""


def default(kind: str) -> str | None:
    """The eye of a kind that is used when none is named; None where every one needs weights.

    Raises:
        VisionError: there is no such kind.
    """
    return next((name for name, eye in _of(kind).items() if not (eye.needs or eye.weights)), None)


def eye(kind: str, name: str | None = None, weights: str | Path | None = None) -> Any:
    """An eye, ready to look; its module is imported now, and no other.

    Args:
        kind: what it measures: one of `EYES`.
        name: which one; left out, the kind's default.
        weights: the folder of its weights, or their name on the Hugging Face hub.

    Raises:
        VisionError: there is none of that name, or it lacks packages or weights.
    """
    known = _of(kind)
    chosen = name or default(kind)
    if chosen is None:
        told = " or ".join(f'"{other}"' for other in known)
        raise VisionError(f"no {kind} eye works without weights; name {told} and give its weights")
    if chosen not in known:
        raise VisionError(f"there is no {kind} eye {chosen!r}; there are: {', '.join(known)}")
    return _open(kind, chosen, known[chosen], weights)


def _of(kind: str) -> Mapping[str, Eye]:
    if kind not in EYES:
        raise VisionError(f"there are no eyes of the kind {kind!r}; there are: {', '.join(EYES)}")
    return EYES[kind]


def _open(kind: str, name: str, asked: Eye, weights: str | Path | None) -> Any:
    if asked.missing:
        missing = " and ".join(asked.missing)
        raise VisionError(f"the {kind} eye {name} needs {missing}; install it: {asked.install}")
    learned = asked.weights is not None or bool(asked.needs)
    if learned and weights is None:
        given = asked.folder or asked.fetch.rpartition("/")[2]
        how = f"; fetch them: {asked.fetch}, then give {given}" if asked.fetch else ""
        raise VisionError(f"the {kind} eye {name} needs weights ({asked.note}){how}")
    if weights is not None and not learned:
        raise VisionError(f"the {kind} eye {name} takes no weights; leave them out")
    module, _, made = asked.target.partition(":")
    made_of = getattr(import_module(module), made)
    return made_of(weights) if learned else made_of()
