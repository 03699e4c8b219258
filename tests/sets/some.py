"""Small experiments on sets to group."""

from __future__ import annotations

from workbench.config import Experiment, parse

TEXT = """
name = "sets"
[task]
family = "mixtures"
points = 24
groups = 3
[network]
kind = "mlp"
hidden = [8]
[training]
iterations = 2
meta_batch = 4
threads = 1
chunk = 4
compile = false
[evaluation]
episodes = 6
validation_episodes = 6
inner_steps = 2
every = 2
"""


def experiment(*algorithms: str, overrides: tuple[str, ...] = ()) -> Experiment:
    """Small mixtures with these algorithms; without any, with all that can group sets."""
    named = "".join(f'[[algorithm]]\nkind = "{each}"\n' for each in algorithms)
    return parse(TEXT + named if named else 'algorithm = "all"\n' + TEXT, overrides)
