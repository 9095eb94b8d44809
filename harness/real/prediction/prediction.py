"""Overhead of a program in a target, predicted from its profile and the costs of single events.

    time in a target = sum over causes of (number x cost in the target)
                     + remaining user time x ratio of computing
                     + remaining system time x ratio of kernel work
                     + waiting

Numbers and native costs explain a part of the native time; the rest of the system time is shown as
a cause of its own. If they explain more than the whole (the program's events are cheaper than the
measured ones), they are scaled down, natively and in the target alike, to the whole.

Everything is drawn many times, with a fixed seed: costs and numbers from their intervals, unknown
properties from all possible values (the mix of computing, the working set at a context switch, the
kind of the remaining system time). Intervals contain 95 % of the draws.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from harness.errors import UserError
from harness.real.calibration.costs import MachineCosts
from harness.real.prediction.cost_model import CAUSES, DIFFUSE, HOT, KERNEL, SAMPLED, WAITING, Cause
from harness.real.prediction.monte_carlo import (
    DRAWS,
    Array,
    Samples,
    chosen,
    draw,
    draw_event,
    ratios,
    total,
)
from harness.real.profiling.profile import LEVEL, Profile
from harness.real.target.target import NATIVE
from harness.statistics.intervals import Interval

SEED = 0
_NOTHING = 1e-15
_PARTLY_USER = frozenset(cause.name for cause in CAUSES if cause.user)

COMPUTING = "computing"
REST = "rest of the system time"


@dataclass(frozen=True, slots=True)
class Contribution:
    """Processor time of one cause, in seconds per execution; means over the draws."""

    cause: str
    native: float
    target: float
    share: float
    """Share of the processor time in the target; all shares sum to 1."""
    extra_share: float
    """Share of the extra processor time in the target; all sum to 1, and a negative one offsets
    others. NaN if no difference is shown."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """Predicted cost of a program's execution in a target."""

    target: str
    elapsed: Interval
    """Ratio of the elapsed time to native, on a machine as busy as during the calibration."""
    processor: Interval
    """Ratio of the processor time of all processes of the target to native."""
    contributions: tuple[Contribution, ...]
    """Contributions, the largest in the target first."""
    notes: tuple[str, ...]
    """One sentence for each unknown property."""


def predict(profile: Profile, catalog: MachineCosts, target: str) -> Prediction:
    """Predict a program's time in a target as a multiple of its native time.

    Parameters
    ----------
    profile
        Profile of the program, measured on the calibrated machine.
    catalog
        Costs of events on that machine.
    target
        One of the catalog's targets.

    Raises
    ------
    UserError
        If the catalog does not have the target, or not the cost of computing in it.
    """
    return _MonteCarlo(profile, catalog, target).prediction()


def other_machine(profile: Profile, catalog: MachineCosts) -> tuple[str, ...]:
    """Return one sentence for each difference between the machines of profile and catalog."""
    machine = profile.about.get("machine", {})
    return tuple(
        f"The {what} differs: the profile has {machine[what]}, the catalog {catalog.machine[what]}."
        for what in ("processor", "kernel")
        if what in machine and what in catalog.machine and machine[what] != catalog.machine[what]
    )


