"""``vtax calibrate``: what single events cost on this machine and in its real targets."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.output import Screen
from harness.errors import UserError

_ALL = "native,capped,qemu-tcg,qemu-kvm"


def calibrate_machine(
    out: Annotated[
        Path, typer.Option(metavar="FILE", readable=False, help="Where the costs go, as TOML.")
    ],
    targets: Annotated[
        str, typer.Option(metavar="NAMES", help="Which of them, between commas.")
    ] = _ALL,
) -> None:
    """Measure what single events cost on this machine.

    Natively, and in each real target of this Linux machine.
    """
    from harness.cli.tables.calibration import calibration_table
    from harness.real.agent import build_agent
    from harness.real.calibration.calibration import MAXIMUM_BLOCKS, Calibration
    from harness.real.calibration.file import check_writable, document, write
    from harness.real.microbenchmarks import EVENTS
    from harness.real.provenance import provenance
    from harness.real.target.launcher import launcher
    from harness.real.target.pool import TargetPool, target_names
    from harness.real.target.target import NATIVE

    if sys.platform != "linux":
        raise UserError("real targets are measured on Linux only")
    check_writable(out)
    # Ratios are ratios to native, whatever else is wanted.
    names = tuple(dict.fromkeys((NATIVE, *target_names(targets))))
    partial = out.with_name(f"{out.name}.partial")
    machine = provenance()
    screen = Screen(stderr=True)
    with launcher() as place, screen.status("probing the targets") as status:
        pool = TargetPool(place, build_agent(place.directory))
        unavailable = pool.probe(names)
        if NATIVE in unavailable:
            raise UserError(f"{NATIVE}: {unavailable[NATIVE]}")
        calibration = Calibration(pool.up, EVENTS)
        write(document(calibration, unavailable, machine), partial)
        status.update("warming up")
        try:
            for blocks in calibration.run():
                # What is measured is kept, whatever becomes of the rest.
                write(document(calibration, unavailable, machine), partial)
                status.update(f"{blocks} blocks of at most {MAXIMUM_BLOCKS} measured")
        except KeyboardInterrupt:
            screen.print(f"what was measured is in {partial}", highlight=False)
            raise
        write(document(calibration, unavailable, machine), out)
        partial.unlink(missing_ok=True)
    Screen().print(calibration_table(calibration, unavailable))
    print(out)
