"""What was taken in of each file, and what was not, in the terminal."""

from rich.console import Group, RenderableType

from harness.cli.tables.table import notes, table
from harness.imports.results import Import, settings_text


def import_text(found: Import) -> RenderableType:
    """Show each file with its format and counts, the partitions, and what is left out."""
    rows = [
        (
            file["path"],
            file["format"],
            ", ".join(file["partitions"]),
            str(file["lines"]),
            str(file["intervals"]),
            str(file["broken_lines"]),
            file["first"] or "no times",
        )
        for file in found.files
    ]
    columns = ("file", "format", "partition", "lines", "intervals", "broken", "begins")
    partitions = [
        (each.name, each.virtualization, settings_text(each.settings) or "none stated")
        for each in found.partitions.values()
    ]
    said = []
    for file in found.files:
        if file["unknown"]:
            names = ", ".join(f"{name} ({count})" for name, count in file["unknown"].items())
            said.append(f"{file['path']}: not taken in (lines): {names}")
        if file["broken_lines"]:
            said.append(
                f"{file['path']}: {file['broken_lines']} broken: {'; '.join(file['broken'])}"
            )
        said += [f"{file['path']}: {note}" for note in file["notes"]]
    return Group(
        table("Files", columns, rows),
        table("Partitions", ("partition", "virtualization", "settings"), partitions),
        *notes([*said, *found.notes]),
    )