class _MonteCarlo:
    def __init__(self, profile: Profile, catalog: MachineCosts, target: str) -> None:
        if target not in catalog.targets:
            reason = catalog.unavailable.get(target)
            known = ", ".join(catalog.targets) or "none besides native"
            raise UserError(
                f"the catalog has no costs of {target!r}"
                + (f" ({reason})" if reason else f"; it has {known}")
            )
        if not any(profile.measured[name].value.estimate > 0.0 for name in ("user", "system")):
            raise UserError(f"{profile.name} took no processor time: there is nothing to predict")
        self._profile, self._target = profile, target
        self._native, self._costs = catalog.costs[NATIVE], catalog.costs[target]
        self._random = np.random.default_rng(SEED)
        self._notes: list[str] = []
        self._events = {
            event: draw_event(self._native[event], cost, event in WAITING, self._random)
            for event, cost in self._costs.items()
            if event in self._native
        }
        # An event whose ratio is within noise represents no others.
        self._comparable = {
            event
            for event in self._events
            if self._costs[event].ratio and self._costs[event].processor_ratio
        }

    def prediction(self) -> Prediction:
        user = self._quantity("user")
        system = self._quantity("system")
        waiting = self._quantity("waiting")
        causes, waits = self._causes()
        in_user, in_system, fit = self._explained(causes, user, system)
        parts = {name: part.scaled(fit) for name, part in causes.items()}
        for name, left, (ratio, elapsed) in (
            (COMPUTING, user - in_user, self._computing()),
            (REST, system - in_system, self._rest()),
        ):
            parts[name] = Samples(left, left * ratio, left, left * elapsed)
        totals = total(parts.values())
        # The causes contain the waiting for devices; the rest of it is the program's own.
        others = np.maximum(waiting - fit * waits, 0.0)
        native_elapsed = totals.native + waiting
        target_elapsed = totals.target_elapsed + others
        processor = _ratio(totals.target, totals.native)
        return Prediction(
            target=self._target,
            elapsed=_ratio(target_elapsed, native_elapsed),
            processor=processor,
            contributions=contributions(parts, shown=not processor.low <= 1.0 <= processor.high),
            notes=tuple(self._notes),
        )

    def _explained(
        self, causes: Mapping[str, Samples], user: Array, system: Array
    ) -> tuple[Array, Array, Array]:
        """Return the user and system time of the causes, scaled to fit, and the scale."""
        nothing = np.zeros(DRAWS)
        kernel = sum((causes[n].native for n in causes if n not in _PARTLY_USER), nothing)
        mixed = sum((causes[n].native for n in causes if n in _PARTLY_USER), nothing)
        # All divisions for which the time is enough have the same probability.
        enough = np.maximum(mixed, _NOTHING)
        least = np.clip((kernel + mixed - system) / enough, 0.0, 1.0)
        most = np.clip(user / enough, least, 1.0)
        in_user = mixed * (least + (most - least) * self._random.uniform(size=DRAWS))
        in_system = kernel + mixed - in_user
        fit = np.minimum(_share(system, in_system), _share(user, in_user))
        if np.median(fit) < 1.0:
            self._notes.append(
                "The events' costs explain more than the native time and were made smaller "
                f"by {1 - np.median(fit):.0%}, natively and in the target."
            )
        return in_user * fit, in_system * fit, fit

    def _causes(self) -> tuple[dict[str, Samples], Array]:
        """Return the time of each cause, and their native waiting time."""
        single: dict[str, Samples] = {}
        times: dict[str, Samples] = {}
        waits = np.zeros(DRAWS)
        lacking = []
        for cause in CAUSES:
            number = self._number(cause)
            one = self._one(cause, single)
            if one is None:
                if number is not None and number.max() > 0.0:
                    lacking.append(cause.name)
                continue
            single[cause.name] = one
            if number is not None and number.max() > 0.0:
                times[cause.name] = one.scaled(number)
                if cause.waits:
                    waits += number * np.maximum(one.native_elapsed - one.native, 0.0)
        if lacking:
            self._notes.append(
                f"The catalog has no cost of {', '.join(lacking)}: they are in the rest."
            )
        return times, waits

    def _one(self, cause: Cause, single: Mapping[str, Samples]) -> Samples | None:
        """Draw the cost of a single cause, without the other causes in its event."""
        usable = [
            cost
            for cost in cause.costs
            if cost.event in self._events and (not cost.less or cost.less in self._events)
        ]
        if not usable:
            return None
        drawn = []
        for cost in usable:
            one = self._events[cost.event]
            faults = self._native[cost.event].faults
            if cost.less:
                one = one.less(self._events[cost.less])
                faults -= self._native[cost.less].faults
            if "page_faults" in single and faults > 0.0:
                one = one.less(single["page_faults"], faults)
            drawn.append(one.scaled(1.0 / cost.per))
        one = drawn[0]
        if len(drawn) > 1:
            which = self._random.integers(len(drawn), size=DRAWS)
            one = chosen(drawn, which)
        for name, times in cause.contains.items():
            if name in single:
                one = one.less(single[name], times)
        return one

    def _number(self, cause: Cause) -> Array | None:
        """Draw the number of a cause; None if it was not measured."""
        written = self._profile.interval("block_write_bytes")
        if cause.name == "syncs" and (written is None or written.estimate <= 0.0):
            return None
        number = np.zeros(DRAWS)
        known = False
        for name, weight in cause.counts.items():
            if self._profile.interval(name) is not None:
                known = True
                number += weight * self._quantity(name)
        return np.maximum(number, 0.0) if known else None

    def _computing(self) -> tuple[Array, Array]:
        """Draw the ratio of computing: of processor time, and of elapsed time."""
        hot = [event for event in HOT if event in self._comparable]
        diffuse = [event for event in DIFFUSE if event in self._comparable]
        if not hot:
            raise UserError(
                f"the catalog has no cost of computing in {self._target!r}; calibrate again"
            )
        shares: dict[str, Array] = {}
        left = np.ones(DRAWS)
        for name, event in SAMPLED.items():
            if event not in self._comparable:
                continue
            if self._profile.interval(name) is None:
                hot.append(event)
            else:
                shares[event] = self._quantity(name)
                left = np.maximum(left - shares[event], 0.0)
        if diffuse and self._profile.interval("diffuse") is not None:
            spread = np.minimum(self._quantity("diffuse"), 1.0)
            shares |= self._mixed(diffuse, left * spread) | self._mixed(hot, left * (1.0 - spread))
        else:
            shares |= self._mixed(hot + diffuse, left)
        whole = sum(shares.values(), np.zeros(DRAWS))
        processor, elapsed = np.zeros(DRAWS), np.zeros(DRAWS)
        for event, share in shares.items():
            ratio, ratio_elapsed = ratios(self._events[event])
            processor += share / whole * ratio
            elapsed += share / whole * ratio_elapsed
        return processor, elapsed

    def _mixed(self, events: list[str], share: Array) -> dict[str, Array]:
        """Divide a share of the computing between events, at random."""
        if len(events) > 1 and np.median(share) > 0.0:
            self._notes.append(
                f"How {np.median(share):.0%} of its computing divide between {', '.join(events)} "
                "is not known: any mix is as likely as any other."
            )
        mix = self._random.dirichlet(np.ones(len(events)), DRAWS).T
        return {event: share * part for event, part in zip(events, mix, strict=True)}

    def _rest(self) -> tuple[Array, Array]:
        """Draw the ratio of unexplained kernel work: that of one of the events, at random."""
        alike = [ratios(self._events[event]) for event in KERNEL if event in self._comparable]
        if not alike:
            self._notes.append("No kernel work was calibrated: the rest is taken as computing.")
            return self._computing()
        which = self._random.integers(len(alike), size=DRAWS)
        return (
            np.choose(which, [ratio for ratio, _ in alike]),
            np.choose(which, [ratio for _, ratio in alike]),
        )

    def _quantity(self, name: str) -> Array:
        found = self._profile.interval(name)
        if found is None:
            self._notes.append(f"The profile has no {name}: none is assumed.")
            return np.zeros(DRAWS)
        return draw(found, self._random)


