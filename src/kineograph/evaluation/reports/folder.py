"""Writing a report: its page for people, its tables for papers and spreadsheets."""

from importlib.util import find_spec
from pathlib import Path

from kineograph.core.errors import EvaluationError
from kineograph.core.files import whole_file
from kineograph.evaluation.bench.results import Results
from kineograph.evaluation.reports.csv_table import csv_page
from kineograph.evaluation.reports.html import html_page
from kineograph.evaluation.reports.latex import latex_page
from kineograph.evaluation.reports.markdown import markdown_page

PAGES = {
    "report.md": markdown_page,
    "report.tex": latex_page,
    "report.csv": csv_page,
    "index.html": html_page,
}
"""File to what writes it; what needs nothing comes first."""

PACKAGES = ("jinja2", "matplotlib")
"""What draws the page."""


def check_packages() -> None:
    """Say before any work whether the page can be drawn.

    Raises:
        EvaluationError: a package is missing.
    """
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise EvaluationError(
            f"reports need {' and '.join(missing)}: pip install 'kineograph[bench]'"
        )


def write_report(results: Results, where: Path | None = None) -> tuple[Path, ...]:
    """Write a report's pages.

    Args:
        results: what was measured.
        where: the folder; the report's own, where the page finds the videos, if None.

    Raises:
        EvaluationError: a package that draws the page is not installed.
        OutputError: a page cannot be written.
    """
    folder = where or results.folder.where
    written = []
    for name, page in PAGES.items():
        with whole_file(folder / name) as partial:
            partial.write_text(page(results), encoding="utf-8")
        written.append(folder / name)
    return tuple(written)
