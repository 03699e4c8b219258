"""The command line, as scripts use it: results, exit codes, one line for bad input."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.experiments import SINUSOID
from workbench import runs
from workbench.cli import in_width
from workbench.config import parse
from workbench.engine import cost
from workbench.project import Project

MAML = SINUSOID + '[[algorithm]]\nkind = "maml"\n'
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def toml(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "experiment.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def _pictures(folder: Path, classes: int = 9, each: int = 6) -> Path:
    rng = np.random.default_rng(0)
    for c in range(classes):
        (folder / f"class {c}").mkdir(parents=True)
        for index in range(each):
            pixels = rng.integers(0, 256, (20, 20), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"class {c}" / f"{index}.png")
    return folder


def _images(path: Path, **task: object) -> str:
    settings: dict[str, object] = {"ways": 2, "shots": 1, "queries": 2} | task
    lines = "\n".join(f"{name} = {json.dumps(value)}" for name, value in settings.items())
    return (
        f'[task]\nfamily = "images"\npath = {json.dumps(str(path))}\n{lines}\n'
        '[network]\nkind = "conv4"\nwidth = 4\nstride = 2\n[[algorithm]]\nkind = "protonet"\n'
        "[training]\niterations = 2\nmeta_batch = 1\nthreads = 1\nchunk = 1\n[evaluation]\nepisodes = 4\n"
    )


def test_a_run_writes_the_json_of_the_design(call: Call, toml: Callable[[str], Path], tmp_path: Path) -> None:
    out = tmp_path / "results.json"
    code, _, err = call("run", toml(MAML), "--json", out, "--set", "training.seeds=[0, 1]")
    assert code == 0
    assert "test loss" in err
    runs = json.loads(out.read_text())["runs"]
    assert [run["seed"] for run in runs] == [0, 1]
    for run in runs:
        assert (run["status"], run["algorithm"], run["task"]) == ("finished", "maml", "sinusoid")
        assert run["experiment"] == "small sinusoid"
        assert run["iterations"] == 12
        assert run["seconds"] > 0
        assert run["meta_iterations_per_second"] > 0
        assert run["environment"]["chunk"] == 4
        assert run["environment"]["threads"] == 1
        assert run["environment"]["device"] == "cpu"
        assert run["test"]["inner_steps"] == [0, 1, 2, 3]
        assert run["test"]["accuracy"] is None
        assert len(run["test"]["loss_ci95"]) == 4
    assert runs[0]["id"] != runs[1]["id"]
    assert runs[0]["config_hash"] != runs[1]["config_hash"]
    assert runs[0]["test"]["episodes_hash"] == runs[1]["test"]["episodes_hash"]


def test_a_failed_run_does_not_stop_the_others_and_ends_in_exit_code_1(
    call: Call, toml: Callable[[str], Path], tmp_path: Path
) -> None:
    out = tmp_path / "results.json"
    diverging = '[[algorithm]]\nkind = "reptile"\ninner_lr = 50\ninner_steps = 40\n'
    code, _, err = call("run", toml(SINUSOID + diverging + '[[algorithm]]\nkind = "maml"\n'), "--json", out)
    assert code == 1
    assert "failed at meta-iteration" in err
    first, second = json.loads(out.read_text())["runs"]
    assert (first["status"], second["status"]) == ("failed", "finished")
    assert "lower inner_lr (now 50)" in first["failure"]


def test_images_of_ones_own_train(call: Call, toml: Callable[[str], Path], tmp_path: Path) -> None:
    out = tmp_path / "results.json"
    code, _, err = call("run", toml(_images(_pictures(tmp_path / "data"))), "--json", out, "--quiet")
    assert (code, err) == (0, "")
    test = json.loads(out.read_text())["runs"][0]["test"]
    assert test["inner_steps"] == [1]
    assert 0 <= test["accuracy"][0] <= 1


@pytest.mark.parametrize("family", ["images", "text", "functions"])
def test_a_path_is_read_with_the_notes_of_an_import(
    call: Call, toml: Callable[[str], Path], tmp_path: Path, family: str
) -> None:
    """Said once, before the first run; not to those who want quiet."""
    path = tmp_path / {"images": "pictures", "text": "texts.csv", "functions": "points.npz"}[family]
    if family == "images":
        deep = np.random.default_rng(1).integers(0, 4000, (20, 20)).astype(np.uint16)
        Image.fromarray(deep).save(_pictures(path) / "class 3" / "4.png")
    elif family == "text":
        lines = [f"text {n} of many words,{n % 5}{('', '.0')[n % 2]}\n" for n in range(120)]
        path.write_text("text,label\n" + "".join(lines))
    else:
        x = np.random.default_rng(1).normal(size=200)
        np.savez(path, x=x, y=x, task=np.arange(200) // 20)
    size = "shots = 1\nqueries = 2\n" + ("" if family == "functions" else "ways = 2\n")
    source = toml(
        f'[task]\nfamily = "{family}"\npath = "{path.as_posix()}"\n{size}'
        '[[algorithm]]\nkind = "maml"\n[training]\niterations = 2\nmeta_batch = 2\nseeds = [0, 1]\n'
        "threads = 1\nchunk = 2\n[evaluation]\nepisodes = 2\nvalidation_episodes = 2\n"
    )
    code, _, err = call("run", source)
    assert code == 0
    said = {
        "images": "of more than 8 bits",
        "text": "(import --merge-labels)",
        "functions": "kept in 64 bits",
    }[family]
    assert [line.startswith("note: ") for line in err.splitlines() if said in line] == [True]
    assert call("run", source, "--quiet")[2] == ""


def test_the_quick_start_ships_with_the_program(call: Call, tmp_path: Path) -> None:
    out = tmp_path / "results.json"
    small = ["training.iterations=2", "training.threads=1", "training.chunk=25", "evaluation.episodes=10"]
    sets = [part for each in small for part in ("--set", each)]
    code, _, _ = call("run", "quickstart", "--json", out, *sets)
    assert code == 0
    assert len(json.loads(out.read_text())["runs"]) >= 3


def test_bench_prints_the_json_of_the_design(call: Call, toml: Callable[[str], Path]) -> None:
    code, out, _ = call("bench", toml(MAML), "--json", "--seconds", "0.05")
    assert code == 0
    figures = json.loads(out)
    assert figures["meta_iterations_per_second"] > 0
    assert figures["milliseconds_median"] > 0
    assert (figures["device"], figures["threads"]) == ("cpu", 1)
    code, out, _ = call("bench", toml(MAML), "--seconds", "0.05")
    assert "meta-iterations/s" in out


def test_a_dry_run_tells_what_the_runs_would_take_and_keeps_nothing(
    call: Call, toml: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cost, "MEASURING", 0.01)
    wanted = (
        "run",
        toml(MAML),
        "--set",
        "training.seeds=[0, 1]",
        "--project",
        tmp_path / "p.mlwb",
        "--dry-run",
    )
    code, out, said = call(*wanted, "--json", "-", "--quiet")
    assert (code, said) == (0, "")
    told = json.loads(out)
    (entry,) = told["runs"]
    assert (entry["algorithm"], entry["runs"]) == ("maml", 2)
    phases = [entry["seconds"][name] for name in ("training", "validation", "test")]
    assert entry["seconds"]["total"] == pytest.approx(sum(phases))
    assert told["total"]["seconds"] == pytest.approx(2 * sum(phases))
    assert told["total"]["disk"] == 2 * entry["disk"]
    assert "all runs" in call(*wanted)[1]
    assert not (tmp_path / "p.mlwb").exists()


def test_bench_tells_how_many_steps_are_taken_in_one_task_and_in_many(
    call: Call, toml: Callable[[str], Path]
) -> None:
    grid = toml(
        '[task]\nfamily = "grid_navigation"\nhorizon = 5\nepisodes = 2\nrollouts = 1\n[training]\n'
        "threads = 1\nchunk = 8\nmeta_batch = 8\n"
        '[[algorithm]]\nkind = "rl2"\n[[algorithm]]\nkind = "maml_pg"\n'
    )
    code, out, said = call("bench", grid, "--json", "--seconds", "0.05")
    assert code == 0, said
    figures = json.loads(out)
    for each in (figures, *figures["algorithms"].values()):
        rates = each["environment_steps_per_second"]
        assert rates.keys() == {"world", "collection"}
        assert all(rate["1024"] > rate["1"] > 0 for rate in rates.values())
    assert "collection, steps of the environment per second" in call("bench", grid, "--seconds", "0.05")[1]


@pytest.mark.parametrize(
    ("command", "names"), [("algorithms", {"maml", "protonet"}), ("tasks", {"sinusoid", "images"})]
)
def test_what_there_is_is_listed_with_every_parameter(call: Call, command: str, names: set[str]) -> None:
    code, out, _ = call(command, "--json")
    assert code == 0
    entries: list[dict[str, Any]] = json.loads(out)
    assert names <= {entry["name"] for entry in entries}
    for entry in entries:
        assert entry["summary"]
        assert entry["parameters"]
        for parameter in entry["parameters"]:
            assert parameter["help"].endswith(".")
    code, out, _ = call(command)
    assert code == 0
    assert all(name in out for name in names)


def test_algorithms_are_a_table_of_120_columns(call: Call) -> None:
    _, out, _ = call("algorithms")
    table = out.split("\n\n")[0].splitlines()
    assert table[0].split() == ["name", "family", "problems", "order", "base", "citation"]
    assert max(map(len, out.splitlines())) <= 120
    (maml,) = [line for line in table if line.startswith("maml ")]
    assert maml.endswith("Finn, Abbeel, Levine, ICML 2017, arXiv 1703.03400")
    (replay,) = [line for line in table if line.startswith("task_replay ")]
    assert "yes" in replay.split()


def test_what_can_be_built_over_what_is_in_the_json(call: Call) -> None:
    _, out, _ = call("algorithms", "--json")
    entries = {entry["name"]: entry for entry in json.loads(out)}
    assert entries["maml"]["base"] is None
    assert {"maml", "reptile"} <= set(entries["task_replay"]["base"])
    assert not {"scratch", "fusion"} & set(entries["task_replay"]["base"])
    defaults = {each["name"]: each["default"] for each in entries["task_replay"]["parameters"]}
    assert defaults["base"] == {"kind": "maml"}


def test_sections_that_may_be_left_out_are_listed_with_their_fields(call: Call) -> None:
    _, out, _ = call("tasks", "--json")
    sinusoid = next(entry for entry in json.loads(out) if entry["name"] == "sinusoid")
    (drift,) = [each for each in sinusoid["parameters"] if each["name"] == "drift"]
    assert drift["default"] is None
    assert {each["name"]: each["default"] for each in drift["parameters"]} == {
        "segments": 5,
        "parameter": "phase",
    }
    _, out, _ = call("tasks")
    assert "drift.segments" in out


def _bad_inputs(folder: Path) -> dict[str, tuple[str, list[str], str]]:
    """Experiment text, further arguments and the words of the complaint, by name."""
    good = _pictures(folder / "good")
    empty_class = _pictures(folder / "empty class")
    (empty_class / "class 99").mkdir()
    corrupt = _pictures(folder / "corrupt")
    picture = corrupt / "class 3" / "2.png"
    picture.write_bytes(picture.read_bytes()[:60])
    no_zip = folder / "photos.zip"
    no_zip.write_bytes(b"this is no archive")
    with zipfile.ZipFile(folder / "empty.zip", "w"):
        pass
    return {
        "missing file": (_images(folder / "nowhere.zip"), [], "nowhere.zip"),
        "a zip that is none": (_images(no_zip), [], "photos.zip"),
        "an empty zip": (_images(folder / "empty.zip"), [], "no images"),
        "an empty class": (_images(empty_class), [], "class 99"),
        "too few images": (_images(good, shots=3, queries=4), [], "7"),
        "too many ways": (_images(good, ways=8), [], "8"),
        "a corrupt picture": (_images(corrupt), [], "2.png"),
        "no number": (MAML, ["--set", "algorithm.0.inner_lr='fast'"], "'fast' is not a number"),
        "no iterations": (MAML, ["--set", "training.iterations=0"], "0 is out of range"),
        "unknown device": (MAML, ["--set", "training.device='quantum'"], "allowed: auto, cpu"),
        "absent device": (MAML, ["--set", "training.device='cuda:9'"], "this machine has no 'cuda:9'"),
        "no such folder for results": (MAML, ["--json", str(folder / "no" / "x.json")], "there is no folder"),
        "wrong network": (MAML, ["--set", "network={kind='conv4'}"], "takes images"),
        "too many training ways": (_images(good) + "", ["--set", "algorithm.0.train_ways=20"], "20"),
    }


CASES = [
    "missing file", "a zip that is none", "an empty zip", "an empty class", "too few images", "too many ways",
    "a corrupt picture", "no number", "no iterations", "unknown device", "absent device",
    "no such folder for results", "wrong network", "too many training ways",
]  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_one_clear_line_and_exit_code_2(
    call: Call, toml: Callable[[str], Path], tmp_path: Path, case: str
) -> None:
    text, arguments, words = _bad_inputs(tmp_path)[case]
    code, out, err = call("run", toml(text), *arguments)
    assert code == 2
    assert out == ""
    assert err.count("\n") == 1
    assert words in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "nowhere.toml"], "nowhere.toml: No such file"),
        (["run"], "Missing argument"),
        (["fly"], "No such command 'fly'"),
        (["run", "quickstart", "--fast"], "No such option"),
        (["bench", "nowhere.toml"], "nowhere.toml"),
    ],
)
def test_a_bad_call_is_one_line_too(call: Call, arguments: list[str], words: str) -> None:
    code, _, err = call(*arguments)
    assert code == 2
    assert err.count("\n") == 1
    assert words in err


def test_the_program_runs_as_a_process_and_help_needs_no_torch() -> None:
    script = (
        "import sys; from workbench.cli import main\n"
        "try:\n main()\nfinally:\n assert 'torch' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "--help"], capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stderr
    assert "bench" in done.stdout


# --- import ---------------------------------------------------------------------------------------------


def test_what_is_imported_can_be_run_by_its_name(
    call: Call, toml: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "data"))
    folder = _pictures(tmp_path / "pictures")
    code, out, _ = call("import", folder, "--name", "mine", "--seed", 3, "--json")
    assert code == 0
    told = json.loads(out)
    assert (told["name"], told["kind"], told["classes"], told["examples"]) == ("mine", "images", 9, 54)
    assert told["splits"]["test"] == {"classes": 2, "examples": 12}
    assert len(told["hash"]) == 64
    assert [each["what"] for each in told["findings"]] == ["small classes"]
    code, out, _ = call("import", folder, "--name", "mine", "--replace")
    assert code == 0
    assert "mine: 9 classes, 54 images (6 in each class)" in out
    text = _images(folder).replace(f"path = {json.dumps(str(folder))}", 'dataset = "mine"')
    code, _, err = call("run", toml(text))
    assert code == 0, err
    assert "test accuracy" in err
    code, out, _ = call("datasets", "--json")
    (kept,) = json.loads(out)["datasets"]
    assert (kept["name"], kept["kind"], kept["hash"]) == ("mine", "images", told["hash"])
    assert call("datasets")[1].splitlines()[1].split()[:4] == ["mine", "images", "9", "54"]
    code, _, err = call("datasets", "--remove", "mein")
    assert (code, err) == (
        2,
        "workbench: no data set named 'mein' is registered; did you mean 'mine'?\n",
    )
    assert call("datasets", "--remove", "mine")[:2] == (0, "name  family  classes  examples  source\n")
    assert folder.is_dir()


def test_a_set_whose_manifest_is_damaged_can_be_removed(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "data"))
    call("import", _pictures(tmp_path / "pictures"), "--name", "mine")
    (tmp_path / "data" / "datasets" / "mine" / "manifest.json").write_text("{}")
    code, out, err = call("datasets", "--json")
    assert code == 0
    assert json.loads(out) == {"datasets": []}
    assert "mine" in err
    assert "damaged" in err
    code, _, err = call("datasets", "--remove", "mine")
    assert (code, err) == (0, "")


def test_an_import_that_cannot_be_is_one_line(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "data"))
    folder = _pictures(tmp_path / "pictures")
    (folder / "class 0" / "0.png").write_bytes(b"no image")
    for arguments, words in (
        (("--name", "../x"), "cannot name a data set"),
        (("--name", "a"), "1 cannot be read: class 0/0.png"),
        (("--name", "a", "--skip-unreadable", "--split", "group"), "no groups"),
        (("--name", "a", "--skip-unreadable", "--fractions", 1, 1, 1), "add up to 1"),
    ):
        code, out, err = call("import", folder, *arguments)
        assert code == 2
        assert words in err
        assert err.startswith("workbench: ")
        assert err.count("\n") == 1
        assert not out
    assert not (tmp_path / "data" / "datasets").exists()
    code, out, _ = call("import", folder, "--name", "a", "--skip-unreadable", "--json")
    assert code == 0
    assert json.loads(out)["skipped"][0]["what"] == "class 0/0.png"


def test_control_letters_in_labels_are_refused_and_an_old_projects_are_shown(
    call: Call, toml: Callable[[str], Path], tmp_path: Path
) -> None:
    text = MAML + 'label = "second\\u001b[31m"\n'
    project = tmp_path / "p.mlwb"
    code, out, err = call("run", toml(text), "--project", project)
    assert (code, out) == (2, "")
    assert "algorithm[0].label: 'second␛[31m' holds U+001B (letter 7); allowed: up to 200 letters" in err
    assert err.count("\n") == 1
    assert "\x1b" not in err
    assert not project.exists()
    stored = parse(text)  # as it was made before names were looked at
    with Project.create(project) as opened:
        runs.add(opened, stored, runs.open_family(stored))
    for command in (("show", project), ("resume", project), ("show", project), ("verify", project)):
        code, out, err = call(*command)
        assert code == 0, err
        assert "\x1b" not in out + err
    for name in ("learning_curves.svg", "table.csv", "table.md", "table.tex", "report.html"):
        path = tmp_path / name
        assert call("export", project, "--what", path.stem, "-o", path)[0] == 0
        written = path.read_text(encoding="utf-8")
        assert "\x1b" not in written
        assert re.search(r"second(␛|\[U\+241B\])\\?\[31m", written), name
    ET.parse(tmp_path / "learning_curves.svg")


def test_a_terminal_shortens_names_and_keeps_numbers() -> None:
    head = ["run", "name", "experiment", "test"]
    names = [f"{each} with a very long name that says everything, seed {n}" for each in "AB" for n in (0, 1)]
    rows = [
        head,
        *([str(n), name, "an experiment of a long name " * 2, "0.5"] for n, name in enumerate(names)),
    ]
    shown = in_width(rows, (1, 2), 80)
    assert all(len("  ".join(row)) <= 80 for row in shown)
    assert len({row[1] for row in shown}) == len(rows)
    assert [(row[0], row[3]) for row in shown] == [(row[0], row[3]) for row in rows]
    assert in_width(rows, (1, 2), 300) == rows
