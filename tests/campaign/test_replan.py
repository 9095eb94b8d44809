import pytest
from locustfiles import LAYOUTS, write

from harness.campaign.plan import make_plan
from harness.campaign.replan import replan
from harness.errors import UserError
from harness.results.store import Store


@pytest.mark.parametrize("name", ["mine.py", "shopsteps.py"])
def test_changed_code_of_the_user_is_refused_and_not_executed(name, tmp_path):
    source = write(tmp_path, LAYOUTS["sibling"])
    with Store.start(tmp_path / "out", make_plan(source).record()) as store:
        assert replan(store, tmp_path / "out").record().identity == store.campaign.identity
        before = (tmp_path / name).read_text()
        (tmp_path / name).write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n{before}")
        with pytest.raises(UserError, match=rf"imports {name}, which has changed") as caught:
            replan(store, tmp_path / "out")
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "ran").exists()
        (tmp_path / name).write_text(before)
        replan(store, tmp_path / "out")


def test_another_model_is_refused_before_anything_is_executed(tmp_path, monkeypatch):
    source = write(tmp_path, LAYOUTS["sibling"])
    with Store.start(tmp_path / "out", make_plan(source).record()) as store:
        monkeypatch.setattr("harness.campaign.replan.model_digest", lambda **_: "another")
        (tmp_path / "mine.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
        with pytest.raises(UserError, match="the model is another version"):
            replan(store, tmp_path / "out")
        assert not (tmp_path / "ran").exists()
