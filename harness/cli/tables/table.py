"""Rich tables and texts, made the same way for all commands."""

from collections.abc import Collection, Iterable

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text


def table(
    title: str,
    columns: Iterable[str],
    rows: Iterable[Iterable[RenderableType]] = (),
    *,
    names: Collection[str] = (),
    lines: bool = False,
) -> Table:
    """Make a table with its title above it.

    Parameters
    ----------
    columns
        Their headings; a column of numbers, which is aligned to the right, begins with ``>``.
    rows
        Their cells; see :func:`add_row`.
    names
        Headings of columns of names, which are not broken over lines.
    lines
        Whether there is a blank line between rows.
    """
    made = Table(
        title=Text(title, "bold"),
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
        show_lines=lines,
    )
    for name in columns:
        made.add_column(
            Text(name.removeprefix(">")),
            justify="right" if name.startswith(">") else "left",
            overflow="fold",
            no_wrap=name in names,
        )
    for row in rows:
        add_row(made, *row)
    return made


def add_row(to: Table, *cells: RenderableType, style: str = "", end_section: bool = False) -> None:
    """Add a row; a string is shown as it is, without markup or colours of numbers."""
    shown = (Text(each) if isinstance(each, str) else each for each in cells)
    to.add_row(*shown, style=style, end_section=end_section)


def block(head: Text, *lines: Text | str) -> RenderableType:
    """Show a head, and lines below it that use the whole width and are indented."""
    below = (Text(each, "dim") if isinstance(each, str) else each for each in lines)
    return Group(head, *(Padding(each, (0, 0, 0, 4)) for each in below))


def notes(texts: Iterable[str]) -> list[Text]:
    """Return the lines of notes below a table."""
    return [Text(f"note: {each}") for each in texts]
