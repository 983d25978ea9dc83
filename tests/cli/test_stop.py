"""A stop is heard also where a library swallows the exception or makes another one of it."""

import subprocess
import sys

import pytest

LOSE = """
import os, signal
from kineograph.cli import main, stop
from kineograph.core.errors import VideoError

@main.app.command()
def lose() -> None:
    from kineograph.cli.talk import Talk
    with Talk().progress("work") as advance:
        try:
            os.kill(os.getpid(), signal.SIG{name})
        except KeyboardInterrupt as error:
            {then}
        advance(1, 2)
    print("went on")

main.run()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
@pytest.mark.parametrize(("name", "code"), [("INT", 130), ("TERM", 143), ("HUP", 129)])
@pytest.mark.parametrize(
    "then", ["pass", "raise ValueError from error", "raise VideoError('broken') from error"]
)
def test_a_lost_stop_is_found_again(name: str, code: int, then: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOSE.format(name=name, then=then), "lose"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr == "stopped; nothing was written\n"
