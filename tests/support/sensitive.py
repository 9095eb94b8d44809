"""What a sensitivity study might have found, for tests of how it is shown."""

from harness.analysis.study import Study
from harness.studies.sensitivity.result import BreakEven, Driven, Influence, Sensitivity

KINDS = (
    # confirmed, factor, kept, criterion
    (True, 18.9, 16.6, "margin"),
    (True, None, 100.0, "software"),
    (False, 1 / 12.0, 1 / 11.0, "software"),
    (False, None, 0.01, "margin"),
    (False, 0.5, 1.0, "margin"),
    (False, None, 1.0, "margin"),
)


def sensitive(study: Study, constants: int = 8, **changes: object) -> Sensitivity:
    """Make up a result for all environments of a study, of every kind in turn."""
    driven, break_even = [], []
    environments = dict.fromkeys(each.environment for each in study.environments)
    for number, environment in enumerate(environments):
        where = environment._asdict()
        for level in ("firmware", "software"):
            for measure in ("slowdown", "processor-time"):
                influences = [
                    Influence(
                        constant=f"{level}.constant-number-{each}.of-a-long-name",
                        change=0.4 / (1 + each) * (-1) ** each,
                        low=0.1,
                        high=0.5,
                        p=0.001 if (each + number) % 3 else 0.5,
                        share=0.6 / (1 + each) ** 2,
                    )
                    for each in range(constants)
                    if (each + number) % 4
                ]
                driven.append(
                    Driven(
                        **where,
                        level=level,
                        virtualization="shared-uncapped",
                        measure=measure,
                        overhead=0.05 * (1 + number),
                        runs=64,
                        resolution=4 - number % 2,
                        influences=tuple(influences),
                    )
                )
            confirmed, factor, kept, criterion = KINDS[number % len(KINDS)]
            break_even += [
                BreakEven(
                    **where,
                    level=level,
                    constants=("hypervisor.call.null", "hypervisor.wake")[: 1 + together],
                    together=together,
                    confirmed=confirmed,
                    factor=factor,
                    kept=kept,
                    measure="slowdown",
                    criterion=criterion,
                )
                for together in (True, False)
            ]
    values = {
        "identity": study.campaign.identity,
        "model": study.campaign.model,
        "alpha": study.campaign.alpha,
        "margin": study.campaign.margin,
        "quantiles": (0.1, 0.9),
        "replications": 10,
        "limit": 100.0,
        "runs": 1234,
        "driven": tuple(driven),
        "break_even": tuple(break_even),
        "left_out": ("p5-520 / aix-5.3 / idle: 1 of 10 replications are complete",),
    }
    return Sensitivity(**{**values, **changes})
