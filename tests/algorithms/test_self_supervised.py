"""UMTRA and CACTUs: they learn from training examples whose labels they never read."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from scipy.stats import chisquare
from torch import Tensor

from tests.algorithms.test_learning import PATTERNS, patterns
from tests.experiments import experiment
from workbench.config import SPLITS, ConfigError, Experiment
from workbench.engine.trainer import Trainer
from workbench.tasks.base import DataError, EpisodeSize, TaskFamily
from workbench.tasks.classes import ClassFamily, ClassPool
from workbench.tasks.clusters import _partitions, partitions
from workbench.tasks.unlabelled import Augmentation, AugmentedFamily, ClusteredFamily, distinct

NAMES = ["umtra", "cactus"]
MEMBERS = dict(zip(SPLITS, (range(40), range(40, 50), range(50, 60)), strict=True))
UNCHANGED = Augmentation(shift=0, turn=0, stretch=0, erased=0)
SOME = Augmentation(shift=0.1, turn=20, stretch=0.2, erased=0.2)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def small(name: str, *overrides: str) -> Experiment:
    return experiment(name, "training.iterations=6", *overrides, text=PATTERNS)


def family_of(pool: ClassPool, e: Experiment) -> ClassFamily:
    return ClassFamily(e.task, pool, MEMBERS)  # type: ignore[arg-type]


@cache
def labelled() -> ClassFamily:
    return family_of(patterns(), small("maml"))


@cache
def shuffled() -> ClassPool:
    """The same meta-training examples with other labels."""
    pool, held = patterns(), 40 * 12
    order = torch.cat([torch.randperm(held, generator=seeded(9)), torch.arange(held, 60 * 12)])
    return ClassPool(pool.examples[order], pool.counts, pool.names, pool.groups)


def as_set(x: Tensor) -> set[bytes]:
    return {row.numpy().tobytes() for row in x.flatten(0, -4).contiguous()}


# --- no labels -------------------------------------------------------------------------------------


def test_unlabelled_examples_are_those_of_meta_training_in_an_order_without_classes() -> None:
    examples = labelled().unlabelled()
    assert as_set(examples) == as_set(patterns().examples[: 40 * 12])
    assert torch.equal(examples, family_of(shuffled(), small("maml")).unlabelled())
    as_bytes = [row.numpy().tobytes() for row in examples]
    assert as_bytes == sorted(as_bytes)


@pytest.mark.parametrize("base", ["maml", "protonet"])
@pytest.mark.parametrize("name", NAMES)
def test_shuffled_labels_give_the_identical_training(name: str, base: str) -> None:
    e = small(name, f'algorithm.0.base={{kind="{base}"}}')
    losses, metas = [], []
    for pool in (patterns(), shuffled()):
        trainer = Trainer(e, e.algorithm[0], 0, family_of(pool, e))
        losses.append([float(trainer._step()["loss"]) for _ in range(6)])
        metas.append({n: w.detach() for n, w in trainer.meta.items()})
    assert losses[0] == losses[1]
    assert all(torch.equal(metas[0][n], metas[1][n]) for n in metas[0])


def test_a_learner_that_reads_labels_does_not_pass_that_test() -> None:
    e = small("maml")
    losses = [
        float(Trainer(e, e.algorithm[0], 0, family_of(pool, e))._step()["loss"])
        for pool in (patterns(), shuffled())
    ]
    assert losses[0] != losses[1]


# --- which algorithms and families -----------------------------------------------------------------


@pytest.mark.parametrize("base", ["reptile", "transfer", "scratch", "umtra", "cnp"])
@pytest.mark.parametrize("name", NAMES)
def test_a_base_without_an_episodic_loss_for_classes_is_refused(name: str, base: str) -> None:
    with pytest.raises(ConfigError, match=f"'{base}' cannot be a base here"):
        small(name, f'algorithm.0.base={{kind="{base}"}}')


@pytest.mark.parametrize("name", NAMES)
def test_regression_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="needs classes"):
        experiment(name)


@pytest.mark.parametrize("name", NAMES)
def test_the_training_stream_does_not_drift_where_the_family_does(name: str) -> None:
    e = small(name, "task.drift={segments=4}")
    family = family_of(patterns(), e)
    trainer = Trainer(e, e.algorithm[0], 0, family)
    assert family.segments == 4
    assert trainer._stream.segments == 1


# --- UMTRA -----------------------------------------------------------------------------------------


def test_each_class_is_one_example_and_its_changed_copies() -> None:
    pseudo = AugmentedFamily(labelled(), SOME)
    episode = pseudo.sample("train", 7, seeded(), EpisodeSize(5, 1, 3))
    assert episode.support["x"].shape == (7, 5, 1, 8, 8)
    assert episode.query["x"].shape == (7, 15, 1, 8, 8)
    examples = labelled().unlabelled()
    for task in range(7):
        assert len(set(episode.support["classes"][task].tolist())) == 5
        assert torch.equal(episode.support["x"][task], examples[episode.support["classes"][task]])
        assert episode.query["y"][task].tolist() == [label for label in range(5) for _ in range(3)]
    assert not as_set(episode.query["x"]) & as_set(examples)
    assert 0 <= float(episode.query["x"].min()) <= float(episode.query["x"].max()) <= 1


def test_copies_that_are_not_changed_are_the_example() -> None:
    episode = AugmentedFamily(labelled(), UNCHANGED).sample("train", 4, seeded(), EpisodeSize(5, 2, 3))
    originals = labelled().unlabelled()[episode.support["classes"]]
    for x, each in ((episode.support["x"], 2), (episode.query["x"], 3)):
        torch.testing.assert_close(x, originals.repeat_interleave(each, 1), atol=1e-5, rtol=0)


def test_a_shift_is_relative_to_the_side_of_the_image() -> None:
    x = torch.zeros(500, 1, 10, 20)
    x[:, :, 5, 10] = 1.0
    moved = Augmentation(shift=0.2, turn=0, stretch=0, erased=0).copies(x, seeded())
    weights = moved[:, 0] / moved[:, 0].sum((1, 2), keepdim=True)
    rows = (weights.sum(2) * torch.arange(10)).sum(1) - 5
    columns = (weights.sum(1) * torch.arange(20)).sum(1) - 10
    assert 1.8 < float(rows.abs().max()) < 2.2
    assert 3.7 < float(columns.abs().max()) < 4.3


def test_a_turn_does_not_shear_an_image_that_is_no_square() -> None:
    """A point on the right goes along a circle."""
    x = torch.zeros(200, 1, 41, 81)
    x[:, :, 19:22, 49:52] = 1.0  # ten to the right of the middle
    turned = Augmentation(shift=0, turn=90, stretch=0, erased=0).copies(x, seeded())[:, 0]
    weights = turned / turned.sum((1, 2), keepdim=True)
    down = (weights.sum(2) * torch.arange(41)).sum(1) - 20
    right = (weights.sum(1) * torch.arange(81)).sum(1) - 40
    torch.testing.assert_close(torch.hypot(down, right), torch.full((200,), 10.0), atol=0.1, rtol=0)
    assert float(down.abs().max()) > 9.5


def test_the_black_square_has_the_given_side() -> None:
    erased = Augmentation(shift=0, turn=0, stretch=0, erased=0.5).copies(torch.ones(300, 2, 20, 20), seeded())
    assert torch.equal(erased[:, 0], erased[:, 1])
    black = (erased[:, 0] == 0).sum((1, 2))
    assert 90 <= int(black.max()) <= 110  # of 400, where it lies inside
    assert int(black.min()) < 60  # where it hangs over the edge


def test_inputs_that_are_no_images_are_masked_and_get_noise() -> None:
    x = torch.randn(400, 6, generator=seeded())
    changed = Augmentation(shift=0, turn=0, stretch=0, erased=0.25).copies(x, seeded(1))
    assert changed.shape == x.shape
    assert float((changed == 0).float().mean()) == pytest.approx(0.25, abs=0.03)
    assert 0 < float((changed - x)[changed != 0].abs().mean()) < 0.2


def test_more_ways_than_examples_are_refused() -> None:
    with pytest.raises(DataError, match="481 ways, but there are 480 examples"):
        AugmentedFamily(labelled(), SOME).check(EpisodeSize(481, 1, 1), "train")


# --- CACTUs ----------------------------------------------------------------------------------------


def test_the_members_of_a_class_are_different_examples_of_one_cluster() -> None:
    pseudo = ClusteredFamily(labelled(), clusters=20, count=3, components=8)
    examples = labelled().unlabelled()
    number = {row.numpy().tobytes(): index for index, row in enumerate(examples)}
    labels = partitions(examples, 20, 3, 8)
    episode = pseudo.sample("train", 30, seeded(), EpisodeSize(5, 2, 3))
    used = set()
    for task in range(30):
        support, query = (x[task].view(5, -1, 1, 8, 8) for x in (episode.support["x"], episode.query["x"]))
        for way, joined in enumerate(torch.cat([support, query], 1)):
            rows = [number[x.contiguous().numpy().tobytes()] for x in joined]
            partition, cluster = divmod(int(episode.support["classes"][task, way]), 20)
            assert len(set(rows)) == 5
            assert labels[partition, rows].tolist() == [cluster] * 5
            used.add(partition)
        assert len({int(each) // 20 for each in episode.support["classes"][task]}) == 1
    assert used == {0, 1, 2}


def test_partitions_are_the_same_twice_and_differ_from_each_other() -> None:
    x = patterns().examples[:480].flatten(1).numpy()
    first, second = (_partitions(x, 20, 3, 8) for _ in range(2))
    assert (first == second).all()
    assert (first[0] != first[1]).any()


def test_clusters_keep_classes_together() -> None:
    """Two examples of one cluster are of one class far more often than by chance (one in forty)."""
    labels = partitions(patterns().examples[:480], 40, 2, 16)
    classes = torch.arange(40).repeat_interleave(12)
    together = labels[0][:, None] == labels[0]
    together.fill_diagonal_(False)
    assert float((classes[:, None] == classes)[together].float().mean()) > 3 / 40


def test_there_may_be_more_clusters_than_different_examples() -> None:
    x = torch.zeros(12, 1, 4, 4)
    x[6:] = 1.0
    labels = partitions(x, 5, 1, 2)[0]
    assert len(set(labels[:6].tolist())) == len(set(labels[6:].tolist())) == 1
    assert labels[0] != labels[6]


def test_large_images_are_averaged_down_first() -> None:
    x = (255 * torch.rand(30, 3, 50, 20, generator=seeded())).to(torch.uint8)
    assert partitions(x, 3, 1, 4).shape == (1, 30)


def test_clusters_with_too_few_examples_are_refused() -> None:
    pseudo = ClusteredFamily(labelled(), clusters=400, count=2, components=8)
    with pytest.raises(DataError, match="clusters have 20 examples, as shots and queries need"):
        pseudo.check(EpisodeSize(5, 10, 10), "train")


# --- drawing ---------------------------------------------------------------------------------------


def test_different_numbers_are_drawn_evenly_in_any_order() -> None:
    drawn = distinct(torch.full((12_000, 3), 4), seeded(), dim=1)
    assert all(len(set(row)) == 3 for row in drawn.tolist())
    rows = (drawn * torch.tensor([16, 4, 1])).sum(1)
    counts = rows.bincount()
    assert int((counts > 0).sum()) == 24  # ordered triples of four
    assert chisquare(counts[counts > 0]).pvalue > 1e-3


def test_as_many_different_numbers_as_there_are_can_be_drawn() -> None:
    drawn = distinct(torch.tensor([5, 5, 5, 5, 5]), seeded(), dim=0)
    assert sorted(drawn.tolist()) == [0, 1, 2, 3, 4]


def test_pseudo_families_tell_what_they_hold() -> None:
    pseudo: TaskFamily = AugmentedFamily(labelled(), SOME)
    assert pseudo.describe()["examples"] == {"train": 480}
    assert len(pseudo.data_hash()) == 64
    with pytest.raises(ValueError, match="no test tasks without labels"):
        pseudo.sample("test", 1, seeded())
