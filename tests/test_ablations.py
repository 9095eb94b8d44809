"""Switching a mechanism off changes its constants and nothing else."""

import runpy
import tomllib
from pathlib import Path

import pytest
import tomli_w

from harness.catalog import load_catalog

SCRIPT = Path(__file__).parents[1] / "scripts" / "ablations.py"
MECHANISMS = tomllib.loads(SCRIPT.with_suffix(".toml").read_text(encoding="utf-8"))
SHIPPED = load_catalog()


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_mechanism_off_costs_nothing_and_leaves_all_else(mechanism, tmp_path):
    overlay = runpy.run_path(str(SCRIPT))["without"](MECHANISMS[mechanism], SHIPPED)
    file = tmp_path / "off.toml"
    file.write_text(tomli_w.dumps(overlay))
    catalog = load_catalog([file])
    before, after = dict(SHIPPED.nominal()), dict(catalog.nominal())
    changed = {name for name in before if before[name] != after[name]}
    assert changed
    for name in changed:
        value = after[name]
        assert not any(value if isinstance(value, tuple) else (value,)), name
    # The same constants are drawn, so that every other one has the same draw.
    assert catalog.uncertain == SHIPPED.uncertain
    quantiles = dict.fromkeys(SHIPPED.uncertain, 0.3)
    drawn, other = dict(catalog.draw(quantiles)), dict(SHIPPED.draw(quantiles))
    assert {name for name in drawn if drawn[name] != other[name]} <= changed
