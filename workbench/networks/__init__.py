"""Networks, one file each; a new file is found by itself."""

from workbench.discovery import discover
from workbench.networks.base import Network, NetworkError, initialise

NETWORKS = discover(__name__, Network)

__all__ = ["NETWORKS", "Network", "NetworkError", "initialise"]
