"""The costs of mechanisms: constants of the catalog, each of one mechanism."""

from fnmatch import fnmatchcase

from harness.validation.mechanism import COSTS, expanded
from harness.validation.minimal_model import catalog

CONSTANTS = catalog().constants
NAMES = [name for costs in COSTS.values() for name in costs]


def test_every_cost_names_constants_that_are_numbers() -> None:
    for cost in NAMES:
        found = expanded([cost], CONSTANTS)
        assert found, cost
        for name in found:
            assert CONSTANTS[name].unit in ("s", "cycles", "cycles/B"), name


def test_no_constant_is_a_cost_of_two_mechanisms() -> None:
    for constant in CONSTANTS:
        assert sum(fnmatchcase(constant, cost) for cost in NAMES) <= 1, constant


def test_every_cost_of_a_level_is_of_one_mechanism_but_for_the_common_factor() -> None:
    levels = {cost for level in ("firmware", "software") for cost in catalog().costs(level)}
    assert levels - set(expanded(NAMES, CONSTANTS)) == {"hosted.transfer"}
