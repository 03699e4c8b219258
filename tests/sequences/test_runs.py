"""Runs on sequences: resumed, put to use, on a person's own pairs, and looked at."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.gui.finished import project_of, stop_half_way
from tests.sequences.some import INSTRUCTIONS, LANGUAGES, pairs, table
from tests.test_runs import contents
from workbench import runs
from workbench.config import parse
from workbench.data.look import look
from workbench.data.pairs import has_pairs, read_pairs
from workbench.data.reading import Reading
from workbench.engine.episodes import frozen_episode, seeded
from workbench.engine.inside import saliency
from workbench.errors import DataError, InputError
from workbench.export.predicting import Predictor
from workbench.problems.sequence import Sequences, beside, spoken, words_of
from workbench.project import Project
from workbench.runs import Control
from workbench.tasks.grammar import PLACES

Call = Callable[..., tuple[int, str, str]]


def own(path: Path, *more: str) -> str:
    return LANGUAGES.replace(
        'family = "languages"\npairs = 5',
        "\n".join(['family = "translation"', f'path = "{path.as_posix()}"', "shots = 6", *more]),
    )


@pytest.mark.parametrize("text", [LANGUAGES, INSTRUCTIONS], ids=["languages", "instructions"])
def test_a_stopped_run_goes_on_bit_for_bit(text: str, tmp_path: Path) -> None:
    text = text.replace("iterations = 2", "iterations = 6")
    (whole,), (half,) = (
        project_of(tmp_path / name, "in_context", seeds=1, text=text, done=done)
        for name, done in (("a.mlwb", None), ("b.mlwb", 0))
    )
    stop_half_way(tmp_path / "b.mlwb", half)
    with Project.open(tmp_path / "a.mlwb") as a, Project.open(tmp_path / "b.mlwb") as b:
        experiment = runs.of_record(b, b.run(half)).experiment
        assert runs.perform(b, half, runs.open_family(experiment), Control(), lambda *_: None) == "finished"
        assert contents(b, half) == contents(a, whole)


def test_all_learners_meet_the_same_episodes_and_predict_equals_the_evaluation(
    tmp_path: Path, call: Call
) -> None:
    path = tmp_path / "p.mlwb"
    ids = project_of(path, "in_context", "anil", "dictionary", "nearest_sentence", seeds=1, text=LANGUAGES)
    code, out, _ = call("show", path, "--json")
    assert code == 0
    shown = json.loads(out)["runs"]
    assert len({each["test"]["episodes_hash"] for each in shown}) == 1
    assert {"exact", "token_accuracy", "edit_distance", "loss"} <= set(shown[0]["test"]["measures"])
    folder = tmp_path / "episode"
    assert call("export", path, "--what", "episode", "-o", folder)[0] == 0
    for run in ids:
        files = ("--support", folder / "support.csv", "--query", folder / "query.csv")
        code, out, err = call("predict", path, run, *files, "-o", "-", "--format", "json")
        assert code == 0, err
        with Project.open(path, read_only=True) as project:
            result = project.result(run, "test")
            assert result is not None
            right = result.arrays["right"][0]
        assert [row["correct"] for row in json.loads(out)["predictions"]] == right.tolist()


def test_a_case_of_other_words_is_read_and_what_cannot_be_is_told(tmp_path: Path, call: Call) -> None:
    path = tmp_path / "p.mlwb"
    (run,) = project_of(path, "nearest_sentence", seeds=1, text=LANGUAGES)
    support, query = tmp_path / "s.csv", tmp_path / "q.csv"
    support.write_text("source,target\ndog sees cat,zork blip\nbird likes fish,a b c\n", encoding="utf-8")
    query.write_text("source\ndog sees bird\n", encoding="utf-8")

    def used() -> tuple[int, str, str]:
        return call(
            "predict", path, run, "--support", support, "--query", query, "-o", "-", "--format", "csv"
        )

    code, out, err = used()
    assert (code, [row["said"] for row in csv.DictReader(io.StringIO(out))]) == (0, ["zork blip"])
    assert "learners were trained on 5" in err
    for text, said in (
        ("source\nelephant sees cat\n", "line 2: the source has the word elephant, which is not known"),
        ("source\n   \n", "no rows below the first line"),
        ("source,target\n,x\n", "line 2: an empty source"),
        ("a,b,c\nx,y,z\n", "no column source; it has a, b, c"),
        ("source\n" + "dog " * 9 + "\n", "has 9 words; at most 5 are read"),
    ):
        query.write_text(text, encoding="utf-8")
        code, _, err = used()
        assert code == 2
        assert said in err, err
        assert err.count("\n") == 1


# --- a person's own pairs ----------------------------------------------------------------------------


def test_pairs_come_in_as_tables_and_as_lines_of_json(tmp_path: Path) -> None:
    rows = pairs()
    tsv = table(tmp_path / "a.tsv", rows)
    lines = tmp_path / "a.jsonl"
    lines.write_text(
        "\n".join(json.dumps(dict(zip(("src", "tgt", "lang"), row, strict=True))) for row in rows)
    )
    a, b = look(tsv), look(lines)
    assert (
        (a.kind, a.names, a.counts)
        == (b.kind, b.names, b.counts)
        == ("translation", ("l0", "l1", "l2", "l3", "l4"), (12,) * 5)
    )
    assert a.pairs == b.pairs


@pytest.mark.parametrize(
    ("heads", "row", "said"),
    [
        ("source\ttarget\tlanguage", ("one", "", "l9"), "an empty target"),
        ("source\ttarget\tlanguage", (" ", "un", "l9"), "an empty source"),
        ("source\ttarget\tlanguage", ("one", "un", ""), "an empty language"),
    ],
)
def test_a_row_that_lacks_something_is_listed(
    heads: str, row: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    found = look(table(tmp_path / "a.tsv", [*pairs(), row], heads))
    assert [each.why for each in found.unreadable] == [said]
    assert found.unreadable[0].origin.endswith("line 62")


def test_pairs_without_a_language_are_refused(tmp_path: Path) -> None:
    path = table(tmp_path / "a.tsv", [row[:2] for row in pairs()], "source\ttarget")
    assert has_pairs(path)
    with pytest.raises(DataError, match="no column says which language a pair is of; add one of language"):
        look(path)


@pytest.mark.parametrize(
    ("languages", "more", "said"),
    [
        (1, (), "three splits need three"),
        (5, ("queries = 9",), "12 pairs with different sources, but 6 shots"),
        (5, ("length = 2",), "0 pairs with different sources"),
    ],
)
def test_pairs_that_give_no_episodes_are_refused(
    languages: int, more: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    text = own(table(tmp_path / "a.tsv", pairs(languages)), *more)
    text = text.replace("queries = 2\n", "", 1) if more and more[0].startswith("queries") else text
    with pytest.raises(DataError, match=said):
        project_of(tmp_path / "p.mlwb", "nearest_sentence", seeds=1, text=text)


def test_what_is_too_long_is_left_out_and_told(tmp_path: Path) -> None:
    rows = [*pairs(), ("one two three red blue cat dog", "un", "l0")]
    text = own(table(tmp_path / "a.tsv", rows), "length = 4")
    family = runs.open_family(parse(text + '[[algorithm]]\nkind = "scratch"\n'))
    assert family.notes[-1] == "1 pair is left out: longer than 4 tokens (task.length)"


def test_a_dictionary_beats_the_nearest_pair_on_languages_of_ones_own(tmp_path: Path, call: Call) -> None:
    path = tmp_path / "p.mlwb"
    text = own(table(tmp_path / "a.tsv", pairs()))
    project_of(path, "dictionary", "nearest_sentence", seeds=1, text=text)
    code, out, _ = call("show", path, "--json")
    assert code == 0
    tests = {
        run["algorithm"]: run["test"]["measures"]["exact"]["mean"][-1] for run in json.loads(out)["runs"]
    }
    assert tests["dictionary"] > tests["nearest_sentence"] == 0  # no phrase stands there twice


def test_characters_are_tokens_too(tmp_path: Path) -> None:
    text = own(table(tmp_path / "a.tsv", pairs()), 'tokens = "characters"', "length = 40")
    family = runs.open_family(parse(text + '[[algorithm]]\nkind = "scratch"\n'))
    assert isinstance(family.problem, Sequences)
    assert set(family.problem.source) == set("onetwhrdblucag␣")
    episode = family.sample("train", 1, seeded(1))
    first = words_of(episode.support["x"][0, 0].numpy(), family.problem.source)
    assert "".join(first).replace("␣", " ") in {source for source, *_ in pairs()}


def test_queries_that_are_known_have_no_new_words(tmp_path: Path) -> None:
    text = own(table(tmp_path / "a.tsv", pairs()), "known = true")
    family = runs.open_family(parse(text + '[[algorithm]]\nkind = "scratch"\n'))
    episode = family.sample("test", 20, seeded(1))
    for name in ("x", "y"):
        for at in range(20):
            support, query = (set(np.unique(part[name][at])) for part in (episode.support, episode.query))
            assert query <= support | {0}


def test_what_each_word_rests_on_is_seen_by_leaving_words_out(tmp_path: Path, call: Call) -> None:
    """Against a direct computation on the first query of the first task."""
    path, out = tmp_path / "p.mlwb", tmp_path / "a.csv"
    (run,) = project_of(path, "anil", seeds=1, text=LANGUAGES)
    assert call("inspect", path, run, "--what", "saliency", "-o", out)[0] == 0
    rows = [
        row for row in csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))) if row["query"] == "1"
    ]
    learned, experiment, family, _ = Predictor()._learned(path, run, lambda *_: None)
    frozen, _ = frozen_episode(family, "test", family.size, 6, experiment.evaluation.seed, 0)
    task, algorithm = frozen.one(0), learned.algorithm
    with torch.no_grad():
        learner = algorithm.adapt(learned.meta, task.support, 2)
        x = task.query["x"][:1]
        said = spoken(partial(algorithm.predict, learner), x, task.query["y"].shape[-1])

        def chances(sources: torch.Tensor) -> torch.Tensor:
            shares = algorithm.predict(learner, beside(sources, said)).softmax(-1)[0]
            return shares[torch.arange(len(shares)), said[0]]

        for row in rows:
            at = int((x[0] == family.problem.source.index(row["word"]) + 1).nonzero()[0])
            less = x.clone()
            less[0, at] = 0
            change = (chances(x) - chances(less))[int(row["place"]) - 1]
            assert float(row["left_out"]) == pytest.approx(abs(change.item()), abs=1e-6)


def test_learning_curves_are_exported_though_training_does_not_say_what_is_right(
    tmp_path: Path, call: Call
) -> None:
    (tmp_path / "e.toml").write_text(
        LANGUAGES + '[[algorithm]]\nkind = "in_context"\nwidth = 16\nlayers = 1\n'
    )
    kept, drawn = tmp_path / "p.mlwb", tmp_path / "x.csv"
    assert call("run", tmp_path / "e.toml", "--project", kept, "--quiet")[0] == 0
    assert call("export", kept, "--what", "learning_curves", "-o", drawn)[0] == 0
    assert "Meta-validation sequences right" in drawn.read_text()


def test_a_line_of_json_ends_where_the_line_of_the_file_does(tmp_path: Path) -> None:
    """U+2028 and U+0085 stand within strings of many a corpus, and are no ends of lines."""
    rows = [{"source": f"a\u2028{i}\x85b", "target": f"c {i}", "language": f"l{i % 3}"} for i in range(9)]
    path = tmp_path / "pairs.jsonl"
    path.write_text(
        "\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n{bad\n", encoding="utf-8"
    )
    found = read_pairs(path)
    assert len(found.pairs) == 9
    assert [each.origin for each in found.unreadable] == [f"{path}, line 10"]


def test_a_domain_is_not_tested_on_a_language_that_training_sees(tmp_path: Path) -> None:
    path = table(tmp_path / "pairs.tsv", pairs())
    plain = own(path)
    trained, tested = (
        runs.open_family(parse(plain + '[[algorithm]]\nkind = "dictionary"\n')).names_in(part)
        for part in ("train", "test")
    )
    others = f'train = ["{tested[0]}"]\nvalidation = ["{trained[1]}"]\ntest = ["{trained[0]}"]\n'
    said = f'[[task.domain]]\nname = "seen"\n[task.domain.split]\n{others}'
    asked = parse(plain + '[[algorithm]]\nkind = "dictionary"\n' + said)
    with pytest.raises(InputError, match=rf"'seen': task\.split: {trained[0]} would be asked for"):
        runs.open_family(asked)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_pairs_are_known_by_their_first_line_in_any_encoding(encoding: str, tmp_path: Path) -> None:
    """A field of the next line may go on in the line after; the first may say what stands between fields."""
    path = tmp_path / "pairs.csv"
    text = "\n".join(f'"a\n{number}";b;l{number % 3}' for number in range(9))
    path.write_text(f"sep=;\nsource;target;language\n{text}\n", encoding=encoding)
    assert look(path).kind == "translation"
    path.write_text(
        f"sep=;\npremise;hypothesis;label;lang\n{text.replace(';b', ';b;c')}\n", encoding=encoding
    )
    assert look(path).kind == "sentence_pairs"


def test_of_two_columns_of_one_name_the_first_is_read_and_the_other_told(tmp_path: Path) -> None:
    rows = [(*row, "wrong") for row in pairs()]
    found = read_pairs(table(tmp_path / "pairs.tsv", rows, "source\ttarget\tlanguage\tsource"))
    assert "wrong" not in {source for source, _ in found.pairs}
    assert any("1 column(s) not read: source" in each.text for each in found.findings)


def test_two_spellings_of_a_language_are_told_and_are_one_if_asked(tmp_path: Path) -> None:
    rows = [(*row[:2], row[2].upper() if number % 2 else row[2]) for number, row in enumerate(pairs())]
    path = table(tmp_path / "pairs.tsv", rows)
    (told,) = (each.text for each in read_pairs(path).findings if "look like another" in each.text)
    assert told.startswith("10 languages look like another one: 'L0' = 'l0'")
    assert read_pairs(path, Reading(merge_labels=True)).names == ("l0", "l1", "l2", "l3", "l4")


def test_what_is_said_without_an_end_is_looked_at_too(
    tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, out = tmp_path / "p.mlwb", tmp_path / "a.csv"
    (run,) = project_of(path, "anil", seeds=1, text=LANGUAGES)
    monkeypatch.setattr(
        saliency, "spoken", lambda _, x, places: torch.ones(len(x), places, dtype=torch.int64)
    )
    assert call("inspect", path, run, "--what", "saliency", "-o", out)[0] == 0
    rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))
    assert {row["said"] for row in rows} == {"dax"}
    assert {int(row["place"]) for row in rows} == set(range(1, PLACES + 1))


def test_too_few_pairs_because_others_are_too_long_is_told_with_that(tmp_path: Path) -> None:
    path = table(tmp_path / "pairs.tsv", pairs())
    asked = parse(own(path, "length = 2") + '[[algorithm]]\nkind = "dictionary"\n')
    with pytest.raises(DataError, match=r"has 0 pairs .*; 60 pairs are left out: longer than 2 tokens"):
        runs.open_family(asked)
