"""Images and texts of unseen classes as sets to group, and k-means in an embedding that was learned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch import Tensor

from tests.data.sources import clinc
from tests.sets import some
from workbench import runs
from workbench.algorithms.classical_grouping import principal
from workbench.algorithms.embedding_kmeans import EmbeddingKMeans
from workbench.config import Experiment
from workbench.engine.building import build
from workbench.engine.episodes import FrozenEpisodes
from workbench.engine.evaluation import evaluate
from workbench.engine.events import Finished
from workbench.engine.predictions import predict, sample_tasks
from workbench.engine.trainer import Trainer
from workbench.errors import InputError
from workbench.pictures import RIGHT, WRONG
from workbench.problems.clustering import ARI, NEVER
from workbench.tasks.base import Episode
from workbench.tasks.grouping import Grouping

SIDE, PATCH, EACH = 28, 4, 20
CLASSES = {"train": 12, "val": 5, "test": 5}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Faint patterns, one for each class, in light of its own for each picture: pixels alone mislead."""
    rng, held = np.random.default_rng(0), {}
    direction = rng.choice([-1.0, 1.0], (SIDE, 1))
    for split, classes in CLASSES.items():
        patches = rng.choice([-1.0, 1.0], (classes, 1, SIDE // PATCH, SIDE // PATCH))
        pattern = np.kron(patches, np.ones((PATCH, PATCH)))
        light = direction * rng.normal(size=(classes, EACH, 1, 1))
        x = 128 + 12 * pattern + 40 * light + 8 * rng.normal(size=(classes, EACH, SIDE, SIDE))
        held[f"{split}_images"] = x.clip(0, 255).astype(np.uint8).reshape(-1, SIDE, SIDE)
        first = sum(list(CLASSES.values())[: list(CLASSES).index(split)])
        held[f"{split}_labels"] = first + np.arange(classes).repeat(EACH)
    path = tmp_path_factory.mktemp("pictures") / "patterns.npz"
    np.savez(path, **held)
    return path


def experiment(path: Path, *overrides: str, algorithm: str = "embedding_kmeans") -> Experiment:
    task = f"task={{ family = 'grouping', source = 'images', path = '{path}', groups = 3, points = 30 }}"
    usual = (task, "network.hidden=[16]", "evaluation.every=100")
    return some.experiment(algorithm, overrides=(*usual, *overrides))


def grouping(path: Path, *overrides: str) -> Grouping:
    family = runs.open_family(experiment(path, *overrides, algorithm="kmeans"))
    assert isinstance(family, Grouping)
    return family


def drawn(family: Grouping, count: int = 10, seed: int = 0) -> Episode:
    return family.sample("test", count, torch.Generator().manual_seed(seed))


def test_a_set_holds_as_many_examples_of_each_of_its_classes_and_none_twice(pictures: Path) -> None:
    family = grouping(pictures, "task.groups=2", "task.most_groups=5")
    sets = drawn(family, 40)
    assert sets.query["x"].shape == (40, 30, 1, SIDE, SIDE)
    for at in range(40):
        counts = sets.query["y"][at].bincount()
        assert len(counts) == sets.query["groups"][at, 0]
        assert counts.max() - counts.min() <= 1
        assert len(sets.query["x"][at].flatten(1).unique(dim=0)) == 30
    train = family.sample("train", 40, torch.Generator().manual_seed(0))
    assert not set(train.task["classes"].unique().tolist()) & set(sets.task["classes"].unique().tolist())


def test_groups_are_classes(pictures: Path) -> None:
    """The mean of what has one number is the mean of the pictures of one class."""
    sets = drawn(grouping(pictures, "task.points=60"), 4)
    with np.load(pictures) as held:
        means = held["test_images"].reshape(CLASSES["test"], EACH, -1).mean(1) / 255
    for at in range(4):
        one = sets.one(at)
        found = np.stack([one.query["x"][one.query["y"] == each].mean(0).flatten() for each in range(3)])
        near = np.abs(found[:, None] - means).mean(-1)
        assert np.sort(near, 1)[:, 0].max() < 1e-6
        named = one.task["classes"][:3] - one.task["classes"].min()
        assert len(set(near.argmin(1))) == len(set(named.tolist())) == 3


def test_components_are_those_of_training_examples_and_keep_distances(pictures: Path) -> None:
    raw, few = grouping(pictures), grouping(pictures, "task.embedding=components", "task.components=4")
    with np.load(pictures) as held:
        known = PCA(4).fit(held["train_images"].reshape(-1, SIDE * SIDE) / 255)
    expected = known.transform(drawn(raw).query["x"].flatten(2).flatten(0, 1).double().numpy())
    told = drawn(few).query["x"]
    assert told.shape == (10, 30, 4)
    ratio = told.flatten(0, 1).double().numpy() / expected
    np.testing.assert_allclose(np.abs(ratio), np.abs(ratio).mean(), rtol=1e-2)
    assert few.sample("train", 60, torch.Generator().manual_seed(0)).query["x"].var((0, 1)).mean() == (
        pytest.approx(1, abs=0.2)
    )
    assert raw.data_hash() != few.data_hash()


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ("task.source=glyphs", r"task\.path: 'glyphs' comes with the program"),
        ("task.points=200", r"20 examples"),
        ("task.groups=6", r"classes"),
    ],
)
def test_what_the_data_cannot_give_is_said_in_one_line(pictures: Path, said: str, wrong: str) -> None:
    with pytest.raises(InputError, match=wrong) as refused:
        grouping(pictures, said)
    assert len(str(refused.value).splitlines()) == 1


