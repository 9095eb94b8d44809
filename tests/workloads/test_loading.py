from pathlib import Path

import pytest

import workloads
from harness.errors import UserError
from workloads.loading import load_user
from workloads.user_code import UserCode

GOOD = """
from locust import task
from workloads.user import Demand, PartitionUser, transaction

class Own(PartitionUser):
    version = 1

    @task
    @transaction
    def unit(self):
        self.partition.compute(0.001)

class Base(PartitionUser):
    abstract = True

class Unrelated:
    pass
"""


def value_error(spec: str, base: Path) -> str:
    with pytest.raises(UserError) as caught:
        load_user(spec, base)
    text = str(caught.value)
    assert "\n" not in text
    assert spec in text
    return text


def test_a_users_own_locustfile_is_found_relative_to_the_campaign(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "own.py").write_text(GOOD)
    loaded = load_user("sub/own.py:Own", tmp_path)
    assert loaded.cls.__name__ == "Own"
    assert loaded.demand_model is loaded.cls.demand_model
    assert len(loaded.sha256) == 64


def test_a_class_is_loaded_once_in_a_run_and_afresh_in_the_next(tmp_path):
    (tmp_path / "own.py").write_text(GOOD)
    with UserCode(tmp_path):
        first = load_user("own.py:Own", tmp_path).cls
        assert load_user("own.py:Own", tmp_path).cls is first
    with UserCode(tmp_path):
        assert load_user("own.py:Own", tmp_path).cls is not first


def test_a_file_that_has_changed_is_loaded_anew_and_has_another_hash(tmp_path):
    (tmp_path / "own.py").write_text(GOOD)
    before = load_user("own.py:Own", tmp_path)
    (tmp_path / "own.py").write_text(GOOD.replace("version = 1", "version = 2"))
    after = load_user("own.py:Own", tmp_path)
    assert (before.cls.version, after.cls.version) == (1, 2)
    assert before.sha256 != after.sha256


def test_files_of_one_name_in_two_places_do_not_meet(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "own.py").write_text(GOOD)
    first, second = (load_user(f"{name}/own.py:Own", tmp_path) for name in ("a", "b"))
    assert first.cls is not second.cls
    assert first.sha256 == second.sha256


@pytest.mark.parametrize(
    "spec",
    [
        "workloads/cpu.py:IntegerCompute",
        "workloads/cpu.py:CommercialTransaction",
        "workloads/disk.py:RandomTransfers",
        "workloads/disk.py:SequentialTransfers",
        "workloads/network.py:Streaming",
        "workloads/network.py:Receiving",
        "workloads/network.py:RequestResponse",
        "workloads/network.py:PartitionToPartition",
        "workloads/carrier.py:SubscriberTransaction",
        "workloads/carrier.py:RecordBatch",
        "workloads/carrier.py:MessageRelay",
    ],
)
def test_shipped_users_are_found_from_anywhere(spec, tmp_path):
    loaded = load_user(spec, tmp_path)
    assert loaded.cls.__module__ == "workloads." + Path(spec.partition(":")[0]).stem
    assert loaded.cls.tasks
    assert loaded.cls.__doc__


def test_a_campaigns_own_workloads_folder_comes_first(tmp_path):
    (tmp_path / "workloads").mkdir()
    (tmp_path / "workloads" / "cpu.py").write_text(GOOD)
    assert load_user("workloads/cpu.py:Own", tmp_path).cls.__name__ == "Own"
    assert "IntegerCompute" in value_error("workloads/cpu.py:IntegerCompute", tmp_path)


@pytest.mark.parametrize("spec", ["own.py", "own:Own", "Own", "own.txt:Own", ":Own", ""])
def test_a_spec_says_file_and_class(spec, tmp_path):
    with pytest.raises(UserError, match=r"path/to/locustfile\.py:UserClass"):
        load_user(spec, tmp_path)


def test_a_file_that_is_missing_is_named(tmp_path):
    assert "there is no locustfile 'gone.py'" in value_error("gone.py:Own", tmp_path)
    assert "no locustfile 'workloads/cpuu.py'" in value_error("workloads/cpuu.py:X", tmp_path)


