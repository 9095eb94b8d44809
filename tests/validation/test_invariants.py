"""The laws hold of whatever hypothesis comes up with."""

from dataclasses import replace

import numpy as np
import pytest
from examples import number_of_examples
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.validation.invariants import (
    INVARIANTS,
    conservation,
    littles_law,
    rows_of,
)
from harness.validation.io_invariants import IO_INVARIANTS
from harness.validation.shapes import Member, Shape, generate

DEMANDS = st.sampled_from([37, 100, 700, 3000, 15000])


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    """One to four cores, divided among up to six partitions."""
    cores = draw(st.integers(1, 4))
    left, members = 100 * cores, []
    for percent in draw(st.lists(st.integers(10, 100), min_size=1, max_size=6)):
        if percent > left:
            break
        left -= percent
        members.append(
            Member(
                percent,
                draw(st.integers(1, max(1, min(4, percent // 10)))),
                draw(st.booleans()),
                draw(st.integers(1, 255)),
                draw(st.integers(1, 8)),
                draw(DEMANDS),
                draw(st.sampled_from([0, 500, 5000])),
            )
        )
    return Shape(cores, tuple(members))


@pytest.mark.parametrize("invariant", (*INVARIANTS, *IO_INVARIANTS), ids=lambda each: each.name)
def test_the_law_holds(invariant):
    @settings(max_examples=number_of_examples(15 if invariant in IO_INVARIANTS else 150))
    @given(shapes())
    def holds(shape: Shape) -> None:
        assert invariant.violation(shape) <= invariant.rounding

    holds()


def test_generated_shapes_fit_their_machines():
    generator = np.random.default_rng(1)
    for _ in range(300):
        shape = generate(generator)
        assert shape.members
        assert sum(member.percent for member in shape.members) <= 100 * shape.cores
        assert all(10 * m.vps <= m.percent <= 100 * m.vps for m in shape.members)


def test_a_violation_is_seen(monkeypatch):
    """A ledger that loses a nanosecond, a clock of transactions that runs fast."""
    shape = generate(np.random.default_rng(2))
    from harness.model.machine import Machine
    from harness.validation import invariants

    balance = Machine.balance

    def losing(machine):
        accounts, idle_ns = balance(machine)
        return accounts, idle_ns - 1

    with monkeypatch.context() as patch:
        patch.setattr(Machine, "balance", losing)
        assert conservation(shape) == 1e-9
        (row,) = rows_of(replace(INVARIANTS[0], violation=conservation), quick=True)
        assert not row.passed
    run = invariants.run

    def fast(*arguments, **keywords):
        outcome = run(*arguments, **keywords)
        name = next(iter(outcome.response_ns))
        outcome.response_ns[name] += 1_000_000
        return outcome

    monkeypatch.setattr(invariants, "run", fast)
    assert littles_law(shape) > 1e-6
