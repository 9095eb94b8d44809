"""Servers that tests start: free ports, waiting for an answer, who listens where."""

import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


@contextmanager
def started(*words: object) -> Iterator["subprocess.Popen[str]"]:
    """A process, ended at the latest when the context is."""
    process = subprocess.Popen(
        [str(word) for word in words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(url: str) -> str:
    """What a server answers."""
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.read().decode()


def eventually(url: str, process: "subprocess.Popen[str]") -> str:
    """What a server answers as soon as it does; the process that it is in must be alive."""
    while True:
        try:
            return get(url)
        except OSError:
            if process.poll() is not None:
                raise AssertionError(process.communicate()) from None
            time.sleep(0.05)


def listens_on(process: "subprocess.Popen[str]") -> set[str]:
    """The addresses (hexadecimal, as Linux has them) on which a process listens."""
    inodes = set()
    for link in Path(f"/proc/{process.pid}/fd").iterdir():
        try:
            target = str(link.readlink())
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = set()
    for table in ("tcp", "tcp6"):
        path = Path(f"/proc/{process.pid}/net/{table}")
        for line in path.read_text().splitlines()[1:] if path.exists() else ():
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                found.add(fields[1].partition(":")[0])
    return found


LOOPBACK = "0100007F"
"""127.0.0.1, as :func:`listens_on` has it."""
