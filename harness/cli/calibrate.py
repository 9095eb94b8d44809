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
    from harness.real.calibration.calibration import MAXIMUM_BLOCKS, Calibration
    from harness.real.calibration.file import check_writable, document, write
    from harness.real.microbenchmarks import EVENTS
    from harness.real.provenance import provenance
    from harness.real.target.probe import named, probe
    from harness.real.target.target import NATIVE, launcher

    if sys.platform != "linux":
        raise UserError("real targets are measured on Linux only")
    check_writable(out)
    # Every ratio is to native.
    names = tuple(dict.fromkeys((NATIVE, *named(targets))))
    partial = out.with_name(f"{out.name}.partial")
    machine = provenance()
    screen = Screen(stderr=True)
    with launcher() as launched, screen.status("probing the targets") as status:
        up, unavailable = probe(launched, build_agent(launched.directory), names)
        if NATIVE in unavailable:
            raise UserError(f"{NATIVE}: {unavailable[NATIVE]}")
        calibration = Calibration(up, EVENTS)
        write(document(calibration, unavailable, machine), partial)
        status.update("warming up")
        try:
            for blocks in calibration.run():
                # An error later loses nothing that was measured.
                write(document(calibration, unavailable, machine), partial)
                status.update(f"{blocks} blocks of at most {MAXIMUM_BLOCKS} measured")
        except KeyboardInterrupt:
            screen.print(f"the measurements until now are in {partial}", highlight=False)
            raise
        write(document(calibration, unavailable, machine), out)
        partial.unlink(missing_ok=True)
    Screen().print(calibration_table(calibration, unavailable))
    print(out)
