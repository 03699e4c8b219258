"""Views inside a run: checked against direct computations, and against weights that are shuffled."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.func import functional_call

from tests.experiments import SINUSOID, experiment, family
from workbench.algorithms.base import Params
from workbench.algorithms.recurrent import Recurrent
from workbench.engine.inside import VIEWS, Asked, Inside, LackingError, examples, reuse, saliency
from workbench.engine.inside.moved import changes, reached
from workbench.engine.inside.path import plane, walk
from workbench.engine.inside.tasks import on_a_map
from workbench.engine.trainer import Trainer
from workbench.pictures import Figure

CLASSES = SINUSOID.replace('family = "sinusoid"', 'family = "digits"\nways = 2').replace("= 5", "= 2")
WORLDS = """
name = "small worlds"
[task]
family = "bandits"
arms = 3
pulls = 6
[training]
iterations = 1
meta_batch = 4
threads = 1
[evaluation]
episodes = 8
validation_episodes = 2
"""
COURSES = WORLDS.replace('family = "bandits"\narms = 3\npulls = 6', 'family = "navigation"\nhorizon = 4')
SETS = """
name = "small sets"
[task]
family = "mixtures"
points = 20
[training]
iterations = 1
meta_batch = 2
threads = 1
[evaluation]
episodes = 8
validation_episodes = 2
inner_steps = 2
"""
KINDS = {
    "maml": SINUSOID,
    "protonet": CLASSES,
    "cnp": SINUSOID,
    "rl2": WORLDS,
    "recurrent": COURSES,
    "set_clustering": SETS,
    "fusion": SINUSOID,
}
SMALL = {"fusion": "algorithm.0.members=2"}


def inside_of(name: str, text: str = "", *, tasks: int = 5, asked: Asked | None = None) -> Inside:
    """An algorithm as it begins, in float64, with a few of its meta-test tasks."""
    e = experiment(name, *([SMALL[name]] if name in SMALL else []), text=text or KINDS[name])
    opened = family(e)
    trainer = Trainer(e, e.algorithm[0], 0, opened)
    meta = {key: each.clone() for key, each in trainer.meta.items()}
    return Inside.of(
        trainer.algorithm, meta, e, opened, asked or Asked(), (tasks, tasks), lambda done, text: None
    )


LACKING = {
    ("moved", "protonet"): "closed form",
    ("moved", "cnp"): "closed form",
    ("moved", "rl2"): "no inner steps",
    ("reuse", "protonet"): "closed form",
    ("reuse", "cnp"): "closed form",
    ("reuse", "rl2"): "no inner steps",
    ("reuse", "set_clustering"): "no network with named layers",
    ("path", "protonet"): "closed form",
    ("path", "cnp"): "closed form",
    ("path", "rl2"): "no inner steps",
    ("moved", "recurrent"): "no inner steps",
    ("reuse", "recurrent"): "no inner steps",
    ("path", "recurrent"): "no inner steps",
    ("examples", "rl2"): "no pairs",
    ("examples", "recurrent"): "no pairs",
    ("saliency", "recurrent"): "no single input",
    ("learned", "recurrent"): "no rates",
    ("examples", "set_clustering"): "no pairs",
    ("saliency", "rl2"): "no single input",
    ("learned", "maml"): "no rates",
    ("learned", "protonet"): "no rates",
    ("learned", "cnp"): "no rates",
    ("learned", "rl2"): "no rates",
    ("learned", "set_clustering"): "no rates",
}


@pytest.mark.parametrize("name", KINDS)
def test_every_view_gives_a_figure_or_says_what_lacks(name: str) -> None:
    inside = inside_of(name)
    for what, view in VIEWS.items():
        if (what, name) in LACKING:
            with pytest.raises(LackingError, match=LACKING[what, name]):
                view.figure(inside, "A run")
            continue
        figure = view.figure(inside, "A run")
        assert figure.panels, what
        assert figure.table, what
        assert figure.caption.endswith(f"{view.sees} {view.limits}")


@pytest.mark.parametrize("every", [1, 3])
def test_a_recurrent_memory_is_what_it_acted_by(every: int) -> None:
    e = experiment("recurrent", f"algorithm.0.every={every}", text=COURSES)
    trainer = Trainer(e, e.algorithm[0], 0, family(e))
    algorithm, tasks = trainer.algorithm, trainer.drawn()
    memory: Params = {}
    assert isinstance(algorithm, Recurrent)
    with torch.no_grad():
        acted = algorithm.acted(tasks.query, algorithm.remembering(trainer.meta, memory))
        steps = acted["reward"].shape[1]
        read = (steps - 1) // every * every  # it reads the last ones before it acts again
        found = algorithm.remembered(trainer.meta, {name: each[:, :read] for name, each in acted.items()})
    assert torch.allclose(found, memory["state"], atol=1e-6)
    assert len(found.unique(dim=0)) == tasks.count


def test_cka_is_what_its_definition_says() -> None:
    """Against the mean over all different four of HSIC's unbiased estimate (Song et al. 2012)."""
    g = torch.Generator().manual_seed(0)
    x, y = (torch.randn(6, n, generator=g, dtype=torch.float64) for n in (3, 2))

    def by_quadruples(k: torch.Tensor, h: torch.Tensor) -> float:
        from itertools import permutations

        found = [k[i, j] * (h[i, j] + h[q, r] - 2 * h[i, q]) for i, j, q, r in permutations(range(len(k)), 4)]
        return float(torch.stack(found).mean())

    k, h = x @ x.T, y @ y.T
    direct = by_quadruples(k, h) / (by_quadruples(k, k) * by_quadruples(h, h)) ** 0.5
    assert float(reuse.cka(x, y)) == pytest.approx(direct, abs=1e-10)
    turned = torch.linalg.qr(torch.randn(3, 3, generator=g, dtype=torch.float64))[0]
    assert float(reuse.cka(x, 4 * x @ turned + 1)) == pytest.approx(1)


