"""The projects of the standing scenes, made in seconds."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.data import sources
from tests.gui.scenes.many import many
from workbench import runs
from workbench.config import parse
from workbench.project import Project
from workbench.runs import Control

GERMAN = (
    "Ein außerordentlich langer Versuchsname über das Anpassungsverhalten von Lernverfahren bei wenig Daten"
)
CHINESE = "少样本分类中的元学习算法比较：五类一样本任务与十步内循环适应的完整对照实验（含所有基线方法）"
LABELS = (
    "Modellunabhängiges Metalernen zweiter Ordnung mit zehn inneren Schritten",
    "原型网络（嵌入空间中的类别均值，欧氏距离，无内循环适应）",
    "Erster Ordnung, ohne Krümmung",
)
TINY = """
[training]
iterations = 8
meta_batch = 2
threads = 1
compile = false
chunk = 2
{}
[evaluation]
episodes = 8
validation_episodes = 4
every = 4
"""
SMALL_NETWORK = '[network]\nkind = "mlp"\nhidden = [16]\n'
LANGUAGES = 'family = "languages"\npairs = 5\nqueries = 2'
NEVER_ENDS = 400_000
"""Iterations that take minutes."""


def experiment(name: str, task: str, algorithms: Sequence[str], *, training: str = "", more: str = "") -> str:
    """An experiment in words; an algorithm is its kind, and lines with more about it."""
    kinds = "".join(
        '\n[[algorithm]]\nkind = "{}"\n{}\n'.format(*each.partition("\n")[::2]) for each in algorithms
    )
    return (
        f"name = {json.dumps(name, ensure_ascii=False)}\n[task]\n{task}\n{more}{TINY.format(training)}{kinds}"
    )


def perform(path: Path, *texts: str, seeds: int = 1, left: int = 0) -> Path:
    """A project with the runs of experiments, all done but the last few."""
    with Project.create(path) as project:
        for number, text in enumerate(texts, 1):
            described = parse(text, (f"training.seeds={list(range(seeds))}",))
            family = runs.open_family(described)
            ids = runs.add(project, described, family)
            for run in ids[: len(ids) - left * (number == len(texts))]:
                runs.perform(project, run, family, Control(), lambda *_: None)
    return path


def half_done(path: Path) -> Path:
    """Three runs that are over, and five in the queue, the first of which takes minutes."""
    slow = f"maml\niterations = {NEVER_ENDS}"
    text = experiment(
        "Sinusoid, K = 5", 'family = "sinusoid"', ("reptile", slow, "fomaml"), more=SMALL_NETWORK
    )
    return perform(path, text, seeds=3, left=6)


def diverged(path: Path) -> Path:
    """One learner that is well, one whose loss leaves all bounds, and one that fails."""
    explodes = 'anil\nlabel = "ANIL, far too fast"\nmeta_lr = 20.0'
    fails = 'maml\nlabel = "MAML, wild"\ninner_lr = 100.0\ninner_steps = 50'
    text = experiment(
        "Sinusoid, too fast", 'family = "sinusoid"', ("fomaml", explodes, fails), more=SMALL_NETWORK
    )
    return perform(path, text, seeds=2)


def six(path: Path, thorough: bool) -> Path:
    """Six experiments with a few seeds each."""
    many(path, 120 if thorough else 48, algorithms_each=8 if thorough else 4)
    return path


def thousand(path: Path, thorough: bool) -> Path:
    """A thousand runs."""
    many(path, 1000, algorithms_each=8 if thorough else 2)
    return path


def of_every_problem(path: Path) -> Path:
    """One experiment for each problem, with a few tiny learners."""
    digits = 'family = "digits"\nqueries = 4'
    texts = json.dumps(str(sources.clinc(path.with_suffix(".json"))))
    return perform(
        path,
        experiment("Regression", 'family = "sinusoid"', ("maml", "reptile", "cnp"), more=SMALL_NETWORK),
        experiment("Images", digits, ("protonet", "fomaml"), more=SMALL_NETWORK),
        experiment(
            "Texts", f'family = "text"\npath = {texts}\nways = 2\nqueries = 4\ndimensions = 8',
            ("protonet", "fomaml"), more=SMALL_NETWORK,
        ),
        experiment("Acting", 'family = "navigation"', ("maml_pg",)),
        experiment("Clustering", 'family = "mixtures"', ("set_clustering", "kmeans")),
        experiment("Subjects", 'family = "pharmacokinetics"', ("cnp", "population")),
        experiment("Sequences", LANGUAGES, ("in_context", "nearest_sentence")),
    )  # fmt: skip


PROBLEMS = "Regression", "Images", "Texts", "Acting", "Clustering", "Subjects", "Sequences"


def with_long_names(path: Path) -> Path:
    """Experiments, algorithms and data whose names are longer than any column."""
    pictures = path.with_name("我自己的手写字符图片收藏，按类别分文件夹存放")
    _pictures(pictures)
    task = f'family = "images"\npath = {json.dumps(str(pictures), ensure_ascii=False)}\nways = 2\nqueries = 2'
    labelled = [
        f"{kind}\nlabel = {json.dumps(label, ensure_ascii=False)}"
        for kind, label in zip(("fomaml", "protonet", "reptile"), LABELS, strict=True)
    ]
    return perform(
        path,
        experiment(GERMAN, 'family = "sinusoid"', [labelled[0], labelled[2]], more=SMALL_NETWORK),
        experiment(CHINESE, task, labelled, more=SMALL_NETWORK),
        seeds=2,
    )


def without_its_data(path: Path) -> Path:
    """A project whose folder of pictures is gone, with a run that is over and one that waits."""
    pictures = path.with_name("my pictures")
    _pictures(pictures)
    task = f'family = "images"\npath = {json.dumps(str(pictures))}\nways = 2\nqueries = 2'
    perform(path, experiment("My pictures", task, ("protonet", "fomaml"), more=SMALL_NETWORK), left=1)
    shutil.rmtree(pictures)
    return path


def read_only(path: Path) -> Path:
    """A file with two names, which can only be looked at."""
    text = experiment("Sinusoid", 'family = "sinusoid"', ("maml", "reptile"), more=SMALL_NETWORK)
    perform(path, text, seeds=2)
    path.with_name("the same.mlwb").hardlink_to(path)
    return path


def _pictures(folder: Path) -> None:
    folder.mkdir()
    sources.write(folder, sources.class_folders())
