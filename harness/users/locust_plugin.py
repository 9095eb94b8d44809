"""Plugin for ``locust -f workloads/cpu.py``: modelled partitions, with options to choose them.

:mod:`workloads` finds it by the entry point ``vtax.platforms``, because locustfiles do not know
what they drive.
"""

import sys
from argparse import ArgumentTypeError
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

from locust import events
from locust.env import Environment
from locust.runners import LocalRunner

from harness.campaign.schema.limits import PORT, SPEED
from harness.errors import UserError

_FACTORS = ("machine", "os", "virtualization", "workload")


def add_options(parser: Any) -> None:
    """Add options to Locust's command line; the simulation begins with Locust.

    Locust's page listens on this computer only, unless ``--web-host`` says otherwise.
    """
    parser.set_defaults(web_host="127.0.0.1")
    group = parser.add_argument_group("vtax", "What the users drive: a cell of a campaign.")
    group.add_argument("--campaign", default="carrier", help="A shipped campaign's name or a file.")
    for factor in _FACTORS:
        group.add_argument(f"--{factor}", help=f"The cell's {factor}, as in --campaign.")
    group.add_argument(
        "--speed",
        type=_speed,
        default=1.0,
        help="Simulated seconds for each second of the wall clock, from "
        f"{SPEED.least:g} to {SPEED.most:,.0f}.",
    )
    group.add_argument(
        "--metrics-port", type=_port, default=9464, help="Where /metrics is, on 127.0.0.1."
    )


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no number") from None
    if not SPEED.least <= speed <= SPEED.most:
        raise ArgumentTypeError(f"{text} is not from {SPEED.least:g} to {SPEED.most:,.0f}")
    return speed


def _port(text: str) -> int:
    if not text.isdecimal() or not PORT.least <= int(text[:9]) <= PORT.most:
        raise ArgumentTypeError(f"{text!r} is no port from {PORT.least} to {PORT.most}")
    return int(text)


def _or_exit(listener: Callable[[Environment], None]) -> Callable[..., None]:
    """End the process with a one-line error, for which Locust would print a traceback."""

    def listen(environment: Environment, **_: object) -> None:
        try:
            listener(environment)
        except UserError as error:
            print(f"vtax: {' '.join(str(error).split())}", file=sys.stderr)
            sys.exit(2)

    return listen


def _begin(environment: Environment) -> None:
    from harness.campaign.plan import make_plan
    from harness.metrics.http import LOOPBACK, SameOrigin, check_free, serve_metrics
    from harness.users.locust_page import fine_numbers, limit_swarms
    from harness.users.realtime import RealtimeSimulation, live_spec
    from workloads.user_code import UserCode

    runner = environment.runner
    if not isinstance(runner, LocalRunner):
        raise UserError("simulated time is kept by one process: leave out --master and --processes")
    options: Any = environment.parsed_options
    chosen = {
        (Path(sys.modules[cls.__module__].__file__ or "").name, cls.__name__)
        for cls in environment.user_classes
    }

    def wanted(user: str) -> bool:
        path, _, name = user.rpartition(":")
        return (Path(path).name, name) in chosen

    only = [f"{name}={value}" for name in _FACTORS if (value := getattr(options, name))]
    plan = make_plan(options.campaign, only=only, option="cell")
    spec = live_spec(plan, wanted)
    name = plan.campaign.campaign.name
    check_free(options.metrics_port, "--metrics-port")
    stack = ExitStack()
    stack.enter_context(UserCode(spec.base))
    stack.enter_context(fine_numbers())
    live = stack.enter_context(RealtimeSimulation(spec, environment, options.speed, wanted, name))
    server = serve_metrics(live.registry, options.metrics_port)
    stack.callback(server.stop)
    live.link_failure(_fail)
    page: Any = environment.web_ui
    if page is not None:
        limit_swarms(page.app)
        if page.host in (LOOPBACK, "localhost"):
            page.app.wsgi_app = SameOrigin(page.app.wsgi_app)
    if options.num_users is None:
        options.num_users = live.users
        options.spawn_rate = options.spawn_rate or min(live.users, 100)
    environment.events.quit.add_listener(lambda **_: stack.close())  # type: ignore[no-untyped-call]
    print(
        f"vtax: {spec.cell.title}, at {options.speed:g} x the wall clock; "
        f"metrics: http://127.0.0.1:{options.metrics_port}/metrics",
        file=sys.stderr,
    )


def _fail(error: BaseException) -> NoReturn:
    print(f"vtax: the simulation failed: {type(error).__name__}: {error}", file=sys.stderr)
    sys.exit(2)


events.init.add_listener(_or_exit(_begin))  # type: ignore[no-untyped-call]
