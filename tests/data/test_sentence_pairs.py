"""Labelled pairs of sentences as people have them: each language is a group of classes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from workbench.data.found import BETWEEN, FoundSentencePairs, FoundText
from workbench.data.look import look
from workbench.data.reading import Reading
from workbench.data.sentence_pairs import read_new_sentence_pairs
from workbench.errors import DataError

LABELS = ("entailment", "neutral")


def rows(names: Sequence[str] = ("premise", "hypothesis", "label", "language")) -> list[dict[str, str]]:
    """Two pairs of each label in three languages, in columns of these names."""
    return [
        dict(zip(names, (f"p {i}", f"h  {label}", label, language), strict=True))
        for language in ("de", "fr", "sw")
        for label in LABELS
        for i in range(2)
    ]


def written(path: Path, given: Sequence[Mapping[str, Any]]) -> Path:
    separator = {".csv": ",", ".tsv": "\t"}.get(path.suffix)
    lines = map(json.dumps, given)
    if separator:
        lines = (separator.join(map(str, row)) for row in [list(given[0]), *(row.values() for row in given)])
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def said(found: FoundText, what: str) -> str:
    (finding,) = (each for each in found.findings if each.what == what)
    return finding.text


@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("a.csv", ("premise", "hypothesis", "label", "language")),
        ("a.tsv", ("Sentence1", "sentence2", "gold_label", "Genre")),
        ("a.jsonl", ("text_a", "Text_B", "label", "domain")),
        ("b.jsonl", ("question1", "question2", "is_duplicate", "lang")),
    ],
)
def test_labels_are_classes_of_their_language(tmp_path: Path, file: str, names: Sequence[str]) -> None:
    found = look(written(tmp_path / file, rows(names)))
    assert isinstance(found, FoundSentencePairs)
    assert found.names[:3] == ("de/entailment", "de/neutral", "fr/entailment")
    assert found.groups == ("de", "de", "fr", "fr", "sw", "sw")
    assert found.counts == (2,) * 6
    assert found.texts[0] == f"p 0{BETWEEN}h entailment"


@pytest.mark.parametrize("file", ["a.csv", "a.jsonl"])
def test_pairs_without_a_gold_label_and_columns_that_are_not_read_are_told(tmp_path: Path, file: str) -> None:
    given = [row | {"annotator": "7"} for row in rows()]
    given[4]["label"] = "-"
    found = look(written(tmp_path / file, given))
    assert sum(found.counts) == len(given) - 1
    line = 6 if file == "a.csv" else 5
    assert said(found, "no gold label") == f"1 pairs have no gold label (-), and are passed over: line {line}"
    assert said(found, "columns").endswith("not read: annotator")


def test_what_lacks_a_text_or_a_language_is_listed(tmp_path: Path) -> None:
    given = rows()
    given[0]["premise"], given[1]["hypothesis"], given[2]["language"] = "", " ", ""
    found = look(written(tmp_path / "a.csv", given))
    assert [each.why.partition(" is ")[0].partition(" in the")[0] for each in found.unreadable] == [
        "one of the two texts", "one of the two texts", "no word",
    ]  # fmt: skip
    assert sum(found.counts) == len(given) - 3


@pytest.mark.parametrize("file", ["a.csv", "a.jsonl"])
@pytest.mark.parametrize(
    ("left", "said"), [("language", "which language or genre a pair is"), ("label", "no column of labels")]
)
def test_a_file_that_lacks_a_column_is_refused_in_a_line(
    tmp_path: Path, file: str, left: str, said: str
) -> None:
    given = [{name: word for name, word in row.items() if name != left} for row in rows()]
    with pytest.raises(DataError, match=said) as refused:
        look(written(tmp_path / file, given))
    assert "it has premise, hypothesis" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_fewer_than_three_languages_are_refused_in_a_line(tmp_path: Path) -> None:
    given = [row for row in rows() if row["language"] != "sw"]
    with pytest.raises(DataError, match=r"pairs of 2 languages \(de, fr\); .* 3 are needed or more"):
        look(written(tmp_path / "a.csv", given))


def test_a_table_that_is_one_of_single_texts_stays_one(tmp_path: Path) -> None:
    given = [{"text": f"t {i}", **row} for i, row in enumerate(rows())]
    assert type(look(written(tmp_path / "a.csv", given))) is FoundText
    with pytest.raises(DataError, match="columns text and label"):
        look(written(tmp_path / "b.csv", rows()), Reading(rules=2))


@pytest.mark.parametrize(
    ("change", "labelled"),
    [(lambda row: row, True), (lambda row: {k: v for k, v in row.items() if k != "label"}, False)],
)
def test_new_pairs_need_no_language_and_may_have_no_labels(
    tmp_path: Path, change: Callable[[dict[str, str]], dict[str, str]], labelled: bool
) -> None:
    given = [change(row) for row in rows(("premise", "hypothesis", "label", "unknown"))]
    found, told = read_new_sentence_pairs(written(tmp_path / "a.jsonl", given))
    assert told is labelled
    assert (found.names == LABELS) is labelled
    given[3].pop("label", None)
    if labelled:
        with pytest.raises(DataError, match=r"line 4: no label, which others have"):
            read_new_sentence_pairs(written(tmp_path / "b.jsonl", given))
