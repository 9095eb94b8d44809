"""Recognition of formats, and refusals."""

import pytest
from measured_files import BY_FORMAT, CALLS, LPARSTAT

from harness.errors import UserError
from harness.imports.formats import FORMATS, read_measurements


def test_every_format_has_a_sample():
    assert set(BY_FORMAT) == {each.name for each in FORMATS}


@pytest.mark.parametrize("name", BY_FORMAT)
def test_each_text_is_recognised_as_its_format_alone(name, tmp_path):
    path = tmp_path / "file"
    path.write_text(BY_FORMAT[name])

    assert [each.name for each in FORMATS if each.recognised(BY_FORMAT[name])] == [name]
    assert {each.format for each in read_measurements(path)} == {name}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is in no format that is taken in"),
        ("[campaign]\nname = 'x'\n", "these are: fio JSON, iperf3 JSON, nmon, lslparutil"),
        ('{"a": 1}', "is in no format"),
        ('{"fio version": "3", "jobs": [1]}', "looks like fio JSON, but is damaged"),
        ("AAA,progname,nmon\n", "looks like nmon, but has no line that could be read"),
    ],
)
def test_refusals_are_one_line(text, reason, tmp_path):
    path = tmp_path / "file"
    path.write_text(text)

    with pytest.raises(UserError) as refused:
        read_measurements(path)
    assert reason in str(refused.value) and "\n" not in str(refused.value)


def test_latin_1_is_read(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"# \xe9t\xe9\n" + LPARSTAT.encode())

    assert len(read_measurements(path)[0].intervals) == 3


def test_calls_alone_are_lparstat(tmp_path):
    path = tmp_path / "file"
    path.write_text(CALLS)

    assert read_measurements(path)[0].calls["send_crq"].count == 20
