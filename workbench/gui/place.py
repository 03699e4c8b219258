"""Where the window's runs run; remembered."""

from __future__ import annotations

import os
from dataclasses import dataclass

from PySide6.QtCore import QSettings


def most_jobs() -> int:
    """So many runs at once may be asked for."""
    return 4 * (os.cpu_count() or 1)


@dataclass(frozen=True)
class Place:
    """One after the other in the window's own process; several at once in processes; or on a cluster.

    Attributes
    ----------
    jobs : runs at once; 0: as many as the cluster has processors.
    cluster : its address, or ``local``.
    """

    jobs: int = 1
    cluster: str = ""

    @property
    def is_here(self) -> bool:
        """Whether it is the window's own process."""
        return self.jobs == 1 and not self.cluster

    def keep(self) -> None:
        """Remember it."""
        QSettings().setValue("place/jobs", self.jobs)
        QSettings().setValue("place/cluster", self.cluster)


def kept() -> Place:
    """What was remembered; here, where that makes no sense."""
    jobs, cluster = str(QSettings().value("place/jobs", "")), str(QSettings().value("place/cluster", ""))
    if cluster:
        return Place(0, cluster)
    return Place(int(jobs)) if jobs.isdecimal() and 1 <= int(jobs) <= most_jobs() else Place()
