"""A comparison of two reports as Markdown and as a page."""

from collections.abc import Iterator
from html import escape

from kineograph.evaluation.reports.comparing import Comparison, Difference
from kineograph.evaluation.reports.markdown import text
from kineograph.evaluation.reports.writing import ends, number

HEADS = ("variant", "rows", "metric", "first", "second", "change", "95 %", "clips better", "")
STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .8rem; text-align: right; border-bottom: 1px solid #8884; }
th:nth-child(-n+3), td:nth-child(-n+3) { text-align: left; }
.better { color: light-dark(#0a6b3d, #5fd08f); } .worse { color: light-dark(#a1261f, #ff8f85); }
"""


def compared_markdown(held: Comparison) -> str:
    """The comparison as a Markdown table."""
    lines = ["| " + " | ".join(HEADS) + " |", "|" + "-|" * len(HEADS)]
    lines += ["| " + " | ".join(map(text, cells(found))) + " |" for found in held.differences]
    notes = [f"- {text(note)}" for note in held.notes]
    return "\n".join(
        [f"# {text(held.titles[0])} and {text(held.titles[1])}", "", *lines, "", *notes]
    )


def compared_html(held: Comparison) -> str:
    """The comparison as one page that opens offline."""
    return "\n".join(_html(held)) + "\n"


def cells(found: Difference) -> tuple[str, ...]:
    """A difference as text, in the order of `HEADS`."""
    one, other = found.rows
    change = number(found.change.value)
    return (
        found.variant,
        one if one == other else f"{one}, {other}",
        str(found.metric["title"]),
        number(found.first),
        number(found.second),
        change if change.startswith("-") else f"+{change}",
        ends(found.change),
        f"{100 * found.better:.0f} %" if found.metric["better"] != "neither" else "",
        found.verdict,
    )


def _html(held: Comparison) -> Iterator[str]:
    title = escape(" and ".join(held.titles))
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    yield '<!doctype html><html lang="en"><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title}</title><style>{STYLE}</style><h1>{title}</h1>"
    yield "<p>From the first to the second, clip by clip, over the clips that both have.</p>"
    yield '<div class="scroll"><table><thead><tr>'
    yield "".join(f"<th>{escape(name)}</th>" for name in HEADS)
    yield "</tr></thead><tbody>"
    for found in held.differences:
        told = "".join(f"<td>{escape(cell)}</td>" for cell in cells(found))
        most = escape("most in " + ", ".join(found.clips))
        yield f'<tr class="{found.verdict}" title="{most}">{told}</tr>'
    yield "</tbody></table></div>"
    yield "".join(f"<p>{escape(note)}</p>" for note in held.notes)
