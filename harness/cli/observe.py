"""``vtax observe``: the runs of a campaign in a Prometheus server on this machine."""

import signal
from datetime import UTC, datetime
from types import FrameType
from typing import Annotated, NoReturn
from urllib.parse import urlencode

import typer

from harness.campaign.schema.limits import PORT
from harness.cli.options import DirectoryArgument, within
from harness.cli.studies import open_store
from harness.errors import UserError


def observe_campaign(
    directory: DirectoryArgument,
    port: Annotated[int | None, within(PORT, "On 127.0.0.1; by default a free one.")] = None,
    no_serve: Annotated[
        bool, typer.Option("--no-serve", help="Only write DIR/prometheus.")
    ] = False,
) -> None:
    """Serve the runs in Prometheus until Ctrl-C.

    The samples have their simulated times. The server listens on 127.0.0.1 only.
    """
    from harness.analysis.samples import analysis_samples
    from harness.analysis.study import analyse
    from harness.prometheus.backfill import backfill, installed
    from harness.prometheus.server import serving

    if not no_serve:
        installed("prometheus")
    elif port is not None:
        raise UserError("--port: changes nothing with --no-serve; leave it out")
    with open_store(directory) as store:
        name = store.campaign.name
        blocks, held, written = backfill(store, analysis_samples(analyse(store)))
    first, last = (
        datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
        for ms in (held.first_ms, held.last_ms + 999)
    )
    how = "written and read back" if written else "written before"
    print(f"{held.samples} samples of {name}, {first} to {last} UTC, {how}: {blocks}")
    if no_serve:
        return
    handled = (signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, _interrupt) for number in handled}
    try:
        with serving(blocks, port) as server:
            graph = {"g0.expr": "vtax_processor_seconds_total", "g0.end_input": last}
            print(f"Prometheus: {server.url} with {server.rules} files of rules (stop: Ctrl-C)")
            print(f"for instance: {server.url}/graph?{urlencode(graph)}&g0.range_input=1m")
            print(f"the verdict from it: vtax verdict {directory} --prometheus {server.url}")
            # A reader of a pipe waits for these lines.
            print(end="", flush=True)
            server.wait()
    except KeyboardInterrupt:
        print("Prometheus has ended")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
