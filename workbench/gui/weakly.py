"""Answers of background jobs that do not keep the widget alive which waits for them."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import shiboken6


def weakly(method: Callable[[Any], object]) -> Callable[[Any], None]:
    """Call a widget's method as long as there is the widget.

    A background thread holds on to its job for a while. Were the widget's last reference among what it
    holds, the widget would be destroyed on that thread, which Qt does not survive.
    """
    reference = weakref.WeakMethod(method)

    def call(value: Any) -> None:
        bound: Any = reference()
        if bound is not None and shiboken6.isValid(bound.__self__):
            bound(value)

    return call
