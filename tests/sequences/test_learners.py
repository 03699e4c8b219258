"""Learners of sequences: what they may see, and what must make no difference."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from tests.sequences.some import INSTRUCTIONS, experiment, family, learner, logits
from workbench.algorithms import ALGORITHMS
from workbench.algorithms.dictionary import aligned
from workbench.algorithms.memory import Memory
from workbench.config import ConfigError, Trains
from workbench.engine.evaluation import evaluate
from workbench.engine.meta_step import MetaStep
from workbench.errors import InputError
from workbench.problems.sequence import spoken
from workbench.tasks.base import Episode

LEARNERS = ("in_context", "maml", "anil", "dictionary", "nearest_sentence")


def drawn(*overrides: str, tasks: int = 3) -> Episode:
    return family(*overrides).sample("test", tasks, torch.Generator().manual_seed(4))


def changed(episode: Episode, **parts: torch.Tensor) -> Episode:
    """With other queries or targets of queries."""
    return episode._replace(query=episode.query | parts)


@pytest.mark.parametrize("name", LEARNERS)
def test_no_query_sees_another_nor_what_comes_later(name: str) -> None:
    made, _, meta = learner(name)
    episode = drawn()
    before = logits(made, meta, episode)
    alone = episode._replace(query={each: value[:, 1:] for each, value in episode.query.items()})
    torch.testing.assert_close(logits(made, meta, alone), before[:, 1:], rtol=1e-4, atol=1e-5)
    y = episode.query["y"].clone()
    y[:, :, 2:] = 1
    torch.testing.assert_close(
        logits(made, meta, changed(episode, y=y))[:, :, :3], before[:, :, :3], rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("name", ["in_context", "dictionary", "nearest_sentence"])
def test_pairs_that_are_not_there_make_no_difference(name: str) -> None:
    made, _, meta = learner(name)
    episode = drawn()
    none = torch.zeros_like(episode.support["x"][:, :2]), torch.full_like(episode.support["y"][:, :2], -1)
    longer = {
        "x": torch.cat([episode.support["x"], none[0]], 1),
        "y": torch.cat([episode.support["y"], none[1]], 1),
    }
    torch.testing.assert_close(
        logits(made, meta, episode._replace(support=longer)),
        logits(made, meta, episode),
        rtol=1e-4,
        atol=1e-5,
    )


def test_in_context_is_blind_to_what_words_of_the_target_are_called() -> None:
    made, tasks, meta = learner("in_context")
    episode = drawn()
    renamed = torch.cat([torch.zeros(1, dtype=torch.int64), torch.randperm(tasks.shape.outputs - 1) + 1])
    other = Episode(
        {"x": episode.support["x"], "y": renamed[episode.support["y"]]},
        {"x": episode.query["x"], "y": renamed[episode.query["y"]]},
    )
    torch.testing.assert_close(
        logits(made, meta, other)[..., renamed], logits(made, meta, episode), rtol=1e-4, atol=1e-5
    )


def test_in_context_says_nothing_that_the_support_set_does_not_have() -> None:
    made, _, meta = learner("in_context")
    for at in range(3):
        task = drawn().one(at)
        adapted = made.start(meta, task.support)
        said = spoken(partial(made.predict, adapted), task.query["x"], task.query["y"].shape[-1])
        assert set(said.flatten().tolist()) <= set(task.support["y"].flatten().tolist()) | {0}


@pytest.mark.parametrize("overrides", [(), ("task.pairs=12", "task.fewest_pairs=4")])
def test_room_for_as_many_tokens_as_there_are_changes_nothing(overrides: tuple[str, ...]) -> None:
    made, _, meta = learner("in_context", *overrides)
    episode = drawn(*overrides, tasks=4)
    trimmed = made.losses(meta, episode)
    whole = torch.stack([made.loss(meta, episode.one(at)) for at in range(4)])
    torch.testing.assert_close(trimmed, whole, rtol=1e-4, atol=1e-5)


def test_in_context_learns_what_it_is_shown() -> None:
    """A few steps on one batch: queries of it become likelier than chance, the end of sentences first."""
    made, _, meta = learner("in_context", "algorithm.0.width=16", "algorithm.0.layers=2")
    episode = drawn(tasks=8)
    weights = {name: each.requires_grad_() for name, each in meta.items()}
    optimiser = torch.optim.Adam(weights.values(), lr=0.01)
    losses = []
    for _ in range(25):
        loss = made.losses(weights, episode).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]


def test_ibm_model_1_is_expectation_maximisation() -> None:
    """Against its formulae with loops, on pairs of two and three words."""
    pairs = [((0, 1), (0, 1)), ((0, 2), (0, 2)), ((1, 2, 2), (1, 2))]
    t = [[1 / 3] * 3 for _ in range(3)]
    for _ in range(20):
        counts = [[0.0] * 3 for _ in range(3)]
        for source, target in pairs:
            for v in target:
                total = sum(t[a][v] for a in source)
                for a in source:
                    counts[a][v] += t[a][v] / total
        t = [[each / sum(row) for each in row] for row in counts]
    f = torch.tensor([[source.count(a) for a in range(3)] for source, _ in pairs], dtype=torch.float64)
    e = torch.tensor([[target.count(v) for v in range(3)] for _, target in pairs], dtype=torch.float64)
    torch.testing.assert_close(aligned(f[None], e)[0], torch.tensor(t, dtype=torch.float64))


def test_a_dictionary_finds_the_structure_of_words_that_stand_alone() -> None:
    made, tasks, meta = learner("dictionary", "task.level=1", "task.pairs=14", 'algorithm.0.order="best"')
    episode = tasks.sample("test", 20, torch.Generator().manual_seed(4))
    right = [
        (spoken(partial(made.predict, made.start(meta, task.support)), task.query["x"], 8) == task.query["y"])
        for task in map(episode.one, range(20))
    ]
    assert torch.stack(right).all(-1).float().mean() > 0.95


def test_the_best_structure_needs_structures() -> None:
    made, tasks, _ = learner("dictionary", text=INSTRUCTIONS)
    assert made.config.model_dump()["order"] == "source"
    asked = learner("dictionary", 'algorithm.0.order="best"', text=INSTRUCTIONS)[0]
    with pytest.raises(InputError, match='use order = "source"'):
        asked.check(tasks.size)


def test_what_knows_the_structures_says_so() -> None:
    problem = experiment("dictionary").task.problem
    best, source = (
        experiment("dictionary", overrides=(f'algorithm.0.order="{order}"',)).algorithm[0]
        for order in ("best", "source")
    )
    assert best.privileges(problem) == "knows the structures that languages may have"
    assert source.privileges(problem) == ""


def test_every_algorithm_that_fits_sequences_is_told() -> None:
    named = {each.name for each in experiment().algorithm}
    assert {"in_context", "maml", "fomaml", "anil", "reptile", "transfer", "scratch", "dictionary"} <= named
    assert not named & {"r2d2", "nearest_neighbour", "protonet", "cnp"}
    assert named <= set(ALGORITHMS)
    with pytest.raises(ConfigError, match="protonet"):
        experiment("protonet")


@pytest.mark.parametrize("name", sorted({each.name for each in experiment().algorithm}))
def test_every_learner_of_sequences_takes_an_outer_step_and_is_measured(name: str) -> None:
    made, tasks, meta = learner(name)
    size = tasks.size
    new = tasks.sample("train", made.new_tasks(2), torch.Generator().manual_seed(1), size)
    batch = made.prepare(new, 0.3, torch.Generator().manual_seed(2), Memory(made.capacity))
    if isinstance(made.config, Trains):
        gradient, losses = MetaStep(made, chunk=2).gradient(meta, batch)
        assert gradient.keys() == meta.keys()
        assert all(torch.isfinite(each).all() for each in (*gradient.values(), losses))
    measured = evaluate(made, meta, [tasks.sample("test", 2, torch.Generator().manual_seed(3))], 1)
    assert ((measured.values["exact"] >= 0) & (measured.values["exact"] <= 1)).all()
