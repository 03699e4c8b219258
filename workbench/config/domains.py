"""Other domains that runs are tested on: ``[[task.domain]]``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import ConfigDict

from workbench.settings import Name, Section, setting

LONGEST = 40
"""Letters of a domain's name."""


class Domain(Section):
    """Tasks that runs are tested on too and never trained on: of another family or data set, or of the same
    with other settings. Every other key is a setting of its family; what is not said is as in ``[task]``."""

    model_config = ConfigDict(extra="allow")

    name: Name = setting(
        min_length=1, max_length=LONGEST, pattern="^[^/]+$", help="Its name in tables and charts, without /."
    )
    family: str | None = setting(None, help="Its task family.", empty="that of the task")
    fit: Literal["resize", "pad"] = setting(
        "resize",
        titles={"resize": "resized", "pad": "padded with black"},
        help="How pictures of another size become as large as those of the task.",
    )

    @property
    def settings(self) -> Mapping[str, object]:
        """What is said of its family."""
        return self.model_extra or {}
