"""The command as a whole: help, version, errors in one line, exit codes."""

import os
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

import kineograph
from kineograph.cli import main
from kineograph.core.errors import DocumentError
from kineograph.vision import eyes

COMMANDS = (
    "animate",
    "depth",
    "doctor",
    "expand",
    "info",
    "magnify",
    "mask",
    "overlay",
    "pose",
    "schema",
    "track",
    "train",
)
IN_GROUPS = (
    "data prepare",
    "data preview",
    "data scenes",
    "models convert",
    "models inspect",
)


def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    code = "from kineograph.cli.main import run; run()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        **options,  # type: ignore[call-overload]
    )


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    """The command with one more command that fails as its argument says."""
    app = typer.Typer(cls=main.Commands, add_completion=False, pretty_exceptions_enable=False)
    app.callback()(main.kineograph_command)

    @app.command()
    def fail(how: str) -> None:
        errors = {
            "user": DocumentError("two lines\nof text, gestures[1].path"),
            "stop": KeyboardInterrupt(),
            "memory": MemoryError(),
            "bug": ZeroDivisionError("a bug"),
        }
        raise errors[how]

    return app


def test_help_lists_every_command_with_one_example() -> None:
    shown = CliRunner().invoke(main.app, ["--help"])
    assert shown.exit_code == 0
    assert 'kineograph animate photo.jpg --drag "120,200 > 260,180" -o out.mp4' in shown.output
    groups = {name.split()[0] for name in IN_GROUPS}
    assert all(f" {name} " in shown.output for name in (*COMMANDS, *groups))


@pytest.mark.parametrize("command", COMMANDS + IN_GROUPS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    shown = CliRunner().invoke(main.app, [*command.split(), "--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0
    assert shown.output.count(f"kineograph {command} ") == (2 if command != "train" else 3)
    undocumented = [line for line in shown.output.splitlines() if line.rstrip(" │").endswith(">")]
    assert undocumented == [], "every option says what it does"


def test_without_a_command_it_shows_its_help() -> None:
    shown = CliRunner().invoke(main.app, [])
    assert shown.exit_code == 0
    assert "Usage: kineograph" in shown.output


def test_version() -> None:
    shown = CliRunner().invoke(main.app, ["--version"])
    assert (shown.exit_code, shown.output) == (0, f"kineograph {kineograph.__version__}\n")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["--bogus"], "error: No such option: --bogus\n"),
        (["anim"], "error: No such command 'anim'. Did you mean 'animate'?\n"),
        (
            ["animate", "a.jpg", "--drg", "1"],
            "error: No such option: --drg (Possible options: --drag)\n",
        ),
        (["animate", "a.jpg", "b.jpg"], "error: Got unexpected extra argument(s) (b.jpg)\n"),
        (["info"], "error: Missing argument 'FILE...'.\n"),
        (
            ["animate", "a.jpg", "--frames", "0"],
            "error: Invalid value for '--frames': Input should be greater than or equal to 1\n",
        ),
    ],
)
def test_a_wrong_command_line_is_one_line_and_exit_2(line: list[str], message: str) -> None:
    shown = CliRunner().invoke(main.app, line)
    assert (shown.exit_code, shown.stdout, shown.stderr) == (2, "", message)


@pytest.mark.parametrize(
    ("how", "code", "message"),
    [
        ("user", 2, "error: two lines of text, gestures[1].path\n"),
        ("stop", 130, "stopped; nothing was written\n"),
        ("memory", 2, "error: out of memory; ask for a smaller --size or fewer --frames\n"),
    ],
)
def test_a_failure_is_one_line(broken: typer.Typer, how: str, code: int, message: str) -> None:
    shown = CliRunner().invoke(broken, ["fail", how])
    assert (shown.exit_code, shown.stdout, shown.stderr) == (code, "", message)


def test_debug_shows_the_trace(broken: typer.Typer) -> None:
    shown = CliRunner().invoke(broken, ["--debug", "fail", "user"])
    assert isinstance(shown.exception, DocumentError)


def test_a_bug_is_not_hidden(broken: typer.Typer) -> None:
    shown = CliRunner().invoke(broken, ["fail", "bug"])
    assert isinstance(shown.exception, ZeroDivisionError)


@pytest.mark.skipif(sys.platform == "win32", reason="children's time is not told there")
def test_help_takes_less_than_400_ms() -> None:
    seconds = []
    for _ in range(3):  # processor time, which other work on the machine does not change
        before = os.times()
        assert run("--help").returncode == 0
        after = os.times()
        seconds.append(sum(after[2:4]) - sum(before[2:4]))
    assert min(seconds) < 0.4


def test_exit_codes_and_streams_of_the_real_process() -> None:
    done = run("animate", "no-such.jpg")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_python_m_kineograph_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kineograph", "--version"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == f"kineograph {kineograph.__version__}\n"


def test_a_reader_that_leaves_early_is_no_error() -> None:
    code = f"{sys.executable} -c 'from kineograph.cli.main import run; run()' schema | head -c 1"
    done = subprocess.run(
        ["bash", "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""
    assert done.stdout == "{"


def test_the_help_of_animate_names_the_words_of_parts() -> None:
    shown = CliRunner().invoke(main.app, ["animate", "--help"], env={"COLUMNS": "200"})
    drag = shown.output.partition("Drag what is at")[2].partition("Hold a region")[0]
    box = shown.output.partition("Move an object")[2].partition("Move the camera")[0]
    assert all(word in drag for word in ("whole=", "part=", "joints="))
    assert "leave (it may reach outside)" in box


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (["animate", "a.jpg", "-o", "-"], "the output (-o)"),
        (["animate", "a.jpg", "--last-frame", "-"], "--last-frame"),
        (["track", "a.mp4", "-o", "-"], "-o"),
        (["schema", "-o", "-"], "-o"),
    ],
)
def test_nothing_is_written_to_standard_output(line: list[str], name: str) -> None:
    shown = CliRunner().invoke(main.app, line)
    told = f"error: {name} is -; standard input and output are not used; name a file\n"
    assert (shown.exit_code, shown.stdout, shown.stderr) == (2, "", told)


def test_the_doctor_says_what_engines_are_and_commands_stay_whole() -> None:
    done = run("doctor", env={**os.environ, "COLUMNS": "80"})
    lines = done.stdout.splitlines()
    assert "Layered splatting of the picture" in done.stdout and "WarpEngine" not in done.stdout
    assert [line for line in lines if line != line.rstrip()] == []
    commands = {line.strip() for line in lines if line.startswith("    ")}
    for known in eyes.EYES.values():
        assert {eye.fetch for eye in known.values() if eye.fetch} <= commands
