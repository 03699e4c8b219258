"""How settings are declared: sections of fields, and sections that come in several kinds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError


class Shown:
    """Marks a text that is shown in tables, charts and files: a name, not a piece of writing."""


Name = Annotated[str, Shown()]
"""A name that somebody gives; :func:`~workbench.settings.complaints.unfit_names` says which cannot be one."""


def setting(
    default: object = ...,
    *,
    help: str,
    empty: str = "",
    label: str = "",
    unit: str = "",
    symbol: str = "",
    where: Mapping[str, object] | None = None,
    needs: Iterable[str] = (),
    rare: bool = False,
    path: bool = False,
    incidental: bool = False,
    titles: Mapping[str, str] | None = None,
    before: object = None,
    **constraints: Any,
) -> Any:
    """A field; :func:`~workbench.settings.fields.fields_of` tells of it what is declared here.

    Parameters
    ----------
    default : the value used where the file is silent (the paper's, where there is one).
    help : one line that says what the field does.
    empty : what it means that nothing is said, where that is no value of the field's own.
    label : what a form calls the field, where its name says too little.
    unit, symbol : the unit and the symbol that the paper uses, if any.
    where : the defaults of problems that give something, such as ``{"classes": 0.4}``; ``default`` is that
        of the others. The field reads None until the experiment, which knows the task, fills it in.
    needs : what the problem must give for the field to mean anything.
    rare : whether few people ever change it; forms keep it apart.
    path : whether the text is the path of a file or a folder.
    incidental : whether results mean the same whatever it is: where and how something is computed, not what.
    titles : how choices are called, where they are not called what they are in a file.
    before : the value that means what was done before there was the field, where its default means more: what
        a file of an earlier format means that does not say it (see :mod:`~workbench.settings.earlier`).
    constraints : ``gt``, ``ge``, ``lt``, ``le``, ``min_length``…, as in pydantic.
    """
    said: dict[str, Any] = {"empty": empty, "label": label, "unit": unit, "symbol": symbol}
    said |= {
        "rare": rare,
        "path": path,
        "incidental": incidental,
        "titles": dict(titles or {}),
        "needs": frozenset(needs),
    }
    if before is not None:
        said["before"] = before
    if where is not None:
        said["where"] = {"": default, **where}
        default = None
    if empty:
        help = f"{help.removesuffix('.')}; empty: {empty}."
    return Field(default, description=help, json_schema_extra=said, **constraints)


class Section(BaseModel):
    """A table of the configuration: immutable, strict about types, closed to unknown keys."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, validate_default=True
    )

    refused: ClassVar[Mapping[str, str]] = {}
    """Keys that others like it have: why this one does not, and what would be right."""

    @classmethod
    def out_of(cls, kept: Mapping[str, object]) -> Self:
        """What fits of what was kept with a project; unknown or unfit values are left out."""
        fit = {}
        for name in [each for each in cls.model_fields if each in kept]:
            try:
                cls.model_validate({name: kept[name]})
            except ValidationError:
                continue
            fit[name] = kept[name]
        return cls.model_validate(fit)


class Kind(Section):
    """A section that comes in several kinds, told apart by one key (``kind`` or ``family``).

    A direct subclass is a base that collects its kinds by name; importing the module of a kind makes
    it known.
    """

    selector: ClassVar[str] = "kind"
    akin: ClassVar[bool] = False
    """Whether a person who chooses another kind takes along the values of the fields that both have."""

    kinds: ClassVar[dict[str, type[Any]]]

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if Kind in cls.__bases__:
            cls.kinds = {}
        elif cls.selector in cls.model_fields:
            cls.kinds[cls.model_fields[cls.selector].default] = cls

    @property
    def name(self) -> str:
        """The kind's name in a file."""
        return str(getattr(self, self.selector))

    @classmethod
    def resolve(cls, value: Any) -> Any:
        """Turn a table into the section that its selector names."""
        if isinstance(value, cls):
            return value
        allowed = f"allowed: {', '.join(sorted(cls.kinds))}"
        if not isinstance(value, Mapping):
            raise ValueError(f"{value!r} is not a table with the key {cls.selector!r}; {allowed}")
        name = value.get(cls.selector)
        if name is None:
            raise misfit((cls.selector,), f"is missing; {allowed}")
        if not isinstance(name, str) or name not in cls.kinds:
            raise misfit((cls.selector,), f"{name!r} is not known; {allowed}")
        return cls.kinds[name].model_validate(dict(value))

    def suited(self, gives: frozenset[str], values: Mapping[str, object] = MappingProxyType({})) -> Self:
        """The section with the defaults filled in that depend on what the problem gives.

        Parameters
        ----------
        values : what fields of these names are, where there are such and nothing is said of them; in the
            sections of several kinds that it holds, too.
        """
        fields = type(self).model_fields
        said = {name: each.json_schema_extra for name, each in fields.items() if getattr(self, name) is None}
        defaults = {
            name: usual(each["where"], gives)  # type: ignore[arg-type]
            for name, each in said.items()
            if isinstance(each, dict) and "where" in each
        }
        defaults |= {
            name: value
            for name, value in values.items()
            if name in fields and (name not in self.model_fields_set or getattr(self, name) is None)
        }
        inner = {
            name: value.suited(gives, self.of_inner(values))
            for name in fields
            if isinstance(value := getattr(self, name), Kind)
        }
        return type(self).model_validate(self.model_dump() | defaults | inner)

    @classmethod
    def of_inner(cls, values: Mapping[str, object]) -> Mapping[str, object]:
        """What of values that suit it suits the sections of several kinds that it holds, too."""
        return values


def usual(where: Mapping[str, object], gives: frozenset[str]) -> object:
    """The default for a problem that gives this: that of the first gift, or ``where[""]``."""
    return next((default for gift, default in where.items() if gift in gives), where[""])


def misfit(location: tuple[int | str, ...], message: str) -> ValidationError:
    """An error at a place below the value that is being validated."""
    error = PydanticCustomError("misfit", "{message}", {"message": message})
    return ValidationError.from_exception_data("", [InitErrorDetails(type=error, loc=location, input=None)])
