"""Files that users name, whole files, and what a killed process leaves beside them."""

import os
import pty
import signal
import socket
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UserError
from harness.files import (
    MOST_BYTES,
    MOST_LEVELS,
    PREFIX,
    decode,
    parse_toml,
    read_bytes,
    read_text,
    read_toml,
    scratch_directory,
    whole_file,
    write_bytes,
)


def scratches(place: Path) -> list[str]:
    return sorted(path.name for path in place.iterdir() if path.name.startswith(PREFIX))


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "file"
    with whole_file(path) as unfinished:
        unfinished.write_text("one")
        assert not path.exists()
    assert path.read_text() == "one"
    with pytest.raises(RuntimeError), whole_file(path) as unfinished:
        unfinished.write_text("half")
        raise RuntimeError
    assert path.read_text() == "one"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_files_have_the_mode_that_the_user_wants(tmp_path):
    before = os.umask(0o027)
    try:
        with whole_file(tmp_path / "file") as unfinished:
            unfinished.write_text("x")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


def test_a_link_stays_and_its_file_is_replaced(tmp_path):
    (tmp_path / "place").mkdir()
    link = tmp_path / "link"
    link.symlink_to("place/file")
    for text in ("new", "newer"):
        with whole_file(link) as unfinished:
            unfinished.write_text(text)
        assert link.readlink() == Path("place/file")
        assert (tmp_path / "place" / "file").read_text() == text
    assert [each.name for each in (tmp_path / "place").iterdir()] == ["file"]


@pytest.mark.parametrize("linked", [False, True])
def test_a_pipe_is_written_and_never_replaced(tmp_path, linked):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    path = tmp_path / "link" if linked else pipe
    if linked:
        path.symlink_to(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(OSError, match="is a device, a pipe"), whole_file(path):
            pass
        write_bytes(path, b"whole")
        assert os.read(reader, 100) == b"whole"
    finally:
        os.close(reader)
    assert pipe.is_fifo()
    assert path.is_symlink() == linked
    assert {each.name for each in tmp_path.iterdir()} == {"pipe", path.name}


def test_a_device_is_written_and_never_replaced(tmp_path):
    # A terminal: whoever runs the tests owns it, and no other program needs it.
    try:
        master, slave = pty.openpty()
    except OSError:
        pytest.skip("needs pseudo-terminals: mount -t devpts devpts /dev/pts")
    try:
        device = Path(os.ttyname(slave))
        before = device.stat()
        with pytest.raises(OSError, match="is a device, a pipe"), whole_file(device):
            pass
        write_bytes(device, b"whole")
        assert os.read(master, 100) == b"whole"
        assert (device.stat().st_ino, device.stat().st_rdev) == (before.st_ino, before.st_rdev)
        assert stat.S_ISCHR(device.stat().st_mode)
    finally:
        os.close(master)
        os.close(slave)


@pytest.mark.parametrize("removed", [False, True])
@pytest.mark.parametrize("name", ["/dev/fd/{}", "/proc/self/fd/{}", "/proc/thread-self/fd/{}"])
def test_an_open_file_goes_on_where_it_stands(tmp_path, name, removed):
    path = tmp_path / "file"
    with path.open("w+b", buffering=0) as file:
        file.write(b"before ")
        if removed:
            path.unlink()
        opened = Path(name.format(file.fileno()))
        with pytest.raises(OSError, match="or an open file"), whole_file(opened):
            pass
        write_bytes(opened, b"within ")
        file.write(b"after")
        file.seek(0)
        assert file.read() == b"before within after"
    assert path.exists() != removed


def test_what_a_killed_process_left_is_swept_and_what_a_living_one_uses_is_not(tmp_path):
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom harness.files import scratch_directory\n"
        "with scratch_directory(Path(sys.argv[1])) as folder:\n"
        "    (folder / 'large').write_text('x')\n    print(folder.name, flush=True)\n"
        "    time.sleep(600)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        with scratch_directory(tmp_path) as own:
            assert scratches(tmp_path) == sorted([name, own.name])
        assert scratches(tmp_path) == [name]
        process.send_signal(signal.SIGKILL)
    assert scratches(tmp_path) == [name]
    with scratch_directory(tmp_path) as own:
        assert scratches(tmp_path) == [own.name]


def test_links_and_files_of_others_stay(tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "precious").write_text("x")
    (tmp_path / f"{PREFIX}link").symlink_to(other)
    (tmp_path / f"{PREFIX}file").write_text("x")
    with scratch_directory(tmp_path):
        pass
    assert (other / "precious").exists()
    assert scratches(tmp_path) == [f"{PREFIX}file", f"{PREFIX}link"]


def refused(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        read_toml(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def unparsed(text: str) -> str:
    with pytest.raises(UserError) as caught:
        parse_toml(text, "a.toml")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    return str(caught.value).removeprefix("a.toml: ")


def test_a_regular_file_is_read_up_to_its_largest_size(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"x" * 10)
    assert read_bytes(path, 10) == b"x" * 10
    with pytest.raises(UserError, match="larger than 9 bytes"):
        read_bytes(path, 9)


def test_a_byte_order_mark_is_left_out(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"\xef\xbb\xbfx = 1")
    assert read_text(path) == "x = 1"
    assert read_toml(path) == {"x": 1}


def test_what_is_no_regular_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        assert "cannot be read" in refused(tmp_path / "socket")
    assert "it is a pipe" in refused(tmp_path / "pipe")
    assert "it is a directory" in refused(tmp_path)
    assert "it is a device" in refused(Path("/dev/zero"))
    assert "No such file" in refused(tmp_path / "none")
    assert "too long" in refused(tmp_path / ("a" * 300))
    assert "not the name of a file" in refused(Path("a\0b"))


def test_a_file_that_is_too_large_is_refused_without_being_read_whole(tmp_path):
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(2**40)
    assert f"larger than {MOST_BYTES:,} bytes" in refused(tmp_path / "sparse")


def test_another_encoding_is_refused(tmp_path):
    (tmp_path / "a").write_bytes("x = 1".encode("utf-16"))
    assert "is encoded in UTF-16" in refused(tmp_path / "a")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = " + "[" * 1000 + "]" * 1000, "nested too deeply"),
        ("x = " + "[" * 100_000, "nested too deeply"),
        ("x = " + "{a=" * 500 + "1" + "}" * 500, "nested too deeply"),
        (".".join("a" * 600) + " = 1", "nested too deeply"),
        (" . ".join("a" * 600) + " = 1", "nested too deeply"),
        (".".join(['"a"'] * 300 + ["'b'"] * 300) + " = 1", "nested too deeply"),
        ("[" + ".".join("a" * 100_000) + "]", "nested too deeply"),
        (
            "\n".join(f"[{'.'.join('a' * (n + 1))}]" for n in range(MOST_LEVELS)),
            "nested too deeply",
        ),
        ("x = " + "9" * 5000, "a number that is too large"),
        ("x = " + "9" * 400, "x = a number of 1329 bits: is too large a number"),
        (f"x = {2**63}", "too large a number"),
        ("a.b = [1, nan]", "a.b.1 = nan: must be a finite number"),
        ("x = 1e400", "x = inf: must be a finite number"),
        ("k" * 300 + " = 1", "too long a key"),
        ("x = ", "is not TOML: "),
    ],
)
def test_what_no_key_can_hold_is_refused(text, message):
    assert message in unparsed(text)


VALUES = st.recursive(
    st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.sampled_from(["", "a.b.c", "x = [1]"]),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from("abcdef"), VALUES))
