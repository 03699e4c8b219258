"""Looks inside a run: what moved, what mattered. It reads what was learned and frozen episodes, and trains
nothing."""

from workbench.engine.inside import examples, learned, moved, path, reuse, saliency, tasks
from workbench.engine.inside.base import Asked, Inside, LackingError, View

__all__ = ["VIEWS", "Asked", "Inside", "LackingError", "View"]

VIEWS = {
    "moved": View(
        "What moved",
        "A layer that moves far, and without which much is lost, is where the learner adapts.",
        "How far weights move does not say by itself that they matter, and layers that are frozen one by one "
        "may stand in for each other.",
        (10, 100),
        moved.draw,
    ),
    "reuse": View(
        "What is reused",
        "Near 1 a layer says the same of the queries before and after adaptation: its features are reused.",
        "Likeness does not prove that a layer is of use, and small changes to which CKA is blind can decide.",
        (20, 100),
        reuse.draw,
    ),
    "path": View(
        "One task's path",
        "The learner goes down the loss of its task's support set, mostly within one plane.",
        "That a plane holds most of a path proves little, as the random walk beside it shows, and what the "
        "loss is off the plane is not seen.",
        (1, 1),
        path.draw,
        of_one=True,
        fewest=0,
    ),
    "examples": View(
        "Which examples mattered",
        "Above 0 an example helped: without it the loss on the queries is higher.",
        "Examples left out one by one do not tell what two of them do together, nor what another set of "
        "queries would say.",
        (10, 30),
        examples.draw,
        of_one=True,
        quick=True,
    ),
    "saliency": View(
        "What it looks at",
        "Where an input is strong, changing or hiding it changes what the adapted learner says.",
        "A map explains nothing by itself: one that stays the same when the weights are shuffled shows the "
        "input, not the learner.",
        (1, 1),
        saliency.draw,
        of_one=True,
        fewest=0,
    ),
    "tasks": View(
        "A map of tasks",
        "Tasks that the learner treats alike lie near each other.",
        "Nearness in two components is not nearness in all, and where labels are numbered by chance, so is a "
        "part of the map.",
        (60, 200),
        tasks.draw,
        fewest=tasks.FEWEST,
    ),
    "learned": View(
        "What else was learned",
        "Rates, gates, masks or weights that meta-training has chosen for each layer.",
        "A large rate does not say that a layer moves far, since its gradients may be small.",
        (1, 1),
        learned.draw,
        fewest=0,
    ),
}
"""The views by name."""
