"""``vtax discrepancy``: the verdict with the model's own misses of published figures drawn."""

from harness.cli.options import DirectoryArgument, WorkersOption, cores
from harness.cli.output import Screen
from harness.cli.studies import study_progress


def study_discrepancy(directory: DirectoryArgument, workers: WorkersOption = None) -> None:
    """Judge a claim with the model's own misses.

    Where the model misses a published figure, the costs of the mechanisms that the figure tests are
    multiplied by a factor, drawn between 1 and the ratio of published to modelled. All runs of the
    claim are repeated with these factors, and the claim is judged with them.

    DIR holds a finished campaign with a claim, and the table that 'vtax validate --save-to DIR'
    writes. The runs of the study are kept in DIR/discrepancy; after an interruption the same
    command continues. The result is DIR/discrepancy.json; 'vtax verdict DIR' shows the outcome with
    and without the misses.
    """
    from harness.cli.tables.discrepancy import discrepancy_text
    from harness.studies.discrepancy.study import FOLDER, expected, finished_campaign, study

    workers = workers or cores()
    finished = finished_campaign(directory)
    runs, seconds = expected(finished)
    environments = len({spec.cell.environment for spec in finished.specs})
    with study_progress(directory / FOLDER, environments, runs, seconds, workers) as bar:
        result = study(finished, directory, workers=workers, observer=bar)
    Screen().print(discrepancy_text(result))
    print(result.write(directory))
    print(f"next: vtax verdict {directory}")