def test_the_nearest_name_is_offered_for_a_misspelt_one(tmp_path):
    (tmp_path / "own.py").write_text(GOOD)
    assert "has no user 'Owm'; did you mean 'Own'?" in value_error("own.py:Owm", tmp_path)
    assert "it has Own" in value_error("own.py:Zebra", tmp_path)


@pytest.mark.parametrize("name", ["Base", "Unrelated", "PartitionUser"])
def test_what_is_abstract_or_no_partitions_user_is_no_user(name, tmp_path):
    (tmp_path / "own.py").write_text(GOOD)
    assert f"has no user {name!r}" in value_error(f"own.py:{name}", tmp_path)


def test_a_file_without_any_user_says_what_one_derives_from(tmp_path):
    (tmp_path / "own.py").write_text("from locust import User\nclass Own(User): pass\n")
    assert "derives from workloads.user.PartitionUser" in value_error("own.py:Own", tmp_path)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("def broken(:\n", "SyntaxError"),
        ("import nothing_of_that_name\n", "ModuleNotFoundError"),
        ("1 / 0\n", "ZeroDivisionError (own.py, line 1): division by zero"),
        (
            "raise ValueError('first line\\nsecond line')\n",
            "ValueError (own.py, line 1): first line",
        ),
        ("raise SystemExit(3)\n", "SystemExit (own.py, line 1): 3"),
        ("\0", "own.py: line 1: has a null byte"),
    ],
)
def test_a_file_that_is_broken_says_why_in_one_line_and_can_be_mended(source, reason, tmp_path):
    (tmp_path / "own.py").write_text(source)
    assert reason in value_error("own.py:Own", tmp_path)
    (tmp_path / "own.py").write_text(GOOD)
    assert load_user("own.py:Own", tmp_path).cls.__name__ == "Own"


def test_importing_workloads_does_not_let_locust_patch_the_process():
    import os
    import socket

    assert workloads.__name__ == "workloads"
    assert os.environ["LOCUST_SKIP_MONKEY_PATCH"] == "1"
    assert socket.socket.__module__ == "socket"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (GOOD.encode("utf-16"), "own.py: is encoded in UTF-16; save it as UTF-8"),
        (b"# \xe9\n" + GOOD.encode(), "own.py: line 1: is not UTF-8 (byte 0xe9"),
        (GOOD.encode() + b"\nimport gone", "ModuleNotFoundError (own.py, line 19): No module"),
        (GOOD.encode() + b"\nclass E(BaseException): pass\nraise E", "E (own.py, line 20)"),
        (GOOD.encode() + b"\nOwn.demand_model = dict", "demand_model of Own is no class of"),
    ],
)
def test_what_does_not_load_is_reported_with_its_place(content, reason, tmp_path):
    (tmp_path / "own.py").write_bytes(content)
    assert reason in value_error("own.py:Own", tmp_path)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b"# coding: latin-1\n# \xe9\n"])
def test_a_locustfile_may_bear_a_mark_or_say_its_encoding(mark, tmp_path):
    (tmp_path / "own.py").write_bytes(mark + GOOD.encode())
    assert load_user("own.py:Own", tmp_path).cls.__name__ == "Own"


def test_a_folder_is_no_locustfile(tmp_path):
    (tmp_path / "own.py").mkdir()
    assert "'own.py' is a folder" in value_error("own.py:Own", tmp_path)


def test_what_a_locustfile_prints_goes_beside_the_output(tmp_path, capsys):
    (tmp_path / "own.py").write_text(GOOD + "\nprint('hello')\n")
    load_user("own.py:Own", tmp_path)
    assert capsys.readouterr() == ("", "hello\n")


def test_classes_of_earlier_runs_are_not_kept(tmp_path):
    import gc
    import weakref

    (tmp_path / "own.py").write_text(GOOD)
    with UserCode(tmp_path):
        found = weakref.ref(load_user("own.py:Own", tmp_path).cls)
        assert found() is not None
    gc.collect()
    assert found() is None
