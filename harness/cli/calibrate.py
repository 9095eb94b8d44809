"""``vtax calibrate``: the cost of single events on this machine and in its real targets."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.output import Screen
from harness.errors import UserError

_ALL = "native,capped,qemu-tcg,qemu-kvm"


def calibrate_machine(
    out: Annotated[
        Path, typer.Option(metavar="FILE", readable=False, help="File for the costs, TOML.")
    ],
    targets: Annotated[
        str, typer.Option(metavar="NAMES", help="Targets, separated by commas.")
    ] = _ALL,
) -> None:
    """Measure the cost of single events on this machine.

    Events are measured natively and in each real target of this Linux machine.
    """
    from harness.cli.tables.calibration import calibration_table
    from harness.real.agent import build_agent
    from harness.real.calibration.file import calibrate, check_writable
    from harness.real.target.launcher import launcher
    from harness.real.target.pool import TargetPool, target_names
    from harness.real.target.target import NATIVE

    if sys.platform != "linux":
        raise UserError("real targets are measured on Linux only")
    check_writable(out)
    # Ratios are ratios to native, whatever else is wanted.
    names = tuple(dict.fromkeys((NATIVE, *target_names(targets))))
    screen = Screen(stderr=True)
    with launcher() as place, screen.status("probing the targets") as status:
        pool = TargetPool(place, build_agent(place.directory))
        unavailable = pool.probe(names)
        if NATIVE in unavailable:
            raise UserError(f"{NATIVE}: {unavailable[NATIVE]}")
        try:
            calibration, _ = calibrate(pool.up, unavailable, out, status.update)
        except KeyboardInterrupt:
            screen.print(f"what was measured is in {out}.partial", highlight=False)
            raise
    Screen().print(calibration_table(calibration, unavailable))
    print(out)
