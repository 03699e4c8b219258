"""Opens the other domains of an experiment, and brings their inputs together with those of its own tasks."""

from __future__ import annotations

from typing import Literal

from workbench.config import Domain as Said
from workbench.config import TaskConfig
from workbench.errors import InputError
from workbench.tasks import FAMILIES
from workbench.tasks.base import DataError, Domain, Progress, TaskFamily
from workbench.tasks.class_splits import ClassSplit, Whole
from workbench.tasks.fitted import Fitted
from workbench.words import listed

PICTURE = 3
"""Numbers of a picture's shape: channels, height, width."""


class DomainError(DataError):
    """A domain on which an experiment's runs cannot be tested; it is named."""

    def __init__(self, name: str, why: InputError) -> None:
        super().__init__(f"[[task.domain]] {name!r}: {why}")


def open_domain(home: TaskFamily, said: Said, progress: Progress | None = None) -> Domain:
    """One of the domains that the configuration of a family names.

    Raises
    ------
    DomainError
        If its data cannot serve, or no rule makes its inputs like those of the family.
    """
    try:
        return _opened(home, said, progress)
    except DataError as error:
        raise DomainError(said.name, error) from None


def _opened(home: TaskFamily, said: Said, progress: Progress | None) -> Domain:
    config, another = home.config.of_domain(said), home.config.is_another_source(said)
    split = getattr(config, "split", None)
    if isinstance(split, ClassSplit):
        if split.named and split.train == split.validation == split.test:
            config = config.model_copy(update={"split": Whole.model_validate(split.model_dump())})
        elif another and "split" not in said.settings:
            config = config.model_copy(update={"split": Whole()})
    kind = FAMILIES[config.name]
    if kind is type(home):
        family = home.beside(config, progress)
        if not another:
            _refuse_trained(home, family)
    else:
        family = kind.opened(config, progress, home.reading)
        if "classes" in home.problem.gives and None in (home.shape.bounds, family.shape.bounds):
            raise DataError("no pictures: what its inputs mean is learned from other texts than in [task]")
    words = [_told(home.config, said)]
    if family.shift is not None:
        words.append(family.shift.words)
        family = family.shift.family
    family, how = _like(home, family, said.fit)
    split = getattr(config, "split", None)
    whole = []
    if isinstance(split, Whole):
        whole = ["all classes"] if split.test is None else [f"classes {listed(list(split.test))}"]
    return Domain(said.name, ", ".join([*filter(None, words), *whole, *how]), family)


def _refuse_trained(home: TaskFamily, family: TaskFamily) -> None:
    """Refuse what a domain is tested on, such as classes, if it is trained on at home."""
    trained = set(home.names_in("train"))
    both = [name for name in family.names_in("test") if name in trained]
    if both:
        raise DataError(
            f"task.split: {listed(both, 3)} would be asked for, but training sees that; name others for test"
        )


def _told(home: TaskConfig, said: Said) -> str:
    """What a domain is, in a few words: the family where it is another, and the settings that differ."""
    told = [] if said.family == home.name else [FAMILIES[str(said.family)].title.lower()]
    usual = {name: field.default for name, field in home.of_domain(said).__class__.model_fields.items()}
    for name, value in said.settings.items():
        if name not in ("path", "split") and (said.family == home.name or value != usual.get(name)):
            told.append(f"{name.replace('_', ' ')} {str(value).replace('_', ' ')}")
    return ", ".join(told)


def _like(
    home: TaskFamily, family: TaskFamily, fit: Literal["resize", "pad"]
) -> tuple[TaskFamily, list[str]]:
    """The family with inputs like those of the home domain, and what was done to that end, in words."""
    ours, its = home.shape, family.shape
    if unlike := ours.problem.unlike(its.problem):
        raise DataError(f"its {unlike} than those of [task], so nothing that is learned applies to it")
    if ours.folds or its.folds:
        raise DataError("one learner for each fold has no other domain; leave split.folds out")
    for name in ("vocabulary", "places"):
        own, other = getattr(ours, name), getattr(its, name)
        if own != other:
            raise DataError(f"it has {other} {name}, [task] has {own}; no rule brings these together")
    classified = "classes" in ours.problem.gives
    if its.outputs != ours.outputs and not classified:
        raise DataError(f"it has {its.outputs} outputs, [task] has {ours.outputs}; they must be as many")
    if fit != "resize" and len(its.input_shape) != PICTURE:
        raise DataError(f'fit = "{fit}" is said of pictures, and these are none; leave it out')
    if its.input_shape == ours.input_shape:
        return family, []
    pictures = len(its.input_shape) == len(ours.input_shape) == PICTURE and its.bounds == ours.bounds
    if not pictures or its.bounds is None:
        raise DataError(
            f"its inputs are of {_size(its.input_shape)}, those of [task] of {_size(ours.input_shape)}; "
            "no rule brings these together"
        )
    fitted = Fitted(family, ours.input_shape, fit)
    return fitted, fitted.done


def _size(shape: tuple[int, ...]) -> str:
    return f"{' × '.join(map(str, shape))} numbers"
