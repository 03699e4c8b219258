"""A mixture of Gaussians by expectation maximisation: Dempster, Laird, Rubin, "Maximum likelihood from
incomplete data via the EM algorithm", Journal of the Royal Statistical Society B 1977.

Where the number of groups is not told, it is the one with the best Bayesian information criterion (Schwarz,
"Estimating the dimension of a model", Annals of Statistics 1978).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from workbench.algorithms.base import Citation
from workbench.algorithms.classical_grouping import ClassicalConfig, ClassicalGrouping, Points
from workbench.config import setting

COVARIANCES = ("full", "tied", "diag", "spherical")


class GaussianMixtureConfig(ClassicalConfig):
    kind: Literal["gaussian_mixture"] = "gaussian_mixture"
    starts: int = setting(3, ge=1, le=1000, help="Starts from k-means, of which the likeliest is kept.")
    covariance: Literal["full", "tied", "diag", "spherical"] | None = setting(
        None,
        help="How Gaussians may be stretched: each in its own way, all in one, along the axes, or not.",
        empty="chosen on meta-validation sets",
    )


class GaussianMixture(ClassicalGrouping):
    """Every point to the likeliest of K Gaussians."""

    Config = GaussianMixtureConfig
    title = "Gaussian mixture"
    summary = "Fits K Gaussians by expectation maximisation; scikit-learn's, learns nothing."
    citation = Citation(
        "A. P. Dempster, N. M. Laird, D. B. Rubin",
        "Maximum likelihood from incomplete data via the EM algorithm",
        "Journal of the Royal Statistical Society B",
        1977,
    )
    config: GaussianMixtureConfig

    @property
    def choices(self) -> Sequence[Mapping[str, Any]]:
        own = self.config.covariance
        return [{"covariance": each} for each in ((own,) if own else COVARIANCES)]

    def logits(self, x: Points, groups: int | None, **chosen: Any) -> Points:
        from sklearn import mixture  # slow to import: only when used

        def fitted(groups: int) -> Any:
            model = mixture.GaussianMixture(
                groups, covariance_type=chosen["covariance"], n_init=self.config.starts, random_state=0
            )
            return model.fit(x)

        different = len(np.unique(x, axis=0))
        if groups:
            model = fitted(min(groups, different))
        else:
            tried = [fitted(each) for each in range(1, min(self.shape.outputs, different) + 1)]
            model = min(tried, key=lambda each: each.bic(x))
        shares: Points = model.predict_proba(x)
        return np.log(np.clip(shares, 1e-12, None))
