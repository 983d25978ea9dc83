"""Recordings: a mouse, followed sample by sample, becomes drags, and drags become a recording."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64

from kineograph.core.errors import DocumentError, OutputError, TracksError
from kineograph.core.files import whole_file
from kineograph.gestures.base import Gesture, TimingKey
from kineograph.gestures.drag import RADIUS, Drag
from kineograph.gestures.pin import Pin
from kineograph.gestures.recording_file import FPS, from_csv, from_json
from kineograph.gestures.scene import Scene

STILL = 1e-6
"""Pixels below which the mouse has not moved."""


@dataclass(frozen=True, eq=False)
class Recording:
    """The position of a mouse at equal intervals, and whether its button is down.

    (The recorder of Motion Prompting, Geng et al. 2024, appendix A.3: 80 samples at 16 fps.)

    Convention: (x, y) in pixels of a picture of `size`, or of the canvas if that is None; sample i
    is at i / fps seconds.

    Args:
        points: (S, 2) where the mouse is.
        down: (S,) whether its button is down.
        fps: samples a second.
        size: (width, height) of the picture that was shown, if it is known.

    Raises:
        DocumentError: there are no samples, or a number is not allowed.
    """

    points: Float64[np.ndarray, "samples 2"]
    down: Bool[np.ndarray, " samples"]
    fps: float | int = FPS
    size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if len(self.points) == 0 or len(self.points) != len(self.down):
            raise DocumentError(
                f"a recording has {len(self.points)} points and {len(self.down)} buttons; give one "
                "of each for every sample, and at least one sample"
            )
        if not np.isfinite(self.points).all():
            index = int(np.argmin(np.isfinite(self.points).all(axis=1)))
            raise DocumentError(f"sample {index + 1} of the recording is not finite; give numbers")
        if not 0 < self.fps <= 1000:
            raise DocumentError(
                f"a recording has {self.fps:g} samples a second; give a number above 0, up to 1000"
            )

    @property
    def duration(self) -> float:
        """Seconds: samples / fps."""
        return len(self.points) / self.fps

    def presses(self) -> list[tuple[int, int]]:
        """The first and the last sample of each press of the button."""
        edges = np.diff(np.concatenate([[0], self.down.astype(np.int8), [0]]))
        first, last = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1
        return list(zip(first.tolist(), last.tolist(), strict=True))

    def gestures(self, scene: Scene, **fields: Any) -> list[Gesture]:
        """Each press as a drag that is at every sample exactly where the mouse was.

        A press without motion holds what is under it still, as a pin of the brush's size.

        Args:
            scene: the canvas and clip that they are for.
            fields: other fields of `Drag`, such as `radius`, `stride` and `persist`.

        Raises:
            DocumentError: nothing is pressed, or a press begins outside the picture or after the
                end of the clip.
        """
        presses = self.presses()
        if not presses:
            raise DocumentError(
                f"the recording's {len(self.points)} samples hold no press; record with the button "
                "down"
            )
        last = presses[-1][1] / self.fps
        if last > scene.duration + 1e-9:
            need = int(np.ceil(last * scene.fps - 1e-9)) + 1
            raise DocumentError(
                f"the recording is pressed until {last:.4g} s and the clip ends at "
                f"{scene.duration:.4g} s; ask for {need} frames or more (--frames {need})"
            )
        points = self._on(scene)
        return [self._gesture(points, a, b, scene, fields) for a, b in presses]

    def _on(self, scene: Scene) -> Float64[np.ndarray, "samples 2"]:
        if self.size is None:
            return self.points
        return self.points * (np.array(scene.size) / np.array(self.size))

    def _gesture(
        self,
        points: Float64[np.ndarray, "samples 2"],
        first: int,
        last: int,
        scene: Scene,
        fields: dict[str, Any],
    ) -> Gesture:
        path = points[first : last + 1]
        steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
        start, end = first / self.fps, last / self.fps
        if not (steps > STILL).any():
            end = min(end if last > first else (last + 1) / self.fps, scene.last)
            return _held(path[0], min(start, scene.last), end, scene, fields)
        moved = np.concatenate([[True], steps > STILL])
        inside = ((path >= 0) & (path <= np.array(scene.size))).all()
        return Drag(
            path=tuple((float(x), float(y)) for x, y in path[moved]),
            straight=True,
            start=start,
            end=end,
            timing=_timing(np.where(steps > STILL, steps, 0.0)),
            leave=not inside,
            **fields,
        )

    @classmethod
    def of_drags(
        cls, drags: Sequence[Gesture], scene: Scene, fps: float | int = FPS
    ) -> "Recording":
        """What a mouse would have recorded of drags, over the whole clip.

        Between presses the mouse goes straight from one to the next.

        Raises:
            DocumentError: a gesture is no drag, or two are pressed at the same time.
        """
        samples = int(np.floor(scene.last * fps + 1e-6)) + 1
        clock = Scene(size=scene.size, frames=samples, fps=fps)
        points = np.full((samples, 2), np.nan)
        down = np.zeros(samples, dtype=bool)
        for index, drag in enumerate(drags):
            if not isinstance(drag, Drag):
                raise DocumentError(f"gestures[{index}] is a {drag.kind}; only drags are recorded")
            drag = drag.model_copy(update={"end": drag.span(scene)[1]})
            pressed = drag.active(clock)
            if (down & pressed).any():
                at = int((down & pressed).argmax()) / fps
                raise DocumentError(
                    f"gestures[{index}] is pressed at {at:.4g} s while another is; a mouse makes "
                    "one drag at a time"
                )
            way = np.array(drag.path[0]) + drag.grip(clock).displacement
            points[pressed], down = way[pressed], down | pressed
        if not down.any():
            raise DocumentError("there is no drag to record; give one or more")
        return cls(_between(points), down, fps, scene.size)

    # files

    @classmethod
    def load(cls, path: Path | str) -> "Recording":
        """Read a `.json` or `.csv` recording; a CSV has columns x, y, down, and 16 rows a second.

        Raises:
            DocumentError: the file is missing, no recording or broken.
        """
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no text"
            raise DocumentError(f"cannot read the recording {path}: {reason}") from error
        try:
            return cls(*(from_csv(text) if path.suffix.lower() == ".csv" else from_json(text)))
        except (DocumentError, TracksError) as error:
            raise DocumentError(f"{path}: {error}") from None

    def save(self, path: Path | str) -> None:
        """Write the recording as `.json` or `.csv`.

        Raises:
            OutputError: another ending, a place that cannot be written, or a rate that a CSV cannot
                hold.
        """
        path = Path(path)
        rows = [[*xy, int(down)] for xy, down in zip(self.points.tolist(), self.down, strict=True)]
        if path.suffix.lower() == ".csv":
            if self.fps != FPS:
                raise OutputError(
                    f"cannot write {path}: a CSV recording has {FPS:g} samples a second, this one "
                    f"{self.fps:g}; write a .json"
                )
            lines = ["x,y,down", *(f"{x!r},{y!r},{down}" for x, y, down in rows)]
            text = "\n".join(lines) + "\n"
        elif path.suffix.lower() == ".json":
            held = {"kind": "recording", "fps": float(self.fps), "size": self.size, "samples": rows}
            text = json.dumps({k: v for k, v in held.items() if v is not None}) + "\n"
        else:
            raise OutputError(f"cannot write {path}: name a recording .json or .csv")
        with whole_file(path) as partial:
            partial.write_text(text, encoding="utf-8", newline="\n")


def _timing(steps: Float64[np.ndarray, " steps"]) -> tuple[TimingKey, ...]:
    """Keys that are at each sample where the mouse was, as a share of the whole way."""
    share = np.concatenate([[0.0], np.cumsum(steps)]) / steps.sum()
    share = np.minimum(share, 1.0)
    instants = np.linspace(0.0, 1.0, len(share))
    return tuple(
        TimingKey(at=float(at), to=float(to)) for at, to in zip(instants, share, strict=True)
    )


def _held(
    point: Float64[np.ndarray, "2"], start: float, end: float, scene: Scene, fields: dict[str, Any]
) -> Gesture:
    """A pin of the brush's size around a point."""
    radius = fields.get("radius") or RADIUS * scene.short_side
    low = np.clip(point - radius, 0, scene.size)
    high = np.clip(point + radius, 0, scene.size)
    if (high - low <= 0).any():
        raise DocumentError(
            f"the press at {start:.4g} s at {point[0]:g},{point[1]:g} lies outside the picture of "
            f"{scene.size[0]}x{scene.size[1]}; move it inside"
        )
    kept = {name: fields[name] for name in ("stride", "strength", "depth") if name in fields}
    if not end > start:  # a click at the very end of the clip
        start = max(0.0, end - 1 / scene.fps)
    region = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    return Pin(region=region, start=start, end=end, **{"stride": radius / 3, **kept})


def _between(points: Float64[np.ndarray, "samples 2"]) -> Float64[np.ndarray, "samples 2"]:
    """Points that are known, and straight lines where they are not."""
    known = np.flatnonzero(~np.isnan(points[:, 0]))
    index = np.arange(len(points))
    return np.stack([np.interp(index, known, points[known, axis]) for axis in (0, 1)], axis=1)