def test_all_else_is_what_the_standard_library_reads(table):
    text = "\n".join(f"{key} = {_written(value)}" for key, value in table.items())
    assert parse_toml(text, "a.toml") == tomllib.loads(text) == table


def _written(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


@pytest.mark.parametrize("piece", ["a", ".", "a.", '"', "'", '"a".', " . ", "[", "a" * 40 + " "])
def test_long_runs_of_anything_are_refused(piece):
    """A parser whose time grows with the square would take hours for these."""
    with pytest.raises(UserError):
        parse_toml(piece * (MOST_BYTES // len(piece)), "a.toml")


TEXTS = st.text(st.characters(exclude_characters="\0\r\ufeff", exclude_categories=["Cs"]))


@given(TEXTS, st.booleans())
def test_a_text_in_utf_8_is_read_with_and_without_a_mark(text, mark):
    assert decode(text.encode("utf-8-sig" if mark else "utf-8"), "a.toml") == text


def test_lines_end_in_a_line_feed():
    assert decode(b"a\r\nb\rc\n", "a.toml") == "a\nb\nc\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("a".encode("utf-16"), "is encoded in UTF-16; save it as UTF-8"),
        ("a".encode("utf-32"), "is encoded in UTF-32; save it as UTF-8"),
        (b"a\nb\0", "line 2: has a null byte; a text in UTF-8 has none"),
        (
            "a\n\nÉ".encode("latin-1"),
            "line 3: is not UTF-8 (byte 0xc9, as in Latin-1 or Windows-1252); save it as UTF-8",
        ),
    ],
)
def test_another_encoding_is_named(content, reason):
    with pytest.raises(UserError) as caught:
        decode(content, "a.toml")
    assert str(caught.value) == f"a.toml: {reason}"
