"""One way to declare settings: sections of fields with range, unit and help; forms, files, options and help
are made from it."""

from workbench.settings.complaints import Complaint, ConfigError, Path, complaints, unfit_names
from workbench.settings.earlier import spelled, unspelled
from workbench.settings.fields import Field, fields_of
from workbench.settings.registry import discover
from workbench.settings.sections import Kind, Name, Section, Shown, misfit, setting

__all__ = [
    "Complaint",
    "ConfigError",
    "Field",
    "Kind",
    "Name",
    "Path",
    "Section",
    "Shown",
    "complaints",
    "discover",
    "fields_of",
    "misfit",
    "setting",
    "spelled",
    "unfit_names",
    "unspelled",
]
