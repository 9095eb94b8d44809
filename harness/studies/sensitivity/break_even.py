"""Break-even factors: how far the costs of a level can move before a verdict flips.

Every trial is simulated: all replications of the campaign run again with the costs multiplied and
with the same arrivals and draw of everything else, and are judged like the campaign. Runs that read
none of the constants moved are the campaign's own.
"""

import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from harness.analysis.environment import Confirmation, confirmations
from harness.analysis.overhead import compared
from harness.campaign.cell import RunSpec
from harness.metrics.measures import Measures
from harness.studies.runner import Runner, with_constants
from harness.studies.sensitivity.bisection import LIMIT, TRIALS, Bracket
from harness.studies.sensitivity.campaign import EnvironmentRuns, SensitivityCampaign
from harness.studies.sensitivity.result import BreakEven

_FIRST = 1000
"""Replications of the store below this are those of the design."""

_SCREENED = 2
"""Replications that rank single constants by their effect."""

_CLIP = 8.0

Asked = Generator[list[RunSpec], Mapping[str, Measures], list[BreakEven]]
"""Yields runs, is sent what they measured by identity, returns break-evens."""


@dataclass(frozen=True)
class Subject:
    """Environment and what is needed to move its constants."""

    finished: SensitivityCampaign
    environment: EnvironmentRuns
    read: Mapping[str, frozenset[str]]
    """Virtualization -> constants that its runs read."""

    def judged(self, new: dict[str, dict[int, Measures]]) -> tuple[Confirmation, ...]:
        """Judge with other runs in place of some."""
        return confirmations(
            self.finished.record, self.environment.cells, self.environment.with_runs(new)
        )

    def affected(self, constants: Sequence[str]) -> tuple[str, ...]:
        """Name the virtualizations whose runs read any of the constants."""
        return tuple(name for name in self.environment.entries if self.read[name] & set(constants))

    def moved(
        self, constants: Sequence[str], factor: float, first: int, most: int | None = None
    ) -> dict[tuple[str, int], RunSpec]:
        """Return the campaign's runs with some constants multiplied.

        Parameters
        ----------
        first
            The first number under which the store keeps them.
        most
            Only so many replications.
        """
        return {
            (name, number): with_constants(spec, made, first + number)
            for number in self.environment.replications[:most]
            for made in [
                self.environment.specs[self.environment.baseline, number].constants.multiplied(
                    constants, factor
                )
            ]
            for name in self.affected(constants)
            for spec in [self.environment.specs[name, number]]
        }

    def slot(self, constants: Sequence[str], level: str, *, together: bool, trial: int) -> int:
        """Return the first number of a trial's runs: no two runs of a cell share a number."""
        catalog = self.environment.entries[self.environment.baseline].context.catalog
        levels = ("firmware", "software")
        if together:
            slot = levels.index(level)
        else:
            every = [name for each in levels for name in catalog.costs(each)]
            slot = 2 + every.index(constants[0])
        return _FIRST + (slot * (TRIALS + 2) + trial) * self.finished.replications


def _trial(
    subject: Subject, specs: Mapping[tuple[str, int], RunSpec], found: Mapping[str, Measures]
) -> dict[str, dict[int, Measures]]:
    new: dict[str, dict[int, Measures]] = {}
    for (name, number), spec in specs.items():
        runs = new.setdefault(name, {})
        if spec.identity in found:
            runs[number] = found[spec.identity]
    return new


def _worst(judged: Sequence[Confirmation]) -> tuple[float, str, str]:
    """Return the largest probability value, and the measure and criterion that it is of."""
    values = [
        (value, each.result.measure, criterion)
        for each in judged
        for value, criterion in ((each.margin, "margin"), (each.software, "software"))
    ]
    return max(values, key=lambda each: each[0])


