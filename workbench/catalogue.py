"""What there is to choose from, with every parameter: for the command line, forms and the manual."""

from __future__ import annotations

from typing import Any

from workbench.algorithms import ALGORITHMS
from workbench.sections import Section, describe_range
from workbench.tasks import FAMILIES


def parameters(section: type[Section]) -> list[dict[str, Any]]:
    """Every field of a section: name, default, range, unit, symbol and help (JSON types)."""
    listed = []
    for name, field in section.model_fields.items():
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        if "unit" not in extra:  # the selector
            continue
        default = extra.get("by_problem", field.get_default(call_default_factory=True))
        if field.is_required():
            default = None
        listed.append(
            {
                "name": name,
                "default": default.model_dump(mode="json") if isinstance(default, Section) else default,
                "required": field.is_required(),
                "allowed": describe_range(field),
                "unit": extra["unit"],
                "symbol": extra["symbol"],
                "help": field.description,
            }
        )
    return listed


def algorithms() -> list[dict[str, Any]]:
    """Every algorithm: name, family, what it supports, citation, parameters."""
    return [
        {
            "name": name,
            "title": each.title,
            "family": each.family,
            "summary": each.summary,
            "problems": sorted(each.Config.problems),
            "order": each.order,
            "citation": str(each.citation) if each.citation else None,
            "parameters": parameters(each.Config),
        }
        for name, each in ALGORITHMS.items()
    ]


def tasks() -> list[dict[str, Any]]:
    """Every task family: name, problem, default network, parameters."""
    return [
        {
            "name": name,
            "title": each.title,
            "summary": each.summary,
            "problem": each.Config.problem,
            "default_network": each.Config.default_network,
            "parameters": parameters(each.Config),
        }
        for name, each in FAMILIES.items()
    ]
