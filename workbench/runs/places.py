"""Where runs are done, by what a person says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from workbench.runs.cluster import Cluster
from workbench.runs.executor import Executor
from workbench.runs.processes import LocalProcesses


@contextmanager
def elsewhere(jobs: int, cluster: str = "") -> Iterator[Executor | None]:
    """Where several runs are done at once; None: they are done in this thread.

    Parameters
    ----------
    jobs : runs at once; 0: as many as a cluster has processors.
    cluster : the address of one, or ``local``.

    Raises
    ------
    ClusterError
        If that cluster cannot serve.
    """
    if cluster:
        with Cluster(cluster, jobs) as there:
            yield there
    else:
        yield LocalProcesses(jobs) if jobs > 1 else None
