"""What is exported: every kind from the command line, the report, the script that does it again."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import shutil
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from tests.analysis.invented import TASK, add, three
from tests.gui.finished import project_of
from workbench import config
from workbench.cli import main
from workbench.export.documents import KINDS
from workbench.export.script import _literal
from workbench.export.tensorboard import folder_name
from workbench.project import Project

HOSTILE = "=cmd|' /C calc'!A0</svg><script>alert(1)</script>$x_1^${{}}\"'"
THEIR_OWN = (
    "critical_difference", "predictions", "episode", "roc", "reliability", "diagnosis", "membership",
    "domains", "domain_statistics", "trials",
)  # fmt: skip
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["workbench", "export", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            main()
        out, err = capsys.readouterr()
        return int(exit_.value.code or 0), out, err

    return run


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return three(tmp_path_factory.mktemp("three") / "p.mlwb")


def test_every_kind_is_written_in_each_of_its_formats(call: Call, project: Path, tmp_path: Path) -> None:
    for what, kind in KINDS.items():
        for form in kind.forms:
            if what in THEIR_OWN:  # they need more than is here
                continue
            some = ("--runs", "1,2,3") if what in ("config", "script") else ()
            path = tmp_path / f"{what}.{form}"
            code, _, said = call(project, "--what", what, "--format", form, "-o", path, *some)
            assert code == 0, said
            assert path.exists()
    for svg in tmp_path.glob("*.svg"):
        ET.parse(svg)
        assert "@font-face" in svg.read_text()
    for png in tmp_path.glob("*.png"):
        with Image.open(png) as image:
            assert image.width == pytest.approx(85 / 25.4 * 300, abs=1)
            assert "95%" in image.info["Description"] or "Each line" in image.info["Description"]
    for pdf in tmp_path.glob("*.pdf"):
        assert b"/FontFile2" in pdf.read_bytes()
    for text in tmp_path.glob("*.json"):
        json.loads(text.read_text())


def test_the_numbers_of_the_tests_are_those_of_scipy(call: Call, project: Path, tmp_path: Path) -> None:
    assert call(project, "--what", "statistics", "-o", tmp_path / "s.csv")[0] == 0
    rows = list(csv.DictReader(io.StringIO((tmp_path / "s.csv").read_text())))
    with Project.open(project, read_only=True) as opened:
        by_label: dict[str, list[np.ndarray]] = {}
        for run in opened.runs():
            found = opened.result(run.id, "test")
            assert found is not None
            by_label.setdefault(run.label, []).append(found.arrays["loss"][-1])
    assert len(rows) == 3
    for row in rows:
        a, b = (np.mean(by_label[row[name]], axis=0) for name in ("first", "second"))
        assert float(row["p_wilcoxon"]) == stats.wilcoxon(a, b).pvalue
        assert float(row["difference"]) == pytest.approx(float((a - b).mean()))


def test_the_same_comparison_gives_the_same_bytes(call: Call, project: Path, tmp_path: Path) -> None:
    again = three(tmp_path / "again.mlwb")
    for what in ("statistics", "table", "comparison", "parallel", "pivot"):
        for path, name in ((project, "1"), (project, "2"), (again, "3")):
            assert call(path, "--what", what, "-o", tmp_path / f"{what}{name}.csv")[0] == 0
        one, two, three_ = ((tmp_path / f"{what}{name}.csv").read_bytes() for name in "123")
        assert one == two == three_


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("pictures x.png", "--what: 'pictures' is not known; allowed: learning_curves,"),
        ("table x.d --format png", "table cannot be written as png; allowed: csv, json,"),
        ("runs x.csv --step 1", "--step: has no meaning for runs; allowed: --runs"),
        ("table x.md --runs 1,x", "--runs: '1,x' is no list of runs"),
        ("table x.md --runs 1,77", "--runs: 77 is no run of"),
        ("comparison x.png --width 5", "--width: '5' is no width; allowed: one, two,"),
        ("comparison x.png --measure f1", "--measure: 'f1' is not known here; allowed: loss"),
        ("statistics x.csv --step 9", "--step: 9 was not measured; allowed: 0–1"),
        ("scatter x.png --x luck", "--x: 'luck' is not known here; allowed: seconds,"),
        ("pivot x.md --rows luck", "--rows: 'luck' is not known here; allowed: algorithm,"),
        ("critical_difference x.png", "at least 2 families and 3 learners"),
        ("script x.py", "the runs belong to 3 experiments; choose runs of one: "),
        ("report gone/x.html", "there is no folder"),
    ],
)
def test_bad_combinations_are_refused_in_one_line(
    call: Call, project: Path, tmp_path: Path, arguments: str, said: str
) -> None:
    what, name, *rest = arguments.split()
    code, _, err = call(project, "--what", what, "-o", tmp_path / name, *rest)
    assert code == 2
    assert said in err
    assert err.count("\n") == 1
    assert not (tmp_path / name).exists()


class Reader(HTMLParser):
    """What a page would load or run."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attributes:
            if name in ("src", "href", "xlink:href", "data"):
                self.links.append(value or "")
            if name == "id":
                self.ids.append(value or "")
            assert not name.startswith("on")


