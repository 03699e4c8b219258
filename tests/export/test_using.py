"""A learner put to use on a new case: the same as the evaluation, and plain words for what does not fit."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.data import sources
from tests.data.test_subjects import written
from tests.experiments import SINUSOID
from tests.gui.finished import DIGITS, project_of
from tests.tasks.test_subjects import lines
from workbench import runs
from workbench.engine import predictions
from workbench.export import documents
from workbench.export.predicting import Predictor
from workbench.export.using import Used
from workbench.export.wishes import Wish
from workbench.problems.classification import Classification
from workbench.problems.margins import margin
from workbench.project import Project
from workbench.words import NO_MEDICAL_DEVICE

Call = Callable[..., tuple[int, str, str]]
Ready = tuple[Path, list[int]]

REST = """
queries = 3
{more}
[network]
kind = "{network}"
{settings}
[training]
iterations = 4
meta_batch = 2
threads = 1
chunk = 2
[evaluation]
episodes = 6
validation_episodes = 2
inner_steps = 3
every = 2
"""


def text(
    family: str, path: Path, more: str = "", network: str = "mlp", settings: str = "hidden = [8]"
) -> str:
    head = f'name = "own"\n[task]\nfamily = "{family}"\npath = "{path.as_posix()}"\n'
    return head + REST.format(more=more, network=network, settings=settings)


def made(kind: str, folder: Path) -> str:
    """An experiment on data of some kind."""
    if kind == "sinusoid":
        return SINUSOID
    if kind == "digits":
        return DIGITS
    if kind == "functions":
        path = folder / "f.npz"
        generator = np.random.default_rng(0)
        task = np.repeat(np.arange(12), 10)
        x = 1000 + 50 * generator.normal(size=(120, 2))
        y = np.stack([x[:, 0] * (task % 5), x.sum(1) - 3 * task, task * 1e-3], 1)
        np.savez(path, x=x, y=y, task=task)
        return text("functions", path, "shots = 4")
    if kind in ("images", "inverted"):
        path = sources.write(folder / "pictures", sources.class_folders(classes=15, each=5))
        invert = "true" if kind == "inverted" else "false"
        more = f"ways = 3\nsize = 12\ninvert = {invert}"
        return text("images", path, more, "conv4", "width = 4\nstride = 2")
    if kind == "ill":
        even, odd = (sources.class_folders(classes=15, each=each) for each in (8, 4))
        content = {name: even[name] for name in even if name in odd or int(name[5:-6]) % 2 == 0}
        path = sources.write(folder / "pictures", content)
        names = sorted(each.name for each in path.iterdir())
        ill = f"[task.diagnosis]\nill = {json.dumps(names[::2])}\n"
        splits = {"train": names[:7], "validation": names[7:11], "test": names[11:]}
        split = "".join(f"{name} = {json.dumps(each)}\n" for name, each in splits.items())
        more = f'ways = 3\nproportions = "natural"\nsize = 12\n[task.split]\n{split}{ill}'
        return text("images", path, more)
    if kind in ("subjects", "folds"):
        path = written(folder / "table.csv", lines())
        split = "[task.split]\n" + ("folds = 3" if kind == "folds" else "fractions = [0.4, 0.3, 0.3]")
        return text("subjects", path, f"shots = 3\nthreshold = 4.0\n{split}")
    if kind == "patients":
        return text("pharmacokinetics", folder).replace(f'path = "{folder.as_posix()}"\n', "")
    if kind in GROUPED:
        source, more = GROUPED[kind]
        head = f'name = "own"\n[task]\nfamily = "grouping"\nsource = "{source}"\npoints = 12\ngroups = 2\n'
        own = {
            "text": lambda: sources.clinc(folder / "intents.json"),
            "images": lambda: sources.write(folder / "pictures", sources.class_folders(classes=15, each=6)),
        }
        if source in own:
            head += f'path = "{own[source]().as_posix()}"\n'
        rest = REST.format(more=more, network="mlp", settings="hidden = [8]")
        return head + rest.replace("queries = 3\n", "")
    if kind in ("mixtures", "few"):
        more = "groups = 3" if kind == "few" else "most_groups = 4"
        head = 'name = "sets"\n[task]\nfamily = "mixtures"\npoints = 40\ngroups = 2\n'
        rest = REST.format(more=more, network="mlp", settings="hidden = [8]")
        return (head if kind != "few" else head.replace("groups = 2\n", "")) + rest.replace(
            "queries = 3\n", ""
        )
    if kind == "pairs of sentences":
        return text(
            "sentence_pairs", sources.sentence_pairs(folder / "pairs.tsv"), "shots = 2\ndimensions = 4"
        )
    path = sources.clinc(folder / "intents.json")
    features = "words" if kind == "words" else "tfidf"
    more = f'ways = 2\ndimensions = 8\nvocabulary = 50\nlength = 6\nfeatures = "{features}"'
    return text(
        "text", path, more, "bag" if kind == "words" else "mlp", "" if kind == "words" else "hidden = [8]"
    )


GROUPED = {
    "pictures to group": ("images", "most_groups = 3"),
    "their components": ("digits", 'embedding = "components"\ncomponents = 4'),
    "texts to group": ("text", ""),
}

LEARNERS = {
    "pictures to group": ("embedding_kmeans", "kmeans"),
    "their components": ("spectral", "gaussian_mixture"),
    "texts to group": ("kmeans",),
    "sinusoid": ("maml", "cnp"),
    "functions": ("maml", "r2d2"),
    "digits": ("maml", "protonet"),
    "images": ("anil", "protonet"),
    "inverted": ("maml",),
    "ill": ("protonet",),
    "tfidf": ("maml", "baseline"),
    "words": ("maml",),
    "pairs of sentences": ("protonet",),
    "subjects": ("maml", "individual_fit"),
    "folds": ("cnp", "population"),
    "patients": ("anp", "maml"),
    "mixtures": ("maml", "gaussian_mixture"),
    "few": ("maml", "kmeans"),
}


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Ready]:
    """A project with runs on data of some kind, made once."""
    known: dict[str, Ready] = {}

    def find(kind: str) -> Ready:
        if kind not in known:
            folder = tmp_path_factory.mktemp(kind)
            path = folder / "p.mlwb"
            known[kind] = path, project_of(path, *LEARNERS[kind], seeds=1, text=made(kind, folder))
        return known[kind]

    return find


def episode(path: Path, run: int, folder: Path, number: int = 1) -> tuple[Path, Path]:
    """A meta-test task of a run as files: of the support set, and of the queries, if there are others."""
    with Project.open(path, read_only=True) as project:
        documents.save(project, "episode", "files", Wish(runs=(run,), first=number), folder)
    return next(folder.glob("support*")), next(folder.glob("query*"), None)  # type: ignore[return-value]


def used(path: Path, run: int, files: tuple[Path, Path | None]) -> Used:
    return Predictor().use(path, run, *files, lambda done, words: None)


@pytest.mark.parametrize("kind", LEARNERS)
def test_it_is_the_evaluation_on_a_task_of_the_test(
    kind: str, ready: Callable[[str], Ready], tmp_path: Path
) -> None:
    path, ids = ready(kind)
    for run in ids:
        with Project.open(path, read_only=True) as project:
            result = project.result(run, "test")
        assert result is not None
        for number in (1, 6):
            found = used(path, run, episode(path, run, tmp_path / f"{run} {number}", number))
            assert found.found.steps == tuple(result.summary["inner_steps"])
            for name, values in found.found.measured.items():
                np.testing.assert_allclose(
                    values[:, 0], result.arrays[name][:, number - 1], rtol=0, atol=1e-6
                )
            if kind == "ill":
                assert "sensitivity" in found.found.measured
                assert found.words().endswith(NO_MEDICAL_DEVICE)
                assert NO_MEDICAL_DEVICE in found.figure().caption
            told = [row.get("query_loss") for row in found.course]
            assert told == [float(each) for each in found.found.measured["loss"][:, 0]]
            expected = ("outside", "darker", "WT is not said", "never occurred")
            assert [each for each in found.notes if not any(word in each for word in expected)] == []


@pytest.mark.parametrize("kind", ["sinusoid", "functions", "images", "tfidf", "pairs of sentences"])
def test_what_is_right_need_not_be_known(kind: str, ready: Callable[[str], Ready], tmp_path: Path) -> None:
    path, (run, *_) = ready(kind)
    files = episode(path, run, tmp_path / "e")
    known = used(path, run, files)
    support, query = files
    if query.is_dir():
        flat = tmp_path / "flat"
        flat.mkdir()
        for number, picture in enumerate(sorted(query.rglob("*.png"))):
            picture.rename(flat / f"{number:02}.png")
        query = flat
    else:
        rows = list(csv.reader(io.StringIO(query.read_text(encoding="utf-8"))))
        width = sum(name.startswith(("x", "text", "premise", "hypothesis")) for name in rows[0])
        with query.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(row[:width] for row in rows)
    found = used(path, run, (support, query))
    np.testing.assert_allclose(found.found.outputs["shown"], known.found.outputs["shown"], atol=1e-6)
    assert found.found.measured == {}
    assert all("true" not in name and name != "right" for row in found.rows() for name in row)
    assert [row["support_loss"] for row in found.course] == [row["support_loss"] for row in known.course]
    for form in ("svg", "csv", "json", "markdown", "latex"):
        assert found.written(form)


def test_the_command_writes_tables_and_a_picture_and_leaves_the_project(
    call: Call, ready: Callable[[str], Ready], tmp_path: Path
) -> None:
    path, (run, *_) = ready("sinusoid")
    before = hashlib.sha256(path.read_bytes()).digest()
    beside = sorted(path.parent.iterdir())
    code, _, said = call(
        "export", path, "--what", "episode", "--runs", run, "--first", 2, "-o", tmp_path / "e"
    )
    assert code == 0
    assert "workbench predict" in said
    assert (tmp_path / "e" / "support.csv").read_text().startswith("x,y\n")
    ends = ("csv", "json", "png", "md")
    outputs = [each for end in ends for each in ("-o", tmp_path / f"out.{end}")]
    files = ("--support", tmp_path / "e" / "support.csv", "--query", tmp_path / "e" / "query.csv")
    code, out, said = call("predict", path, run, *files, *outputs)
    assert (code, out) == (0, "")
    assert "on 5 support examples and 5 queries, after 3 steps: support loss" in said
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text())))
    assert list(rows[0]) == ["query", "x", "y_predicted", "y_low", "y_high", "y_true"]
    assert "so near were 90% of all queries of meta-validation tasks" in said
    table = json.loads((tmp_path / "out.json").read_text())
    assert [row["inner_step"] for row in table["course"]] == [0, 1, 2, 3]
    error = [(row["y_predicted"] - row["y_true"]) ** 2 for row in table["predictions"]]
    assert np.mean(error) == pytest.approx(table["course"][-1]["query_loss"], rel=1e-5)
    assert table["predictions"] == table["predictions_by_step"][-1] != table["predictions_by_step"][0]
    assert table["notes"] == []
    with Image.open(tmp_path / "out.png") as picture:
        assert picture.width > picture.height
    code, out, _ = call("predict", path, run, *files, "-o", "-", "--format", "csv", "--step", 0)
    first = next(csv.DictReader(io.StringIO(out)))
    assert list(first) == ["query", "x", "y_predicted", "y_true"]  # margins are those of the last step
    assert float(first["y_predicted"]) == pytest.approx(table["predictions_by_step"][0][0]["y_predicted"])
    assert hashlib.sha256(path.read_bytes()).digest() == before
    assert sorted(path.parent.iterdir()) == beside


X = "x,y\n0,1\n1,2\n"
BAD_TABLES = {
    "no number": ("x,y\n0,1\n1,two\n", X, "support.csv, line 3, column y: 'two' is no number"),
    "a comma": ("x;y\n0;1\n1;2,5\n", X, "line 3, column y: '2,5' is no number, in which a point stands"),
    "an empty cell": ("x,y\n0,1\n,2\n", X, "support.csv, line 3, column x: is empty"),
    "no finite number": (X, "x,y\n0,1\ninf,2\n", "query.csv, line 3, column x: 'inf' is no finite number"),
    "too large": ("x,y\n0,1\n1,1e300\n", X, "line 3, column y: too far from what was trained on"),
    "another shape": ("x1,x2,y\n0,1,2\n", X, "line 1: has the columns x1, x2, y; needed: x, y"),
    "too many columns": ("a,b,c\n0,1,2\n", X, "line 1: has the columns a, b, c; needed: x, y"),
    "no labels": ("x\n0\n", X, "support.csv, line 1: has the columns x; needed: x, y"),
    "a row too short": ("x,y\n0,1\n1\n", X, "support.csv, line 3: 1 field; the first line has 2"),
    "no names": (
        "0,1\n1,2\n",
        X,
        "support.csv, line 1: has numbers; the first line must name the columns: x, y",
    ),
    "no rows": (X, "x,y\n", "query.csv: names its columns, but has no rows"),
}


def refused(call: Call, path: Path, run: int, support: Path, query: Path, output: Path) -> str:
    """What is said of a case that is refused, in one line; nothing is written."""
    code, out, said = call("predict", path, run, "--support", support, "--query", query, "-o", output)
    assert (code, out) == (2, "")
    assert said.count("\n") == 1
    assert not output.exists()
    return said


@pytest.mark.parametrize("what", BAD_TABLES)
def test_a_bad_table_is_refused_with_its_row_and_column(
    what: str, call: Call, ready: Callable[[str], Ready], tmp_path: Path
) -> None:
    path, (run, *_) = ready("sinusoid")
    support, query, message = BAD_TABLES[what]
    (tmp_path / "support.csv").write_text(support)
    (tmp_path / "query.csv").write_text(query)
    files = tmp_path / "support.csv", tmp_path / "query.csv"
    assert message in refused(call, path, run, *files, tmp_path / "out.csv")


def test_what_lies_outside_of_training_is_said(ready: Callable[[str], Ready], tmp_path: Path) -> None:
    path, (run, *_) = ready("sinusoid")
    (tmp_path / "s.csv").write_text("seconds,volts\n0,1\n7.5,2\n-9,-30\n")
    (tmp_path / "q.csv").write_text("seconds\n4.9\n")
    found = used(path, run, (tmp_path / "s.csv", tmp_path / "q.csv"))
    support = str(tmp_path / "s.csv")
    assert found.rows()[0].keys() == {
        "query",
        "seconds",
        "volts_predicted",
        "volts_low",
        "volts_high",
    }
    assert [note.replace(support, "S") for note in found.notes][
        2
    ] == "3 support examples; the tasks of this run have 5"
    first, second, _ = found.notes
    assert first.startswith(f"{support}: seconds lies outside of what was trained on (-")
    assert first.endswith("in 2 of 3 rows; the first: line 3, 7.5")
    assert second.startswith(f"{support}: volts lies outside")
    assert second.endswith("in 1 of 3 rows; the first: line 4, -30")


def test_points_come_as_arrays_too(ready: Callable[[str], Ready], tmp_path: Path) -> None:
    path, (run, *_) = ready("functions")
    files = episode(path, run, tmp_path / "e")
    arrays = []
    for file in files:
        rows = np.loadtxt(file, delimiter=",", skiprows=1)
        arrays.append(tmp_path / f"{file.stem}.npz")
        np.savez(arrays[-1], x=rows[:, :2], y=rows[:, 2:])
    expected, found = used(path, run, files), used(path, run, (arrays[0], arrays[1]))
    assert found.rows() == expected.rows()


def glyph(shade: int, side: int = 20) -> bytes:
    pixels = np.full((side, side), shade, np.uint8)
    pixels[4:-4, 4:-4] = 255 - shade
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_pictures_of_other_ways_need_a_learner_that_compares(
    call: Call, ready: Callable[[str], Ready], tmp_path: Path
) -> None:
    path, (anil, protonet) = ready("images")
    classes = [f"class{number}/{each}.png" for number in range(4) for each in range(1 + number)]
    folder = sources.write(tmp_path / "s", {name: sources.png(at) for at, name in enumerate(classes)})
    one = tmp_path / "one.png"
    one.write_bytes(sources.png(100))
    said = refused(call, path, anil, folder, one, tmp_path / "out.csv")
    assert "the support set has 4 classes, but ANIL has an output for each of 3" in said
    found = used(path, protonet, (folder, one))
    (row,) = found.rows()
    assert [name for name in row if name.startswith("p(")] == [f"p(class{number})" for number in range(4)]
    assert row["probability"] == max(row[f"p(class{number})"] for number in range(4))
    assert "4 classes; the tasks of this run have 3" in found.notes
    assert "1 to 4 support examples of a class; the tasks of this run have 1" in found.notes


def test_dark_ink_is_inverted_where_the_run_has_bright_ink(
    ready: Callable[[str], Ready], tmp_path: Path
) -> None:
    path, (run, *_) = ready("digits")
    support = sources.write(tmp_path / "s", {"a/1.png": glyph(255), "b/1.png": glyph(250)})
    query = sources.write(tmp_path / "q", {"1.png": glyph(255)})
    found = used(path, run, (support, query))
    assert f"{support}: dark on bright; inverted, since this run was trained on bright on dark" in found.notes
    assert found.found.query["x"][0, 0, 0, 0, 0] == 0
    assert any("scaled to 8 × 8" in note for note in found.notes)


def test_pictures_unlike_all_that_were_trained_on_are_named(
    ready: Callable[[str], Ready], tmp_path: Path
) -> None:
    path, (run, *_) = ready("digits")
    flat, sharp = np.full((8, 8), 80, np.uint8), np.zeros((8, 8), np.uint8)
    sharp[:, ::2] = 255
    support = npz(tmp_path / "s.npz", images=np.stack([flat, sharp]), labels=np.array([0, 1]))
    notes = used(path, run, (support, npz(tmp_path / "q.npz", images=flat[None]))).notes
    (of_support, of_query) = (note for note in notes if "contrast" in note)
    assert of_support.startswith(
        f"{support}: 2 pictures of 2 with a contrast outside of what was trained on ("
    )
    assert of_support.endswith("the first: images[0], 0%")
    assert "1 picture of 1" in of_query
    assert not any("colour" in note for note in notes)


def npz(path: Path, **arrays: np.ndarray) -> Path:
    np.savez(path, **arrays)
    return path


def test_pictures_come_as_arrays_too(call: Call, ready: Callable[[str], Ready], tmp_path: Path) -> None:
    path, (_, run) = ready("digits")
    generator = np.random.default_rng(1)
    pixels = generator.integers(0, 256, (6, 8, 8), np.uint8)
    support = npz(tmp_path / "s.npz", images=pixels[:4], labels=np.array([3, 1, 3, 1]))
    found = used(path, run, (support, npz(tmp_path / "q.npz", images=pixels[4:])))
    assert [row["query"] for row in found.rows()] == ["images[0]", "images[1]"]
    assert {row["predicted"] for row in found.rows()} <= {"1", "3"}
    assert found.found.measured == {}
    bare = npz(tmp_path / "bare.npz", images=pixels[:4])
    assert "has no labels" in refused(call, path, run, bare, support, tmp_path / "out.csv")


def test_bad_pictures_are_refused(call: Call, ready: Callable[[str], Ready], tmp_path: Path) -> None:
    path, (run, *_) = ready("digits")
    good = sources.write(tmp_path / "s", {"a/1.png": sources.png(0), "b/1.png": sources.png(1)})
    torn = sources.write(tmp_path / "t", {"a/1.png": sources.png(0), "b/1.png": sources.png(1)[:40]})
    single = sources.write(tmp_path / "u", {"a/1.png": sources.png(0)})
    strange = sources.write(tmp_path / "v", {"a/1.png": sources.png(0), "c/1.png": sources.png(1)})
    out = tmp_path / "out.csv"
    assert "b/1.png cannot be read" in refused(call, path, run, torn, good, out)
    assert "has only the class 'a'; two classes or more are needed" in refused(
        call, path, run, single, good, out
    )
    said = refused(call, path, run, good, strange, out)
    assert "c/1.png is of class 'c', which the support set has not; it has a, b" in said
    assert "there is no such file or folder" in refused(call, path, run, tmp_path / "w", good, out)
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("../a/1.png", sources.png(0))
    assert "leads outside" in refused(call, path, run, tmp_path / "z.zip", good, out)


def test_texts_say_what_was_never_heard_and_bad_ones_are_refused(
    call: Call, ready: Callable[[str], Ready], tmp_path: Path
) -> None:
    path, (run, *_) = ready("tfidf")
    support, query, out = (tmp_path / name for name in ("s.csv", "q.csv", "out.csv"))
    support.write_text("text,label\nred green,a\nblue red,b\n")
    query.write_text("text\nqwxz vfgh\n")
    found = used(path, run, (support, query))
    assert any(
        "1 text of 1 without a word that was trained on; the first is 'qwxz vfgh'" in n for n in found.notes
    )
    assert found.rows()[0]["text"] == "qwxz vfgh"
    query.write_text(f"text\n{'red ' * 99}\n")
    assert any(
        note.startswith(f"{query}: 1 text of 1 with a number of words outside of what was trained on (")
        and note.endswith("; the first has 99")
        for note in used(path, run, (support, query)).notes
    )
    support.write_text("text\nred green\nblue red\n")
    assert "has no labels; two classes or more are needed" in refused(call, path, run, support, query, out)
    support.write_text("text,label\nred green,a\nblue red,\n")
    assert "s.csv, line 3: an empty text, or an empty label" in refused(call, path, run, support, query, out)
    support.write_text("text,label\nred green,a\nblue red,b\n")
    query.write_text("text,label\nred,c\n")
    assert "the label 'c' is none of the support set, which has a, b" in refused(
        call, path, run, support, query, out
    )
    lines = tmp_path / "q.jsonl"
    lines.write_text('{"text": "red", "label": "a"}\n{"text": "blue"}\n')
    assert "q.jsonl, line 2: no label, which others have" in refused(call, path, run, support, lines, out)
    lines.write_text('{"text": "red"}\n{"text": "blue"}\n')
    assert used(path, run, (support, lines)).found.measured == {}


def test_a_world_says_what_there_is_instead(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "p.mlwb"
    world = (
        'name = "b"\n[task]\nfamily = "bandits"\narms = 2\npulls = 3\n[training]\niterations = 2\n'
        "meta_batch = 2\nthreads = 1\n[evaluation]\nepisodes = 2\nvalidation_episodes = 2\n"
    )
    (run,) = project_of(path, "rl2", seeds=1, text=world)
    said = refused(call, path, run, tmp_path / "s", tmp_path / "q", tmp_path / "out.csv")
    assert "there is nothing to predict from files; 'workbench export --what predictions'" in said
    code, _, said = call("export", path, "--what", "episode", "-o", tmp_path / "e")
    assert code == 2
    assert "nothing to predict from files" in said


def test_what_cannot_be_done_is_said_before_anything_is_written(
    call: Call, ready: Callable[[str], Ready], tmp_path: Path
) -> None:
    path, (run, *_) = ready("sinusoid")
    support, query = episode(path, run, tmp_path / "e")
    files = ("--support", support, "--query", query)
    cases = {
        ("predict", path, 99, *files, "-o", tmp_path / "a.csv"): "no run 99",
        (
            "predict",
            path,
            run,
            *files,
            "-o",
            tmp_path / "a.xyz",
        ): "cannot be written as xyz; allowed: csv, json",
        ("predict", path, run, *files, "-o", tmp_path / "no" / "a.csv"): "there is no folder",
        ("predict", path, run, *files, "-o", tmp_path): "is a folder; name a file",
        ("predict", path, run, *files, "-o", tmp_path / "a.csv", "--step", 9): "--step: 9 was not computed",
        ("export", path, "--what", "episode", "-o", tmp_path / "e"): "is there already; name a new folder",
        ("export", path, "--what", "episode", "--first", 21, "-o", tmp_path / "f"): "allowed: 1 to 20",
    }
    for command, message in cases.items():
        code, _, said = call(*command)
        assert (code, message in said) == (2, True), said
        assert said.count("\n") == 1
    assert not (tmp_path / "a.csv").exists()


def test_margins_are_what_they_say() -> None:
    assert margin(np.arange(1.0, 20.0)) == 18  # the 18th of 19: ⌈20 · 0.9⌉
    assert margin(np.arange(1.0, 9.0)) == np.inf
    assert margin(np.array([[1.0, np.nan]] * 10)).tolist() == [1.0, np.inf]
    outputs = {"shown": np.array([[[0.7, 0.3], [0.2, 0.8]]] * 10)}
    found = Classification().margins(outputs, {"y": np.array([[0, 0]] * 10)})
    assert found == pytest.approx([0.8])


@pytest.mark.parametrize("kind", ["sinusoid", "digits"])
def test_the_truth_of_new_tasks_lies_within_the_margins_as_often_as_they_say(
    kind: str, ready: Callable[[str], Ready], tmp_path: Path
) -> None:
    path, (run, *_) = ready(kind)
    margins = used(path, run, episode(path, run, tmp_path / "e")).found.margins
    assert margins is not None
    with Project.open(path, read_only=True) as project:
        experiment = runs.of_record(project, project.run(run)).experiment
        family = runs.open_family(experiment)
        learned = runs.learned(project, run, family)
    tasks = family.sample("test", 300, torch.Generator().manual_seed(5))
    found = predictions.predict(learned.algorithm, learned.meta, tasks, experiment.evaluation.inner_steps)
    shown, true = found.outputs["shown"][-1], found.query["y"]
    if kind == "digits":
        misses = 1 - np.take_along_axis(shown, true[..., None].astype(int), -1)
    else:
        misses = np.abs(shown - true)
    assert 0.85 < (misses <= margins).mean() < 0.95


def test_where_no_like_tasks_are_the_margins_are_not_known(
    ready: Callable[[str], Ready], tmp_path: Path
) -> None:
    path, (_, protonet) = ready("images")
    names = [f"class{number}/{each}.png" for number in range(2) for each in range(9)]
    folder = sources.write(tmp_path / "s", {name: sources.png(at) for at, name in enumerate(names)})
    found = used(path, protonet, (folder, folder))
    assert found.found.margins is None
    assert "is not known: meta-validation has no tasks of that size" in found.sure()
    assert "likely" not in found.rows()[0]


def test_a_set_is_grouped_whoever_knows_its_groups(
    call: Call, ready: Callable[[str], Ready], tmp_path: Path
) -> None:
    path, (run, *_) = ready("mixtures")
    table, _ = episode(path, run, tmp_path / "e")
    known = used(path, run, (table, None))
    assert known.said().startswith(
        "MAML, seed 0, after 4 meta-iterations, on 40 support examples, after 3 steps"
    )
    rows = list(csv.reader(io.StringIO(table.read_text())))
    assert rows[0] == ["x1", "x2", "group", "groups"]
    bare = tmp_path / "bare.csv"
    bare.write_text("".join(f"{x1},{x2},{count}\n" for x1, x2, _, count in rows))
    found = used(path, run, (bare, None))
    np.testing.assert_array_equal(found.found.outputs["group"], known.found.outputs["group"])
    assert found.found.measured == {}
    names = [row["group"] for row in found.rows()]
    assert [names.count(each) for each in sorted(set(names))] == sorted(map(names.count, set(names)))[::-1]
    assert {row["probability"] <= 1 for row in found.rows()} == {True}
    for form in ("svg", "csv", "json"):
        assert found.written(form)
    out = tmp_path / "out.csv"
    files = ("--support", bare, "--query", bare, "-o", out)
    assert "--query: " in (said := call("predict", path, run, *files)[2])
    assert "has no meaning here" in said
    assert call("predict", path, run, "--support", bare, "-o", out)[0] == 0
    assert len(out.read_text().splitlines()) == 41


def test_pictures_that_nobody_has_put_in_classes_are_grouped(
    call: Call, ready: Callable[[str], Ready], tmp_path: Path
) -> None:
    path, (run, _) = ready("their components")
    folder, _ = episode(path, run, tmp_path / "e")
    known = used(path, run, (folder, None))
    assert known.rows()[0].keys() == {"point", "example", "group", "probability", "true group", "right"}
    flat = tmp_path / "flat"
    flat.mkdir()
    for picture in folder.rglob("*.png"):
        picture.rename(flat / picture.name)
    found = used(path, run, (flat, None))
    np.testing.assert_array_equal(found.found.outputs["group"], known.found.outputs["group"])
    assert found.found.measured == {}
    assert [row["example"] for row in found.rows()] == [f"{at:04}.png" for at in range(12)]
    assert found.written("svg")
    (flat / "0011.png").unlink()
    assert "11 examples; the sets of this run have 12" in used(path, run, (flat, None)).notes
    path, (run, _) = ready("pictures to group")
    said = call("predict", path, run, "--support", flat, "-o", tmp_path / "out.csv")[2]
    assert "this run is told how many groups a set has, from 2 to 3, which nothing here says" in said
    path, (run,) = ready("texts to group")
    table = tmp_path / "t.csv"
    table.write_text("text\nred green\nblue\nred\nblue red\n")
    assert [row["text"] for row in used(path, run, (table, None)).rows()][:2] == ["red green", "blue"]
    table.write_text("text,label\nred,a\nblue,b\ngreen,c\n")
    said = call("predict", path, run, "--support", table, "-o", tmp_path / "out.csv")[2]
    assert "t.csv: 3 classes; this run knows sets of up to 2 groups" in said


BAD_SETS = {
    "no number of groups": ("x1,x2\n0,1\n1,2\n", "has no column groups; this run is told how many"),
    "another number": ("x1,x2,groups\n0,1,2\n1,2,3\n", "s.csv, line 3, column groups: '3'; the number of"),
    "no whole number": ("x1,x2,groups\n0,1,a\n1,2,a\n", "s.csv, line 2, column groups: 'a'; the number of"),
    "a group missing": ("x1,x2,group\n0,1,a\n1,2,\n", "s.csv, line 3, column group: is empty"),
    "too few points": ("x1,x2,groups\n0,1,3\n1,2,3\n", "s.csv: 2 points are too few for 3 groups"),
    "too many groups": ("x1,x2,groups\n" + "0,1,9\n" * 12, "s.csv: 9 groups; this run knows sets of up to 4"),
    "another shape": (
        "x1,x2,x3,groups\n0,1,2,2\n",
        "line 1: has the columns x1, x2, x3, groups; needed: x1, x2",
    ),
}


@pytest.mark.parametrize("what", BAD_SETS)
def test_a_bad_set_is_refused(what: str, call: Call, ready: Callable[[str], Ready], tmp_path: Path) -> None:
    path, (run, *_) = ready("mixtures")
    table, message = BAD_SETS[what]
    (tmp_path / "s.csv").write_text(table)
    code, _, said = call("predict", path, run, "--support", tmp_path / "s.csv", "-o", tmp_path / "out.csv")
    assert (code, message in said, said.count("\n")) == (2, True, 1), said


def test_queries_that_are_missing_are_asked_for(
    call: Call, ready: Callable[[str], Ready], tmp_path: Path
) -> None:
    path, (run, *_) = ready("sinusoid")
    support, _ = episode(path, run, tmp_path / "e")
    code, _, said = call("predict", path, run, "--support", support, "-o", tmp_path / "out.csv")
    assert code == 2
    assert "--query: is missing; give what is to be predicted: the same; y may be missing" in said
