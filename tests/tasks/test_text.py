"""Texts become vectors or words, learned from the meta-training classes only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.func import functional_call, grad, vmap

from tests.data import sources
from workbench import networks, runs
from workbench.algorithms import ALGORITHMS
from workbench.config import ConfigError, parse
from workbench.data import reading
from workbench.engine.events import Finished
from workbench.engine.trainer import Trainer
from workbench.errors import DataError
from workbench.networks.bag import Bag, BagConfig
from workbench.networks.mlp import MLPConfig
from workbench.tasks.class_splits import ClassSplit
from workbench.tasks.standard_library import sentences_by_module, split_sentences
from workbench.tasks.text import Text, TextConfig
from workbench.tasks.text_features import as_vectors, as_words

BOUNDS = r"needs bounds, which family 'text' \(classification\) does not give"
REFUSED = {
    ("adml", ""): BOUNDS,
    ("adversarial_querying", ""): BOUNDS,
    ("cactus", "words"): "clusters of vectors, not of words",
}
CLASSIFIERS = [each for each in sorted(ALGORITHMS) if "classification" in ALGORITHMS[each].Config.problems()]
SMALL: dict[str, Any] = {"ways": 2, "queries": 3, "dimensions": 8, "vocabulary": 50, "length": 6}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return sources.clinc(tmp_path / "intents.json")


def test_a_vocabulary_is_the_frequent_words_of_the_known_texts() -> None:
    numbers, vocabulary = as_words(["b a, A new", ""], ["a b a", "B c"], most=9, length=5)
    assert vocabulary == 4  # over, unknown, a, b; c occurs once
    assert numbers.tolist() == [[3, 2, 2, 1, 0], [1, 0, 0, 0, 0]]


def test_vectors_are_learned_from_the_known_texts_only() -> None:
    known = [text for text, _ in sources.sentences()]
    first = as_vectors([*known, "blue light far"], known, 100, 8)
    second = as_vectors([*known, "unheard of words"], known, 100, 8)
    assert np.array_equal(first[:-1], second[:-1])
    assert np.allclose(np.linalg.norm(first, axis=1), np.sqrt(8), atol=1e-5)
    assert as_vectors(known[:3], known[:3], 100, 8)[:, 3:].any() == False  # noqa: E712 (an array's)


def test_texts_may_have_one_word_in_common_with_what_is_known() -> None:
    found = as_vectors(["so", "no", "so so"], ["so", "!", "so"], 100, 4)
    assert found.shape == (3, 4)
    assert (found[:, 0] > 0).tolist() == [True, False, True]
    assert not found[:, 1:].any()


def test_hashed_words_of_a_language_that_training_never_had_tell_its_texts_apart(tmp_path: Path) -> None:
    rows = [
        {"text": f"{word}{language} {word}{language} {i}", "label": word, "lang": f"l{language}"}
        for language in range(5)
        for word in ("hello", "bye")
        for i in range(6)
    ]
    path = tmp_path / "a.json"
    path.write_text(json.dumps(rows))
    shared: dict[str, Any] = {"path": str(path), "within": "group", "ways": 2, "queries": 3}
    for features, apart in (("hashed", True), ("tfidf", False)):
        family = Text(TextConfig(**shared, features=features, dimensions=64))
        episode = family.sample("test", 20, torch.Generator().manual_seed(0))
        (one, other), (x, y) = episode.support["x"].unbind(1), (episode.query["x"], episode.query["y"])
        nearer = (x - other[:, None]).norm(dim=-1) < (x - one[:, None]).norm(dim=-1)
        assert bool((nearer == (y == 1)).all()) == apart


@pytest.mark.parametrize("features", ["tfidf", "words"])
def test_test_texts_do_not_change_what_training_sees(path: Path, features: Any) -> None:
    config = TextConfig(path=str(path), features=features, **SMALL)
    family = Text(config)
    data = json.loads(path.read_text())
    held_out = {family._pool.names[index] for index in family._members["test"].tolist()}
    for rows in data.values():
        for row in rows:
            if row[1] in held_out:
                row[0] = f"completely other words {row[0][-3:]}"
    path.write_text(json.dumps(data))
    other = Text(config)
    before, after = (each.sample("train", 4, torch.Generator().manual_seed(0)) for each in (family, other))
    assert before.hash() == after.hash()
    assert family.data_hash() != other.data_hash()


def test_an_excerpt_is_the_sampled_task_in_words(path: Path) -> None:
    family = Text(TextConfig(path=str(path), features="words", **SMALL))
    excerpt = family.excerpt("test", torch.Generator().manual_seed(3))
    episode = family.sample("test", 1, torch.Generator().manual_seed(3))
    row = family._texts.index(excerpt.support[1][0])
    assert episode.support["x"][0, 1].tolist() == family._examples[row].tolist()
    assert all(len(each) == 3 for each in excerpt.query)
    assert set(excerpt.classes) <= set(family._pool.names)


@pytest.mark.parametrize("features", ["tfidf", "words"])
@pytest.mark.parametrize("algorithm", CLASSIFIERS)
def test_every_classifier_trains_on_texts(path: Path, algorithm: str, features: str) -> None:
    network = 'kind = "bag"\nwidth = 6\nhidden = 5' if features == "words" else 'kind = "mlp"\nhidden = [6]'
    text = (
        f'[task]\nfamily = "text"\npath = {json.dumps(str(path))}\nways = 2\nqueries = 3\ndimensions = 8\n'
        f'features = "{features}"\n[network]\n{network}\n[[algorithm]]\nkind = "{algorithm}"\n'
        "[training]\niterations = 2\nmeta_batch = 2\nthreads = 1\nchunk = 2\n"
        "[evaluation]\nepisodes = 4\nvalidation_episodes = 4\ninner_steps = 1\n"
    )
    reason = REFUSED.get((algorithm, features)) or REFUSED.get((algorithm, ""))
    if reason:
        with pytest.raises((ConfigError, DataError), match=reason):
            runs.check(refused := parse(text), runs.open_family(refused))
        return
    experiment = parse(text)
    family = runs.open_family(experiment)
    *_, last = Trainer(experiment, experiment.algorithm[0], 0, family).events()
    assert isinstance(last, Finished), last


def test_a_network_that_cannot_read_the_features_is_refused() -> None:
    with pytest.raises(networks.NetworkError, match="cannot read words; choose bag"):
        networks.build(MLPConfig(), (6,), 2, vocabulary=9)
    with pytest.raises(networks.NetworkError, match="reads words; the task gives none"):
        networks.build(BagConfig(), (6,), 2)


def test_a_bag_is_the_mean_of_its_words_and_has_second_derivatives_under_vmap() -> None:
    bag = Bag(BagConfig(width=4, hidden=None), (3,), 2, vocabulary=7).double()
    networks.initialise(bag, torch.Generator().manual_seed(0))
    table = dict(bag.named_parameters())["body.0.weight"]
    out = bag.body(torch.tensor([[2.0, 5.0, 0.0], [0.0, 0.0, 0.0]]))
    assert torch.allclose(out, torch.stack([(table[2] + table[5]) / 2, torch.zeros(4).double()]))
    weights = {name: w.detach() for name, w in bag.named_parameters()}
    x = torch.randint(0, 7, (5, 3, 3), generator=torch.Generator().manual_seed(1)).double()

    def outer(at: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        inner = grad(lambda w: functional_call(bag, w, (x,)).square().sum())(at)
        moved = {name: w - 0.1 * inner[name] for name, w in at.items()}
        return functional_call(bag, moved, (x,)).square().sum()

    batched = vmap(grad(outer), in_dims=(None, 0))(weights, x)
    for task in range(5):
        alone = grad(outer)(weights, x[task])
        assert all(torch.allclose(batched[name][task], alone[name]) for name in alone)


def test_the_built_in_sentences_are_the_same_each_time_and_come_from_no_import() -> None:
    first, second = sentences_by_module(), sentences_by_module()
    assert first == second
    assert len(first) > 30
    assert min(map(len, first.values())) >= 40
    assert {"ast", "logging"} <= set(first)
    everything = [sentence for each in first.values() for sentence in each]
    assert len(set(everything)) == len(everything)


def test_examples_and_tables_of_a_docstring_are_no_sentences() -> None:
    examples = ">>> f(1) # and what follows in it\n\n- a list of things"
    text = f"It does this and that. Then it stops here, too!\n\n{examples}"
    assert list(split_sentences(text)) == ["It does this and that.", "Then it stops here, too!"]


def test_texts_are_not_attacked(path: Path) -> None:
    assert Text(TextConfig(path=str(path), **SMALL)).shape.bounds is None


def test_a_file_is_divided_as_it_says_unless_an_experiment_says_otherwise(tmp_path: Path) -> None:
    part = {f"topic {c}": "train" if c < 4 else "val" if c < 6 else "test" for c in range(8)}
    rows = [{"text": text, "label": label, "split": part[label]} for text, label in sources.sentences()]
    path = tmp_path / "a.json"
    path.write_text(json.dumps(rows))
    family = Text(TextConfig(path=str(path), **SMALL))
    assert {split: each.tolist() for split, each in family._members.items()} == {
        "train": [0, 1, 2, 3], "validation": [4, 5], "test": [6, 7],
    }  # fmt: skip
    drawn = Text(TextConfig(path=str(path), split=ClassSplit(seed=0), **SMALL))
    assert drawn._members["test"].tolist() != [6, 7]


@pytest.mark.parametrize(("features", "field"), [("tfidf", "dimensions"), ("words", "length")])
def test_more_than_memory_holds_is_refused_before_it_is_taken(
    path: Path, monkeypatch: pytest.MonkeyPatch, features: Any, field: str
) -> None:
    settings = SMALL | {"dimensions": 6}
    monkeypatch.setattr(reading, "MOST_BYTES", 4 * 96 * 6)
    Text(TextConfig(path=str(path), features=features, **settings))
    with pytest.raises(DataError, match=rf"96 texts of 7 numbers .* lower task\.{field}"):
        Text(TextConfig(path=str(path), features=features, **settings | {field: 7}))
