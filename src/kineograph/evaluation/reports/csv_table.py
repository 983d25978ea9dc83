"""A report's values as CSV, a line a value, for spreadsheets and scripts."""

import csv
import io
from math import isnan

from kineograph.evaluation.bench.results import Results

COLUMNS = ("suite", "variant", "row", "metric", "unit", "clip", "value", "low", "high", "clips")


def csv_page(results: Results) -> str:
    """Every clip's value of every metric, and with `clip` empty the mean and its interval.

    A set metric has only the latter; a curve its mean over the clip. Cells that begin like a
    formula are quoted with an apostrophe, so that no spreadsheet runs a clip's name.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    head = results.head
    for variant in head.variants:
        for row in head.rows:
            for metric in head.metrics:
                start = [head.suite, variant, row.label, metric["name"], metric["unit"]]
                for line in _lines(results, metric["name"], row.label, variant):
                    writer.writerow([_safe(cell) for cell in (*start, *line)])
    return out.getvalue()


def _lines(results: Results, metric: str, row: str, variant: str) -> list[list[object]]:
    whole = results.interval(metric, row, variant)
    if whole is None:
        return []
    low, high = ("" if isnan(end) else f"{end:.8g}" for end in (whole.low, whole.high))
    lines: list[list[object]] = [["", f"{whole.value:.8g}", low, high, whole.count]]
    if results.kind(metric) != "set":
        values = results.numbers(metric, row, variant)
        lines += [
            [name, f"{value:.8g}", "", "", ""]
            for name, value in zip(results.names, values, strict=True)
            if not isnan(value)
        ]
    return lines


def _safe(cell: object) -> object:
    said = str(cell)
    return (
        f"'{said}"
        if said[:1] in ("=", "+", "@", "\t", "\r") or (said[:1] == "-" and not _is_number(said))
        else cell
    )


def _is_number(said: str) -> bool:
    try:
        float(said)
    except ValueError:
        return False
    return True
