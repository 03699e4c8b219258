"""Invented languages: every query can be answered by the support set, shown by a solver of its own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import pytest
import torch

from tests.sequences.some import family
from workbench import runs
from workbench.config import ConfigError, parse
from workbench.networks import NetworkError
from workbench.tasks import languages as tasks
from workbench.tasks.base import DataError, TaskFamily
from workbench.tasks.grammar import EVERY, ORDERS, SETS, told

Sentence = tuple[int, ...]
NOUNS, VERBS = range(1, 5), range(5, 8)
PARTICLE, ENDING = "particle", "ending"


def parsed(x: Sentence) -> dict[str, list[object]]:
    """Subject, verb and object of a source, by its words."""
    words, found = list(x), []
    for _ in range(2):
        adjective = [words.pop(0)] if words[0] not in (*NOUNS, *VERBS) else []
        found.append((adjective, words.pop(0)))
        verb = words.pop(0) if not found[1:] else None
        found += [verb] if verb else []
    (first, noun), verb, (second, other) = found
    return {"S": [first, noun], "V": [verb], "O": [second, other]}


def put(x: Sentence, order: str, *, before: bool, particle: bool, agreement: bool) -> tuple[object, ...]:
    """A source as symbols of a structure."""
    if len(x) == 1:
        return x
    parts, said = parsed(x), []
    for each in order:
        if each == "V":
            said += parts["V"] + ([(ENDING, parts["S"][1])] if agreement else [])
            continue
        adjective, noun = parts[each]
        said += [*adjective, noun] if before else [noun, *adjective]
        said += [PARTICLE] if each == "O" and particle else []
    return tuple(said)


def fitting_languages(
    support: Sequence[tuple[Sentence, Sentence]], *, agreement: bool
) -> Iterator[tuple[dict, dict]]:
    """Every structure and lexicon that fit pairs."""
    for order, before, particle in itertools.product(ORDERS, (False, True), (False, True)):
        how = {"order": order, "before": before, "particle": particle, "agreement": agreement}
        lexicon: dict[object, int] = {}
        for x, y in support:
            said = put(x, **how)
            if len(said) != len(y) or any(
                lexicon.setdefault(a, b) != b for a, b in zip(said, y, strict=True)
            ):
                break
        else:
            endings = {word for symbol, word in lexicon.items() if isinstance(symbol, tuple)}
            others = [word for symbol, word in lexicon.items() if not isinstance(symbol, tuple)]
            if len(set(others)) == len(others) and not endings & set(others) and len(endings) <= 2:
                yield how, lexicon


def words(row: torch.Tensor) -> Sentence:
    return tuple(each for each in row.tolist() if each > 0)


@pytest.mark.parametrize(
    ("level", "pairs", "fewest"), [(1, 11, 11), (2, 5, 5), (2, 20, 20), (3, 5, 5), ("all", 14, 5)]
)
def test_whatever_fits_the_support_set_translates_a_query_alike(
    level: object, pairs: int, fewest: int
) -> None:
    drawn = family(
        *([f'task.level="{level}"'] if level == "all" else [f"task.level={level}"]),
        f"task.pairs={pairs}",
        f"task.fewest_pairs={fewest}",
    )
    episode = drawn.sample("test", 12, torch.Generator().manual_seed(3))
    for at in range(12):
        task = episode.one(at)
        support = [(words(a), words(b)) for a, b in zip(task.support["x"], task.support["y"], strict=True)]
        support = [pair for pair in support if pair[0]]
        assert fewest <= len(support) <= pairs
        agreement = int(task.task["level"]) == 3
        fitting = list(fitting_languages(support, agreement=agreement))
        assert fitting
        for a, b in zip(task.query["x"], task.query["y"], strict=True):
            source, target = words(a), words(b)
            assert source not in [pair[0] for pair in support]
            said = {tuple(lexicon.get(each) for each in put(source, **how)) for how, lexicon in fitting}
            assert said == {target}


def structures(drawn: TaskFamily, split: str) -> set[int]:
    return set(drawn.sample(split, 200, torch.Generator().manual_seed(1)).task["structure"].tolist())  # type: ignore[arg-type]


def test_structures_that_are_left_out_are_never_trained() -> None:
    seen, rest = set(SETS["seen"].tolist()), SETS["recombined"].tolist() + SETS["new_order"].tolist()
    assert seen | set(rest) == set(EVERY.tolist())
    assert not seen & set(rest)
    parts = {(part, told(each).split(", ")[part]) for each in seen for part in range(3)}
    assert all(
        (part, told(each).split(", ")[part]) in parts
        for each in SETS["recombined"].tolist()
        for part in range(3)
    )
    assert not {told(each)[:3] for each in SETS["new_order"].tolist()} & {told(each)[:3] for each in seen}
    for name, allowed in SETS.items():
        drawn = family(f'task.structures="{name}"')
        assert structures(drawn, "train") <= set(allowed.tolist())
        assert structures(drawn, "test") <= set(allowed.tolist())


def test_a_meta_batch_has_one_size_and_other_episodes_each_their_own() -> None:
    drawn = family("task.pairs=20", "task.fewest_pairs=4", 'task.level="all"')

    def sizes(split: str) -> set[tuple[int, int]]:
        episode = drawn.sample(split, 30, torch.Generator().manual_seed(1))  # type: ignore[arg-type]
        there = (episode.support["x"][..., 0] > 0).sum(1)
        return set(zip(episode.task["level"].tolist(), there.tolist(), strict=True))

    assert len(sizes("train")) == 1
    assert {level for level, _ in sizes("validation")} == {1, 2, 3}


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (("task.level=1", "task.pairs=9"), "9 are too few for level 1"),
        (("task.fewest_pairs=7",), "7 is more than pairs = 5"),
        (("task.pairs=3",), "pairs"),
        (("task.level=4",), "level"),
    ],
)
def test_languages_that_cannot_be_are_refused(overrides: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        family(*overrides)


def test_too_few_pairs_for_so_many_queries_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "DRAWS", 1)
    drawn = family("task.pairs=4", "task.queries=100", 'task.words="large"')
    with pytest.raises(DataError, match="use more pairs, or fewer queries"):
        drawn.sample("test", 3, torch.Generator().manual_seed(1))


def test_a_network_that_says_no_sequences_is_refused() -> None:
    text = '[task]\nfamily = "languages"\n[network]\nkind = "mlp"\n[[algorithm]]\nkind = "maml"\n'
    experiment = parse(text)
    with pytest.raises(NetworkError, match="says no sequences; choose encoder_decoder"):
        runs.check(experiment, runs.open_family(experiment))
