"""Finds what a package offers, so that adding an algorithm is adding a file."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from typing import TypeVar

from workbench.errors import DeclarationError
from workbench.settings.sections import Kind

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

    Raises
    ------
    DeclarationError
        If a class lacks what the contract asks for, has only the ``Config`` of the class that it is derived
        from, or the name of another.
    """
    found: dict[str, type[T]] = {}
    parent = importlib.import_module(package)
    for info in pkgutil.iter_modules(parent.__path__):
        module = importlib.import_module(f"{package}.{info.name}")
        for _, cls in inspect.getmembers(module, inspect.isclass):
            if issubclass(cls, base) and cls.__module__ == module.__name__ and hasattr(cls, "Config"):
                config: type[Kind] = inspect.getattr_static(cls, "Config")
                name = str(config.model_fields[config.selector].default)
                _check(cls, base, name, found)
                found[name] = cls
    return dict(sorted(found.items()))


def _check(cls: type, base: type, name: str, found: Mapping[str, type]) -> None:
    """Refuse a declaration that lacks something, at import."""
    declared = [each for each, kind in inspect.get_annotations(base).items() if "ClassVar" in str(kind)]
    wrong = [f"{each} is missing" for each in declared if not hasattr(cls, each)]
    if "Config" not in vars(cls):
        wrong.append("a Config of its own is missing")
    elif name in found:
        wrong.append(f"{found[name].__qualname__} has its name, {name!r}")
    if wrong:
        raise DeclarationError(f"{cls.__module__}.{cls.__qualname__}: {'; '.join(wrong)}")
