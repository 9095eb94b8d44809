"""The computer that carried out a campaign."""

import json
import os
import platform

from harness.results.host import Host, this_host


def test_describes_this_computer(tmp_path):
    this_host().write(tmp_path)
    found = Host.read(tmp_path)
    assert (found.name, found.processors) == (platform.node(), os.cpu_count())
    assert found.date == json.loads((tmp_path / "host.json").read_text())["date"]
    text = str(found.model_copy(update={"name": "a", "system": "Linux 6 x86_64", "processors": 2}))
    assert text.startswith("a, Linux 6 x86_64")
    known = found.model_copy(update={"name": "a", "system": "L", "processor": "P", "processors": 2})
    assert str(known) == "a, L, 2 x P"
    assert str(known.model_copy(update={"processor": ""})) == "a, L"
