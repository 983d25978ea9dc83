"""The options of `kineograph study create`, and what they say together."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kineograph.cli.looking import names
from kineograph.cli.options import UsageError

if TYPE_CHECKING:
    from kineograph.evaluation.study.given import Given
    from kineograph.evaluation.study.protocols import Protocol

VIDEOS, BESIDE, RATERS = "Videos", "Beside the videos", "Raters"

ProtocolName = Annotated[
    str,
    typer.Option(
        metavar="NAME|FILE",
        help="motion-prompting, motif, or a .yaml or .json file.",
        show_default=False,
    ),
]
Out = Annotated[
    Path,
    typer.Option("--out", "-o", metavar="FOLDER", help="The study.", show_default=False),
]
SystemVideos = Annotated[
    list[str] | None,
    typer.Option(
        metavar="LABEL=FOLDER",
        help="A system's videos; matched with others by name. Give it twice or more.",
        rich_help_panel=VIDEOS,
    ),
]
Report = Annotated[
    Path | None,
    typer.Option(
        metavar="REPORT", help="Or the report of `kineograph bench`.", rich_help_panel=VIDEOS
    ),
]
Rows = Annotated[
    str | None,
    typer.Option(metavar="A,B", help="Which rows of --report.", rich_help_panel=VIDEOS),
]
Ours = Annotated[
    str | None,
    typer.Option(
        metavar="LABEL",
        help="Compare this system with each other one (default: every two).",
        rich_help_panel=VIDEOS,
    ),
]
Common = Annotated[
    bool,
    typer.Option("--common", help="Leave out cases that a system lacks.", rich_help_panel=VIDEOS),
]
Size = Annotated[
    str | None,
    typer.Option(
        metavar="WxH",
        help="Size of all videos (default: the one they have).",
        rich_help_panel=VIDEOS,
    ),
]
Frames = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Frames of all videos (default: likewise).",
        rich_help_panel=VIDEOS,
    ),
]
Fps = Annotated[
    float | None,
    typer.Option(
        metavar="FPS",
        min=0.1,
        help="Frames a second (default: likewise).",
        rich_help_panel=VIDEOS,
    ),
]
Align = Annotated[
    list[str] | None,
    typer.Option(
        metavar="WHAT=HOW",
        help="What may be done to videos that differ: size=stretch, size=crop, length=cut, "
        "length=resample, rate=ignore.",
        rich_help_panel=VIDEOS,
    ),
]
Truth = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="True videos, of which test questions are made (default: the systems').",
        rich_help_panel=BESIDE,
    ),
]
Motion = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="The wanted motion: CASE.tracks.npz, drawn as red dots, or CASE.mp4.",
        rich_help_panel=BESIDE,
    ),
]
Pictures = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="The starting pictures: CASE.png.", rich_help_panel=BESIDE),
]
Texts = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="The prompts: JSON of case to text, or a case, a tab and its text a line.",
        rich_help_panel=BESIDE,
    ),
]
OwnTests = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Test questions of your own: NAME.good.mp4 and NAME.bad.mp4.",
        rich_help_panel=BESIDE,
    ),
]
Questions = Annotated[
    str | None,
    typer.Option(
        metavar="A,B",
        help="Only these of the protocol's questions: each can be a study of its own.",
        rich_help_panel=RATERS,
    ),
]
Raters = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Raters a pair (default: the protocol's).",
        rich_help_panel=RATERS,
    ),
]
Tasks = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Pairs a rater (default: the protocol's).",
        rich_help_panel=RATERS,
    ),
]
CompletionCode = Annotated[
    str,
    typer.Option(
        metavar="CODE",
        help="Shown to all at the end (default: each rater has one of their own).",
        rich_help_panel=RATERS,
    ),
]
RequireId = Annotated[
    bool,
    typer.Option(
        "--require-id",
        help="Let raters begin only with ?id= in the link, as recruiting platforms add it.",
        rich_help_panel=RATERS,
    ),
]
Seed = Annotated[int, typer.Option(metavar="N", min=0, help="Of every random order.")]


def given_of(
    videos: list[str] | None,
    report: Path | None,
    rows: str | None,
    motion: Path | None,
    pictures: Path | None,
    texts: Path | None,
    truth: Path | None,
) -> "Given":
    """What the study is made from.

    Raises:
        UsageError: options contradict each other.
        StudyError: a folder or file is not as it has to be.
    """
    from kineograph.evaluation.study.given import (
        Given,
        motions_in,
        pictures_in,
        rows_of,
        systems_of,
        texts_of,
        videos_in,
    )

    if (report is None) == (not videos):
        raise UsageError("give either --videos LABEL=FOLDER, twice or more, or --report and --rows")
    if (report is None) != (rows is None):
        raise UsageError("--report and --rows belong together: --report report/ --rows a,b")
    if report is not None:
        held = rows_of(report, names(rows))
    else:
        held = {label: videos_in(folder) for label, folder in systems_of(videos or []).items()}
    return Given(
        videos=held,
        motion={} if motion is None else motions_in(motion),
        pictures={} if pictures is None else pictures_in(pictures),
        texts={} if texts is None else texts_of(texts),
        truth={} if truth is None else videos_in(truth),
    )


def protocol_of(
    given: str, questions: str | None, raters: int | None, tasks: int | None
) -> "Protocol":
    """What raters are shown and asked.

    Raises:
        StudyError: there is no such protocol or question.
    """
    from kineograph.evaluation.study import protocols

    found = protocols.protocol_of(given)
    if questions is not None:
        found = found.only(names(questions))
    changed = {"raters": raters, "tasks": tasks}
    return found.model_copy(update={k: v for k, v in changed.items() if v is not None})
