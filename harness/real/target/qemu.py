"""Linux guest in QEMU: a kernel of the distribution, and an initramfs with the agent."""

import os
import platform
import re
import shutil
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

from harness.real.target.cgroup import UnavailableError

_MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "ext4")
"""Modules for the guest's disks and network; some are built into the kernel."""

ACCELERATORS = {"qemu-tcg": ("tcg", "max"), "qemu-kvm": ("kvm", "host")}
"""QEMU's accelerator and processor model, by target."""

MEMORY_MEBIBYTES = 512

NETWORK_PORT = 7007
"""TCP port of a guest's agent on its network."""


def find_qemu() -> str:
    """Return QEMU's path.

    Raises
    ------
    UnavailableError
        If it is missing, or this machine is not x86_64.
    """
    if platform.machine() != "x86_64":
        raise UnavailableError(
            f"guests are built for x86_64 only, and this is {platform.machine()}"
        )
    path = shutil.which("qemu-system-x86_64")
    if path is None:
        raise UnavailableError("no qemu-system-x86_64 (Debian: apt-get install qemu-system-x86)")
    return path


def find_kernel(boot: Path = Path("/boot")) -> Path:
    """Return the newest kernel that this user can read.

    Raises
    ------
    UnavailableError
        If there is none.
    """
    kernels = sorted(boot.glob("vmlinuz-*"), key=_version)
    if not kernels:
        raise UnavailableError(
            f"no {boot}/vmlinuz-* (Debian: apt-get install linux-image-cloud-amd64)"
        )
    readable = [kernel for kernel in kernels if os.access(kernel, os.R_OK)]
    if not readable:
        raise UnavailableError(f"no permission to read {kernels[-1]}")
    return readable[-1]


def _version(kernel: Path) -> tuple[list[int], str]:
    return [int(number) for number in re.findall(r"\d+", kernel.name)], kernel.name


def build_initramfs(agent: Path, kernel: Path, directory: Path) -> Path:
    """Pack the agent and the modules for the guest's disks and network.

    A kernel without its modules boots nevertheless; the guest then has no disks and no network.

    Raises
    ------
    UnavailableError
        If cpio is missing or fails.
    """
    cpio = shutil.which("cpio")
    if cpio is None:
        raise UnavailableError("no cpio (Debian: apt-get install cpio)")
    root = directory / "root"
    modules = root / "modules"
    modules.mkdir(parents=True)
    shutil.copy(agent, root / "init")
    release = kernel.name.removeprefix("vmlinuz-")
    for number, module in enumerate(_needed(Path("/lib/modules") / release)):
        shutil.copy(module, modules / f"{number:02d}-{module.name}")
    names = [str(path.relative_to(root)) for path in sorted(root.rglob("*"))]
    packed = directory / "initramfs"
    with packed.open("wb") as out:
        done = subprocess.run(
            [cpio, "--quiet", "-o", "-H", "newc", "-R", "0:0"],
            input="\n".join(names).encode(),
            stdout=out,
            stderr=subprocess.PIPE,
            cwd=root,
            check=False,
        )
    if done.returncode != 0:
        reason = done.stderr.decode(errors="replace").strip().replace("\n", "; ")
        raise UnavailableError(f"no initramfs: {reason}")
    return packed


def _needed(modules: Path) -> list[Path]:
    """Return the modules and their dependencies, in the order of loading."""
    try:
        lines = (modules / "modules.dep").read_text().splitlines()
    except OSError:
        return []
    needed: list[Path] = []
    for wanted in _MODULES:
        for line in lines:
            module, _, needs = line.partition(":")
            if Path(module).name.partition(".")[0] == wanted:
                # The file lists dependencies in reverse order.
                for name in (*reversed(needs.split()), module):
                    if modules / name not in needed:
                        needed.append(modules / name)
    return needed


def command(
    qemu: str,
    target: str,
    kernel: Path,
    initramfs: Path,
    disks: Sequence[Path],
    console: Path,
    port: int,
) -> list[str]:
    """Return the command that starts a guest.

    The first serial line is the kernel's console, kept in a file for failed boots; the second is
    the channel. A disk's file is opened past this machine's page cache, if its file system supports
    O_DIRECT, so that a guest's direct transfer is direct all the way. It is read-only if the file
    is. If this machine's disk is full, the guest gets an error and is not stopped. The guest's
    network is isolated; a port of this machine's loopback leads to the guest's NETWORK_PORT.
    """
    accelerator, model = ACCELERATORS[target]
    drives: list[str] = []
    for disk in disks:
        cache = "none" if _can_be_direct(disk) else "writeback"
        readonly = "off" if disk.stat().st_mode & stat.S_IWUSR else "on"
        options = f"format=raw,if=virtio,cache={cache},readonly={readonly},werror=report"
        drives += ["-drive", f"file={_quoted(disk)},{options}"]
    forward = f"tcp:127.0.0.1:{port}-:{NETWORK_PORT}"
    return [
        qemu,
        *("-accel", accelerator, "-cpu", model, "-m", str(MEMORY_MEBIBYTES), "-smp", "1"),
        *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
        *("-serial", f"file:{console}", "-serial", "stdio"),
        *drives,
        *("-netdev", f"user,id=network,restrict=on,hostfwd={forward}"),
        # Without a boot ROM, which is in a separate package.
        *("-device", "virtio-net-pci,netdev=network,romfile="),
        *("-kernel", str(kernel), "-initrd", str(initramfs)),
        *("-append", "console=ttyS0 panic=-1 quiet"),
    ]


def _quoted(path: Path) -> str:
    """Return a path for an option of QEMU, in which a comma ends a value."""
    return str(path).replace(",", ",,")


def _can_be_direct(disk: Path) -> bool:
    try:
        os.close(os.open(disk, os.O_RDONLY | os.O_DIRECT))
    except OSError:
        return False
    return True
