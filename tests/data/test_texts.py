"""Texts as people have them: no row is lost, merged, moved or changed without a word."""

from __future__ import annotations

import csv
import io
import json
import random
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.data import sources
from workbench.cli import main
from workbench.data.decoding import encoding_of
from workbench.data.found import FoundText
from workbench.data.look import look
from workbench.data.reading import NOW, Reading
from workbench.data.texts import read_new_texts
from workbench.errors import DataError

Command = Callable[..., tuple[int, str, str]]
Importer = Callable[..., dict[str, Any]]
ROWS = sources.sentences(classes=6, each=8)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "data"))


def written(path: Path, lines: list[str], encoding: str = "utf-8", newline: str = "\n") -> Path:
    path.write_bytes((newline.join(lines) + newline).encode(encoding))
    return path


def texts(path: Path, reading: Reading = NOW) -> FoundText:
    found = look(path, reading)
    assert isinstance(found, FoundText)
    return found


def said(found: FoundText, what: str) -> str:
    (finding,) = (each for each in found.findings if each.what == what)
    return finding.text


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs an import; returns its exit code, what it prints, and its one line on standard error."""

    def run(path: Path, *options: str) -> tuple[int, str, str]:
        monkeypatch.setattr(
            sys, "argv", ["workbench", "import", str(path), "--name", "k", "--quiet", *options]
        )
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


@pytest.fixture
def imported(command: Command) -> Importer:
    """What the command says of an import, in JSON."""

    def run(path: Path, *options: str) -> dict[str, Any]:
        code, out, err = command(path, "--json", *options)
        assert code == 0, err
        told: dict[str, Any] = json.loads(out)
        return told

    return run


# --- quotes and separators ------------------------------------------------------------------------------


@pytest.mark.parametrize("closing", ['"and so it ends', 'and so it ends"'])
def test_tabs_without_quoting_are_read_line_by_line(tmp_path: Path, closing: str, imported: Importer) -> None:
    rows = [list(row) for row in ROWS]
    rows[4][0], rows[30][0] = '"Never mind the first part', closing
    path = written(tmp_path / "a.tsv", ["text\tlabel", *("\t".join(row) for row in rows)])
    told = imported(path)
    assert told["examples"] == len(rows)
    assert told["skipped"] == []
    assert sorted(texts(path).texts) == sorted(row[0] for row in rows)
    assert "line 6, line 32" in said(texts(path), "quotes")


def test_tabs_with_quoting_are_read_by_it(tmp_path: Path) -> None:
    rows = [(f'{text}, "{label}"\tand\nmore', label) for text, label in ROWS]
    with (tmp_path / "a.tsv").open("w", newline="") as file:
        csv.writer(file, delimiter="\t", quoting=csv.QUOTE_ALL).writerows([("text", "label"), *rows])
    found = texts(tmp_path / "a.tsv")
    assert sorted(found.texts) == sorted(" ".join(text.split()) for text, _ in rows)
    assert "48 rows go over several lines" in said(found, "long rows")
    assert "lines 2 to 3" in said(found, "long rows")


def test_a_row_with_more_or_fewer_fields_than_the_first_is_named(
    tmp_path: Path, imported: Importer, command: Command
) -> None:
    lines = [f"{number},{text},{label}" for number, (text, label) in enumerate(ROWS)]
    lines[3] = "3,that is fine, really,topic 0"
    lines[7] = "7,what was it"
    path = written(tmp_path / "a.csv", ["number,text,label", *lines])
    found = texts(path)
    assert [(each.origin.rpartition(", ")[2], each.why) for each in found.unreadable] == [
        ("line 5", "4 fields; the first line has 3"),
        ("line 9", "2 fields; the first line has 3"),
    ]
    assert set(found.names) == {label for _, label in ROWS}
    code, _, error = command(path)
    assert code == 2
    assert "line 5 (4 fields; the first line has 3)" in error
    told = imported(path, "--skip-unreadable")
    assert told["examples"] == len(ROWS) - 2
    assert len(told["skipped"]) == 2


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_what_stands_between_fields_is_what_the_rows_agree_in(
    tmp_path: Path, separator: str, newline: str
) -> None:
    others = " and ".join(each for each in ",;|" if each != separator)
    lines = [f"{text} {others if n % 3 else ''}{separator}{label}" for n, (text, label) in enumerate(ROWS)]
    found = texts(written(tmp_path / "a.csv", [f"text{separator}label", *lines], newline=newline))
    assert len(found.texts) == len(ROWS)
    assert not found.unreadable


def test_separators_behind_the_last_field_and_rows_of_nothing_else_do_not_matter(tmp_path: Path) -> None:
    lines = ["text,label,,", *(f"{text},{label},," for text, label in ROWS), ",,,", "", ",,,"]
    found = texts(written(tmp_path / "a.csv", lines))
    assert len(found.texts) == len(ROWS)
    assert "2 rows without anything in them are passed over: line 50, line 52" in said(found, "empty rows")


def test_zeros_within_a_row_are_named(tmp_path: Path) -> None:
    lines = [f"{text} {'.' * 90},{label}" for text, label in ROWS]
    lines[-1] = "te\0xt,topic 5"
    found = texts(written(tmp_path / "a.csv", ["text,label", *lines]))
    assert [each.why for each in found.unreadable] == ["a zero among its letters"]


def test_a_header_that_is_not_understood_says_which_column_is_missing(tmp_path: Path) -> None:
    rows = [f"{text},{n % 2}" for n, (text, _) in enumerate(ROWS)]
    with pytest.raises(DataError, match=r"first line \(review, stars\) names no columns that are known"):
        look(written(tmp_path / "a.csv", ["review,stars", *rows]))
    with pytest.raises(DataError, match=r"it has id, text, stars, and no column of labels \(label, class"):
        look(written(tmp_path / "b.csv", ["id,text,stars", *(f"1,{row}" for row in rows)]))
    with pytest.raises(DataError, match="it has wordsandlabels"):
        look(written(tmp_path / "c.csv", ["wordsandlabels", "one"]))


def test_columns_that_are_not_read_are_named(tmp_path: Path) -> None:
    lines = [f"{n},{text},{label},x" for n, (text, label) in enumerate(ROWS)]
    found = texts(written(tmp_path / "a.csv", [",text,label,title", *lines]))
    assert "2 columns are not read: one without a name, title" in said(found, "columns")


def test_rows_in_are_rows_kept_and_rows_named(tmp_path: Path) -> None:
    """Whatever stands in the fields, and however the table is quoted."""
    chance = random.Random(1)
    letters = ['"', "'", ",", ";", "\t", "|", "\n", "\r", " ", "a", "b", "é", "\\", "#", "\u2028", "\xa0"]
    for number in range(300):
        separator = chance.choice(",;\t|")
        quoting = chance.choice([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC])
        count = chance.randrange(2, 12)
        rows = [
            ("x" + "".join(chance.choices(letters, k=chance.randrange(8))) + "y", f"label {n % 3}")
            for n in range(count)
        ]
        file = io.StringIO(newline="")
        writer = csv.writer(
            file, delimiter=separator, quoting=quoting, lineterminator=chance.choice(["\n", "\r\n"])
        )
        writer.writerows([("text", "label"), *rows])
        path = tmp_path / ("a.tsv" if separator == "\t" else "a.csv")
        path.write_bytes(file.getvalue().encode())
        found = texts(path)
        lost = count - len(found.texts) - len(found.unreadable)
        literal = any(each.what == "quotes" for each in found.findings)
        assert lost == 0 or (literal and lost < 0), (
            number,
            rows,
            found,
        )


# --- encodings ------------------------------------------------------------------------------------------

PHRASES = {
    "cp1252": "Das Café ist schön – “größer” als früher",
    "cp1250": "zażółć gęślą jaźń",
    "cp1251": "отмени мой заказ, пожалуйста",
    "koi8-r": "закажи столик в ресторане",
    "cp1253": "ακύρωσε την παραγγελία μου",
    "cp932": "注文をキャンセルしてください",
    "gbk": "请取消我的订单",
    "big5": "請取消我的訂單",
    "cp949": "주문을 취소해 주세요",
}


@pytest.mark.parametrize("encoding", PHRASES)
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_an_encoding_is_guessed_with_a_note(tmp_path: Path, encoding: str, name: str) -> None:
    rows = [(f"{PHRASES[encoding]} {text}".replace(",", ""), label) for text, label in ROWS]
    lines = ["text,label", *(f"{text},{label}" for text, label in rows)]
    if name == "a.jsonl":
        lines = [json.dumps({"text": text, "label": label}, ensure_ascii=False) for text, label in rows]
    path = written(tmp_path / name, lines, encoding)
    found = texts(path)
    assert sorted(found.texts) == sorted(text for text, _ in rows)
    assert f"48 of its lines are read as {encoding}" in said(found, "encoding")
    asked = texts(path, Reading(encoding=encoding))
    assert asked.texts == found.texts
    assert not [each for each in asked.findings if each.what == "encoding"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_unicode_in_any_width_is_read(tmp_path: Path, encoding: str) -> None:
    lines = ["text,label", *(f"naïve {text},{label}" for text, label in ROWS)]
    found = texts(written(tmp_path / "a.csv", lines, encoding))
    assert sorted(found.texts) == sorted(f"naïve {text}" for text, _ in ROWS)
    assert ("encoding" in [each.what for each in found.findings]) == encoding.endswith(("le", "be"))


def test_an_encoding_that_does_not_fit_is_refused_with_its_place(tmp_path: Path, command: Command) -> None:
    path = written(tmp_path / "a.csv", ["text,label", "fine,a", "naïve,b"], "cp1252")
    code, _, error = command(path, "--encoding", "shift_jis")
    assert code == 2
    assert "line 3: the bytes ef (at 20) are not shift_jis" in error
    assert error.count("\n") == 1


def test_a_few_damaged_bytes_do_not_change_what_a_text_is_in() -> None:
    content = "tout à fait, déjà vu, ça\n".encode() * 9 + b"\xff\n"
    assert encoding_of(content, "a", NOW)[:2] == ("utf-8-sig", "surrogateescape")


# --- labels ---------------------------------------------------------------------------------------------


def test_labels_that_look_the_same_are_named_and_made_one_on_consent(
    tmp_path: Path, imported: Importer
) -> None:
    ways = (str, str.upper, lambda word: f"{word}\xa0", lambda word: word.replace(" ", "\u3000"))
    ways = (*ways, lambda word: word.replace("o", "\u043e"), lambda word: f"\uff34{word[1:]}")
    rows = [(text, ways[n % len(ways)](label)) for n, (text, label) in enumerate(ROWS)]
    path = written(tmp_path / "a.csv", ["text,label", *(f"{text},{label}" for text, label in rows)])
    apart = imported(path)
    assert apart["classes"] > 6
    (finding,) = (each for each in apart["findings"] if each["what"] == "look-alikes")
    assert "'TOPIC 0' = " in finding["text"]
    assert "--merge-labels" in finding["text"]
    merged = imported(path, "--merge-labels", "--replace")
    assert (merged["classes"], merged["examples"]) == (6, len(ROWS))


def test_letters_in_parts_are_put_together_and_said(tmp_path: Path) -> None:
    rows = [
        (f"é {text}", unicodedata.normalize("NFD" if n % 2 else "NFC", f"café {label}"))
        for n, (text, label) in enumerate(ROWS)
    ]
    found = texts(written(tmp_path / "a.csv", ["text,label", *(f"{text},{label}" for text, label in rows)]))
    assert len(found.names) == 6
    assert all(unicodedata.is_normalized("NFC", name) for name in found.names)
    assert said(found, "composed").startswith("24 rows")


def test_blanks_that_are_left_out_are_said(tmp_path: Path) -> None:
    lines = ["text,label", *(f"{text}  twice,{label} " for text, label in ROWS)]
    found = texts(written(tmp_path / "a.csv", lines))
    assert said(found, "label blanks").startswith("48 labels are taken without blanks at their ends")
    assert said(found, "text blanks").startswith("48 texts")
    assert said(found, "text blanks").endswith(": line 2, line 3, line 4 and 45 more")


# --- splits ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "json"])
def test_a_published_split_is_kept_and_what_it_lacks_is_drawn(tmp_path: Path, suffix: str) -> None:
    """By a column, or by the keys of JSON."""
    part = {label: "test" if label in ("topic 4", "topic 5") else "train" for _, label in ROWS}
    path = tmp_path / f"a.{suffix}"
    if suffix == "csv":
        written(path, ["text,label,split", *(f"{text},{label},{part[label]}" for text, label in ROWS)])
    elif suffix == "jsonl":
        rows = [{"text": text, "label": label, "split": part[label]} for text, label in ROWS]
        written(path, [json.dumps(row) for row in rows])
    else:
        by_part = {each: [row for row in ROWS if part[row[1]] == each] for each in ("train", "test")}
        path.write_text(json.dumps(by_part))
    found = texts(path)
    split = found.given_split()
    assert split is not None
    assert split["test"] == ["topic 4", "topic 5"]
    assert len(split["validation"]) == 1
    assert "drawn for validation" in said(found, "drawn split")


def test_tables_for_training_and_test_are_its_splits(tmp_path: Path, imported: Importer) -> None:
    (tmp_path / "in").mkdir()
    for name, rows in (("train", ROWS[:32]), ("test", ROWS[32:])):
        written(tmp_path / "in" / f"{name}.csv", ["text,label", *(f"{text},{label}" for text, label in rows)])
    told = imported(tmp_path / "in")
    assert told["split"]["test"] == ["topic 4", "topic 5"]
    assert "drawn split" in [each["what"] for each in told["findings"]]


def test_splits_that_share_classes_and_words_that_name_none_are_said(tmp_path: Path) -> None:
    lines = [f"{text},{label},{('train', 'test', 'later')[n % 3]}" for n, (text, label) in enumerate(ROWS)]
    found = texts(written(tmp_path / "a.csv", ["text,label,split", *lines]))
    assert found.given_split() is None
    assert "6 classes are in more than one split" in said(found, "shared classes")
    assert said(found, "split").startswith("16 rows name a split that is neither")


@pytest.mark.parametrize("numbers", [False, True])
def test_words_for_splits_that_mean_nothing_known_are_listed(tmp_path: Path, numbers: bool) -> None:
    """In JSON they may be numbers."""
    lines = [json.dumps({"text": a, "label": b, "split": 1 if numbers else "Trn"}) for a, b in ROWS]
    found = texts(written(tmp_path / "a.jsonl", lines))
    assert said(found, "split").endswith(f"{'1' if numbers else 'Trn'} (48)")


def test_rows_for_which_no_split_is_named_do_not_undo_the_others(tmp_path: Path) -> None:
    """Test stays test: a few empty fields are no reason to divide the classes anew."""
    part = {label: ("train", "train", "train", "dev", "test", "")[int(label[-1])] for _, label in ROWS}
    lines = [f"{a},{b},{' ' if n % 8 == 1 else part[b]}" for n, (a, b) in enumerate(ROWS)]
    found = texts(written(tmp_path / "a.csv", ["text,label,split", *lines]))
    split = found.given_split()
    assert split is not None
    assert (split["validation"], split["test"]) == (["topic 3"], ["topic 4"])
    assert "5 examples name no split, and go with the others of their class" in said(found, "split")
    assert "1 class names no split, and are in none: topic 5" in said(found, "left out")


def test_splits_without_training_are_said_not_to_be_kept(tmp_path: Path) -> None:
    lines = [f"{a},{b},{'test' if b == 'topic 1' else 'other'}" for a, b in ROWS]
    found = texts(written(tmp_path / "a.csv", ["text,label,split", *lines]))
    assert found.given_split() is None
    listed = [each.text for each in found.findings if each.what == "split"]
    assert listed[0].endswith("other (40)")
    assert listed[1] == (
        "the source names splits for test only; its splits are not kept, and classes are divided anew"
    )


def test_eval_beside_test_is_validation_in_a_table_too(tmp_path: Path) -> None:
    part = {f"topic {n}": word for n, word in enumerate(("train",) * 4 + ("eval", "test"))}
    found = texts(written(tmp_path / "a.csv", ["text,label,split", *(f"{a},{b},{part[b]}" for a, b in ROWS)]))
    split = found.given_split()
    assert split is not None
    assert (split["validation"], split["test"]) == (["topic 4"], ["topic 5"])


@pytest.mark.parametrize(
    "suffixes", [("jsonl", "jsonl", "jsonl"), ("json", "json", "json"), ("csv", "jsonl", "json")]
)
def test_a_file_of_texts_for_each_split_keeps_them(
    tmp_path: Path, suffixes: tuple[str, ...], imported: Importer
) -> None:
    (tmp_path / "in").mkdir()
    for number, (part, suffix) in enumerate(zip(("train", "validation", "test"), suffixes, strict=True)):
        rows = ROWS[16 * number : 16 * number + 16]
        path = tmp_path / "in" / f"{part}.{suffix}"
        if suffix == "csv":
            written(path, ["text,label", *(f"{a},{b}" for a, b in rows)])
        elif suffix == "json":
            path.write_text(json.dumps(rows))
        else:
            written(path, [json.dumps({"text": a, "label": b}) for a, b in rows])
    told = imported(tmp_path / "in")
    assert told["class_names"]["validation"] == ["topic 2", "topic 3"]
    assert told["class_names"]["test"] == ["topic 4", "topic 5"]


def test_tables_beside_those_of_the_splits_do_not_hide_them(tmp_path: Path, imported: Importer) -> None:
    (tmp_path / "in").mkdir()
    for name, rows in (("train_data", ROWS[:32]), ("test_data", ROWS[32:])):
        written(tmp_path / "in" / f"{name}.csv", ["text,label", *(f"{text},{label}" for text, label in rows)])
    written(tmp_path / "in" / "names.csv", ["label,name", "topic 1,one"])
    told = imported(tmp_path / "in")
    assert told["class_names"]["test"] == ["topic 4", "topic 5"]
    assert any("names.csv" in each["text"] for each in told["findings"])


# --- what programs write into tables --------------------------------------------------------------------


@pytest.mark.parametrize("first", ["sep=;", "SEP=;", '"sep=;"', "\ufeffsep=;"])
def test_a_first_line_that_says_what_stands_between_fields_is_heeded(tmp_path: Path, first: str) -> None:
    lines = [first, "text;label", *(f"{a}, and so on;{b}" for a, b in ROWS)]
    found = texts(written(tmp_path / "a.csv", lines, newline="\r\n"))
    assert (len(found.names), len(found.texts)) == (6, len(ROWS))


def test_more_lines_that_name_the_columns_are_no_examples(tmp_path: Path) -> None:
    lines = [f"{a},{b}" for a, b in ROWS]
    path = written(tmp_path / "a.csv", ["text,label", *lines[:20], "text,label", *lines[20:], "Text, Label"])
    found = texts(path)
    assert (len(found.names), len(found.texts)) == (6, len(ROWS))
    assert "2 more lines that name the columns are passed over: line 22, line 51" in said(found, "heads")


def test_quotes_that_stay_around_labels_are_said(tmp_path: Path) -> None:
    """A blank behind the comma makes them letters."""
    lines = [f'"{a}", "{b}"' for a, b in ROWS]
    found = texts(written(tmp_path / "a.csv", ["text,label", *lines]))
    assert found.names[0] == '"topic 0"'
    assert said(found, "label quotes").startswith("48 labels are taken with the quotes around them")


def test_labels_for_no_value_are_said(tmp_path: Path) -> None:
    lines = [f"{a},{('NA', 'null', b)[min(n % 8, 2)]}" for n, (a, b) in enumerate(ROWS)]
    found = texts(written(tmp_path / "a.csv", ["text,label", *lines]))
    assert said(found, "absent labels") == (
        "12 labels look as if there were none, and stay classes of their own: NA (6), null (6)"
    )


def test_a_number_written_in_two_ways_looks_the_same(tmp_path: Path) -> None:
    lines = [f"{a},{b[-1]}{('', '.0')[n % 2]}" for n, (a, b) in enumerate(ROWS)]
    path = written(tmp_path / "a.csv", ["text,label", *lines])
    assert "'0' = '0.0', '1' = '1.0'" in said(texts(path), "look-alikes")
    assert texts(path, Reading(merge_labels=True)).names == ("0", "1", "2", "3", "4", "5")


# --- JSON -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('[{"text": "a", "text": "b", "label": "c"}]', "the key text is there twice"),
        ('[{"Text": "a", "text": "b", "label": "c"}]', "is there twice"),
        ('{"train": [["a", "b"]], "train": [["c", "d"]]}', "the key train is there twice; put its lists"),
        ("[NaN]", "NaN is no number of JSON"),
        ('[["a", 1e999]]', "neither a word nor a whole number"),
        (f'[["a", {"9" * 5000}]]', "not valid JSON"),
        ('[["a", true]]', "neither a word nor a whole number"),
        ('[["a", {"b": "c"}]]', "neither a word nor a whole number"),
    ],
)
def test_json_that_says_less_than_it_seems_is_named(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(DataError, match=words) as caught:
        look(path)
    assert "\n" not in str(caught.value)


def test_lists_that_are_columns_are_read_as_rows(tmp_path: Path) -> None:
    """They are not texts of classes that are called text, label and language."""
    columns = {"label": [label for _, label in ROWS], "text": [text for text, _ in ROWS]}
    path = tmp_path / "a.json"
    path.write_text(json.dumps(columns | {"language": ["en"] * len(ROWS)}))
    found = texts(path)
    assert (len(found.names), len(found.texts)) == (6, len(ROWS))
    assert said(found, "languages") == "labels are not told apart by language: there is 1; three are needed"


def test_columns_of_different_lengths_are_refused(tmp_path: Path) -> None:
    columns = {"text": [text for text, _ in ROWS], "label": [label for _, label in ROWS][1:]}
    path = tmp_path / "a.json"
    path.write_text(json.dumps(columns))
    with pytest.raises(DataError, match="its columns have 47 to 48 entries"):
        texts(path)


def test_classes_may_have_the_names_of_columns(tmp_path: Path) -> None:
    """Then the texts of the one that is named as labels are do not repeat."""
    lists = {name: [f"{name} {n}" for n in range(9)] for name in ("question", "topic", "greeting")}
    path = tmp_path / "a.json"
    path.write_text(json.dumps(lists))
    assert texts(path).names == ("greeting", "question", "topic")


def test_keys_that_are_not_read_are_named_as_columns_are(tmp_path: Path) -> None:
    lines = [json.dumps({"text": text, "label": label, "fold": "train"}) for text, label in ROWS]
    assert "1 key is not read: fold" in said(texts(written(tmp_path / "a.jsonl", lines)), "columns")


def test_numbers_among_labels_are_said(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([[text, n % 3 if n % 2 else str(n % 3)] for n, (text, _) in enumerate(ROWS)]))
    found = texts(path)
    assert found.names == ("0", "1", "2")
    assert said(found, "numbers").startswith("24 labels are numbers")


def test_a_label_may_have_the_name_of_a_split(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({label: ["one", "two"] for label in ("test", "order", "base")}))
    assert texts(path).names == ("base", "order", "test")


@pytest.mark.parametrize(("name", "unit"), [("a.csv", "a,b\n"), ("a.json", "[],"), ("a.jsonl", "1\n")])
def test_a_text_that_would_swell_is_refused_unread(tmp_path: Path, name: str, unit: str) -> None:
    path = tmp_path / name
    path.write_text(unit * 100_000)
    with pytest.raises(DataError, match=r"need about .* GiB of memory; allowed: .* \(--memory\)"):
        look(path, Reading(budget=2**22))


# --- as it was ------------------------------------------------------------------------------------------


def test_a_run_begun_before_meets_the_texts_of_then(tmp_path: Path) -> None:
    lines = ["text,label", '"two', 'lines",a', "a,b,too many", f"x,{'e' + chr(0x301)}"]
    found = texts(written(tmp_path / "a.csv", lines), Reading(rules=1))
    assert found.names == ("a", "b", "e\u0301")
    assert not found.findings
    quoted = texts(written(tmp_path / "b.tsv", ["text\tlabel", '"x', 'y"\tb', "z\tc"]), Reading(rules=1))
    assert quoted.texts == ["x y", "z"]
    many = written(tmp_path / "c.csv", ["text,label", *["a,b"] * 20_000])
    assert len(texts(many, Reading(rules=1, budget=2**20)).texts) == 20_000


def in_languages(path: Path, languages: int = 4, *, own_labels: bool = False, without: int = 0) -> Path:
    """Intents in several languages, the domain beside them."""
    rows = [
        {
            "text": f"word{language} {i} {intent}",
            "label": f"{intent}{language}" if own_labels else intent,
            "lang": "" if language < without else f"l{language}",
            "domain": "any",
        }
        for language in range(languages)
        for intent in ("greeting", "farewell")
        for i in range(2)
    ]
    if path.suffix == ".jsonl":
        return written(path, [json.dumps(row) for row in rows])
    return written(path, ["text,label,lang,domain", *[",".join(row.values()) for row in rows]])


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_labels_of_several_languages_are_told_apart_by_language(tmp_path: Path, name: str) -> None:
    found = texts(in_languages(tmp_path / name))
    assert found.names[:3] == ("l0/farewell", "l0/greeting", "l1/farewell")
    assert found.groups[:3] == ("l0", "l0", "l1")
    assert found.counts == (2,) * 8
    assert "4 languages: l0, l1, l2 and 1 more" in said(found, "languages")
    assert 'within = "group"' in said(found, "languages")


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_run_that_was_begun_before_reads_languages_as_it_did(tmp_path: Path, name: str) -> None:
    found = texts(in_languages(tmp_path / name), Reading(rules=2))
    assert (found.names, found.groups) == (("farewell", "greeting"), ("any", "any"))
    assert "not read: lang" in said(found, "columns")
    assert not [each for each in found.findings if each.what == "languages"]


@pytest.mark.parametrize(
    ("why", "how"),
    [
        ("there are 2; three are needed", {"languages": 2}),
        ("no label is in two of them", {"own_labels": True}),
        ("4 rows name none", {"without": 1}),
    ],
)
def test_where_languages_tell_nothing_apart_labels_stay_and_it_is_said(
    tmp_path: Path, why: str, how: dict[str, Any]
) -> None:
    found = texts(in_languages(tmp_path / "a.csv", **how))
    assert "/" not in "".join(found.names)
    assert set(found.groups) == {"any"}
    assert said(found, "languages") == f"labels are not told apart by language: {why}"


def test_new_texts_of_one_task_keep_their_labels(tmp_path: Path) -> None:
    found, labelled = read_new_texts(in_languages(tmp_path / "a.csv"))
    assert labelled
    assert found.names == ("farewell", "greeting")
