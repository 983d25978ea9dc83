"""Progress is shown on a terminal, and only there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ANIMATE = (
    *(sys.executable, "-c", "from kineograph.cli.main import run; run()", "animate"),
    *("photo.png", "--drag", "20,24 > 28,24", "--frames", "8", "-o", "out.mp4"),
)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize(("words", "shown"), [((), True), (("--quiet",), False)])
def test_progress_on_a_terminal(folder: Path, words: tuple[str, ...], shown: bool) -> None:
    ours, theirs = os.openpty()
    done = subprocess.Popen(
        [*ANIMATE, *words],
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "120"},
    )
    os.close(theirs)
    said = everything(ours)
    assert done.wait(timeout=60) == 0
    assert ("frames/s" in said and "8/8" in said and "left" in said) == shown
    assert shown or said == ""


def everything(terminal: int) -> str:
    said = b""
    while True:
        try:
            read = os.read(terminal, 65536)
        except OSError:  # the other side has closed it
            read = b""
        if not read:
            os.close(terminal)
            return said.decode()
        said += read


def test_no_progress_elsewhere(folder: Path) -> None:
    done = subprocess.run(ANIMATE, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
