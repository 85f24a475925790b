"""Tables and progress bars that fit a terminal of 80 columns."""

import contextlib
from collections.abc import Iterator

import typer
from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

__all__ = ["activity", "plain_table", "print_table", "progress_bar", "shown"]


def plain_table(*headers: str, numbers_from: int | None = None) -> Table:
    """Return an empty table with thin rules; a cell that is too long continues below itself.

    Parameters
    ----------
    headers
        The titles of the columns.
    numbers_from
        The first of the columns that hold numbers, aligned to the right.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for index, header in enumerate(headers):
        number = numbers_from is not None and index >= numbers_from
        table.add_column(header, overflow="fold", justify="right" if number else "left")
    return table


def print_table(table: Table, empty: str) -> None:
    """Print a table as it is, or what to say where it has no row."""
    if table.row_count:
        Console().print(table, markup=False, highlight=False)
    else:
        typer.echo(empty)


def progress_bar() -> Progress:
    """Return a progress bar on stderr that disappears at its end; none if that is no terminal."""
    console = Console(stderr=True)
    return Progress(console=console, transient=True, disable=not console.is_terminal)


@contextlib.contextmanager
def activity(label: str) -> Iterator[None]:
    """Show on a terminal that something runs, for as long as the context lasts."""
    with progress_bar() as progress:
        progress.add_task(label, total=None)
        yield


def shown(value: object) -> str:
    """Return a cell of a table: three digits of a number, and a dash for what is missing.

    >>> [shown(value) for value in (None, 0.62591, 1234.5, 7, "model")]
    ['–', '0.626', '1234', '7', 'model']
    """
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return str(value)
