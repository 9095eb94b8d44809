import subprocess
from pathlib import Path

import pytest
from programs import program

from harness.real.target.cgroup import UnavailableError
from harness.real.target.qemu import ACCELERATORS, build_initramfs, command, find_kernel


def test_the_newest_kernel_is_taken_by_number(tmp_path):
    for release in ("6.1.0-9-amd64", "6.1.0-56-amd64", "5.10.0-99-amd64"):
        (tmp_path / f"vmlinuz-{release}").touch()
    assert find_kernel(tmp_path).name == "vmlinuz-6.1.0-56-amd64"


def test_a_missing_kernel_names_its_package(tmp_path):
    with pytest.raises(UnavailableError, match="apt-get install linux-image-cloud-amd64"):
        find_kernel(tmp_path)


def test_an_unreadable_kernel_is_named(tmp_path, monkeypatch):
    (tmp_path / "vmlinuz-6.1").touch()
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(UnavailableError, match=r"no permission to read .*vmlinuz-6"):
        find_kernel(tmp_path)


def test_the_initramfs_holds_the_agent_as_its_first_process(tmp_path):
    cpio = program("cpio")
    agent = tmp_path / "agent"
    agent.write_bytes(b"program")
    agent.chmod(0o755)
    packed = build_initramfs(agent, Path("/boot/vmlinuz-none"), tmp_path)
    listed = subprocess.run(
        [cpio, "-tv"], input=packed.read_bytes(), capture_output=True, check=True
    ).stdout.decode()
    assert any(
        line.startswith("-rwxr-xr-x") and line.endswith(" init") for line in listed.split("\n")
    )


def test_what_cannot_be_packed_is_a_reason(tmp_path, monkeypatch):
    (tmp_path / "agent").touch()
    monkeypatch.setattr("harness.real.target.qemu.shutil.which", lambda name: "/bin/false")
    with pytest.raises(UnavailableError, match="no initramfs"):
        build_initramfs(tmp_path / "agent", Path("/boot/vmlinuz-none"), tmp_path)


@pytest.mark.parametrize("target", ACCELERATORS)
def test_a_guest_differs_by_its_accelerator_and_processor_only(tmp_path, target):
    kernel, initramfs, disk, console = (
        tmp_path / name for name in ("kernel", "initramfs", "disk", "console")
    )
    disk.touch()
    told = command("qemu", target, kernel, initramfs, [disk], console, 1234)
    accelerator, model = ACCELERATORS[target]
    assert told[told.index("-accel") + 1] == accelerator
    assert told[told.index("-cpu") + 1] == model
    name = next(name for name in ACCELERATORS if name != target)
    other = command("qemu", name, kernel, initramfs, [disk], console, 1234)
    assert sum(a != b for a, b in zip(told, other, strict=True)) == 2


def test_a_guest_may_write_where_its_owner_may_and_reaches_nothing_but_this_machine(tmp_path):
    disk, image = tmp_path / "disk,1", tmp_path / "image"
    disk.touch()
    image.touch(mode=0o400)
    told = command("qemu", "qemu-tcg", disk, disk, [disk, image], disk, 1234)
    first, second = (told[place + 1] for place, word in enumerate(told) if word == "-drive")
    assert "readonly=off" in first and "disk,,1," in first
    assert "readonly=on" in second
    network = told[told.index("-netdev") + 1].split(",")
    assert "restrict=on" in network
    assert [word for word in network if "tcp" in word] == ["hostfwd=tcp:127.0.0.1:1234-:7007"]
