"""What a study cannot tell is made from its own data."""

import pytest

from reports.builder import render
from reports.evidence import Evidence

pytestmark = pytest.mark.usefixtures("undrawn")

USED = {
    "shared-uncapped": ("hypervisor.vp_switch", "hypervisor.window"),
    "hosted-uml": ("hosted.transfer", "events.uml.forks"),
    "dedicated": ("hypervisor.call.null",),
}


def test_counts_of_constants_are_those_of_the_campaign(make_product, shipped, parse_page):
    section = parse_page(render(make_product(shipped))).section("limits")
    for status in ("assumed", "recalled", "verified"):
        count = sum(each["status"] == status for each in shipped.constants)
        assert f"{count} " in section
    assert f"Of {len(shipped.constants)} constants" in section


def test_constants_of_the_claims_levels_are_listed_the_least_certain_first(
    make_product, shipped, parse_page
):
    section = parse_page(render(make_product(shipped), Evidence(used=USED))).section("limits")
    assert "firmware level (shared-uncapped): 2 constants" in section
    assert "software level (hosted-uml): 2 constants" in section
    assert section.index("hypervisor.vp_switch") < section.index("hypervisor.window")
    assert "hypervisor.call.null" not in section


def test_hosted_monitors_are_spoken_of_where_there_are_any(make_product, shipped, parse_page):
    truth = {"full-system": 1.0, "shared-uncapped": 1.05}
    without = parse_page(render(make_product(shipped, virtualizations=truth))).section("limits")
    assert "None was ever sold" not in without
    assert "None was ever sold" in parse_page(render(make_product(shipped))).section("limits")


def test_the_farthest_miss_is_named(make_product, shipped, parse_page, validate):
    evidence = Evidence(validation=validate(shipped))
    section = parse_page(render(make_product(shipped), evidence)).section("limits")
    assert "misses 2" in section
    assert "too low (another case)" in section
