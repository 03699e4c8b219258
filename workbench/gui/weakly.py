"""Answers of background jobs that do not keep the widget alive which waits for them."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TypeVar

import shiboken6

Answer = TypeVar("Answer")


def weakly(method: Callable[[Answer], object]) -> Callable[[Answer], None]:
    """Call a widget's method as long as there is the widget.

    A background thread holds on to its job for a while. Were the widget's last reference among what it
    holds, the widget would be destroyed on that thread, which Qt does not survive.
    """
    reference = weakref.WeakMethod(method)

    def call(value: Answer) -> None:
        bound = reference()
        if bound is not None and shiboken6.isValid(getattr(bound, "__self__")):  # noqa: B009 (a method)
            bound(value)

    return call
