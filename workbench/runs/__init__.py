"""A configuration into runs, and how a run is done."""

from workbench.runs.checkpoints import Learned, learned
from workbench.runs.control import Control
from workbench.runs.costing import costs
from workbench.runs.domains import DomainError, open_domain
from workbench.runs.executor import Executor
from workbench.runs.experiments import (
    CAN_GO_ON,
    SAMPLES,
    Run,
    UnableError,
    add,
    cautions,
    check,
    expand,
    load_experiment,
    newest_experiment,
    of_record,
    open_family,
    reading_of,
)
from workbench.runs.hosting import Host, More
from workbench.runs.performing import Notice, Paused, Waiting, WentOn, perform
from workbench.runs.places import elsewhere
from workbench.runs.processes import Processes
from workbench.runs.proposing import SweepError
from workbench.runs.remote import Told
from workbench.runs.sweeping import Sweeping
from workbench.runs.sweeping import check as check_sweep
from workbench.runs.together import together

__all__ = [
    "CAN_GO_ON",
    "SAMPLES",
    "Control",
    "DomainError",
    "Executor",
    "Host",
    "Learned",
    "More",
    "Notice",
    "Paused",
    "Processes",
    "Run",
    "SweepError",
    "Sweeping",
    "Told",
    "UnableError",
    "Waiting",
    "WentOn",
    "add",
    "cautions",
    "check",
    "check_sweep",
    "costs",
    "elsewhere",
    "expand",
    "learned",
    "load_experiment",
    "newest_experiment",
    "of_record",
    "open_domain",
    "open_family",
    "perform",
    "reading_of",
    "together",
]
