"""What holds for every family that draws episodes from a pool of classes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from workbench.config import SPLITS, ClassificationTaskConfig, Diagnosis
from workbench.problems.classification import Classification
from workbench.tasks.base import DataError, EpisodeSize
from workbench.tasks.class_splits import ClassSplit, divide
from workbench.tasks.classes import ClassFamily, ClassPool, in_proportion

MEMBERS = {"train": [0, 2, 4, 6, 8, 10], "validation": [1, 3, 5], "test": [7, 9, 11]}


def config(ways: int = 3, shots: int = 2, queries: int = 3) -> ClassificationTaskConfig:
    return ClassificationTaskConfig(ways=ways, shots=shots, queries=queries)


def pool(counts: tuple[int, ...] = (6, 8) * 6) -> ClassPool:
    """Examples of 2 × 2 pixels that tell their class (above), and their number in it and 255 (below)."""
    examples = [
        [[[index, index], [number, 255]]] for index, count in enumerate(counts) for number in range(count)
    ]
    names = tuple(f"class {index}" for index in range(len(counts)))
    return ClassPool(torch.tensor(examples, dtype=torch.uint8), counts, names, ("",) * len(counts))


def family(look_alikes: np.ndarray | None = None, rotations: bool = False, **size: int) -> ClassFamily:
    return ClassFamily(config(**size), pool(), MEMBERS, rotations=rotations, look_alikes=look_alikes)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_episodes_have_the_shapes_and_ranges_of_the_contract() -> None:
    episode = family().sample("train", 7, seeded())
    assert episode.support["x"].shape == (7, 6, 1, 2, 2)
    assert episode.query["x"].shape == (7, 9, 1, 2, 2)
    assert episode.support["x"].dtype == torch.float32
    assert episode.support["x"].min() >= 0
    assert episode.support["x"].max() == 1
    assert episode.support["y"].dtype == episode.support["classes"].dtype == torch.int64
    assert episode.support["classes"].shape == (7, 3)
    for labels, each in ((episode.support["y"], 2), (episode.query["y"], 3)):
        assert (labels[:, :, None] == torch.arange(3)).sum(1).eq(each).all()


def test_the_same_seed_gives_the_same_episodes_and_another_seed_others() -> None:
    first, again, other = (family().sample("train", 20, seeded(seed)).hash() for seed in (4, 4, 5))
    assert first == again != other


@pytest.mark.parametrize("split", SPLITS)
def test_classes_of_a_split_stay_in_it(split: str) -> None:
    episode = family().sample(split, 200, seeded())
    seen = (episode.support["x"][:, :, 0, 0, 0] * 255).round().unique().int().tolist()
    assert seen == MEMBERS[split]


def test_support_and_query_of_a_class_are_different_examples() -> None:
    episode = family().sample("train", 100, seeded())
    images = torch.cat([episode.support["x"], episode.query["x"]], 1)[:, :, 0]
    identities = (images[:, :, 0, 0] * 255 * 100 + images[:, :, 1, 0] * 255).round()
    assert all(len(task.unique()) == len(task) for task in identities)


def test_every_class_takes_every_label_and_every_example_either_part() -> None:
    episode = family().sample("validation", 400, seeded())
    assert {(int(c), label) for task in episode.support["classes"] for label, c in enumerate(task)} == {
        (number, label) for number in (6, 7, 8) for label in range(3)
    }
    for images in (episode.support["x"], episode.query["x"]):
        assert (images[:, :, 0, 1, 0] * 255).round().unique().tolist() == list(range(8))


def test_labels_stand_for_the_same_class_in_support_query_and_classes() -> None:
    episode = family().sample("train", 50, seeded())
    for x, y in ((episode.support["x"], episode.support["y"]), (episode.query["x"], episode.query["y"])):
        in_pool = (x[:, :, 0, 0, 0] * 255).round().long()
        assert torch.equal(torch.tensor(MEMBERS["train"])[episode.support["classes"].gather(1, y)], in_pool)


def test_a_size_may_be_given_for_wider_episodes() -> None:
    episode = family().sample("train", 4, seeded(), EpisodeSize(ways=6, shots=1, queries=2))
    assert episode.support["classes"].sort().values.tolist() == [[0, 1, 2, 3, 4, 5]] * 4
    assert episode.query["x"].shape[:2] == (4, 12)


def test_turned_training_classes_are_classes_of_their_own() -> None:
    turned = family(rotations=True)
    assert turned.shape.train_classes == 24
    episode = turned.sample("train", 300, seeded())
    assert episode.support["classes"].unique().tolist() == list(range(24))
    corner = {0: (1, 1), 1: (0, 1), 2: (0, 0), 3: (1, 0)}  # where the 255 is after so many quarter turns
    turns = episode.support["classes"].gather(1, episode.query["y"]) // 6
    for turn, (row, column) in corner.items():
        assert (episode.query["x"][turns == turn][:, 0, row, column] == 1).all()


def test_other_splits_are_never_turned() -> None:
    episode = family(rotations=True).sample("test", 100, seeded())
    assert (episode.query["x"][:, :, 0, 1, 1] == 1).all()
    assert episode.support["classes"].unique().tolist() == [27, 28, 29]


def test_classes_that_look_alike_never_meet_in_an_episode() -> None:
    look_alikes = np.zeros((12, 12), bool)
    for a, b in ((0, 2), (2, 4), (6, 8)):  # three sets of the training split: 0 2 4, 6 8, 10
        look_alikes[a, b] = look_alikes[b, a] = True
    kept_apart = family(look_alikes)
    classes = kept_apart.sample("train", 2000, seeded()).support["classes"]
    met = {(a, b) for task in classes.tolist() for a in task for b in task if a < b}
    assert met.isdisjoint({(0, 1), (1, 2), (3, 4)})
    assert (0, 2) in met  # looking alike is not passed on
    with pytest.raises(DataError, match=r"4 ways.*train split has 6 classes, of which 3 can meet.*at most 3"):
        kept_apart.sample("train", 1, seeded(), EpisodeSize(4, 1, 1))


def test_episodes_without_look_alikes_are_as_if_there_were_no_such_rule() -> None:
    none = family(np.zeros((12, 12), bool))
    assert none.sample("train", 50, seeded()).hash() == family().sample("train", 50, seeded()).hash()


def test_more_ways_than_classes_are_refused() -> None:
    with pytest.raises(
        DataError, match=r"4 ways, but the validation split has 3 classes; use at most 3 ways"
    ):
        family(ways=4)


def test_too_few_examples_are_refused_with_the_name_of_the_class() -> None:
    with pytest.raises(
        DataError, match=r"'class 0' of the train split has 6 examples.*5 shots \+ 2 queries need 7"
    ):
        family(shots=5, queries=2)


def test_evaluation_may_be_checked_for_more_queries() -> None:
    family().check(EpisodeSize(3, 2, 4), "train")
    with pytest.raises(DataError, match="need 9"):
        family().check(EpisodeSize(3, 2, 7), "test")


def test_the_data_hash_tells_pixels_splits_and_rotations_apart() -> None:
    changed = pool()
    changed.examples[0, 0, 0, 0] += 1
    swapped = {**MEMBERS, "validation": MEMBERS["test"], "test": MEMBERS["validation"]}
    families = (
        family(),
        family(rotations=True),
        ClassFamily(config(), changed, MEMBERS),
        ClassFamily(config(), pool(), swapped),
    )
    assert len({each.data_hash() for each in families}) == 4
    assert family().data_hash() == family().data_hash()


def test_moving_the_data_changes_no_episode() -> None:
    here = family()
    assert here.to(torch.device("cpu")) is here
    assert here.sample("train", 5, seeded()).hash() == family().sample("train", 5, seeded()).hash()


def test_the_number_of_threads_changes_no_episode() -> None:
    alone = family().sample("train", 500, seeded()).hash()
    torch.set_num_threads(2)
    assert family().sample("train", 500, seeded()).hash() == alone


def test_guessing_among_the_ways_is_the_reference() -> None:
    assert family().reference_loss == pytest.approx(math.log(3))


# --- splits -------------------------------------------------------------------------------------------

NAMES = ["Greek/α", "Greek/β", "Latin/a", "Latin/b", "Lao/ກ", "Ogham/ᚁ"]
GROUPS = ["Greek", "Greek", "Latin", "Latin", "Lao", "Ogham"]


def test_a_group_stands_for_all_its_classes() -> None:
    split = ClassSplit(train=["Greek", "Latin/b"], validation=["Lao"], test=["Latin/a"])
    assert divide(NAMES, GROUPS, split) == {"train": [0, 1, 3], "validation": [4], "test": [2]}


def test_accents_may_be_written_either_way() -> None:
    split = ClassSplit(train=["e\u0301"], validation=["b"], test=["c"])
    assert divide(["\u00e9", "b", "c"], ["", "", ""], split)["train"] == [0]


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        (["Greek"], ["Greek/β"], r"'Greek/β' is in train and in test"),
        (["Greek"], ["Greek"], r"'Greek' is in train and in test"),
        (
            ["Greek"],
            ["Latn"],
            r"task\.split\.test: no group or class is named 'Latn'; did you mean 'Latin'\?",
        ),
        (["Greek"], ["?"], r"'\?'; there are Greek, Greek/α, .* and 2 more"),
        (["Greek"], [], r"task\.split\.test is empty; it needs at least one group or class"),
    ],
)
def test_names_that_cannot_be_split_are_refused(train: list[str], test: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        divide(NAMES, GROUPS, ClassSplit(train=train, validation=["Lao"], test=test))


@pytest.mark.parametrize("by", ["group", "class"])
def test_splits_drawn_by_seed_cover_all_and_share_nothing(by: str) -> None:
    names = [f"{group}/{number}" for group in "ABCDEFGHIJ" for number in range(3)]
    groups = [name[0] for name in names]
    drawn = divide(names, groups, ClassSplit(by=by, seed=3))
    assert sorted(index for members in drawn.values() for index in members) == list(range(30))
    assert [len(drawn[split]) for split in SPLITS] == [18, 6, 6]
    sets = [{groups[index] for index in drawn[split]} for split in SPLITS]
    assert (sum(map(len, sets)) == 10) == (by == "group")
    assert divide(names, groups, ClassSplit(by=by, seed=4)) != drawn


def test_groups_are_drawn_whole_where_there_are_any() -> None:
    names, groups = (
        [f"{group}/{i}" for group in "ABCDE" for i in range(2)],
        [g for g in "ABCDE" for _ in "01"],
    )
    assert divide(names, groups, ClassSplit()) == divide(names, groups, ClassSplit(by="group"))


@pytest.mark.parametrize(
    ("count", "fractions", "sizes"),
    [
        (3, (0.1, 0.8, 0.1), [1, 1, 1]),
        (4, (0.1, 0.8, 0.1), [1, 2, 1]),
        (3, (0.01, 0.98, 0.01), [1, 1, 1]),
        (10, (0.05, 0.475, 0.475), [1, 5, 4]),  # as before: the test split gives one up
    ],
)
def test_every_split_gets_a_class_whatever_the_fractions(
    count: int, fractions: tuple[float, float, float], sizes: list[int]
) -> None:
    drawn = divide([f"c{number}" for number in range(count)], [""] * count, ClassSplit(fractions=fractions))
    assert [len(drawn[split]) for split in SPLITS] == sizes


def test_a_draw_that_is_impossible_is_refused() -> None:
    with pytest.raises(DataError, match="three groups or more, but there are 2: A, B"):
        divide(["A/1", "A/2", "B/1"], ["A", "A", "B"], ClassSplit())
    with pytest.raises(DataError, match="have no groups"):
        divide(["a", "b", "c"], ["", "", ""], ClassSplit(by="group"))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"train": ["a"]}, "validation and test missing; train, validation and test are all needed"),
        ({"train": ["a"], "validation": ["b"], "test": ["c"], "seed": 1}, "give either"),
        ({"fractions": [0.5, 0.4, 0.4]}, "do not add up to 1"),
    ],
)
def test_a_split_table_must_make_sense(table: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ClassSplit.model_validate(table)


def test_an_excerpt_names_the_classes_of_the_sampled_task() -> None:
    turned = family(rotations=True)
    for number in range(10):
        excerpt = turned.excerpt("train", seeded(number))
        assert excerpt is not None
        assert excerpt.support == excerpt.query == ()
        for name, label in zip(
            excerpt.classes,
            turned.sample("train", 1, seeded(number)).support["classes"][0].tolist(),
            strict=True,
        ):
            turns, member = divmod(label, 6)
            assert name == f"class {2 * member}" + (f", turned by {90 * turns} degrees" if turns else "")


def unequal(**size: int) -> ClassFamily:
    """A family of classes with 8 and 40 examples whose tasks have them in proportion."""
    asked = config(**size).model_copy(update={"proportions": "natural"})
    return ClassFamily(asked, pool((8, 40, 40, 40) * 3), MEMBERS)


def test_in_proportion_every_class_has_one_of_each_and_none_more_than_there_is() -> None:
    assert in_proportion((10, 10, 10), 2, 3) == ([2, 2, 2], [3, 3, 3])
    shots, queries = in_proportion((4, 40, 40), 5, 10)
    assert (sum(shots), sum(queries)) == (15, 30)
    assert (shots[0], queries[0]) == (1, 1)
    assert in_proportion((2, 4), 1, 2) == ([1, 1], [1, 3])
    assert in_proportion((1000, 2), 2, 3) == ([3, 1], [5, 1])


def test_tasks_in_proportion_have_unequal_classes_and_different_examples() -> None:
    episode = unequal(ways=2, shots=3, queries=5).sample("train", 200, seeded())
    assert episode.support["x"].shape == (200, 6, 1, 2, 2)
    assert episode.query["x"].shape == (200, 10, 1, 2, 2)
    shots = (episode.support["y"][:, :, None] == torch.arange(2)).sum(1)
    assert {tuple(sorted(each)) for each in shots.tolist()} == {(3, 3), (1, 5)}
    for part in (episode.support, episode.query):  # a pixel tells the class
        known = torch.tensor(MEMBERS["train"])[episode.support["classes"]].gather(1, part["y"])
        assert ((part["x"][:, :, 0, 0, 0] * 255).round() == known).all()
    both = torch.cat([episode.support["x"], episode.query["x"]], 1)[:, :, 0, :, 0] * 255
    assert all(len({tuple(row) for row in task}) == 16 for task in both.round().int().tolist())


def test_an_unequal_task_is_told_as_it_is_drawn() -> None:
    family = unequal(ways=2, shots=3, queries=5)
    told = family.excerpt("train", seeded(), count=3, index=2)
    drawn = family.sample("train", 3, seeded())
    classes = drawn.support["classes"][2].tolist()
    assert told is not None
    assert told.classes == tuple(f"class {MEMBERS['train'][each]}" for each in classes)


def test_what_the_smallest_classes_cannot_give_together_is_refused() -> None:
    with pytest.raises(DataError, match=r"the 3 smallest classes of the train split have 24 examples"):
        unequal(ways=3, shots=2, queries=7)
    single = config(ways=2, shots=1, queries=1).model_copy(update={"proportions": "natural"})
    with pytest.raises(DataError, match="has 1 example; every class needs one to learn from"):
        ClassFamily(single, pool((1, 8) * 6), MEMBERS)


def asked(*ill: str) -> ClassFamily:
    """Of two groups, with what counts as ill."""
    classes = pool()
    names = tuple(f"{'eye' if at < 6 else 'chest'}/{at % 3}" for at in range(12))
    groups = tuple(name.partition("/")[0] for name in names)
    return ClassFamily(
        config(ways=2).model_copy(update={"diagnosis": Diagnosis(ill=ill)}),
        ClassPool(classes.examples, classes.counts, names, groups),
        MEMBERS,
        rotations=True,
    )


def test_what_counts_as_ill_is_named_by_class_group_or_within_its_group() -> None:
    def marked(*ill: str) -> list[int]:
        problem = asked(*ill).problem
        assert isinstance(problem, Classification)
        assert problem.diagnosis is not None
        meant = problem.diagnosis.ill  # turned copies of training classes have numbers of their own
        return [n for n, each in enumerate(meant) if each]

    held = [*MEMBERS["train"] * 4, *MEMBERS["validation"], *MEMBERS["test"]]
    assert marked("2") == [n for n, at in enumerate(held) if at % 3 == 2]
    assert marked("eye/1", "chest/1") == [n for n, at in enumerate(held) if at % 3 == 1]
    with pytest.raises(DataError, match="no group or class is named 'eyes'; did you mean 'eye'"):
        asked("eyes")
    with pytest.raises(DataError, match="every class of the validation split counts as ill"):
        asked("eye")


def grouped(groups: tuple[str, ...], **more: object) -> ClassFamily:
    """Tasks of one group each."""
    classes = pool()
    settings = config(ways=2).model_copy(update={"within": "group"})
    data = ClassPool(classes.examples, classes.counts, classes.names, groups)
    return ClassFamily(settings, data, MEMBERS, **more)  # type: ignore[arg-type]


def test_tasks_within_groups_do_not_mix_them() -> None:
    groups = tuple("acacacbdbdbd")
    family = grouped(groups, rotations=True)
    for split in SPLITS:
        classes = family.sample(split, 200, seeded()).support["classes"] - family._first_number(split)
        held = MEMBERS[split]
        named = [{groups[held[each % len(held)]] for each in task} for task in classes.tolist()]
        assert {len(each) for each in named} == {1}
        assert set.union(*named) == {groups[each] for each in held}
    again, plain = grouped(groups).sample("train", 9, seeded()), family_of_all().sample("train", 9, seeded())
    assert again.hash() != plain.hash()


def family_of_all() -> ClassFamily:
    return family(ways=2)


def test_groups_that_have_too_few_classes_for_a_task_are_refused() -> None:
    with pytest.raises(DataError, match="the test split has 3 classes, of which 1 can meet of one group"):
        grouped(tuple("acacacbdbdbe"))
    with pytest.raises(DataError, match="but class 'class 2' has none"):
        grouped(("a", "a", "", *"aaaaaaaaa"))
