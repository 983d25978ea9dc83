"""How long a person waits for the command line to answer."""

import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

KINEOGRAPH = Path(sys.executable).with_name("kineograph")


def seconds(*command: str, times: int = 9) -> float:
    """Median wall time of a command, after one run that is not counted."""
    took = []
    for _ in range(times + 1):
        began = perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        took.append(perf_counter() - began)
    return median(took[1:])


def run() -> list[str]:
    """Lines of Markdown."""
    bare = seconds(sys.executable, "-c", "pass")
    lines = ["| command | seconds | of starting Python alone |", "|-|-|-|"]
    for arguments in (["--help"], ["animate", "--help"], ["--version"]):
        took = seconds(str(KINEOGRAPH), *arguments)
        lines.append(f"| `kineograph {' '.join(arguments)}` | {took:.2f} | {took / bare:.1f} |")
    return lines


if __name__ == "__main__":
    print("\n".join(run()))
