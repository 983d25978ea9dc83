"""First frame and tracks: how like the truth is a still picture, `warp`, `mini`?"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from mini_clips import cut_windows
from mini_plan import MINI, Plan, failures
from mini_suites import Untold

from kineograph.evaluation.bench.report_folder import STILL, WARP
from kineograph.evaluation.bench.results import Results
from kineograph.evaluation.reports.comparing import Difference, compare
from kineograph.evaluation.suites.folder import Folder
from kineograph.evaluation.suites.suite import Suite

COUNTS = ("1", "16", "512", "2048")
METRICS = ("psnr", "ssim", "lpips", "epe")
DIGITS = {"psnr": 2, "ssim": 3, "lpips": 3, "epe": 2}
PROCEDURAL, REAL = "procedural", "real"
AIMED = {PROCEDURAL: (COUNTS, ("psnr", "ssim", "epe")), REAL: (("1", "16"), ("psnr", "ssim"))}
"""Where `mini` is to beat `warp`: at which numbers of tracks, in which metrics."""


def procedural(plan: Plan) -> Suite:
    """Scenes of 128x128 that training does not use."""
    return Untold(count=plan.scenes)


def real(plan: Plan) -> Suite:
    """Windows of the real clips, 256x256; their tracks by the default tracker."""
    assert plan.clips is not None
    windows = cut_windows(Path(plan.clips), plan.reports / "windows", each=plan.each, side=256)
    return Folder(windows, frames=16, count=plan.real)


def likeness(plan: Plan, part: str) -> list[str]:
    """The tables of one kind of clips."""
    if part == REAL and plan.clips is None:
        return ["Not measured: `KINEOGRAPH_CLIPS` names no folder of videos."]
    suite = {PROCEDURAL: procedural, REAL: real}[part](plan)
    return tables(plan.measure(suite, part, METRICS, plan.row(), COUNTS), part)


def tables(results: Results, part: str) -> list[str]:
    """Values, differences clip by clip, and whether what was aimed at is reached."""
    metrics = [name for name in METRICS if name not in results.head.missing]
    rows = [row.label for row in results.head.rows if row.label in (STILL, WARP, MINI)]
    titles = {str(held["name"]): str(held["title"]) for held in results.head.metrics}
    said = [f"{len(results.names)} clips.", _absent(results), *failures(results)]
    lines = [" ".join(filter(None, said)), ""]
    heads = [f"{titles[name]} {row}" for name in metrics for row in rows]
    lines += ["| tracks | " + " | ".join(heads) + " |", "|-" * (len(heads) + 1) + "|"]
    for count in COUNTS:
        cells = [_value(results, name, row, count) for name in metrics for row in rows]
        lines.append(f"| {int(count):,} | " + " | ".join(cells) + " |")
    if any(case.row == MINI and case.values for case in results.cases):
        lines += ["", *differences(results, metrics), "", *verdict(results, part)]
    return lines


def differences(results: Results, metrics: Sequence[str]) -> Iterator[str]:
    """`mini` minus each of the others, over the same clips, with intervals."""
    yield "Differences over the same clips, with 95 % intervals; bold where 0 lies outside:"
    yield ""
    heads = [f"{MINI} - {row}, {name.upper()}" for row in (WARP, STILL) for name in metrics]
    yield "| tracks | " + " | ".join(heads) + " |"
    yield "|-" * (len(heads) + 1) + "|"
    found = found_differences(results)
    for count in COUNTS:
        cells = [
            _change(found.get((count, row, name))) for row in (WARP, STILL) for name in metrics
        ]
        yield f"| {int(count):,} | " + " | ".join(cells) + " |"


def found_differences(results: Results) -> dict[tuple[str, str, str], Difference]:
    """(tracks, other row, metric) to how `mini` differs from the other row."""
    pairs = [(row, MINI) for row in (WARP, STILL)]
    held = compare(results, results, pairs).differences
    return {(one.variant, one.rows[0], str(one.metric["name"])): one for one in held}


def verdict(results: Results, part: str) -> Iterator[str]:
    """Whether `mini` beats `warp` where it is to, and is nowhere worse than the still picture."""
    found = found_differences(results)
    counts, metrics = AIMED[part]
    yield _said(f"- `mini` better than `warp` ({', '.join(map(str.upper, metrics))})", [
        (f"{name.upper()} at {count}", found[count, WARP, name])
        for count in counts for name in metrics if (count, WARP, name) in found
    ])  # fmt: skip
    yield _said("- `mini` not worse than the still picture", [
        (f"{name.upper()} at {count}", found[count, STILL, name])
        for count in COUNTS for name in metrics if (count, STILL, name) in found
    ])  # fmt: skip
    psnr = [held for (_, row, name), held in found.items() if (row, name) == (STILL, "psnr")]
    if psnr:
        share = sum(held.better * held.change.count for held in psnr)
        total = sum(held.change.count for held in psnr)
        yield f"- Of {total} videos of `mini`, {share:.0f} have a higher PSNR than the still one."


def _said(what: str, held: Sequence[tuple[str, Difference]]) -> str:
    """In words: met or not, where not, and how much of it is beyond chance."""
    short = [name for name, one in held if not _gain(one) > 0]
    clear = sum(one.verdict == "better" for _, one in held)
    met = "**met**" if not short else f"**not met**: it is not at {', '.join(short)}"
    return f"{what}: {met}; beyond chance in {clear} of {len(held)}."


def _gain(held: Difference) -> float:
    return held.change.value if held.metric["better"] == "higher" else -held.change.value


def _absent(results: Results) -> str:
    missing = [name for name in METRICS if name in results.head.missing]
    return f"Not measured for want of weights: {', '.join(missing)}." if missing else ""


def _value(results: Results, metric: str, row: str, count: str) -> str:
    held = results.interval(metric, row, count)
    return "" if held is None else f"{held.value:.{DIGITS[metric]}f}"


def _change(held: Difference | None) -> str:
    if held is None:
        return ""
    digits = DIGITS[str(held.metric["name"])]
    change = held.change
    said = f"{change.value:+.{digits}f} [{change.low:+.{digits}f}, {change.high:+.{digits}f}]"
    return f"**{said}**" if held.verdict in ("better", "worse") else said
