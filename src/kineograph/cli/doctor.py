"""`kineograph doctor`: what is usable here, and how to get the rest."""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

PACKAGES = (
    "numpy",
    "opencv-python-headless",
    "av",
    "scipy",
    "torch",
    "transformers",
    "diffusers",
    "peft",
    "accelerate",
)
"""The packages whose versions are told, if they are installed."""

CONTAINERS = {".mp4": "libx264", ".webm": "libvpx-vp9", ".gif": "gif", ".webp": None}
"""Endings of videos, and the encoder that each needs besides Pillow."""


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say which eyes, engines and encoders are usable here, and how to get the others.

    [dim]kineograph doctor[/dim]
    """
    system = _system()
    usable = {"encoders": _encoders(), "engines": _engines(), "eyes": _eyes()}
    if as_json:
        import json

        typer.echo(json.dumps({"system": system, **usable}, ensure_ascii=False, indent=2))
        return
    from kineograph.cli import tables

    tables.show(tables.pairs("System", system.items()))
    for title, rows in usable.items():
        tables.show(_usable(title.capitalize(), rows))
        for line in _remedies(rows):
            typer.echo(line)


def _system() -> dict[str, str]:
    """Versions, told without importing what is heavy."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    import av

    import kineograph

    facts = {
        "kineograph": kineograph.__version__,
        "Python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        "FFmpeg": str(getattr(av, "ffmpeg_version_info", "") or "unknown"),
    }
    for name in PACKAGES:
        try:
            facts[name] = version(name)
        except PackageNotFoundError:
            facts[name] = "not installed"
    return facts | {"GPU": _gpu()}


def _gpu() -> str:
    """The NVIDIA GPUs, as their driver tells them."""
    import shutil
    import subprocess

    tool = shutil.which("nvidia-smi")
    if tool is None:
        return "none found (no nvidia-smi)"
    ask = [tool, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        done = subprocess.run(ask, capture_output=True, text=True, timeout=10, check=True)
    except (subprocess.SubprocessError, OSError):
        return "none found (nvidia-smi does not answer)"
    return "; ".join(done.stdout.strip().splitlines()) or "none found"


def _encoders() -> list[dict[str, Any]]:
    import av

    rows = []
    for ending, encoder in CONTAINERS.items():
        try:
            usable = encoder is None or bool(av.codec.Codec(encoder, "w"))
        except (av.FFmpegError, ValueError):
            usable = False
        rows.append(
            {
                "kind": "video",
                "name": ending,
                "usable": usable,
                "what": encoder or "Pillow",
                "how": "" if usable else "pip install --force-reinstall av",
            }
        )
    return rows


def _engines() -> list[dict[str, Any]]:
    from kineograph.engines import registry

    rows = []
    for name, target in sorted(registry.ENGINES.items()):
        what, trouble = _engine(name)
        rows.append(
            {
                "kind": "engine",
                "name": name,
                "usable": not trouble,
                "what": what or target,
                "how": trouble,
            }
        )
    return rows


def _engine(name: str) -> tuple[str, str]:
    """What an engine says of itself in its first line, and why it cannot be had, if it cannot."""
    import inspect

    from kineograph.engines import registry

    try:
        made = registry.engine(name)
        made.check_packages()
    except Exception as error:  # a broken installation may fail in any way, and is to be told
        return "", " ".join(str(error).split()) or type(error).__name__
    return (inspect.getdoc(type(made)) or "").partition("\n")[0], ""


def _eyes() -> list[dict[str, Any]]:
    from kineograph.vision import eyes

    rows = []
    for kind, known in eyes.EYES.items():
        for name, eye in known.items():
            there = find_spec(eye.target.partition(":")[0]) is not None
            steps = [eyes.INSTALL] if eye.missing else []
            steps += [eye.fetch] if eye.fetch else []
            what = eye.note if not eye.licence else f"{eye.note}; {eye.licence}"
            rows.append(
                {
                    "kind": kind,
                    "name": name + (" (default)" if name == eyes.default(kind) else ""),
                    "usable": there and not eye.missing,
                    "what": what,
                    "how": "\n".join(steps) if there else "not in this version",
                }
            )
    return rows


def _usable(title: str, rows: list[dict[str, Any]]) -> "Table":
    """Rows of what is usable; how to get the rest is told below (`_remedies`)."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=f"\n{title}", title_justify="left", box=None, header_style="dim")
    table.add_column("kind", style="cyan", no_wrap=True)
    table.add_column("name", no_wrap=True)
    table.add_column("usable", no_wrap=True)
    table.add_column("what it is", overflow="fold")
    for row in rows:
        mark = "[green]yes[/green]" if row["usable"] else "[red]no[/red]"
        if row["usable"] and row["how"]:
            mark = "[yellow]with weights[/yellow]"
        table.add_row(row["kind"], row["name"], mark, escape(row["what"]))
    return table


def _remedies(rows: list[dict[str, Any]]) -> list[str]:
    """How to get what is missing, a command a line, never wrapped, so that it can be copied."""
    lines = []
    for row in rows:
        if row["how"]:
            lines += [
                f"  {row['kind']} {row['name']}:",
                *(f"    {step}" for step in row["how"].splitlines()),
            ]
    return ["", "How to get what is missing, or its weights:", *lines] if lines else []
