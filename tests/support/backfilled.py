"""A real Prometheus on loopback that holds a campaign, for tests."""

import json
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

from programs import program

Series = list[dict[str, Any]]
"""What Prometheus answers: ``metric`` (labels), and ``value`` or ``values``."""


class Prometheus:
    """A server to ask."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, **parameters: object) -> Any:
        with urlopen(f"{self.url}/api/v1/{path}?{urlencode(parameters)}", timeout=60) as answer:
            return json.load(answer)["data"]

    def query(self, expression: str, **parameters: object) -> Series:
        result: Series = self.get("query", query=expression, **parameters)["result"]
        return result

    def query_range(self, expression: str, start: float, end: float, step: float) -> Series:
        result: Series = self.get("query_range", query=expression, start=start, end=end, step=step)[
            "result"
        ]
        return result


@contextmanager
def prometheus_with(
    openmetrics: Sequence[Path],
    folder: Path,
    rules: Sequence[Path] = (),
    scraped: Sequence[str] = (),
) -> Iterator[Prometheus]:
    """Backfill files into a new Prometheus that scrapes addresses; end it afterwards."""
    server, promtool = program("prometheus"), program("promtool", "prometheus")
    data = folder / "data"
    for file in openmetrics:
        subprocess.run(
            [promtool, "tsdb", "create-blocks-from", "openmetrics", str(file), str(data)],
            check=True,
            capture_output=True,
        )
    config = folder / "prometheus.yml"
    config.write_text(
        json.dumps(
            {
                "global": {"evaluation_interval": "1s", "scrape_interval": "1s"},
                "scrape_configs": [
                    {"job_name": "vtax", "static_configs": [{"targets": list(scraped)}]}
                ],
                "rule_files": [str(path.resolve()) for path in rules],
            }
        )
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                server,
                f"--config.file={config}",
                f"--storage.tsdb.path={data}",
                "--storage.tsdb.retention.time=100y",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_ready(process, url, folder / "log")
        yield Prometheus(url)
    finally:
        process.terminate()
        process.wait(60)


def _wait_until_ready(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, log.read_text()
        try:
            with urlopen(f"{url}/-/ready", timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"Prometheus is not ready after a minute: {log.read_text()}")
