"""The real server of a study in a process of its own."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

RUN = """
import sys
from kineograph.cli.study import study
study(sys.argv[1:], standalone_mode=False)
"""


@contextmanager
def served(place: Path) -> Iterator[tuple[subprocess.Popen, str]]:
    """`kineograph study serve`; gives the process and the invitation."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, "serve", str(place), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if match := re.match(r"raters: (\S+)", line):
                break
        else:
            raise AssertionError(f"the server did not start: {said}")
        yield process, match[1]
    finally:
        process.kill()
        process.communicate()
