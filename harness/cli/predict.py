"""``vtax predict``: a program's overhead in every target that was calibrated."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.output import Screen, print_json


def predict_overhead(
    profile: Annotated[
        Path, typer.Option(metavar="FILE", help="Of the program, from vtax profile --out.")
    ],
    catalog: Annotated[
        Path, typer.Option(metavar="FILE", help="Of the machine, from vtax calibrate --out.")
    ],
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Predict a program's overhead in each target.

    As multiples of what it takes natively.
    """
    from harness.cli.tables.prediction import prediction_json, prediction_table
    from harness.errors import UserError
    from harness.real.calibration.costs import read_costs
    from harness.real.prediction.prediction import other_machine, predict
    from harness.real.profiling.profile import read_profile

    program, costs = read_profile(profile), read_costs(catalog)
    if not costs.targets:
        raise UserError(f"{catalog}: has native costs only; calibrate with more targets")
    found = [predict(program, costs, target) for target in costs.targets]
    differences = other_machine(program, costs)
    if json:
        print_json(prediction_json(program, costs, found, differences))
        return
    Screen().print(prediction_table(program, costs, found, differences))
