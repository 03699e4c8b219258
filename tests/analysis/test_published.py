"""What is published stands beside a result whose protocol agrees, or nearly; what differs is said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.published import AGREES, NEARLY, SILENT, project_of
from workbench.algorithms import ALGORITHMS
from workbench.analysis import published
from workbench.analysis.comparison import compare, episodes, figure
from workbench.analysis.published import POINTS, READ, ROTATIONS, Beside, Published, compared, values
from workbench.analysis.source import ProjectSource
from workbench.config import NetworkConfig
from workbench.data.published.listing import published as published_data
from workbench.export import paper_tables
from workbench.project import Project

MLP = NetworkConfig.resolve({"kind": "mlp", "hidden": [256, 128, 64, 64], "batch_norm": True})
OWN = {
    "classes": (1100, 100, 423), "size": 28, "rotations": "all", "network": MLP, "train_ways": 5,
    "train_shots": 1, "train_queries": 1, "queries": 1, "inner_steps": 1, "test_steps": 3, "meta_batch": 32,
    "iterations": 60_000,
    "transductive": True, "weights": "last",
}  # fmt: skip


def one(key: str = "maml-mlp-omniglot-5w1s") -> Published:
    return next(each for each in values() if each.key == key)


def own(**facts: object) -> Beside | None:
    return compared(one(), OWN | facts)


def test_every_value_is_one_of_a_kind_in_range_and_has_its_place() -> None:
    keys = [each.key for each in values()]
    assert len(keys) >= 25
    assert len(set(keys)) == len(keys)
    for each in values():
        assert 0 < each.value < 100
        assert each.half is None or 0 < each.half < 5
        assert each.read in READ
        assert each.place
        assert each.ways in (5, 20)
        assert each.shots in (1, 5)
        assert not each.interval or each.half is not None


def test_the_readme_counts_them() -> None:
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    papers = {each.paper for each in values()}
    assert f"lists {len(values())} accuracies out of {len(papers)} papers' tables" in text


def test_every_paper_is_cited_by_an_algorithm_and_every_data_set_known_by_name() -> None:
    for each in values():
        assert published.citation(each.paper).arxiv == each.paper
        assert each.algorithm in ALGORITHMS
        assert each.data in published_data()
    with pytest.raises(LookupError):
        published.citation("0000.00000")


def test_every_fact_is_one_that_a_run_can_have() -> None:
    for each in values():
        for name, value in each.facts.items():
            assert name in POINTS
            if name == "network":
                assert isinstance(value, dict)
                assert NetworkConfig.resolve(value)
            elif name == "rotations":
                assert value in ROTATIONS
            elif name == "weights":
                assert value in ("last", "best")
            elif name == "classes":
                assert isinstance(value, list)
                assert len(value) == 3
            elif name != "transductive":
                assert isinstance(value, int)
                assert value > 0


def test_the_same_protocol_agrees() -> None:
    found = own()
    assert found is not None
    assert found.agreement == "agrees"
    assert found.words == "the same protocol"


def test_a_few_points_that_differ_are_each_said() -> None:
    found = own(queries=15, iterations=45_000, weights="best")
    assert found is not None
    assert found.agreement == "nearly"
    assert found.differs == (
        "15 queries a class in test instead of 1",
        "45\u202f000 meta-iterations instead of 60\u202f000",
        "best weights tested instead of last",
    )
    assert all(each in found.said for each in found.differs)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("classes", (974, 325, 324), "split 974/325/324 instead of 1\u202f100/100/423"),
        ("classes", None, "split as the data have it instead of"),
        ("rotations", "train", "rotations of training classes alone instead of training and test classes"),
        (
            "network",
            NetworkConfig.resolve({"kind": "mlp"}),
            "network mlp, hidden 40 40 instead of mlp, hidden",
        ),
        ("transductive", False, "batch norm of each query alone in test instead of all queries together"),
        ("test_steps", 10, "10 inner steps in test instead of 3"),
    ],
)
def test_what_differs_is_in_words(name: str, value: object, said: str) -> None:
    found = own(**{name: value})
    assert found is not None
    (words,) = found.differs
    assert said in words


def test_what_differs_in_more_points_is_not_shown() -> None:
    assert own(queries=15, iterations=1, weights="best", train_queries=5) is None


def test_what_a_source_does_not_state_never_counts_as_agreeing() -> None:
    known = dict(one().facts)
    del known["weights"]
    found = compared(replace(one(), facts=known), OWN)
    assert found is not None
    assert found.unstated == ("Weights tested",)
    assert found.words == "the same protocol, as far as it is stated; not stated: weights tested"
    assert compared(replace(one(), facts={"rotations": "all"}), OWN) is None


def test_a_point_without_meaning_for_either_is_none() -> None:
    protonet = one("protonet-omniglot-5w1s")
    facts = {name: OWN[name] for name in ("queries", "meta_batch", "iterations", "weights")}
    told = protonet.facts | {"network": NetworkConfig.resolve(protonet.facts["network"])}
    found = compared(protonet, told | facts | {"classes": (1200, 0, 423)})
    assert found is not None
    assert not {"Inner steps in training", "Inner steps in test"} & set(found.unstated)


@pytest.fixture
def rows(tmp_path: Path, request: pytest.FixtureRequest) -> Any:
    def made(*experiments: str, measure: str = "accuracy", step: int | None = None) -> list[Any]:
        project_of(tmp_path / "p.mlwb", *experiments)
        with Project.open(tmp_path / "p.mlwb") as project:
            source = ProjectSource(project)
            return [row for met in episodes(source)[0] for row in compare(source, met, measure, step)]

    return made


def test_a_run_is_compared_by_its_experiment_and_its_test(rows: Any) -> None:
    (agrees,) = rows(AGREES)
    assert agrees.row.published.agreement == "agrees"
    assert agrees.row.published.published.key == "maml-mini-imagenet-5w1s"


def test_the_sample_on_omniglot_nearly_agrees(rows: Any) -> None:
    (nearly,) = rows(NEARLY)
    assert nearly.row.published.differs == (
        "rotations of training classes alone instead of training and test classes",
        "15 queries a class in test instead of 1",
        "45\u202f000 meta-iterations instead of 60\u202f000",
    )


def test_another_step_is_another_protocol(rows: Any) -> None:
    (early,) = rows(AGREES, step=1)
    assert early.row.published.differs == ("1 inner step in test instead of 10",)


def test_another_measure_or_protocol_has_nothing_beside_it(rows: Any) -> None:
    (loss,) = rows(AGREES, measure="loss")
    assert loss.row.published is None
    assert not {name for name in loss.row.cells() if name.startswith("published")}


def test_what_has_nothing_published_is_as_it_was(tmp_path: Path) -> None:
    project_of(tmp_path / "p.mlwb", SILENT)
    with Project.open(tmp_path / "p.mlwb") as project:
        source = ProjectSource(project)
        (met,) = episodes(source)[0]
        found = compare(source, met, "accuracy")
        drawn = figure(source, met, found, "accuracy")
        assert not any(curve.label == "published" for curve in drawn.panels[0].curves)
        assert "ublished" not in drawn.caption
        assert paper_tables.beside_published(project) == []


def test_figure_and_table_say_the_same(tmp_path: Path) -> None:
    project_of(tmp_path / "p.mlwb", NEARLY)
    with Project.open(tmp_path / "p.mlwb") as project:
        (chapter,) = paper_tables.chapters(ProjectSource(project))
        (met,) = chapter.met
        found = compare(chapter.source, met, "accuracy")
        drawn = figure(chapter.source, met, found, "accuracy")
        (told,) = paper_tables.rows(chapter, "accuracy", None)
        assert drawn.table == (told,)
        (curve,) = [each for each in drawn.panels[0].curves if each.label == "published"]
        assert curve.y.tolist() == [told["published"]] == [0.897]
        (row,) = paper_tables.beside_published(project)
        assert {name: row[name] for name in told} == told
        assert row["said"] in drawn.caption
        json.dumps(row)
