"""Who gives a resource to whom."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from harness.operations.plm.decision import Standing, Transfer, decide


@st.composite
def standings(draw: st.DrawFn) -> dict[str, Standing]:
    def one() -> Standing:
        minimum = draw(st.integers(1, 20))
        guaranteed = minimum + draw(st.integers(0, 50))
        maximum = guaranteed + draw(st.integers(0, 50))
        load = draw(st.sampled_from(["wants", "needs", "spares", "neither"]))
        return Standing(
            held=draw(st.integers(minimum, maximum)),
            minimum=minimum,
            guaranteed=guaranteed,
            maximum=maximum,
            shares=draw(st.integers(0, 4)),
            delta=draw(st.integers(1, 30)),
            wants=load == "wants",
            needs=load in ("wants", "needs"),
            spares=load == "spares",
            releases=draw(st.booleans()),
        )

    return {f"p{index}": one() for index in range(draw(st.integers(1, 5)))}


def after(before: dict[str, Standing], transfers: list[Transfer]) -> dict[str, Standing]:
    held = {name: own.held for name, own in before.items()}
    for transfer in transfers:
        if transfer.source is not None:
            held[transfer.source] -= transfer.amount
        if transfer.target is not None:
            held[transfer.target] += transfer.amount
    return {name: replace(own, held=held[name]) for name, own in before.items()}


@given(standings(), st.integers(0, 60), st.integers(0, 60))
def test_all_stay_within_bounds_and_the_sum_is_kept(before, free, room):
    transfers = decide(before, free, room)
    then = after(before, transfers)
    for name, own in then.items():
        assert own.minimum <= own.held <= own.maximum
        if own.held > before[name].held:
            assert own.held <= own.ceiling
            assert own.held - before[name].held <= own.delta
            assert own.wants or own.held <= own.guaranteed
        if own.held < before[name].held:
            assert before[name].held - own.held <= own.delta
    assert all(transfer.amount > 0 for transfer in transfers)
    taken = sum(t.amount for t in transfers if t.source is None)
    assert taken <= min(free, room)


@given(standings(), st.integers(0, 60))
def test_who_needs_its_guarantee_keeps_it(before, free):
    then = after(before, decide(before, free, free))
    for name, own in then.items():
        if not own.spares:
            assert own.held >= min(own.guaranteed, before[name].held)


@given(standings(), st.integers(0, 60))
def test_free_resources_are_used_first(before, free):
    transfers = decide(before, free, 1000)
    freely = sum(t.amount for t in transfers if t.source is None)
    if any(t.source is not None and t.target is not None for t in transfers):
        assert freely == free


@given(standings())
def test_who_gives_to_another_partition_and_who_gets_are_not_the_same(before):
    transfers = decide(before, 0, 0)
    givers = {t.source for t in transfers}
    takers = {t.target for t in transfers if t.target is not None}
    # Who is made to give for another's guarantee may be given something in the same turn only if
    # it is itself asking for it.
    assert all(before[name].wants or before[name].needs for name in takers)
    assert all(not before[name].spares for name in takers & givers)


@given(standings(), st.integers(0, 30))
def test_repeated_decisions_come_to_rest(before, free):
    """Loads that stay as they are do not make capacity go round in circles."""
    standing = before
    for _ in range(300):
        transfers = decide(standing, free, 1000)
        if not transfers:
            break
        free -= sum(t.amount for t in transfers if t.source is None)
        # What is released for nobody would be asked for again by somebody else.
        free += sum(t.amount for t in transfers if t.target is None)
        standing = after(standing, transfers)
    else:
        raise AssertionError("it never comes to rest")
    for own in standing.values():
        if own.releases and own.spares:
            assert own.held == own.minimum


def busy(held: int, shares: int, guaranteed: int = 20) -> Standing:
    return Standing(held, 10, guaranteed, 400, shares, 10, wants=True, needs=True)


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 200))
def test_what_is_beyond_the_guarantees_is_divided_by_shares(one, other, more):
    standing = {"a": busy(220, one), "b": busy(20, other)}
    standing["b"] = replace(standing["b"], held=20 + more)
    total = standing["a"].excess + standing["b"].excess
    for _ in range(100):
        standing = after(standing, decide(standing, 0, 0))
    part = total * one / (one + other)
    assert abs(standing["a"].excess - part) <= 1


def test_a_donor_gives_before_one_that_has_more_than_its_guarantee():
    standing = {
        "asks": busy(20, 1),
        "rich": replace(busy(90, 1), wants=False),
        "idle": Standing(30, 10, 20, 50, 1, 10, spares=True),
    }
    assert decide(standing, 3, 100) == [
        Transfer(None, "asks", 3),
        Transfer("idle", "asks", 7),
    ]
    assert decide(standing, 0, 100) == [Transfer("idle", "asks", 10)]
    standing["idle"] = replace(standing["idle"], held=12)
    assert decide(standing, 0, 100) == [
        Transfer("idle", "asks", 2),
        Transfer("rich", "asks", 8),
    ]


def test_without_shares_there_is_nothing_beyond_the_guarantee():
    standing = {"a": busy(20, 0), "b": busy(80, 1)}
    assert decide(standing, 50, 100) == [Transfer(None, "b", 10)]


def test_a_group_does_not_grow_beyond_its_maximum():
    assert decide({"a": busy(20, 1)}, 50, 4) == [Transfer(None, "a", 4)]
    assert decide({"a": busy(20, 1)}, 50, 0) == []


def test_who_is_short_of_its_guarantee_comes_first():
    standing = {"a": busy(30, 1), "b": busy(15, 1)}
    # b gets the three that are free, two more for its guarantee, and half of the eight left.
    assert decide(standing, 3, 100)[:2] == [Transfer(None, "b", 3), Transfer("a", "b", 6)]


def test_immediate_release_gives_back_without_anybody_asking():
    idle = Standing(40, 10, 20, 50, 1, 15, spares=True, releases=True)
    assert decide({"a": idle}, 0, 0) == [Transfer("a", None, 15)]
    assert decide({"a": replace(idle, held=18)}, 0, 0) == [Transfer("a", None, 8)]
    assert decide({"a": replace(idle, releases=False)}, 0, 0) == []
