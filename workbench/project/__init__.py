"""The project file: experiments, runs, curves, results and checkpoints in one SQLite file.

Needs numpy and the standard library only, never torch: listing a project must be quick.
"""

from workbench.project.errors import DamagedError, ProjectError, StorageError, StorageFull
from workbench.project.project import Project
from workbench.project.records import (
    STATUSES,
    Checkpoint,
    Damaged,
    ExperimentRecord,
    Result,
    RunFields,
    RunRecord,
    Status,
)
from workbench.project.tuned import Tried, Tuned, best_of
from workbench.project.writer import RunWriter, Store

__all__ = [
    "STATUSES",
    "Checkpoint",
    "Damaged",
    "DamagedError",
    "ExperimentRecord",
    "Project",
    "ProjectError",
    "Result",
    "RunFields",
    "RunRecord",
    "RunWriter",
    "Status",
    "StorageError",
    "StorageFull",
    "Store",
    "Tried",
    "Tuned",
    "best_of",
]
