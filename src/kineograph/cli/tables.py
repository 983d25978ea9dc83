"""Facts as tables for people, on terminals and in pipes."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.table import Table


def pairs(title: str, rows: Iterable[tuple[str, str]]) -> "Table":
    """A table of names and what is said of them."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(title), title_justify="left", box=None, show_header=False)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, escape(value))
    return table


def show(table: "Table") -> None:
    """Print a table; what reads a pipe gets no blanks at the ends of its lines."""
    from rich.console import Console

    console = Console(highlight=False)
    if console.is_terminal:
        console.print(table)
        return
    with console.capture() as held:
        console.print(table)
    typer.echo("\n".join(line.rstrip() for line in held.get().splitlines()))


def size(count: int) -> str:
    """Bytes in the largest unit that leaves a number above one."""
    amount = float(count)
    for unit in ("bytes", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.3g} {unit}"
        amount /= 1024
    return f"{amount:.3g} GiB"