def _score(p: float, alpha: float) -> float:
    """Distance from being confirmed: above zero when it is not."""
    scores = special.ndtri(np.clip([p, alpha], 1e-300, 1.0 - 1e-16))
    return float(np.clip(scores[0] - scores[1], -_CLIP, _CLIP))


def search(
    subject: Subject, level: str, constants: Sequence[str], guess: float, *, together: bool
) -> Asked:
    """Find the factor at which the environment's verdict flips between confirmed and not.

    In a confirmed environment the costs of the firmware are raised and those of the software are
    lowered; in any other the firmware's are lowered and the software's are raised.

    Parameters
    ----------
    guess
        The factor to begin with.
    """
    alpha = subject.finished.record.alpha
    before = _worst(subject.judged({}))
    confirmed = before[0] <= alpha
    raised = confirmed == (level == "firmware")
    sign = 1.0 if confirmed else -1.0
    bracket = Bracket(guess=abs(math.log(guess)), start=min(sign * _score(before[0], alpha), -1e-9))
    worst = {0.0: before}
    trial = 0
    while not bracket.done:
        distance = bracket.next()
        factor = math.exp(distance if raised else -distance)
        first = subject.slot(constants, level, together=together, trial=trial)
        specs = subject.moved(constants, factor, first)
        measured_now = yield list(specs.values())
        now = _worst(subject.judged(_trial(subject, specs, measured_now)))
        worst[distance] = now
        flipped = (now[0] <= alpha) != confirmed
        bracket.record(distance, sign * _score(now[0], alpha), flipped=flipped)
        trial += 1
    # What stands in the way is seen where the environment is not confirmed.
    seen = bracket.flipped if confirmed and bracket.flipped is not None else bracket.kept
    _, measure, criterion = worst[seen]
    direction = 1.0 if raised else -1.0
    factor_found = None if bracket.flipped is None else math.exp(direction * bracket.flipped)
    return [
        BreakEven(
            **subject.environment.key._asdict(),
            level=level,
            constants=tuple(constants),
            together=together,
            confirmed=confirmed,
            factor=factor_found,
            kept=math.exp(direction * bracket.kept),
            measure=measure,
            criterion=criterion,
        )
    ]


def level_break_evens(subject: Subject, level: str, *, each: bool) -> Asked:
    """Search for all costs of a level together, then for its constants one by one.

    Of the firmware's constants the one that counts most is searched for, of either level's all of
    them with ``each``.
    """
    catalog = subject.environment.entries[subject.environment.baseline].context.catalog
    mine = subject.environment.firmware if level == "firmware" else subject.environment.software
    read = frozenset().union(*(subject.read[name] for name in mine))
    everything = [name for name in catalog.costs(level, together=True) if name in read]
    singles = [name for name in catalog.costs(level) if name in read]
    judged = subject.judged({})
    blocked = [one for one in judged if one.margin > subject.finished.record.alpha]
    if not everything or (level == "software" and not subject.environment.software):
        return []
    if level == "software" and blocked:
        # The margin knows nothing of the software level: no factor helps.
        return [_unreachable(subject, everything, blocked[0])]
    guess = _guess(subject, level, judged)
    (whole,) = yield from search(subject, level, everything, guess, together=True)
    found = [whole]
    if whole.factor is None or not (each or level == "firmware"):
        return found
    shifts = yield from _shifts(subject, level, singles, whole)
    ranked = sorted(singles, key=lambda name: (-shifts[name], singles.index(name)))
    total = sum(max(shift, 0.0) for shift in shifts.values())
    for name in ranked if each else ranked[:1]:
        alone = _alone(whole.factor, total, shifts[name])
        found += yield from search(subject, level, [name], alone, together=False)
    return found


def _unreachable(subject: Subject, constants: Sequence[str], blocked: Confirmation) -> BreakEven:
    return BreakEven(
        **subject.environment.key._asdict(),
        level="software",
        constants=tuple(constants),
        together=True,
        confirmed=False,
        factor=None,
        kept=1.0,
        measure=blocked.result.measure,
        criterion="margin",
    )