def test_activations_are_those_of_the_layers_before_and_after() -> None:
    inside = inside_of("maml")
    task = inside.one
    found = reuse.similarities(inside, inside.meta, task)
    *_, last = inside.algorithm.adaptation(inside.meta, task.support, inside.steps)
    said = [
        functional_call(inside.algorithm.network, each, (task.query["x"],)) for each in (inside.meta, last)
    ]
    assert list(found) == ["body.2", "head"]
    assert float(found["head"]) == pytest.approx(float(reuse.cka(*said)))


def test_layers_change_and_matter_as_adapting_by_hand_says() -> None:
    inside = inside_of("maml")
    task, algorithm = inside.one, inside.algorithm
    learners = list(algorithm.adaptation(inside.meta, task.support, 2))
    inside = replace(inside, steps=2)
    start, end = (
        torch.cat([each["head.weight"].flatten(), each["head.bias"]]) for each in (learners[0], learners[2])
    )
    change = changes(inside, inside.meta, task)
    assert float(change["head"][1]) == pytest.approx(float((end - start).norm() / start.norm()), rel=1e-5)
    body = ["body.1.weight", "body.1.bias"]
    weights = inside.meta
    for _ in range(2):
        gradient = algorithm.gradient(weights, task.support)
        weights = {name: each - 0.01 * gradient[name] * (name not in body) for name, each in weights.items()}
    by_hand = (algorithm.predict(weights, task.query["x"]) - task.query["y"]).square().mean()
    frozen = reached(inside, inside.meta, task, held=body, alone=False)
    head = [name for name in weights if name not in body]
    assert float(frozen) == pytest.approx(float(by_hand), rel=1e-5)
    assert float(reached(inside, inside.meta, task, held=head, alone=True)) == float(frozen)


def test_an_example_is_left_out_as_by_hand() -> None:
    inside = inside_of("maml")
    task, algorithm = inside.one, inside.algorithm

    def loss(kept: list[int]) -> float:
        support = {name: each[kept] for name, each in task.support.items()}
        learner = algorithm.adapt(inside.meta, support, inside.steps)
        return float(algorithm.problem.loss(lambda x: algorithm.predict(learner, x), task.query))

    every = list(range(5))
    direct = [loss([each for each in every if each != at]) - loss(every) for at in every]
    assert examples.left_out(inside, inside.meta, task).tolist() == pytest.approx(direct, abs=1e-5)
    quick = examples.products(inside, inside.meta, task)
    learner = {
        name: each.clone().requires_grad_()
        for name, each in algorithm.adapt(inside.meta, task.support, inside.steps).items()
    }
    wanted = torch.autograd.grad(
        algorithm.problem.loss(lambda x: algorithm.predict(learner, x), task.query), list(learner.values())
    )
    start = {name: each.clone().requires_grad_() for name, each in inside.meta.items()}
    own = algorithm.predict(start, task.support["x"][1:2]) - task.support["y"][1:2]
    given = torch.autograd.grad(own.square().mean(), list(start.values()))
    assert float(quick[1]) == pytest.approx(
        float(sum((a * b).sum() for a, b in zip(wanted, given, strict=True))), rel=1e-4
    )


def test_without_its_only_example_of_a_class_a_prototype_is_missed() -> None:
    inside = inside_of("protonet", CLASSES.replace("shots = 2", "shots = 1"))
    with pytest.raises(LackingError, match="use two shots"):
        VIEWS["examples"].figure(inside, "A run")


