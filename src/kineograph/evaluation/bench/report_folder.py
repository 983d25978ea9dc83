"""A report's folder: what is where, written whole or not at all, read with care."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from math import isnan, nan
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from kineograph.core.errors import EvaluationError
from kineograph.core.files import whole_file
from kineograph.evaluation.bench.report_files import HeadFile, MeasuredFile, checked

FORMAT = 1
HEAD = "bench.json"
CLIPS = "clips"
MEASURED = "measured.json"
FEATURES = "features.safetensors"
VIDEO = "video.mkv"
"""Lossless, so that it can be measured again."""
PREVIEW = "preview.mp4"
"""With what was asked drawn into it; plays in browsers."""

TRUTH, STILL, WARP = "truth", "still", "warp"
"""The rows that every table has: the true video itself, as the tracker's noise floor; the picture
that does not move; the picture that is warped."""


@dataclass(frozen=True)
class RowHead:
    """One row of a benchmark: which engine, how set.

    Args:
        label: as in the tables; the name of its folder.
        engine: an engine's name, "truth", "still", or "videos" for those of another tool.
        settings: of the engine.
    """

    label: str
    engine: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Head:
    """What a benchmark measured, apart from the values.

    Args:
        suite: its name.
        title: for the head of the page.
        rows: in the tables' order.
        metrics: `Metric.plain()` of each, in the tables' order.
        axis: what the variants count; empty where there is one.
        variants: the suite's, in order.
        published: of the suite, as plain data (`Published`).
        about: what else one has to know to make it again, name to text: tracker, flow, size,
            frames, seed, command, machine, commit, version, date.
        missing: metric to the sentence that says why it was not measured.
    """

    suite: str
    title: str
    rows: tuple[RowHead, ...]
    metrics: tuple[Mapping[str, Any], ...]
    axis: str = ""
    variants: tuple[str, ...] = ("",)
    published: tuple[Mapping[str, Any], ...] = ()
    about: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Measured:
    """What was found of one case of one row.

    Args:
        row: the row's label.
        case: the clip's name.
        variant: which of the suite's variants.
        values: metric to number, or to a list for a curve; NaN where it does not apply.
        seconds: what generating took; None where nothing was generated.
        print: of the request, the engine and its settings; another print means another video.
        seen: what looked at it: tracker, flow; other eyes mean other values.
        failed: why there is no video; empty if there is.
    """

    row: str
    case: str
    variant: str
    values: Mapping[str, Any]
    seconds: float | None = None
    print: str = ""
    seen: str = ""
    failed: str = ""

    @property
    def key(self) -> str:
        """The case's folder, as `Case.key`."""
        return f"{self.case}@{self.variant}" if self.variant else self.case


class ReportFolder:
    """The files of one report. Nothing in it is ever half written.

        report/bench.json                          Head
        report/clips/ROW/CASE@VARIANT/measured.json  Measured
                                     features.safetensors  "METRIC.generated", "METRIC.reference"
                                     video.mkv     lossless
                                     preview.mp4   with what was asked drawn in
        report/index.html, report.md, report.tex, report.csv

    Args:
        where: the folder; it need not exist.
    """

    def __init__(self, where: Path | str) -> None:
        self.where = Path(where)

    def of(self, row: str, key: str) -> Path:
        """The folder of one case of one row."""
        return self.where / CLIPS / row / key

    def write_head(self, head: Head) -> None:
        """Write what was measured.

        Raises:
            OutputError: it cannot be written.
        """
        _write(self.where / HEAD, {"format": FORMAT, **asdict(head)})

    def read_head(self) -> Head:
        """What was measured.

        Raises:
            EvaluationError: there is none, or it is broken.
        """
        path = self.where / HEAD
        held = _read(path, "a report's head")
        held = checked(held, HeadFile, path)
        rows = tuple(RowHead(**row) for row in held.pop("rows"))
        lists = {name: tuple(held.pop(name)) for name in ("metrics", "variants", "published")}
        return Head(**{**held, "rows": rows, **lists})

    def write(self, measured: Measured, features: Mapping[str, np.ndarray]) -> None:
        """Write what was found of one case; the features first, so that it is never without.

        Raises:
            OutputError: it cannot be written.
        """
        folder = self.of(measured.row, measured.key)
        if features:
            with whole_file(folder / FEATURES) as path:
                save_file({name: np.ascontiguousarray(x) for name, x in features.items()}, path)
        _write(
            folder / MEASURED,
            {"format": FORMAT, **asdict(measured), "values": _nulls(measured.values)},
        )

    def read(self, row: str, key: str) -> Measured | None:
        """What was found of one case; None if nothing was yet.

        Raises:
            EvaluationError: the file is broken.
        """
        path = self.of(row, key) / MEASURED
        if not path.is_file():
            return None
        held = _read(path, "a clip's measurements")
        found = checked(held, MeasuredFile, path)
        measured = Measured(**{**found, "values": _nans(found["values"])})
        if (measured.row, measured.key) != (row, key):
            raise EvaluationError(
                f"{path} is of {measured.row}, {measured.key}; delete it and run bench again"
            )
        return measured

    def features(self, row: str, key: str) -> Mapping[str, np.ndarray]:
        """The features of one case, by "METRIC.generated" and "METRIC.reference".

        Raises:
            EvaluationError: the file is broken.
        """
        path = self.of(row, key) / FEATURES
        if not path.is_file():
            return {}
        try:
            return load_file(path)
        except (SafetensorError, OSError) as error:
            raise EvaluationError(
                f"{path} is broken: {error}; delete its folder and run bench again"
            ) from None

    def keys(self, row: str) -> Iterator[str]:
        """The cases of a row that have been measured, sorted."""
        folder = self.where / CLIPS / row
        if folder.is_dir():
            yield from sorted(path.parent.name for path in folder.glob(f"*/{MEASURED}"))


def _nulls(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as JSON has them: NaN as null."""
    return {
        name: [None if isnan(x) else x for x in held]
        if isinstance(held, list | tuple)
        else None
        if isnan(held)
        else held
        for name, held in values.items()
    }


def _nans(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values with NaN for null."""
    return {
        name: [nan if x is None else x for x in held]
        if isinstance(held, list)
        else nan
        if held is None
        else held
        for name, held in values.items()
    }


def _write(path: Path, held: Mapping[str, Any]) -> None:
    with whole_file(path) as partial:
        partial.write_text(json.dumps(held, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _read(path: Path, what: str) -> dict[str, Any]:
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise EvaluationError(f"there is no {path}; give the folder of a report") from None
    except (OSError, ValueError) as error:
        raise EvaluationError(f"{path} is not {what}: {error}; run bench again") from None
    if not isinstance(held, dict) or held.pop("format", None) != FORMAT:
        raise EvaluationError(f"{path} is not {what} of format {FORMAT}; run bench again")
    return held
