"""What reproduces runs: their configuration as TOML, and a short Python script that runs and checks them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import tomli_w

from workbench.analysis.reached import reached
from workbench.analysis.source import configuration
from workbench.errors import InputError
from workbench.project import ExperimentRecord, Project, RunRecord
from workbench.project.declared import tables


@dataclass(frozen=True)
class Chosen:
    """Runs of one experiment, and what the finished ones reached (measure, mean, episodes' hash)."""

    experiment: ExperimentRecord
    runs: tuple[RunRecord, ...]
    reached: tuple[tuple[str, float | None, str] | None, ...]


def choose(project: Project, wanted: Sequence[int] | None = None) -> Chosen:
    """The runs of one experiment (those with the given ids, or all).

    Raises
    ------
    InputError
        If they belong to several experiments, or there are none.
    """
    runs = [each for each in project.runs() if wanted is None or each.id in wanted]
    if not runs:
        raise InputError(f"{project.path}: there are no runs to reproduce; do some first")
    owners = {each.id: each for each in project.experiments()}
    ids = list(dict.fromkeys(each.experiment_id for each in runs))
    if len(ids) > 1:
        named = "; ".join(
            f"{owners[owner].name!r}: {','.join(str(run.id) for run in runs if run.experiment_id == owner)}"
            for owner in ids
        )
        raise InputError(f"the runs belong to {len(ids)} experiments; choose runs of one: {named}")
    return Chosen(owners[ids[0]], tuple(runs), tuple(_reached(project, each) for each in runs))


def _reached(project: Project, run: RunRecord) -> tuple[str, float | None, str] | None:
    found = project.result(run.id, "test", arrays=False)
    if found is None:
        return None
    measure, mean, _ = reached(found.summary)
    return measure, mean, found.episodes_hash


def toml(chosen: Chosen) -> str:
    """The experiment as it was, or, for a single run, that algorithm and seed of it.

    ``workbench run`` reads it. A comment says how each run was computed.
    """
    text = chosen.experiment.toml
    if len(chosen.runs) == 1:
        table, entry = configuration(chosen.experiment, chosen.runs[0])
        if entry:
            training = table.get("training", {}) | {"seeds": [chosen.runs[0].seed]}
            text = tomli_w.dumps(table | {"algorithm": [entry], "training": training})
    try:
        tables(text)  # what is written can be read
    except ValueError as error:
        raise InputError(f"experiment {chosen.experiment.name!r}: {error}") from None
    lines = ["# workbench run THIS.toml --project again.mlwb"]
    for run in chosen.runs:
        how = ", ".join(f"{name} {run.environment[name]}" for name in _HOW if name in run.environment)
        lines.append(f"# {_one_line(run.name)}: {_one_line(how)}")
    return "\n".join(lines) + "\n\n" + text


_HOW = ("device", "threads", "chunk", "torch", "workbench")


def python(chosen: Chosen) -> str:
    """A script that does the runs again and compares what they reach."""
    known = [
        {
            "label": run.label,
            "seed": run.seed,
            "config_hash": run.config_hash,
            "plan": {
                name: run.environment[name]
                for name in ("device", "threads", "chunk", "reading")
                if name in run.environment
            },
            "reached": reached,
        }
        for run, reached in zip(chosen.runs, chosen.reached, strict=True)
    ]
    listed = "\n".join(f"    {each!a}," for each in known)
    made = {str(run.environment.get(name, "?")) for run in chosen.runs for name in ("torch",)}
    return _SCRIPT.format(
        name=ascii(_one_line(chosen.experiment.name)),
        torch=ascii(", ".join(sorted(made))),
        toml=_literal(chosen.experiment.toml),
        runs=listed,
    )


def _one_line(text: object) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())


def _literal(text: str) -> str:
    """Text between triple quotes that is read back as it is, and can be nothing but text."""
    safe = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    end = re.search(r'(\\*)"\Z', safe)
    if end and len(end[1]) % 2 == 0:  # the last quote would lengthen those that close the text
        safe = safe[:-1] + '\\"'
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in safe)


_SCRIPT = '''"""Does runs of an experiment again, and says whether they reach the same, bit for bit.

Needs the Meta-Learning Workbench ("pip install ." in its folder); begins a new project.

    python THIS.py again.mlwb
"""

import sys
from pathlib import Path

from workbench import runs
from workbench.config import parse
from workbench.project import Project

NAME = {name}
TORCH = {torch}  # another version may round otherwise

EXPERIMENT = """
{toml}"""

# each run: how it was computed (the order of summation changes the last bits), and what it reached
RUNS = [
{runs}
]


def main(path: Path) -> bool:
    experiment = parse(EXPERIMENT)
    family = runs.open_family(experiment, reading=RUNS[0]["plan"].get("reading", 1))
    runs.check(experiment, family)
    same = True
    with Project.create(path) as project:
        ids = {{project.run(run).config_hash: run for run in runs.add(project, experiment, family)}}
        for known in RUNS:
            run = ids[known["config_hash"]]
            project.update_run(run, environment=known["plan"])
            runs.perform(project, run, family, runs.Control(), lambda trainer, notice: None)
            result = project.result(run, "test", arrays=False)
            if result is None or known["reached"] is None:
                print(known["label"], known["seed"], project.run(run).status)
                continue
            measure, before, episodes = known["reached"]
            now = result.summary["measures"][measure]["mean"][-1]
            identical = now == before and result.episodes_hash == episodes
            same = same and identical
            print(f"{{known['label']}}, seed {{known['seed']}}: {{measure}} {{now}}, before {{before}}:",
                  "identical" if identical else "DIFFERENT")
    return same


if __name__ == "__main__":
    sys.exit(0 if main(Path(sys.argv[1] if len(sys.argv) > 1 else "again.mlwb")) else 1)
'''
