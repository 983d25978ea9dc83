"""A report's tables in Markdown, as GitHub shows it."""

from collections.abc import Iterator

from kineograph.evaluation.bench.results import Results
from kineograph.evaluation.reports.table import ARROWS, Cell, Line, Table, notes_of, tables_of
from kineograph.evaluation.reports.writing import ends, number


def markdown_page(results: Results) -> str:
    """The tables, what one has to know of them, and what the metrics mean."""
    return "\n".join(_page(results)) + "\n"


def _page(results: Results) -> Iterator[str]:
    head = results.head
    yield f"# {text(head.title)}"
    yield ""
    yield (
        f"{len(results.names)} clips; 95 % intervals by bootstrap over clips, of set metrics by "
        "jackknife. The row truth is the true video itself: the metric's own noise floor."
    )
    for table in tables_of(results):
        yield ""
        if table.variant:
            yield f"## {text(head.axis)} {text(table.variant)}\n"
        yield from table_lines(table)
    notes = notes_of(results)
    if notes:
        yield "\n## Notes\n"
        yield from (f"- {text(note)}" for note in notes)
    yield "\n## Metrics\n"
    for metric in head.metrics:
        source = f" ({text(metric['source'])})" if metric["source"] else ""
        yield f"- **{text(metric['title'])}** `{metric['name']}`: {text(metric['what'])}{source}"
    yield "\n## How it was made\n"
    yield from (f"- {text(name)}: {text(value)}" for name, value in head.about.items())


def table_lines(table: Table) -> Iterator[str]:
    """One table, its rows in their order; papers' rows say so."""
    heads = [f"{text(m['title'])} {ARROWS[m['better']]}".strip() for m in table.metrics]
    units = [f"*{text(m['unit'])}*" if m["unit"] else "" for m in table.metrics]
    yield _row(["", *heads])
    yield _row(["-", *["-:"] * len(heads)])
    if any(units):
        yield _row(["", *units])
    for line in table.lines:
        cells = [line.cells.get(m["name"]) for m in table.metrics]
        yield _row([_label(line), *("" if cell is None else _cell(cell) for cell in cells)])


def _label(line: Line) -> str:
    label = text(line.label)
    if line.kind == "truth":
        return f"{label} (noise floor)"
    if line.kind == "paper":
        return f"*{label}, from the paper: {text(line.note)}*"
    return f"{label} ({text(line.note)})" if line.note else label


def _cell(cell: Cell) -> str:
    said = number(cell.interval.value)
    said = f"**{said}**" if cell.best else said
    told = ends(cell.interval)
    return f"{said} <sub>{told}</sub>" if told else said


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def text(words: str) -> str:
    """Words that mean nothing to Markdown and are no HTML."""
    plain = " ".join(str(words).split())
    for sign in "\\`*_[]|#":
        plain = plain.replace(sign, "\\" + sign)
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
