"""An analysis as files: a page that opens offline, JSON, CSV and SVG, and the votes."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from kineograph.core.files import whole_folder
from kineograph.evaluation.intervals import Interval
from kineograph.evaluation.study.analysis import Analysis
from kineograph.evaluation.study.charts import reason_chart, win_chart
from kineograph.evaluation.study.study_folder import Study

STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .8rem; border-bottom: 1px solid #ccc; text-align: right; }
td { white-space: nowrap; }
th:nth-child(-n+2), td:nth-child(-n+2) { text-align: left; }
svg { max-width: 100%; height: auto; }
.pale { color: #555; }
"""


def write_analysis(
    analysis: Analysis, study: Study, votes_csv: str, votes_json: Mapping[str, Any], out: Path
) -> None:
    """Write `index.html`, `analysis.json`, `wins.csv`, `reasons.csv`, the charts and the votes.

    Args:
        analysis: what the votes say.
        study: what was asked.
        votes_csv: every answer.
        votes_json: every answer and rater.
        out: the folder; an analysis that stands there is replaced.

    Raises:
        OutputError: it cannot be written.
        StudyError: matplotlib is not installed.
    """
    files = {
        "analysis.json": _json(analysis.plain()),
        "wins.csv": _csv(_wins(analysis)),
        "wins.svg": win_chart(analysis),
        "votes.csv": votes_csv,
        "votes.json": _json(votes_json),
    }
    if analysis.reasons:
        files |= {"reasons.csv": _csv(_reasons(analysis)), "reasons.svg": reason_chart(analysis)}
    charts = [text for name, text in files.items() if name.endswith(".svg")]
    files["index.html"] = _page(analysis, study, charts)
    with whole_folder(out, replaceable=(out / "analysis.json").is_file()) as partial:
        for name, text in files.items():
            (partial / name).write_text(text, encoding="utf-8")


def _json(held: Mapping[str, Any]) -> str:
    return json.dumps(held, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _wins(analysis: Analysis) -> list[dict[str, Any]]:
    return [
        {
            "question": row.question,
            "system": row.systems[0],
            "against": row.systems[1],
            "win_rate": _number(row.wins.value),
            "low": _number(row.wins.low),
            "high": _number(row.wins.high),
            "low_if_independent": _number(row.plain.low),
            "high_if_independent": _number(row.plain.high),
            "majority": _number(row.majority.value),
            "majority_low": _number(row.majority.low),
            "majority_high": _number(row.majority.high),
            "alpha": _number(row.alpha),
            "votes": row.wins.count,
            "raters": row.raters,
            "pairs": row.pairs,
        }
        for row in analysis.comparisons
    ]


def _reasons(analysis: Analysis) -> list[dict[str, Any]]:
    return [
        {
            "system": row.systems[0],
            "against": row.systems[1],
            "aspect": row.aspect,
            "share": _number(row.share.value),
            "low": _number(row.share.low),
            "high": _number(row.share.high),
            "among_own": _number(row.among_own),
        }
        for row in analysis.reasons
    ]


def _number(value: float) -> float | str:
    return "" if value != value else round(float(value), 5)


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    held = io.StringIO()
    writer = csv.DictWriter(held, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return held.getvalue()


def _page(analysis: Analysis, study: Study, charts: Sequence[str]) -> str:
    drawn = [f"<figure>{chart[chart.index('<svg') :]}</figure>" for chart in charts]
    times = analysis.times
    facts = (
        f"{analysis.raters} raters counted, {len(analysis.unfinished)} of them unfinished; "
        f"{len(analysis.discarded)} discarded for failing a test question. A pair took "
        f"{times.median:.1f} s (median; half of them {times.low:.1f} to {times.high:.1f} s)."
    )
    reasons = ""
    if analysis.reasons:
        reasons = f"<h2>Why</h2>{drawn[1]}{_table(_told_reasons(analysis))}"
    told = f"Protocol {study.protocol.name}. {study.protocol.source}"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(study.protocol.title)}</title><style>{STYLE}</style></head><body>"
        f"<h1>{escape(study.protocol.title)}</h1><p>{escape(facts)}</p>"
        f"<h2>Preferences</h2>{_table(_told_wins(analysis))}{drawn[0]}{reasons}"
        "<p>Shares are percent, in brackets their 95% intervals, clustered by rater and pair; "
        "&ldquo;if independent&rdquo; is what they would be if votes of one rater, or on one pair, "
        "had nothing to do with each other.</p>"
        f'<p class="pale">{escape(told)}</p></body></html>\n'
    )


def _told_wins(analysis: Analysis) -> list[dict[str, str]]:
    """The comparisons as people read them."""
    return [
        {
            "question": row.question,
            "preferred": " over ".join(row.systems),
            "win rate": _told(row.wins),
            "if independent": _told(row.plain).partition(" ")[2],
            "majority, by pair": _told(row.majority),
            "alpha": "" if row.alpha != row.alpha else f"{row.alpha:.2f}",
            "votes": f"{row.wins.count}",
            "raters": f"{row.raters}",
            "pairs": f"{row.pairs}",
        }
        for row in analysis.comparisons
    ]


def _told_reasons(analysis: Analysis) -> list[dict[str, str]]:
    """The reasons as people read them."""
    return [
        {
            "preferred": " over ".join(row.systems),
            "because of": row.aspect,
            "of all votes": _told(row.share),
            "of its own": "" if row.among_own != row.among_own else f"{100 * row.among_own:.1f}",
        }
        for row in analysis.reasons
    ]


def _told(share: Interval) -> str:
    """A share and its interval in percent."""
    value, low, high = (
        "?" if x != x else f"{100 * x:.1f}" for x in (share.value, share.low, share.high)
    )
    return f"{value} [{low}, {high}]"


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in rows[0])
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row.values())}</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
