"""Networks, one file each; a new file is found by itself."""

from typing import Any

from workbench.config import NetworkConfig
from workbench.networks.base import Network, NetworkError, initialise
from workbench.settings import discover

NETWORKS = discover(__name__, Network)

__all__ = ["NETWORKS", "Network", "NetworkError", "build", "initialise"]


def build(
    config: NetworkConfig,
    input_shape: tuple[int, ...],
    outputs: int,
    vocabulary: int = 0,
    places: int = 0,
) -> Network:
    """The network of a configuration for a task family's examples.

    Parameters
    ----------
    vocabulary : how many words there are, where an example is a list of their numbers; 0 for all others.
    places : of a sequence that is to be said; 0 where there is none.

    Raises
    ------
    NetworkError
        If the network cannot take such examples.
    """
    kind = NETWORKS[config.name]
    if kind.says_sequences != (places > 0):
        able = ", ".join(name for name, each in NETWORKS.items() if each.says_sequences == (places > 0))
        what = (
            "says sequences, which the task does not ask for" if kind.says_sequences else "says no sequences"
        )
        raise NetworkError(f"network {config.name!r} {what}; choose {able}")
    if kind.reads_words and not vocabulary:
        raise NetworkError(
            f"network {config.name!r} reads words; the task gives none (of a text family, set "
            'features = "words")'
        )
    if vocabulary and not kind.reads_words:
        reading = (name for name, each in NETWORKS.items() if each.reads_words and not each.says_sequences)
        able = ", ".join(reading)
        raise NetworkError(
            f'network {config.name!r} cannot read words; choose {able}, or set features = "tfidf" under '
            "[task]"
        )
    words: dict[str, Any] = {"vocabulary": vocabulary} if kind.reads_words else {}
    words |= {"places": places} if kind.says_sequences else {}
    return kind(config, input_shape, outputs, **words)
