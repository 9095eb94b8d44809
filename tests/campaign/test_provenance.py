from pathlib import Path

import harness
from harness.campaign import provenance
from harness.campaign.provenance import model_digest, versions


def test_everything_that_decides_a_result_is_there_and_counted():
    counted = {name for name, _ in provenance._sources(provenance._DECISIVE)}
    for part in provenance._DECISIVE:
        assert any(name == part or name.startswith(f"{part}/") for name in counted), part
    assert "workloads/cpu.py" in counted
    assert "campaign/run.py" in counted
    assert not {"campaign/store.py", "cli.py", "analysis.py"} & counted


def test_what_measures_real_targets_is_counted_for_them_alone():
    counted = {name for name, _ in provenance._sources(provenance._DECISIVE_FOR_REAL)}
    assert {"real/target.py", "users.py", "workloads/program.py"} <= counted
    assert any(name.endswith(".c") for name in counted)
    assert not any("__pycache__" in name or name.startswith("platform") for name in counted)
    assert model_digest(real=True) != model_digest()


def test_the_digest_changes_with_the_source(monkeypatch, tmp_path):
    before = model_digest()
    file = tmp_path / "clock.py"
    file.write_text("other")
    monkeypatch.setattr(provenance, "_sources", lambda _: iter([("clock.py", file)]))
    model_digest.cache_clear()
    one = model_digest()
    file.write_text("changed")
    model_digest.cache_clear()
    assert len({before, one, model_digest()}) == 3
    monkeypatch.undo()
    model_digest.cache_clear()
    assert model_digest() == before


def test_versions_name_what_was_used():
    assert versions()["vtax"] == harness.__version__
    assert Path(harness.__file__).is_file()
