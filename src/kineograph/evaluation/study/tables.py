"""Tables of an analysis for the terminal."""

from math import isnan

from rich.table import Table
from rich.text import Text

from kineograph.evaluation.intervals import Interval
from kineograph.evaluation.study.analysis import Analysis


def tables_of(analysis: Analysis) -> list[Table]:
    """Win rates; reasons, if they were asked for; and what there is to know of raters."""
    found = [_wins(analysis)]
    if analysis.reasons:
        found.append(_reasons(analysis))
    if analysis.strengths:
        found.append(_strengths(analysis))
    return [*found, _raters(analysis)]


def _wins(analysis: Analysis) -> Table:
    heads = (
        "question",
        "preferred",
        "win rate %",
        "95%, by rater and pair",
        "if independent",
        "majority %, by pair",
        "alpha",
        "votes",
    )
    table = _table("Preferences", heads, words=2)
    for row in analysis.comparisons:
        ties = f", {row.ties} ties" if row.ties else ""
        _add(
            table,
            row.question,
            f"{row.systems[0]} over {row.systems[1]}",
            _percent(row.wins.value),
            _ends(row.wins),
            _ends(row.plain),
            f"{_percent(row.majority.value)} {_ends(row.majority)}{ties}",
            "-" if isnan(row.alpha) else f"{row.alpha:.2f}",
            f"{row.wins.count} of {row.raters} raters, {row.pairs} pairs",
        )
    return table


def _reasons(analysis: Analysis) -> Table:
    heads = ("preferred", "because of", "% of all votes", "95%, by rater and pair", "% of own")
    table = _table("Why", heads, words=2)
    for row in analysis.reasons:
        shares = (_percent(row.share.value), _ends(row.share), _percent(row.among_own))
        _add(table, f"{row.systems[0]} over {row.systems[1]}", row.aspect, *shares)
    return table


def _strengths(analysis: Analysis) -> Table:
    table = _table("Strengths (Bradley and Terry)", ("question", "system", "strength"), words=2)
    for question, found in analysis.strengths.items():
        for name, value in sorted(found.items(), key=lambda item: -item[1]):
            _add(table, question, name, f"{value:.3f}")
    return table


def _raters(analysis: Analysis) -> Table:
    table = _table("Raters", ("what", "value"), words=1)
    times = analysis.times
    _add(table, "counted", str(analysis.raters))
    _add(table, "of them unfinished", str(len(analysis.unfinished)))
    _add(table, "discarded", str(len(analysis.discarded)))
    _add(table, "seconds a pair, median", f"{times.median:.1f}")
    _add(table, "seconds a pair, quartiles", f"{times.low:.1f} to {times.high:.1f}")
    _add(table, "seconds a pair, all", f"{times.shortest:.1f} to {times.longest:.1f}")
    for question, share in analysis.left.items():
        _add(table, f"chose the left, {question}", f"{_percent(share.value)} % {_ends(share)}")
    return table


def _table(title: str, heads: tuple[str, ...], words: int) -> Table:
    """A table whose first columns are words and whose others are numbers."""
    table = Table(title=title, title_justify="left")
    for index, head in enumerate(heads):
        table.add_column(head, justify="left" if index < words else "right")
    return table


def _add(table: Table, *cells: str) -> None:
    """A row of plain text: brackets in a name are no markup."""
    table.add_row(*[Text(cell) for cell in cells])


def _percent(share: float) -> str:
    return "-" if isnan(share) else f"{100 * share:.1f}"


def _ends(interval: Interval) -> str:
    return f"[{_percent(interval.low)}, {_percent(interval.high)}]"
