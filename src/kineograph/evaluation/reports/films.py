"""The videos of a report with their values, as the script of its page reads them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from typing import Any

from kineograph.evaluation.bench.results import Results
from kineograph.evaluation.reports.cases import (
    Shown,
    Worst,
    rounded,
    shown_of,
    single,
    value_of,
)
from kineograph.evaluation.reports.inks import inks_of
from kineograph.evaluation.reports.videos import address_of, embedded, film_of

BUDGET = 25_000_000
"""Bytes of videos in the page."""


@dataclass(frozen=True, eq=False)
class Films:
    """The cases of a report as the page's script reads them.

    Args:
        results: of the report.
        order: which are first.
        budget: so many bytes of videos may be in the page.
    """

    results: Results
    order: Worst | None
    budget: int

    @cached_property
    def cases(self) -> tuple[Shown, ...]:
        """All cases, the worst of each variant first, then the second of each."""
        held = shown_of(self.results).values()
        ordered = [self.order.order(shown) if self.order else shown for shown in held]
        return tuple(one for rank in zip_longest(*ordered) for one in rank if one is not None)

    @cached_property
    def media(self) -> tuple[Mapping[str, str], ...]:
        """Row's place to data: address of each of the first cases."""
        found = embedded((case.previews for case in self.cases), self.budget)
        return tuple({str(self._rows[row]): url for row, url in held.items()} for held in found)

    @property
    def told(self) -> dict[str, Any]:
        """Everything but the videos themselves."""
        head, order = self.results.head, self.order
        inks = inks_of(list(self._rows))
        rows = [{"label": label, "ink": inks[label].variable} for label in self._rows]
        names = [metric["name"] for metric in self._metrics]
        keys = ("title", "better")
        return {
            "rows": rows,
            "metrics": [{key: metric[key] for key in keys} for metric in self._metrics],
            "variants": list(head.variants),
            "metric": names.index(order.metric["name"]) if order else 0,
            "row": self._rows[order.row] if order else 0,
            "cases": [self._case(case) for case in self.cases],
        }

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {row.label: place for place, row in enumerate(self.results.head.rows)}

    @cached_property
    def _metrics(self) -> tuple[Mapping[str, Any], ...]:
        return single(self.results)

    def _case(self, case: Shown) -> dict[str, Any]:
        film = film_of(case.previews.values())
        width, height = film.size if film else (1, 1)
        return {
            "variant": self.results.head.variants.index(case.variant),
            "name": case.name,
            "film": [width, height, film.frames, film.fps] if film else None,
            "rows": {str(self._rows[row]): self._row(case, row) for row in case.rows},
        }

    def _row(self, case: Shown, row: str) -> dict[str, Any]:
        held = case.rows[row]
        told: dict[str, Any] = {
            "values": [rounded(value_of(held, metric["name"])) for metric in self._metrics]
        }
        if held.seconds is not None:
            told["seconds"] = rounded(held.seconds)
        if held.failed:
            told["failed"] = held.failed
        if row in case.previews:
            told["video"] = address_of(row, case.key)
        return told


def safe_json(held: Any) -> str:
    """JSON that can stand in a script element, whatever its texts hold."""
    told = json.dumps(held, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for sign in "<>&":
        told = told.replace(sign, f"\\u{ord(sign):04x}")
    return told
