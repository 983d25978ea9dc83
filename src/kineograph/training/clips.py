"""Where the clips of a training run come from: scenes, shards, folders, GOT-10k, YouTube-VIS."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from kineograph.core.errors import DataError, TrainingError
from kineograph.data.clip import Clip
from kineograph.data.folders import VideoFolder
from kineograph.data.got10k import Got10k
from kineograph.data.procedural.settings import settings_of
from kineograph.data.sampling import Strides
from kineograph.data.shards import Shards
from kineograph.data.source import ClipSource
from kineograph.data.ytvis import YouTubeVis
from kineograph.training.scene_clips import MOST_KEPT, SceneClips, scene_frames
from kineograph.training.stage import Stage

Data = Mapping[str, Any]
"""As recipes say it: {"kind": "scenes", ...} with fields of `SceneSettings`, and "few" for only so
many scenes that come again; or a kind of `FILES` with "path" (and "split" of the last two); or
{"kind": "several", "of": [...]}."""


class Several:
    """The clips of some sources as one. A `ClipSource`.

    Args:
        sources: one after the other.
    """

    def __init__(self, sources: Sequence[ClipSource]) -> None:
        self._sources = tuple(sources)
        self._ends = list(accumulate(len(source) for source in sources))
        self.sizes = tuple(size for source in sources for size in source.sizes)
        self.broken = tuple(skipped for source in sources for skipped in source.broken)

    def __len__(self) -> int:
        return self._ends[-1]

    @property
    def fingerprint(self) -> str:
        """Another for other sources, or another order of them."""
        held = " ".join(source.fingerprint for source in self._sources)
        return sha256(held.encode()).hexdigest()[:16]

    def name(self, number: int) -> str:
        """What the clip of this number is called."""
        source, own = self._find(number)
        return source.name(own)

    def read(self, number: int, rng: np.random.Generator) -> Clip:
        """The clip of this number.

        Raises:
            KineographError: as its source says.
        """
        source, own = self._find(number)
        return source.read(own, rng)

    def _find(self, number: int) -> tuple[ClipSource, int]:
        index = bisect_right(self._ends, number)
        before = self._ends[index - 1] if index else 0
        return self._sources[index], number - before


FILES: Mapping[str, Callable[..., ClipSource]] = {
    "shards": Shards,
    "folder": VideoFolder,
    "got10k": Got10k,
    "ytvis": YouTubeVis,
}
"""What reads each kind of data on the disk."""

KINDS = ("scenes", *FILES, "several")


def data_of(said: str | Path) -> dict[str, Any]:
    """What `--data` says, as recipes say it.

    "scenes"; "KIND:PATH" with a kind of `FILES`; a YAML or JSON file with the fields; or a path:
    shards where there are any (.tar), else a folder of videos or one video.

    Raises:
        TrainingError: there is nothing there, or the file says no fields.
    """
    kind, _, rest = str(said).partition(":")
    if kind == "scenes" and not rest:
        return {"kind": "scenes"}
    if kind in FILES and rest:
        return {"kind": kind, "path": rest}
    path = Path(said)
    if not path.exists():
        raise TrainingError(
            f"there is no data at {path}; give shards, a folder of videos, a YAML file, scenes, or "
            f"KIND:PATH with a kind of {', '.join(FILES)}"
        )
    if path.suffix in (".yaml", ".yml", ".json"):
        return _fields(path)
    shards = path.suffix == ".tar" or (path.is_dir() and any(path.rglob("*.tar")))
    return {"kind": "shards" if shards else "folder", "path": str(path)}


def clip_source(data: Data, stage: Stage) -> ClipSource:
    """The clips that a stage trains on, each of its frames; `needed` says what they hold.

    Raises:
        TrainingError: the data or the stage says something that is not allowed.
        DataError: there are no such clips.
    """
    fields = dict(data)
    kind = fields.pop("kind", "scenes")
    if kind == "scenes":
        return _scenes(fields, stage)
    if kind == "several":
        held = fields.get("of")
        if not isinstance(held, list) or not held or len(fields) > 1:
            raise TrainingError('data of kind several is {"kind": "several", "of": [...]}')
        return Several([clip_source(each, stage) for each in held])
    if kind not in FILES:
        raise TrainingError(f"data of kind {kind!r} was asked for; kinds are {', '.join(KINDS)}")
    return _files(kind, fields, stage)


def needed(stage: Stage) -> frozenset[str]:
    """What clips have to hold for a stage: "tracks", "boxes", "flow" and "masks"."""
    from kineograph.models.adapter_folder import adapter_class

    reads = {name for held in stage.adapters.values() for name in adapter_class(held.kind).reads}
    focal = stage.objective.focal
    wanted = {
        "tracks": stage.sampling.tracks != "none" or stage.sampling.motion is not None,
        "boxes": ("boxes" in reads and stage.dropout.boxes < 1)
        or stage.sampling.painted == "boxes"
        or stage.objective.inside_boxes > 1,
        "flow": focal is not None,
        "masks": focal is not None and focal.masks,
    }
    return frozenset(name for name, is_wanted in wanted.items() if is_wanted)


def _scenes(fields: Mapping[str, Any], stage: Stage) -> ClipSource:
    frames = scene_frames(stage.sampling.frames, fields)
    fields = dict(fields)
    few = fields.pop("few", None)
    if few is not None and not (isinstance(few, int) and 0 < few <= MOST_KEPT):
        raise TrainingError(f"data says few {few!r} scenes; give a whole number, 1 to {MOST_KEPT}")
    own: dict[str, Any] = {"size": stage.sampling.size, "frames": frames}
    for name, value in own.items():
        said = fields.get(name, value)
        if (tuple(said) if isinstance(said, list) else said) != value:
            raise TrainingError(
                f"data says {name} {said} of scenes and stage {stage.name} samples {value}; leave "
                f"{name} out of data"
            )
    settings = settings_of(**{**fields, **own})
    return SceneClips(settings, needed(stage), few, stage.sampling.frames)


def _files(kind: str, fields: Mapping[str, Any], stage: Stage) -> ClipSource:
    allowed = {"path"} | ({"split"} if kind in ("got10k", "ytvis") else set())
    wrong = sorted(set(fields) - allowed)
    if wrong or "path" not in fields:
        what = f"the unknown {wrong[0]}" if wrong else "no path"
        raise TrainingError(f"data of kind {kind} has {what}; it has {', '.join(sorted(allowed))}")
    options: dict[str, Any] = {"frames": stage.sampling.frames, "strides": _strides(stage)}
    if kind == "shards":
        options["wanted"] = needed(stage)
    if "split" in fields:
        options["split"] = fields["split"]
    if not Path(fields["path"]).exists():
        raise DataError(
            f"there is nothing at {fields['path']}, where data of kind {kind} should be"
        )
    return FILES[kind](Path(fields["path"]), **options)


def _strides(stage: Stage) -> Strides:
    """The smallest and largest stride; those between are drawn as well."""
    held = sorted(stage.sampling.strides)
    if not held or held != list(range(held[0], held[-1] + 1)):
        raise TrainingError(
            f"stage {stage.name} has sampling.strides {list(stage.sampling.strides)}; give one, or "
            "all whole numbers from one to another"
        )
    return held[0], held[-1]


def _fields(path: Path) -> dict[str, Any]:
    try:
        held = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        told = " ".join(str(error).split())
        raise TrainingError(f"cannot read the data file {path}: {told[:160]}") from None
    if not isinstance(held, dict):
        raise TrainingError(f"the data file {path} says no fields; it needs kind, path and so on")
    return held
