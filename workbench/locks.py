"""Locks on open files that the operating system gives back when their process ends, however it ends."""

from __future__ import annotations

import os
import sys

_LOCKED_BYTE = 1 << 20  # Windows locks bytes and forbids reading them: one far behind what a lock file holds

if sys.platform == "win32":
    import msvcrt

    def try_lock(descriptor: int, shared: bool) -> bool:
        """Lock an open file until it is closed; False if another process has locked it."""
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True
else:
    import fcntl

    def try_lock(descriptor: int, shared: bool) -> bool:
        """Lock an open file until it is closed; False if another process has locked it."""
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
