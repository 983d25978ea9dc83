"""`kineograph study`: people compare videos, and what their votes say."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kineograph.cli import study_options as options
from kineograph.cli.looking import alignment
from kineograph.cli.options import Quiet, UsageError, size_of
from kineograph.cli.talk import Talk

if TYPE_CHECKING:
    from kineograph.evaluation.study.analysis import Analysis
    from kineograph.evaluation.study.given import Given
    from kineograph.evaluation.study.serving import Links
    from kineograph.evaluation.study.study_folder import Study

study = typer.Typer(
    name="study",
    help="Let people compare videos, and say what their votes mean.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

ADDRESS = "Address"

StudyPlace = Annotated[
    Path,
    typer.Argument(metavar="STUDY", help="The folder of a study.", show_default=False),
]


@study.command()
def create(
    protocol: options.ProtocolName,
    out: options.Out,
    videos: options.SystemVideos = None,
    report: options.Report = None,
    rows: options.Rows = None,
    ours: options.Ours = None,
    common: options.Common = False,
    size: options.Size = None,
    frames: options.Frames = None,
    fps: options.Fps = None,
    align: options.Align = None,
    truth: options.Truth = None,
    motion: options.Motion = None,
    pictures: options.Pictures = None,
    texts: options.Texts = None,
    tests: options.OwnTests = None,
    questions: options.Questions = None,
    raters: options.Raters = None,
    tasks: options.Tasks = None,
    completion_code: options.CompletionCode = "",
    require_id: options.RequireId = False,
    seed: options.Seed = 0,
    quiet: Quiet = False,
) -> None:
    """Make a study of folders of videos, or of a benchmark's report.

    All videos are written anew, the same way, under random names: nothing but what they show tells
    systems apart.

    [dim]kineograph study create --protocol motif --videos ours=a/ --videos base=b/ --texts
    texts.json --pictures pictures/ --size 320x320 --align size=crop -o study/[/dim]
    """
    from kineograph.evaluation.study.creating import Order
    from kineograph.evaluation.study.creating import create as make
    from kineograph.evaluation.study.format import Wish

    given = options.given_of(videos, report, rows, motion, pictures, texts, truth)
    order = Order(
        protocol=options.protocol_of(protocol, questions, raters, tasks),
        wish=Wish(size_of(size), frames, fps, alignment(align)),
        ours=ours,
        common=common,
        tests=tests,
        seed=seed,
        completion_code=completion_code,
        require_id=require_id,
    )
    talk = Talk(quiet)
    with talk.progress("study") as advance:
        made = make(given, order, out, lambda done, total: advance(done, total, "cases"))
    _tell(talk, out, made, given)


def _tell(talk: Talk, out: Path, made: "Study", given: "Given") -> None:
    """What was made, and what was left out."""
    left = len(given.cases) - len({pair.case for pair in made.pairs})
    if left:
        talk.note(f"{_count(left, 'case')} left out, for not every system has them")
    protocol = made.protocol
    tests = min(protocol.tests, len(made.tests))
    talk.note(f"videos: {made.about['videos']}; align {made.about['align']}")
    talk.wrote(
        out,
        f"{_count(len(made.pairs), 'pair')} of {len(made.systems)} systems, "
        f"{_count(protocol.raters, 'rater')} a pair; a rater sees {made.tasks} of them and "
        f"{_count(tests, 'test question')}",
    )
    talk.done()


@study.command()
def serve(
    place: StudyPlace,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS", help="0.0.0.0 lets other machines in.", rich_help_panel=ADDRESS
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, max=65535, help="0 takes a free one.", rich_help_panel=ADDRESS
        ),
    ] = 8321,
    public_url: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="How people reach it, behind a proxy: https://study.example.org",
            rich_help_panel=ADDRESS,
        ),
    ] = "",
    proxied: Annotated[
        bool,
        typer.Option(
            "--proxied",
            help="Believe a proxy on this machine who asks.",
            rich_help_panel=ADDRESS,
        ),
    ] = False,
    admin_token: Annotated[
        str,
        typer.Option(
            metavar="SECRET",
            help="Of the admin's link (default: the study's own).",
            envvar="KINEOGRAPH_STUDY_ADMIN",
            show_envvar=False,
            rich_help_panel=ADDRESS,
        ),
    ] = "",
) -> None:
    """Serve a study; prints the link for raters and the admin's. Ctrl-C stops it, nothing is lost.

    [dim]kineograph study serve study/ --host 0.0.0.0[/dim]
    """
    from kineograph.evaluation.study.serving import Address
    from kineograph.evaluation.study.serving import serve as run
    from kineograph.evaluation.study.study_folder import StudyFolder

    if admin_token and len(admin_token) < 16:
        raise UsageError("--admin-token is too easy to guess; give at least 16 characters")
    address = Address(host, port, public_url, proxied, admin_token)
    folder = StudyFolder(place)
    with suppress(KeyboardInterrupt):  # the server may have taken it for itself
        run(folder, address, lambda made, links: _links(place, made, links))
    typer.echo(f"stopped; all votes are in {folder.votes}")


def _links(place: Path, made: "Study", links: "Links") -> None:
    more = "?id=YOUR-PLATFORM-ID" if made.require_id else ""
    typer.echo(f"serving {place}: {_count(len(made.pairs), 'pair')}; Ctrl-C stops")
    typer.echo(f"raters: {links.invite}{more}")
    typer.echo(f"admin:  {links.admin}")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


@study.command()
def analyze(
    place: StudyPlace,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Write a page, JSON, CSV and SVG there.",
            show_default=False,
        ),
    ] = None,
    system: Annotated[
        str | None,
        typer.Option(
            metavar="LABEL", help="Whose win rates are told (default: the first by name)."
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Win rates with intervals clustered by rater and pair, agreement, and reasons.

    It can be run while the study is served. Raters who failed a test question are left out.

    [dim]kineograph study analyze study/ --system ours -o votes/[/dim]
    """
    from kineograph.core.files import check_writable
    from kineograph.evaluation.study.analysis import analyse
    from kineograph.evaluation.study.exporting import csv_of, json_of, votes_of
    from kineograph.evaluation.study.store import Store
    from kineograph.evaluation.study.study_folder import StudyFolder

    folder = StudyFolder(place)
    made = folder.read()
    if output is not None:
        check_writable(output, folder=True, replaceable=(output / "analysis.json").is_file())
    store = Store(folder.votes)
    try:
        found = analyse(votes_of(made, store), made.protocol, system=system)
        table, plain = csv_of(made, store), json_of(made, store)
    finally:
        store.close()
    talk = Talk(quiet)
    _show(found, quiet)
    if output is not None:
        from kineograph.evaluation.study.analysis_folder import write_analysis

        write_analysis(found, made, table, plain, output)
        talk.wrote(output, "index.html, analysis.json, wins.csv, votes.csv and charts")


def _show(found: "Analysis", quiet: bool) -> None:
    from kineograph.cli.tables import show
    from kineograph.evaluation.study.tables import tables_of

    if not quiet:
        for table in tables_of(found):
            show(table)