def test_saliency_is_the_gradient_and_what_hiding_changes() -> None:
    inside = inside_of("protonet")
    task, algorithm = inside.one, inside.algorithm
    learner = algorithm.adapt(inside.meta, task.support, inside.steps)
    x = task.query["x"].clone().requires_grad_()
    logits = algorithm.predict(learner, x)
    taken = int(logits[2].argmax())
    (direct,) = torch.autograd.grad(logits[2, taken], x)
    found = saliency.gradients(inside, learner, task.query["x"], [2, 3])
    assert torch.allclose(found[0], direct[2].abs(), rtol=1e-4, atol=1e-7)
    masks = saliency.patches(tuple(x.shape[1:]))
    assert torch.equal(masks.sum(0), torch.ones(x.shape[1:]))
    hidden = saliency.hidden(inside, learner, task.query["x"], [2], masks, torch.full(x.shape[1:], 0.5))
    covered = task.query["x"].clone()
    covered[2][masks[7] > 0] = 0.5
    change = float(algorithm.predict(learner, covered)[2, taken] - logits[2, taken].detach())
    assert float(hidden[7, 0]) == pytest.approx(abs(change), rel=1e-4, abs=1e-6)


def test_a_plane_and_a_map_hold_the_variance_that_they_say() -> None:
    g = torch.Generator().manual_seed(0)
    path = torch.randn(5, 40, generator=g, dtype=torch.float64)
    middle, axes, share = plane(path)
    off = path - middle
    left = off - off @ axes.T @ axes
    assert share == pytest.approx(1 - float(left.square().sum() / off.square().sum()))
    places, shares = on_a_map(path)
    assert torch.allclose(places.square().sum(0) / off.square().sum(), shares)
    stroll = walk(path, g)
    assert torch.allclose(stroll.diff(dim=0).norm(dim=1), path.diff(dim=0).norm(dim=1))


def test_a_sine_wave_tells_its_amplitude_and_phase() -> None:
    inside = inside_of("maml")
    hidden = inside.family.hidden(inside.tasks)
    x = inside.tasks.query["x"][..., 0].double()
    waves = hidden["amplitude"][:, None] * torch.sin(x - hidden["phase"][:, None])
    assert torch.allclose(waves, inside.tasks.query["y"][..., 0].double(), atol=1e-4)


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("moved", "maml"),
        ("reuse", "maml"),
        ("path", "maml"),
        ("examples", "maml"),
        ("saliency", "protonet"),
        ("tasks", "cnp"),
        ("learned", "meta_sgd"),
    ],
)
def test_views_change_when_weights_are_shuffled(what: str, name: str) -> None:
    inside = inside_of(name, KINDS.get(name, SINUSOID))
    if what == "learned":  # all rates are the same before training
        rates = {
            key: each * torch.linspace(0.5, 1, each.numel()).view_as(each)
            for key, each in inside.meta.items()
        }
        inside = replace(inside, meta=rates)

    def numbers(figure: Figure) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.array([value for row in figure.table for value in row.values() if isinstance(value, float)])

    straight, mixed = (numbers(VIEWS[what].figure(each, "")) for each in (inside, inside.shuffled))
    assert straight.shape == mixed.shape
    if what == "learned":  # a layer's numbers are the same in another order
        assert np.allclose(straight, mixed)
    else:
        assert not np.allclose(straight, mixed, rtol=0.01, equal_nan=True)


def test_the_quick_estimate_says_how_alike_it_is() -> None:
    figure = VIEWS["examples"].figure(inside_of("maml", asked=Asked(quick=True)), "A run")
    assert "correlation with leaving out is" in figure.caption
    assert {"left_out", "inner_product"} <= figure.table[0].keys()


def test_words_that_are_not_there_are_not_compared(tmp_path: Path) -> None:
    file = tmp_path / "texts.csv"
    lines = [f"{word} number {'very ' * at}{word},{word}" for word in "abcdefghij" for at in range(4)]
    file.write_text("\n".join(["text,label", *lines]), encoding="utf-8")
    own = f'family = "text"\npath = "{file.as_posix()}"\nfeatures = "words"\nways = 2'
    text = SINUSOID.replace('family = "sinusoid"', own)
    text = text.replace('kind = "mlp"\nhidden = [8]', 'kind = "bag"\nwidth = 4').replace("= 5", "= 2")
    inside = inside_of("protonet", text, tasks=1)
    table = VIEWS["saliency"].figure(inside, "A run").table
    assert len(table) == sum(int((x > 0).sum()) for x in inside.one.query["x"])
    first = [row["word"] for row in table if row["query"] == 1]
    assert inside.excerpt is not None
    assert [word in inside.excerpt.query[0][0].casefold() for word in first] == [True] * len(first)


def test_a_map_is_coloured_by_what_it_tells_most_of() -> None:
    """A map of sets has a hidden number for each of their groups and more; some are enough."""
    figure = VIEWS["tasks"].figure(inside_of("set_clustering", tasks=8), "A run")
    told = [float(panel.title.rpartition("R² ")[2].rstrip(")")) for panel in figure.panels]
    assert len(told) == 6
    assert told == sorted(told, reverse=True)
    assert f"Of {len(figure.table[0]) - 3} parameters those with the highest" in figure.caption
