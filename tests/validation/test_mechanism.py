"""The costs of mechanisms: constants of the catalog, each of one mechanism."""

from fnmatch import fnmatchcase

from harness.catalog.constant import is_numeric
from harness.validation.mechanism import COSTS, FLAVOURS, expanded
from harness.validation.minimal_model import catalog

CONSTANTS = catalog().constants
NAMES = [name for costs in COSTS.values() for name in costs]


def test_every_cost_names_constants_that_are_numbers() -> None:
    for cost in NAMES:
        found = expanded([cost], CONSTANTS)
        assert found, cost
        for name in found:
            # Cycles and times; sizes of what caches lose; parts by which work takes longer.
            assert CONSTANTS[name].unit in ("s", "cycles", "cycles/B", "B", "count", ""), name
            assert is_numeric(CONSTANTS[name].value), name


def test_no_constant_is_a_cost_of_two_mechanisms() -> None:
    for constant in CONSTANTS:
        assert sum(fnmatchcase(constant, cost) for cost in NAMES) <= 1, constant


def test_every_cost_of_a_level_is_of_one_mechanism_but_for_the_common_factor() -> None:
    levels = {cost for level in ("firmware", "software") for cost in catalog().costs(level)}
    assert levels - set(expanded(NAMES, CONSTANTS)) == {"hosted.transfer"}


def test_every_flavour_of_the_software_level_has_costs() -> None:
    assert set(FLAVOURS) == {name.removeprefix("hosted-") for name in catalog().flavours}
