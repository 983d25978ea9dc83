"""A report as one page that opens offline: tables, plots, and the videos side by side."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib import resources
from math import isnan
from typing import Any

from kineograph.core.errors import EvaluationError
from kineograph.evaluation.bench.results import Results
from kineograph.evaluation.reports.cases import single, worst_by
from kineograph.evaluation.reports.drawing import INSTALL
from kineograph.evaluation.reports.films import BUDGET, Films, safe_json
from kineograph.evaluation.reports.inks import inks_of
from kineograph.evaluation.reports.plots import along_curves, over_variants
from kineograph.evaluation.reports.table import ARROWS, Line, Table, notes_of, tables_of
from kineograph.evaluation.reports.writing import ends, number

PAGE = "kineograph.evaluation.reports.page"
SCRIPTS = ("report.js", "player.js", "videos.js")

GROUPS = {
    "truth": "The true videos: what the measuring itself gets wrong, the noise floor",
    "baseline": "Without a model: the picture held still, the picture warped",
    "engine": "Engines",
    "paper": "From the papers: not measured here, never ranked",
}
"""A kind of row to what stands above its rows."""

WAYS = {"lower": "lower is better", "higher": "higher is better", "neither": "no way is better"}


def html_page(results: Results, *, worst: str | None = None, budget: int = BUDGET) -> str:
    """The report as one page, which asks for nothing from anywhere.

    Videos that are not in the page are linked to, as they lie in the report's folder: put the page
    there.

    Args:
        results: what was measured.
        worst: by which metric the worst cases come first; the first that measures motion if None.
        budget: so many bytes of videos are in the page, the worst cases of each variant first.

    Raises:
        EvaluationError: a package that draws the page is not installed, or `worst` is not one of
            the report's metrics of single clips.
    """
    order = worst_by(results, worst)
    page = _template()
    css, *scripts = map(_text, ("report.css", *SCRIPTS))
    tables = tables_of(results)
    films = Films(results, order, budget)
    return str(
        page.render(
            head=results.head,
            clips=len(results.names),
            notes=notes_of(results),
            panels=[_panel(results, place, table) for place, table in enumerate(tables)],
            plots=over_variants(results, tables),
            inks=inks_of([row.label for row in results.head.rows]),
            groups=GROUPS,
            single=single(results),
            css=css,
            scripts=scripts,
            policy=_policy(css, scripts),
            told=films.told,
            media=films.media,
            anything=bool(films.cases),
        )
    )


def _panel(results: Results, place: int, table: Table) -> dict[str, Any]:
    """What of the page is of one variant."""
    groups = {kind: [line for line in table.lines if line.kind == kind] for kind in GROUPS}
    return {
        "table": table,
        "groups": {kind: lines for kind, lines in groups.items() if lines},
        "curves": along_curves(results, place),
        "ranked": any(metric["better"] != "neither" for metric in table.metrics),
    }


def count_of(line: Line) -> int:
    """Over how many clips a row's values are; of different numbers the largest."""
    return max((cell.interval.count for cell in line.cells.values()), default=0)


def range_of(metric: Mapping[str, Any]) -> str:
    """What values there can be, in words."""
    low, high = metric["range"]
    if low is None:
        return "any number" if high is None else f"up to {high:g}"
    return f"{low:g} and up" if high is None else f"{low:g} to {high:g}"


def meaning_of(metric: Mapping[str, Any]) -> str:
    """A metric's legend in one text."""
    parts = (metric["what"], range_of(metric), WAYS[metric["better"]], metric["source"])
    return "; ".join(part for part in parts if part)


def _policy(css: str, scripts: Sequence[str]) -> str:
    """What the page may do: show itself, run its own script, play its videos; nothing else.

    Not every browser takes the files beside a file for its own, hence `file:`.
    """
    run = " ".join(map(_digest, scripts))
    return (
        f"default-src 'none'; style-src {_digest(css)}; script-src {run}; img-src data:; "
        "media-src data: 'self' file:; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _text(name: str) -> str:
    return resources.files(PAGE).joinpath(name).read_text(encoding="utf-8")


def _template() -> Any:
    try:
        import jinja2
        from markupsafe import Markup
    except ImportError:
        raise EvaluationError(INSTALL.format(name="jinja2")) from None
    rules = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    rules.lstrip_blocks = True
    rules.filters.update(
        number=number, ends=ends, meaning=meaning_of, range=range_of, clips=count_of, nan=isnan
    )
    rules.filters.update(raw=Markup, told=lambda held: Markup(safe_json(held)))
    rules.globals.update(arrows=ARROWS, ways=WAYS)
    return rules.from_string(_text("report.html.jinja"))
