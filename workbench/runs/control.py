"""How a run is stopped, paused and resumed from another thread."""

from __future__ import annotations

import threading


class Control:
    """How another thread (or a signal) stops, pauses and resumes a run."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._stopping = self._pausing = False

    def stop(self) -> None:
        """End the run at the next event; it can be resumed later."""
        self._set(stopping=True, pausing=self._pausing)

    def pause(self) -> None:
        """Hold the run at the next event."""
        self._set(stopping=self._stopping, pausing=True)

    def resume(self) -> None:
        """Let a paused run go on."""
        self._set(stopping=self._stopping, pausing=False)

    def _set(self, *, stopping: bool, pausing: bool) -> None:
        with self._changed:
            self._stopping, self._pausing = stopping, pausing
            self._changed.notify_all()

    @property
    def stopping(self) -> bool:
        """Whether the run was told to stop."""
        return self._stopping

    @property
    def pausing(self) -> bool:
        """Whether the run was told to pause."""
        return self._pausing

    @property
    def wanted(self) -> bool:
        """Whether somebody waits for the run to heed this control."""
        return self._stopping or self._pausing

    def wait_while_paused(self) -> None:
        """Return once the run may go on, or must stop."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or not self._pausing)

    def wait(self, seconds: float) -> bool:
        """Wait, but no longer than until the run must stop; tells whether it must."""
        with self._changed:
            return self._changed.wait_for(lambda: self._stopping, seconds)
