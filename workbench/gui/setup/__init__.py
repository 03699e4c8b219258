"""The Setup panel: task, algorithms, training and evaluation of the experiment to run."""
