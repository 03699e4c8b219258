"""What an experiment is: validated, versioned, read from and written to TOML.

Sections that come in several kinds (task families, networks, algorithms) are declared beside the
code that they configure. Importing :mod:`workbench.tasks`, :mod:`workbench.networks` and
:mod:`workbench.algorithms` makes their kinds known here; this module imports none of them.
"""

from __future__ import annotations

from workbench.config.domains import Domain
from workbench.config.experiment import ONE_VALUE, TRIED, Experiment, admitted
from workbench.config.kinds import (
    OF_THE_RUN,
    AlgorithmConfig,
    AnyWays,
    ClassificationTaskConfig,
    Diagnosis,
    Drifts,
    EpisodeSize,
    Examples,
    NetworkConfig,
    Schedule,
    Suits,
    TaskConfig,
    Trains,
    Untrained,
)
from workbench.config.reading import load, parse
from workbench.config.sections import LEAST_NOISE, SPLITS, Attack, Drift, Evaluation, Privacy, Split, Training
from workbench.config.sweep import Range, Sweep, Value
from workbench.settings import Complaint, ConfigError, Name, Section, setting

__all__ = [
    "LEAST_NOISE",
    "OF_THE_RUN",
    "ONE_VALUE",
    "SPLITS",
    "TRIED",
    "AlgorithmConfig",
    "AnyWays",
    "Attack",
    "ClassificationTaskConfig",
    "Complaint",
    "ConfigError",
    "Diagnosis",
    "Domain",
    "Drift",
    "Drifts",
    "EpisodeSize",
    "Evaluation",
    "Examples",
    "Experiment",
    "Name",
    "NetworkConfig",
    "Privacy",
    "Range",
    "Schedule",
    "Section",
    "Split",
    "Suits",
    "Sweep",
    "TaskConfig",
    "Training",
    "Trains",
    "Untrained",
    "Value",
    "admitted",
    "load",
    "parse",
    "setting",
]