def _share(available: Array, wanted: Array) -> Array:
    """Return the available share of the wanted times, at most 1."""
    return np.where(wanted > available, available / np.maximum(wanted, _NOTHING), 1.0)


def contributions(parts: Mapping[str, Samples], *, shown: bool) -> tuple[Contribution, ...]:
    """Return the processor time of each cause, the largest in the target first.

    ``shown``: whether a difference in processor time is shown, of which shares are given.
    """
    native = {name: float(part.native.mean()) for name, part in parts.items()}
    target = {name: float(part.target.mean()) for name, part in parts.items()}
    whole = sum(target.values())
    extra = whole - sum(native.values())
    found = [
        Contribution(
            cause=name,
            native=native[name],
            target=target[name],
            share=target[name] / whole,
            extra_share=(target[name] - native[name]) / extra if shown else float("nan"),
        )
        for name in parts
    ]
    return tuple(sorted(found, key=lambda one: (-one.target, one.cause)))


def _ratio(target: Array, native: Array) -> Interval:
    """Return the ratio over the draws with a native time above zero."""
    known = native > _NOTHING
    return interval(target[known] / native[known])


def interval(draws: Array) -> Interval:
    """Return the median of draws, and the central interval of :data:`LEVEL`."""
    low, middle, high = np.quantile(draws, (0.5 - LEVEL / 2, 0.5, 0.5 + LEVEL / 2))
    return Interval(float(middle), float(low), float(high), LEVEL, DRAWS)
