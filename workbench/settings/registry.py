"""Finds what a package offers, so that adding an algorithm is adding a file."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import Any, TypeVar

T = TypeVar("T")


def discover(package: str, base: type[T]) -> dict[str, type[T]]:
    """Import every module of a package and collect the concrete classes derived from ``base``.

    Parameters
    ----------
    package : dotted name of the package.
    base : the contract; its classes carry ``Config``, whose selector field names the class.

    Returns
    -------
    dict
        The classes by name, in alphabetical order.
    """
    found: dict[str, type[T]] = {}
    parent = importlib.import_module(package)
    for info in pkgutil.iter_modules(parent.__path__):
        module = importlib.import_module(f"{package}.{info.name}")
        for _, cls in inspect.getmembers(module, inspect.isclass):
            if issubclass(cls, base) and cls.__module__ == module.__name__ and "Config" in vars(cls):
                config: Any = vars(cls)["Config"]
                found[config.model_fields[config.selector].default] = cls
    return dict(sorted(found.items()))
