"""Meta-Learning Workbench: compare algorithms that learn to learn."""

__version__ = "0.1.0"
