"""One way to declare settings: sections of fields with range, unit and help; forms, files, options and help
are made from it."""

from workbench.settings.registry import discover
from workbench.settings.sections import (
    Complaint,
    ConfigError,
    Kind,
    Name,
    Problem,
    Section,
    Shown,
    complaints,
    describe_range,
    misfit,
    section_in,
    setting,
    unfit_names,
)

__all__ = [
    "Complaint",
    "ConfigError",
    "Kind",
    "Name",
    "Problem",
    "Section",
    "Shown",
    "complaints",
    "describe_range",
    "discover",
    "misfit",
    "section_in",
    "setting",
    "unfit_names",
]
