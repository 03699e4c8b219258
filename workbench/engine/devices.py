"""Devices: which one, how it is set up, and when its work is done."""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from workbench import __version__
from workbench.errors import InputError


class DeviceError(InputError):
    """A device that this machine does not have; the message is one line."""


def available() -> list[str]:
    """The devices of this machine, best first."""
    names = (
        [f"cuda:{index}" for index in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    )
    if torch.backends.mps.is_available():
        names.append("mps")
    return [*names, "cpu"]


def candidates(name: str) -> list[torch.device]:
    """The devices that a configuration leaves to choose from: the one it names, or for ``auto`` the CPU and
    the best accelerator there is.

    Raises
    ------
    DeviceError
        If the machine has no such device.
    """
    names = available()
    if name == "auto":
        return [torch.device(each) for each in dict.fromkeys(("cpu", names[0]))]
    if name not in names and not (name == "cuda" and names[0] == "cuda:0"):
        raise DeviceError(f"training.device: this machine has no {name!r}; allowed: auto, {', '.join(names)}")
    return [torch.device("cuda:0" if name == "cuda" else name)]


def synchronise(device: torch.device) -> None:
    """Wait until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def set_up(device: torch.device, threads: int, tf32: bool) -> None:
    """Apply a run's settings that hold for the whole process."""
    keep_freed_memory()
    torch.set_num_threads(threads)
    if device.type == "cuda":
        torch.cuda.set_device(device)
        torch.backends.cuda.matmul.allow_tf32 = tf32
        torch.backends.cudnn.allow_tf32 = tf32


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread what must not depend on how many there are: linear algebra does."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def keep_freed_memory() -> None:
    """Let glibc reuse large blocks instead of handing each back to the kernel; elsewhere nothing.

    By default every tensor over 32 MiB is mapped anew and each of its pages faults again: with Conv4
    that was a third of an iteration. The price: what was once used stays with the process.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        trim_threshold, mmap_max = -1, -4  # M_TRIM_THRESHOLD and M_MMAP_MAX of malloc.h
        libc.mallopt(mmap_max, 0)
        libc.mallopt(trim_threshold, 2**31 - 1)


def most_threads() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def environment(device: torch.device) -> dict[str, str | int]:
    """Versions and machine, for a run's record."""
    return {
        "workbench": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "platform": platform.platform(),
        "processor": platform.machine(),
        "processors": most_threads(),
        "device": str(device),
        "device_name": torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine(),
    }
