"""``vtax predict``: a program's overhead in every calibrated target."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import JsonOption
from harness.cli.output import Screen, print_json


def predict_overhead(
    profile: Annotated[
        Path, typer.Option(metavar="FILE", help="Profile: FILE of vtax profile --out.")
    ],
    catalog: Annotated[
        Path, typer.Option(metavar="FILE", help="Costs: FILE of vtax calibrate --out.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Predict a program's overhead in each target.

    Overheads are multiples of its native times.
    """
    from harness.cli.tables.prediction import prediction_json, prediction_table
    from harness.errors import UserError
    from harness.real.calibration.costs import read_costs
    from harness.real.prediction.prediction import other_machine, predict
    from harness.real.profiling.profile import read_profile

    program, costs = read_profile(profile), read_costs(catalog)
    if not costs.targets:
        raise UserError(f"{catalog}: has native costs only; calibrate with more targets")
    predictions = [predict(program, costs, target) for target in costs.targets]
    differences = other_machine(program, costs)
    if as_json:
        print_json(prediction_json(program, costs, predictions, differences))
        return
    Screen().print(prediction_table(program, costs, predictions, differences))