def _shifts(
    subject: Subject, level: str, singles: Sequence[str], whole: BreakEven
) -> Generator[list[RunSpec], Mapping[str, Measures], dict[str, float]]:
    """Return how much each constant alone moves the measure that flips, at the common factor."""
    factor = whole.factor
    assert factor is not None
    asked = {
        name: subject.moved(
            [name],
            factor,
            subject.slot([name], level, together=False, trial=TRIALS + 1),
            _SCREENED,
        )
        for name in singles
    }
    found = yield [spec for specs in asked.values() for spec in specs.values()]
    names = subject.environment.firmware if level == "firmware" else subject.environment.software
    raised = 1.0 if factor > 1.0 else -1.0
    shifts = {}
    for constant, specs in asked.items():
        new = _trial(subject, specs, found)
        changes = [
            math.log(here / there)
            for name in names
            for number, run in new.get(name, {}).items()
            for here, there in [_levels(subject, whole.measure, name, number, run, new)]
            if here > 0.0 and there > 0.0
        ]
        shifts[constant] = raised * math.fsum(changes) / len(changes) if changes else 0.0
    return shifts


def _levels(
    subject: Subject,
    name: str,
    virtualization: str,
    number: int,
    run: Measures,
    new: Mapping[str, Mapping[int, Measures]],
) -> tuple[float, float]:
    """Return the ratio to the baseline with a constant moved, and as it was."""
    baseline = subject.environment.baseline
    reference = subject.environment.measures(baseline)[number]
    moved = new.get(baseline, {}).get(number, reference)
    here, below = compared(name, run, moved)
    there, under = compared(name, subject.environment.measures(virtualization)[number], reference)
    return here / below, there / under


def _guess(subject: Subject, level: str, judged: Sequence[Confirmation]) -> float:
    """Guess the factor: overheads taken to grow in proportion to the costs of their level."""
    margin = subject.finished.record.margin
    guesses = []
    for one in judged:
        firmware, software = one.result.firmware, one.result.software
        if firmware is None:
            continue
        here = max(firmware.interval.high, 1e-4)
        other = math.inf if software is None else max(software.interval.low, 1e-4)
        if level == "firmware":
            guesses.append(min(margin, other) / here)
        else:
            guesses.append(here / other)
    if not guesses:
        return LIMIT
    factor = min(guesses) if level == "firmware" else max(guesses)
    return min(max(factor, 1.0 / LIMIT), LIMIT)


def _alone(factor: float, total: float, shift: float) -> float:
    """Guess how far a constant must move alone, if shifts add up and are in proportion."""
    if shift <= 0.01 * total:
        return LIMIT if factor > 1.0 else 1.0 / LIMIT
    alone = 1.0 + (factor - 1.0) * total / shift
    return min(max(alone, 1.0 / LIMIT), LIMIT)


def study_break_evens(
    finished: SensitivityCampaign,
    runner: Runner,
    reads: Sequence[Mapping[str, frozenset[str]]],
    *,
    each: bool,
) -> list[BreakEven]:
    """Search in all environments at once, round by round, so that all workers have work."""
    searches: list[Asked] = [
        level_break_evens(Subject(finished, environment, read), level, each=each)
        for environment, read in zip(finished.environments, reads, strict=True)
        for level in ("firmware", "software")
    ]
    results: list[list[BreakEven]] = [[] for _ in searches]
    answers: dict[int, Mapping[str, Measures] | None] = dict.fromkeys(range(len(searches)))
    while answers:
        asked: dict[int, list[RunSpec]] = {}
        for number, answer in answers.items():
            try:
                asked[number] = searches[number].send(answer)  # type: ignore[arg-type]
            except StopIteration as end:
                results[number] = end.value
        measures = runner.measures([spec for specs in asked.values() for spec in specs])
        answers = dict.fromkeys(asked, measures)
    return [one for members in results for one in members]