def test_texts_are_told_beside_the_groups_they_were_put_in(tmp_path: Path) -> None:
    texts = clinc(tmp_path / "t.json", classes=8)
    asked = ("task.source=text", "task.points=8", "task.groups=2")
    e = experiment(texts, *asked)
    family = runs.open_family(e)
    excerpt = family.excerpt("test", torch.Generator().manual_seed(3), count=2, index=1)
    episode = family.sample("test", 2, torch.Generator().manual_seed(3)).one(1)
    assert excerpt is not None
    (words,) = excerpt.query
    same = [torch.equal(a, b) for a in episode.query["x"] for b in episode.query["x"]]
    assert same == [a == b for a in words for b in words]
    assert len(excerpt.classes) == 2


# --- k-means in an embedding ----------------------------------------------------------------------------


def untrained(path: Path, *overrides: str) -> tuple[EmbeddingKMeans, dict[str, Tensor], Episode]:
    e = experiment(path, *overrides)
    family = runs.open_family(e)
    algorithm = build(e, e.algorithm[0], family)
    assert isinstance(algorithm, EmbeddingKMeans)
    sets = family.sample("test", 4, torch.Generator().manual_seed(1))
    return algorithm, algorithm.initial(torch.Generator().manual_seed(0)), sets


def test_a_step_of_k_means_makes_groups_tighter_and_finds_no_more_than_are_told(pictures: Path) -> None:
    algorithm, meta, sets = untrained(pictures, "task.groups=2", "task.most_groups=5")
    for task in map(sets.one, range(4)):
        spreads = []
        for learner in algorithm.adaptation(meta, task.support, 6):
            apart = torch.cdist(learner["z"], learner["means"]).square().masked_fill(learner["absent"], 1e9)
            spreads.append(apart.amin(-1).sum(-1))
            found = algorithm.predict(learner, task.query["x"])
            assert found.argmax(-1).max() < task.support["groups"][0]
            assert found.amax(-1).eq(0).all()
            assert found.min() >= NEVER
        assert (torch.stack(spreads).diff(dim=0) <= 1e-3).all()
        assert (spreads[-1] < spreads[0]).any()


def test_a_learned_embedding_groups_what_pixels_do_not(pictures: Path) -> None:
    e = experiment(pictures, "training.iterations=40", "training.meta_lr=0.003", "evaluation.episodes=20")
    trainer = Trainer(e, e.algorithm[0], 0, runs.open_family(e))
    assert isinstance([*trainer.events()][-1], Finished)
    episodes = FrozenEpisodes(trainer.family, "test", trainer.family.size, 20, 0)
    learned = evaluate(trainer.algorithm, trainer.meta, episodes, 5).values[ARI.name][-1]
    plain = experiment(pictures, algorithm="kmeans")
    reference = build(plain, plain.algorithm[0], trainer.family)
    pixels = evaluate(reference, {}, episodes, 1).values[ARI.name][-1]
    print(learned.mean(), pixels.mean())
    assert learned.mean() > pixels.mean() + 0.2


def test_pictures_stand_in_a_row_for_each_group_that_was_found(pictures: Path) -> None:
    for embedding in ("raw", "components"):
        asked = (f"task.embedding={embedding}", "task.components=30")
        e = experiment(pictures, *asked, algorithm="kmeans")
        family = runs.open_family(e)
        algorithm = build(e, e.algorithm[0], family)
        found = predict(algorithm, {}, sample_tasks(e, family, 1), 1)
        drawing = found.drawing(0, 1, "")
        assert drawing is not None
        rows = drawing.panel.pictures
        assert len(rows) == len(np.unique(found.outputs["group"])) == 3
        assert sum(map(len, rows)) == 30
        for title, row in zip(drawing.panel.row_titles, rows, strict=True):
            for each in row:
                assert each.frame == (RIGHT if each.caption == title else WRONG)
                assert each.pixels.shape == (1, SIDE, SIDE)
        assert [row["right"] for row in drawing.rows].count(True) == sum(
            each.frame == RIGHT for row in rows for each in row
        )


def test_points_may_be_grouped_by_principal_components() -> None:
    x = np.random.default_rng(0).normal(size=(20, 5)) * [9, 5, 1, 1, 1]
    assert principal(x, 2).var(0) == pytest.approx(np.linalg.eigvalsh(np.cov(x.T, bias=True))[:-3:-1])
    whole = principal(x, 9)
    assert whole.shape == (20, 5)
    np.testing.assert_allclose(np.linalg.norm(whole[0] - whole[7]), np.linalg.norm(x[0] - x[7]))
