"""What files there are in a directory, and whether they stay the same."""

from pathlib import Path


def tree(directory: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file's inode, time of change in ns and content, by its path in the directory."""
    return {
        str(path.relative_to(directory)): (
            path.stat().st_ino,
            path.stat().st_mtime_ns,
            path.read_bytes(),
        )
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }
