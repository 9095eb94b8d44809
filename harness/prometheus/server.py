"""The machine's own Prometheus, serving a campaign's blocks on loopback."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path

import requests

from harness.errors import UserError
from harness.files import scratch_directory
from harness.metrics.http import LOOPBACK, check_free
from harness.printable import last_line
from harness.prometheus.backfill import installed, link_blocks

RULES = Path(str(files("grafana") / "rules"))
"""Where recording and alerting rules are."""

RETENTION = "100y"
"""Campaigns may be dated long ago; what is older than this would be deleted."""

_READY_SECONDS = 60.0
_STOP_SECONDS = 20.0


@dataclass(frozen=True)
class Server:
    """Prometheus server that is ready for queries."""

    process: "subprocess.Popen[bytes]"
    url: str
    rules: int
    """How many files of rules it has loaded."""
    log: Path

    def wait(self) -> None:
        """Wait for its unexpected end.

        Raises
        ------
        UserError
            When it has ended.
        """
        self.process.wait()
        raise self.ended()

    def ended(self) -> UserError:
        """Error that it has ended, with the last line of its log."""
        why = last_line(self.log.read_text(errors="replace")) or "it said nothing"
        return UserError(f"prometheus ended with exit code {self.process.returncode}: {why}")


@contextmanager
def serving(blocks: Path, port: int | None = None, rules: Path = RULES) -> Iterator[Server]:
    """Serve blocks until the context is left; then no process and no file remains.

    The server works on links beside the blocks, which stay as they are. It ends with this
    process in any case.

    Parameters
    ----------
    blocks
        The directory that holds them.
    port
        On 127.0.0.1; None for any that is free.
    rules
        The directory of rules; every ``*.yml`` in it is loaded.

    Raises
    ------
    UserError
        If Prometheus is missing, does not start, or the port is taken.
    """
    program = installed("prometheus")
    port = check_free(port or 0, "--port")
    try:
        with scratch_directory(blocks.parent) as folder:
            link_blocks(blocks, folder / "data")
            files = [str(path) for path in sorted(rules.resolve().glob("*.yml"))]
            # JSON is valid YAML, and quotes any character of a path.
            config = folder / "prometheus.yml"
            config.write_text(
                json.dumps({"global": {"evaluation_interval": "10s"}, "rule_files": files})
            )
            command = [
                program,
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--storage.tsdb.retention.time={RETENTION}",
                f"--web.listen-address={LOOPBACK}:{port}",
                # No browser sends this word: pages of other sites may read nothing.
                "--web.cors.origin=none",
                "--log.level=warn",
            ]
            log = folder / "log"
            with log.open("wb") as output:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    process_group=0,
                    preexec_fn=partial(_end_with_parent, os.getpid()),  # noqa: PLW1509 (nothing else runs here)
                )
            try:
                server = Server(process, f"http://{LOOPBACK}:{port}", len(files), log)
                _wait_until_ready(server)
                yield server
            finally:
                _stop(process)
    except OSError as error:
        raise UserError(
            f"{blocks.parent}: prometheus cannot be started there ({error.strerror or error})"
        ) from None


def _wait_until_ready(server: Server) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    with requests.Session() as session:
        session.trust_env = False  # no proxy
        while time.monotonic() < deadline:
            if server.process.poll() is not None:
                raise server.ended()
            with suppress(requests.RequestException):
                if session.get(f"{server.url}/-/ready", timeout=5).ok:
                    return
            time.sleep(0.05)
    raise UserError(f"prometheus was not ready within {_READY_SECONDS:.0f} s")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def _end_with_parent(parent: int) -> None:
    """Have Linux end this process when the one that started it dies."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it has died already
            os._exit(1)
