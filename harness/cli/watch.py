"""``vtax watch``: a cell in real time, with Locust's web page and metrics."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.campaign.schema.limits import PORT, SPEED
from harness.cli.options import CampaignArgument, OnlyOption, within
from harness.cli.output import print_message
from harness.errors import UserError

if TYPE_CHECKING:
    from gevent.event import Event

    from harness.engine.realtime_clock import RealtimeClock
    from harness.users.realtime import RealtimeSimulation

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_STOP_SECONDS = 1.5
"""How long users have to stop."""


def watch_cell(
    campaign: CampaignArgument,
    only: OnlyOption = [],  # noqa: B006 (typer reads it, nothing changes it)
    speed: Annotated[
        float,
        typer.Option(help=f"Simulated / real time, {SPEED.least:g} to {SPEED.most:,.0f}."),
    ] = 1.0,
    port: Annotated[int, within(PORT, "Port of Locust's web page, on 127.0.0.1.")] = 8089,
    metrics_port: Annotated[int, within(PORT, "Port of /metrics, on 127.0.0.1.")] = 9464,
) -> None:
    """Simulate one cell in real time until Ctrl-C.

    The locustfiles that the campaign file names are executed.
    """
    import gevent
    from gevent.event import Event
    from locust.env import Environment
    from locust.stats import stats_history

    from harness.campaign.plan import make_plan
    from harness.metrics.http import LOOPBACK, check_free, serve, serve_metrics
    from harness.users.locust_page import MAX_USERS, another_command, fine_numbers, limit_swarms
    from harness.users.realtime import RealtimeSimulation, live_spec
    from workloads.user_code import UserCode

    if not SPEED.least <= speed <= SPEED.most:
        raise UserError(f"--speed = {speed:g}: must be from {SPEED.least:g} to {SPEED.most:,.0f}")
    if port == metrics_port:
        raise UserError(f"--metrics-port = {port}: is the port of the web page; choose another")
    plan = make_plan(campaign, only=only)
    spec = live_spec(plan)
    name = plan.campaign.campaign.name
    check_free(port, "--port")
    check_free(metrics_port, "--metrics-port")
    environment = Environment()
    with (
        UserCode(spec.base),
        RealtimeSimulation(spec, environment, speed, campaign=name) as live,
        fine_numbers(),
        another_command(),
    ):
        runner = environment.create_local_runner()
        if live.users > MAX_USERS:
            raise UserError(
                f"{spec.cell.title}: has {live.users} users; up to {MAX_USERS} can be watched"
            )
        page: Any = environment.create_web_ui(LOOPBACK, port, delayed_start=True).app
        limit_swarms(page)
        servers = [serve(page, port, "--port"), serve_metrics(live.registry, metrics_port)]
        helpers = [gevent.spawn(stats_history, runner), gevent.spawn(_warn_when_late, live.clock)]
        stop = Event()
        with _stopped_by_signals(stop):
            try:
                runner.start(live.users, spawn_rate=min(live.users, 100))
                _announce(live, f"http://{LOOPBACK}:{port}", f"http://{LOOPBACK}:{metrics_port}")
                live.join(stop)
                _summarize(live)
            finally:
                runner.quit()
                gevent.killall(helpers)
                for server in servers:
                    server.stop()


@contextmanager
def _stopped_by_signals(stop: "Event") -> Iterator[None]:
    """Set an event at the first signal to stop, and make sure that the process ends.

    A second signal ends the process at once, and so does a timer: the code of users may never
    yield to other greenlets.
    """

    def begin(number: int, frame: FrameType | None) -> None:
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(number))
        signal.setitimer(signal.ITIMER_REAL, _STOP_SECONDS)
        stop.set()

    handled = (*_SIGNALS, signal.SIGALRM)
    before = {number: signal.getsignal(number) for number in handled}
    for number in _SIGNALS:
        signal.signal(number, begin)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def _announce(live: "RealtimeSimulation", page: str, metrics: str) -> None:
    print(f"{live.spec.cell.title}, at {live.clock.speed:g} x the wall clock")
    print(f"users: {page} (Locust)")
    print(f"metrics: {metrics}/metrics")
    if live.clock.speed != 1:
        print(
            "response times are simulated; requests per second on Locust's page count by the "
            f"wall clock, {live.clock.speed:g} x those of simulated time"
        )
    print("stop: Ctrl-C", flush=True)


def _warn_when_late(clock: "RealtimeClock") -> None:
    """Warn that simulated time falls behind, and again whenever it is twice as late."""
    import gevent

    tolerated = 1.0
    while True:
        gevent.sleep(1.0)
        late = clock.late_seconds
        if late > tolerated:
            tolerated = 2 * late
            print_message(
                f"simulated time runs {late:.1f} s late: this computer is too slow; "
                "results stay right; a lower --speed helps"
            )


def _summarize(live: "RealtimeSimulation") -> None:
    print(file=sys.stderr)  # the terminal has written ^C
    clock = live.clock
    print_message(
        f"watched {clock.now_ns / 1e9:.1f} s of simulated time, "
        f"{live.observation.completed} transactions; at worst {clock.worst_late_seconds:.3g} s "
        "behind its pace"
    )
