"""The house stands: no room imports from a room further down DESIGN.md's table."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import kineograph

SOURCE = Path(kineograph.__file__).parent

ROOMS = (
    "core",
    "formats",
    "vision",
    "render",
    "gestures",
    "conditioning",
    "models",
    "engines",
    "data",
    "evaluation",
    "training",
    "studio",
    "cli",
)
"""Ground floor first, as in DESIGN.md."""

WITHOUT_TORCH = ("core", "formats", "render", "gestures")
"""Rooms that have no use for torch, not even inside a function."""


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Every module name that a file imports, at its top or inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write imports from kineograph in full, not relative"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def room(name: str) -> str | None:
    """The room of a dotted module name, if it is one of ours."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "kineograph" and parts[1] in ROOMS else None


def test_every_folder_is_a_room_of_the_house() -> None:
    folders = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    assert folders <= set(ROOMS), "a new room needs its place in DESIGN.md's table and in ROOMS"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_room_imports_nothing_from_further_down(path: Path) -> None:
    here = path.relative_to(SOURCE).parts[0]
    if here not in ROOMS:
        return
    for name in imported(path):
        there = room(name)
        assert there is None or ROOMS.index(there) <= ROOMS.index(here), (
            f"{here}/{path.name} imports {name}: {there}/ lies further down than {here}/; "
            "move the shared part to the lower floor"
        )
        assert not name.startswith("kineograph.") or there or name == "kineograph.__version__", (
            f"{here}/{path.name} imports {name} through the package; import it from its own room"
        )
        assert here not in WITHOUT_TORCH or name.split(".")[0] != "torch", (
            f"{here}/{path.name} imports torch; {here}/ does without"
        )


@pytest.mark.parametrize(
    "code",
    [
        "import kineograph",
        "import kineograph; kineograph.errors.KineographError",
        "import kineograph.cli.main",
        "import sys; sys.argv = ['kineograph', '--help']\n"
        "from kineograph.cli.main import run\ntry: run()\nexcept SystemExit: pass",
        "import sys; sys.argv = ['kineograph', 'animate', '--help']\n"
        "from kineograph.cli.main import run\ntry: run()\nexcept SystemExit: pass",
    ],
)
def test_nothing_heavy_is_loaded_before_it_is_needed(code: str) -> None:
    heavy = "{'torch', 'numpy', 'cv2', 'av', 'scipy', 'PIL'}"
    check = f"{code}\nimport sys\nprint('loaded:', sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "loaded: []"
