"""How far from the truth a learner was on other tasks, which says how sure its predictions of a new one are.

Split conformal prediction over tasks: Papadopoulos, Proedrou, Vovk, Gammerman, "Inductive Confidence
Machines for Regression", ECML 2002; with tasks in the place of examples: Fisch, Schuster, Jaakkola, Barzilay,
"Few-shot Conformal Prediction with Auxiliary Tasks", ICML 2021, arXiv 2102.08898. No more is asked than that
the new task is like the others.
"""

from __future__ import annotations

import math

import numpy as np

from workbench.pictures import Array

BAND = 0.9


def margin(misses: Array, share: float = BAND) -> Array:
    """What ``share`` of the misses do not exceed, corrected for their number; infinite where there are too
    few to say.

    Parameters
    ----------
    misses : ``[n, …]``, one for each query of other tasks; what is no number counts as the largest.
    """
    count = len(misses)
    rank = math.ceil((count + 1) * share)
    if rank > count:
        return np.full(misses.shape[1:], np.inf)
    ordered: Array = np.sort(np.nan_to_num(misses, nan=np.inf), axis=0)
    found: Array = ordered[rank - 1]
    return found