def test_the_report_is_one_page_that_loads_and_runs_nothing(call: Call, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    with Project.create(tmp_path / "p.mlwb") as opened:
        add(opened, HOSTILE, rng.exponential(size=(2, 30)), name=f"A {HOSTILE}")
        add(opened, "B", rng.exponential(size=(2, 30)), name=f"A {HOSTILE}")
        add(opened, "C", rng.exponential(size=(1, 30)), episodes="f" * 64, name=f"A {HOSTILE}")
        add(opened, "D", rng.exponential(size=(1, 30)), episodes="d" * 64, task=TASK | {"shots": 9})
    code, _, err = call(tmp_path / "p.mlwb", "--what", "report", "-o", tmp_path / "r.html")
    assert code == 0, err
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    reader = Reader()
    reader.feed(text)
    assert "script" not in reader.tags
    assert {"img", "link", "iframe", "object"}.isdisjoint(reader.tags)
    assert all(link.startswith("#") for link in reader.links)
    assert len(set(reader.ids)) == len(reader.ids)
    assert {link[1:] for link in reader.links} <= set(reader.ids)
    assert not re.findall(r"url\((?!#|data:)", text)
    for part in ("Citations", "Environment", "Runs and configurations"):
        assert f"{part}</h2>" in text
    chapters = text.split("<section>")[1:4]
    for chapter in chapters:  # what is read at once
        read = chapter.partition("<details>")[0]
        assert [read.count(each) for each in ("<dl", "<svg", "<table")] == [1, 1, 1]
    between = f"Between {html.escape(HOSTILE)} and B no difference can be claimed (difference "
    assert chapters[0].count(between) == 1
    assert [each.count("Not compared: ") for each in chapters] == [1, 1, 0]
    assert "Not compared: C met other episodes (episodes (sha-256) ffffffffffff instead of" in chapters[0]
    assert "Finn" in text
    assert "Wilcoxon. Individual comparisons" in text
    again = call(tmp_path / "p.mlwb", "--what", "report", "-o", tmp_path / "again.html")
    assert again[0] == 0
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == text


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium, which prints")
def test_an_experiment_of_eight_algorithms_takes_two_pages_at_most(call: Call, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    with Project.create(tmp_path / "p.mlwb") as opened:
        for name, episodes in (("One", "e" * 64), ("Two", "f" * 64)):
            for at in range(8):
                label, loss = f"An algorithm of a long name, {at}", rng.exponential(1 + at, (3, 14))
                add(opened, label, loss, inner_lr=0.1 * (at + 1), name=name, episodes=episodes)
    assert call(tmp_path / "p.mlwb", "--what", "report", "-o", tmp_path / "r.html")[0] == 0
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    chapters = text.partition('<h2 id="part-2"')[0].removesuffix("<section>")  # without what is cited
    for size in ("A4", "Letter"):
        page, pdf = tmp_path / f"{size}.html", tmp_path / f"{size}.pdf"
        printed = chapters.replace("</style>", f"@page {{ size: {size}; }}</style>") + "</body></html>"
        page.write_text(printed, encoding="utf-8")
        quiet = ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'chromium'}")
        subprocess.run(
            ["chromium", *quiet, f"--print-to-pdf={pdf}", page.as_uri()],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip
        assert 2 <= len(re.findall(rb"/Type /Page\b", pdf.read_bytes())) <= 4


def test_hostile_labels_stay_labels(call: Call, tmp_path: Path) -> None:
    with Project.create(tmp_path / "p.mlwb") as opened:
        add(opened, HOSTILE, np.ones((1, 10)))
        add(opened, "-1", np.ones((1, 10)))
    for what in ("comparison", "table", "runs", "learning_curves", "protocol"):
        assert call(tmp_path / "p.mlwb", "--what", what, "-o", tmp_path / "x.csv")[0] == 0
        for row in csv.reader(io.StringIO((tmp_path / "x.csv").read_text(), newline="")):
            for cell in row:
                assert not cell.startswith(("=", "+", "@")), (what, cell)
                assert not cell.startswith("-") or float(cell) is not None
    assert call(tmp_path / "p.mlwb", "--what", "learning_curves", "-o", tmp_path / "x.svg")[0] == 0
    drawn = "".join(ET.parse(tmp_path / "x.svg").getroot().itertext())
    assert HOSTILE in drawn


# --- what reproduces -----------------------------------------------------------------------------------


def test_the_script_does_the_runs_again_bit_for_bit(call: Call, tmp_path: Path) -> None:
    project_of(tmp_path / "p.mlwb", "maml", "reptile", seeds=1)
    assert call(tmp_path / "p.mlwb", "--what", "script", "-o", tmp_path / "again.py")[0] == 0
    done = subprocess.run(
        [sys.executable, tmp_path / "again.py", tmp_path / "again.mlwb"],
        capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("identical") == 2
    with Project.open(tmp_path / "again.mlwb", read_only=True) as opened:
        assert [run.status for run in opened.runs()] == ["finished", "finished"]


def test_the_configuration_is_the_runs_own(call: Call, tmp_path: Path) -> None:
    ids = project_of(tmp_path / "p.mlwb", "maml", "reptile", seeds=2, done=0)
    assert call(tmp_path / "p.mlwb", "--what", "config", "-o", tmp_path / "all.toml")[0] == 0
    assert len(config.load(tmp_path / "all.toml").algorithm) == 2
    assert (
        call(tmp_path / "p.mlwb", "--what", "config", "--runs", ids[3], "-o", tmp_path / "one.toml")[0] == 0
    )
    one = config.load(tmp_path / "one.toml")
    assert [each.name for each in one.algorithm] == ["reptile"]
    assert one.training.seeds == (1,)
    with Project.open(tmp_path / "p.mlwb", read_only=True) as opened:
        assert one.hash() == opened.run(ids[3]).config_hash


@pytest.mark.parametrize(
    "text",
    ['"""; import os #', "\\", 'a\\"""', "\r\n\x00\u2028", "'''" + HOSTILE, 'name = "\\u0041"', 'a\\\\"'],
)
def test_a_text_in_the_script_is_nothing_but_a_text(text: str) -> None:
    scope: dict[str, str] = {}
    exec(compile(f'x = """{_literal(text)}"""', "s", "exec"), scope)
    assert scope["x"] == text


def test_a_hostile_experiment_makes_a_harmless_script(call: Call, tmp_path: Path) -> None:
    with Project.create(tmp_path / "p.mlwb") as opened:
        add(opened, HOSTILE + '"""\nimport os', np.ones((1, 10)), name='x"""\nraise SystemExit(3)\n"""')
    assert call(tmp_path / "p.mlwb", "--what", "script", "-o", tmp_path / "s.py")[0] == 0
    scope: dict[str, object] = {"__name__": "read"}
    exec(compile((tmp_path / "s.py").read_text(encoding="utf-8"), "s", "exec"), scope)
    assert tomllib.loads(str(scope["EXPERIMENT"]))["name"].startswith('x"""')


def test_tensorboard_reads_what_was_written(call: Call, project: Path, tmp_path: Path) -> None:
    reading = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
    code, _, said = call(project, "--what", "tensorboard", "--runs", "1,2", "-o", tmp_path / "tb")
    assert code == 0, said
    files = sorted((tmp_path / "tb").glob("*/*"))
    assert [file.parent.name for file in files] == ["001 Good, seed 0", "002 Good, seed 1"]
    points: dict[str, list[tuple[int, float]]] = {}
    for event in reading.LegacyEventFileLoader(str(files[1])).Load():
        for value in event.summary.value:
            points.setdefault(value.tag, []).append((event.step, value.simple_value))
    with Project.open(project, read_only=True) as opened:
        x, y = opened.series(2, "loss")
    assert [step for step, _ in points["train/loss"]] == x.tolist()
    np.testing.assert_allclose([value for _, value in points["train/loss"]], y, rtol=1e-6)
    assert len(points["test/loss by inner step"]) == 2
    before = [file.read_bytes() for file in files]
    assert call(project, "--what", "tensorboard", "--runs", "1,2", "-o", tmp_path / "tb")[0] == 0
    assert [file.read_bytes() for file in files] == before


def test_without_tensorboard_it_says_what_to_install(
    call: Call, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto.event_pb2", None)
    code, _, err = call(project, "--what", "tensorboard", "-o", tmp_path / "tb")
    assert code == 2
    assert "pip install tensorboard" in err


def test_a_runs_folder_is_a_name_that_every_system_takes(project: Path) -> None:
    from dataclasses import replace

    with Project.open(project, read_only=True) as opened:
        run = replace(opened.run(1), name="../..\\a:b*?<>|\x00/c ..")
    assert folder_name(run) == "001 _.._a_b_c"


@pytest.mark.parametrize("what", ["comparison", "table", "statistics", "protocol", "pivot", "report"])
def test_algorithms_are_ordered_and_renamed(call: Call, project: Path, tmp_path: Path, what: str) -> None:
    form = {"report": "html"}.get(what, "csv")
    path = tmp_path / f"x.{form}"
    code, _, said = call(project, "--what", what, "-o", path, "--order", "Same=Ours, Middling")
    assert code == 0, said
    text = path.read_text(encoding="utf-8")
    assert "Ours" in text
    if form == "csv":
        assert "Same" not in text
        named = [text.find(each) for each in ("Ours", "Middling", "Good")]
        assert named == sorted(named)


def test_labels_with_signs_are_ordered_and_renamed(call: Call, tmp_path: Path) -> None:
    labels = [f"α = 0.0{each}, one step" for each in (1, 2)]
    with Project.create(tmp_path / "p.mlwb") as opened:
        for number, label in enumerate(labels, 1):
            add(opened, label, np.full((1, 10), float(number)), inner_lr=0.01 * number)
    table = ("--what", "table", "-o", tmp_path / "t.csv", "--order")
    code, _, said = call(tmp_path / "p.mlwb", *table, "α = 0.03, one step")
    assert code == 2
    allowed = said.partition("allowed: ")[2].strip()
    assert allowed == f'"{labels[0]}", "{labels[1]}"'
    for order in (allowed, f"{labels[1]}, {labels[0]}", f'{labels[1]}=X, "{labels[0]}"="Y, = Z"'):
        assert call(tmp_path / "p.mlwb", *table, order)[0] == 0
    rows = list(csv.DictReader(io.StringIO((tmp_path / "t.csv").read_text(encoding="utf-8"), newline="")))
    assert [row["algorithm"] for row in rows] == ["X", "Y, = Z"]


def test_an_order_of_what_is_not_there_is_refused(call: Call, project: Path, tmp_path: Path) -> None:
    for order, words in (("Sane", "'Sane' is not known here; allowed: Good, Middling, Same"),
                         ("Good, Good=G", "'Good' is named twice"),
                         ("Good=Same", "two algorithms would be called 'Same'")):  # fmt: skip
        code, _, said = call(project, "--what", "table", "-o", tmp_path / "t.csv", "--order", order)
        assert code == 2
        assert said == f"workbench: --order: {words}\n"


def test_a_table_says_what_was_tested_differently(call: Call, tmp_path: Path) -> None:
    with Project.create(tmp_path / "p.mlwb") as project:
        add(project, "A", np.ones((1, 30)))
        add(project, "B", np.ones((1, 30)), task=TASK | {"queries": 7})
    for what in ("table", "statistics"):
        code, _, said = call(tmp_path / "p.mlwb", "--what", what, "-o", tmp_path / "t.tex")
        assert code == 0, said
        assert "Tested differently on the same episodes: queries" in (tmp_path / "t.tex").read_text()
