"""A report's tables in LaTeX, for papers (booktabs)."""

from collections.abc import Iterator

from kineograph.evaluation.bench.results import Results
from kineograph.evaluation.reports.table import Cell, Line, Table, tables_of
from kineograph.evaluation.reports.writing import number

ARROWS = {"lower": r"$\downarrow$", "higher": r"$\uparrow$", "neither": ""}
SIGNS = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{sign: "\\" + sign for sign in "&%$#_{}"},
}


def latex_page(results: Results) -> str:
    """A `table` for each variant; needs the package booktabs."""
    head = results.head
    parts = [rf"% {text(head.title)}; \usepackage{{booktabs}}"]
    for table in tables_of(results):
        variant = f", {text(head.axis)} {text(table.variant)}" if table.variant else ""
        caption = (
            f"{text(head.title)}{variant}: means over {len(results.names)} clips with half the "
            "width of their 95\\,\\% intervals (bootstrap; jackknife for whole sets); truth is the "
            "metric's noise floor; rows marked \\dag{} are figures of the paper."
        )
        parts.append("\n".join(_table(table, caption)))
    return "\n\n".join(parts) + "\n"


def _table(table: Table, caption: str) -> Iterator[str]:
    yield r"\begin{table}"
    yield r"\centering"
    yield rf"\caption{{{caption}}}"
    yield rf"\begin{{tabular}}{{l{'r' * len(table.metrics)}}}"
    yield r"\toprule"
    heads = [f"{text(m['title'])} {ARROWS[m['better']]}".strip() for m in table.metrics]
    yield " & ".join(["", *heads]) + r" \\"
    yield r"\midrule"
    last = None
    for line in table.lines:
        if last not in (None, line.kind):
            yield r"\midrule"
        last = line.kind
        cells = (line.cells.get(m["name"]) for m in table.metrics)
        row = [_label(line), *("--" if cell is None else _cell(cell) for cell in cells)]
        yield " & ".join(row) + r" \\"
    yield r"\bottomrule"
    yield r"\end{tabular}"
    yield r"\end{table}"


def _label(line: Line) -> str:
    return text(line.label) + (r" \dag{}" if line.kind == "paper" else "")


def _cell(cell: Cell) -> str:
    held = cell.interval
    said = number(held.value)
    said = rf"\textbf{{{said}}}" if cell.best else said
    half = (held.high - held.low) / 2
    return said if half != half else rf"{said} {{\tiny $\pm$ {number(half)}}}"


def text(words: str) -> str:
    """Words that mean nothing to LaTeX."""
    return "".join(SIGNS.get(sign, sign) for sign in " ".join(str(words).split()))
