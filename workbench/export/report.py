"""A report to read and to print, in one file that loads nothing: a chapter for each experiment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import escape
from string import Template

from workbench import __version__
from workbench.analysis import (
    adaptation,
    comparison,
    critical_difference,
    diagnosis,
    domains,
    protocol,
    results,
    sweep,
)
from workbench.analysis.claims import conclusions
from workbench.analysis.learning import LearningCurves, usual_choice
from workbench.analysis.pairs import arrays_of, statistics
from workbench.analysis.quantities import usual
from workbench.analysis.source import ProjectSource, configuration
from workbench.analysis.statistics import CITATIONS, RANK_CITATIONS
from workbench.analysis.tables import Table
from workbench.analysis.traces import Settings
from workbench.export import paper_tables
from workbench.export.drawing import to_bytes
from workbench.export.paper_tables import Chapter
from workbench.export.wishes import Style
from workbench.paths import resource
from workbench.pictures import Figure
from workbench.project import Project, RunRecord
from workbench.words import listed, numbered, plural

NUMBER = ' class="number"'


def html(project: Project, source: ProjectSource, measure: str = "", step: int | None = None) -> str:
    """The report on the runs of a source; the same project gives the same text.

    Parameters
    ----------
    measure, step : what is compared; empty and None: the most telling, after the last inner step.
    """
    runs = source.shown()
    found = [each.of(measure) for each in paper_tables.chapters(source)]
    title = project.path.stem
    if len(found) == 1:  # named by the page's title
        title, found = found[0].title, [replace(found[0], title="Results")]
    sections = [*_Chapters(project, found, measure, step).all(), *_appendix(project, source, measure)]
    algorithms = list(dict.fromkeys(run.label for run in runs))
    counted = f"{len(found)} experiments, " if len(found) > 1 else ""
    subtitle = (
        f"{counted}{plural(len(runs), 'run')} of {listed(algorithms, 12)}. Made by the Meta-Learning "
        f"Workbench {__version__}."
    )
    names = numbered([name for name, _ in sections])
    template = Template(resource("report.html").read_text(encoding="utf-8"))
    return template.substitute(
        version=escape(__version__),
        title=escape(title),
        subtitle=escape(subtitle),
        contents="".join(f'<a href="#part-{at}">{escape(name)}</a>' for at, name in enumerate(names)),
        body="\n".join(
            f'<section><h2 id="part-{at}">{escape(name)}</h2>\n{text}</section>'
            for at, (name, (_, text)) in enumerate(zip(names, sections, strict=True))
        ),
    )


class _Chapters:
    """A section for each experiment on each set of frozen episodes."""

    def __init__(self, project: Project, chapters: Sequence[Chapter], measure: str, step: int | None) -> None:
        self._chapters, self._measure, self._step = chapters, measure, step
        self._arrays, self._readers = arrays_of(project), domains.readers_of(project)
        self._drawn = _Figures()

    def all(self) -> Iterator[tuple[str, str]]:
        """Their headings and texts."""
        for chapter in self._chapters:
            for at, met in enumerate(chapter.met):
                which = f" · episodes {met.hash[:8]}" if len(chapter.met) > 1 else ""
                unfinished = chapter.unfinished if at == 0 else ()
                yield f"{chapter.title}{which}", "".join(self._chapter(chapter, met, unfinished))
            if not chapter.met:
                learning = "".join(self._learning(chapter.source, self._measure))
                yield chapter.title, f"{learning}{_left_out([], chapter.unfinished)}"

    def _chapter(
        self, chapter: Chapter, met: comparison.Episodes, unfinished: Sequence[RunRecord]
    ) -> Iterator[str]:
        source, measure, step = chapter.source, self._measure or met.measures[0], self._step
        cards = protocol.cards(source)
        own, others = protocol.parted(cards, met)
        yield _box(own)
        found = statistics(source, met, self._arrays, measure, step)
        yield items(conclusions(found.claims))
        compared = comparison.compare(source, met, measure, step)
        drawing = comparison.figure(source, met, compared, measure, step)
        yield self._drawn.html(replace(drawing, caption=comparison.marks(compared)))
        yield table(paper_tables.reached(source, found))
        said = protocol.warnings(own, others)
        if found.missing:
            said.append(f"Without a value of this measure: {listed(found.missing)}.")
        yield _left_out(said, unfinished)
        if found.claims:
            yield fold("Tests of every two algorithms", table(paper_tables.of_tests(found)))
        yield fold("Learning and adaptation", *self._learning(source, measure))
        setups = sweep.setups(source)
        scatter = sweep.scatter(source, setups, met, "seconds", measure, step)
        yield fold("Against training time", self._drawn.html(scatter))
        yield fold("Other domains", *self._domains(source, met, measure), seen=True)
        yield fold("Diagnoses", *self._diagnoses(source, met), seen=True)
        yield fold("Protocol of each algorithm", table(paper_tables.of_protocol(cards), "cards"))

    def _domains(self, source: ProjectSource, met: comparison.Episodes, measure: str) -> Iterator[str]:
        tried = domains.domains(source, met, self._readers, measure, self._step)
        if tried is not None:
            yield self._drawn.html(domains.figure(tried))
            yield items(domains.sentences(tried))
            yield table(domains.table(tried))
            yield table(paper_tables.of_domain_tests(tried)) if tried.claims else ""

    def _diagnoses(self, source: ProjectSource, met: comparison.Episodes) -> Iterator[str]:
        judged = diagnosis.diagnosed(source, met, self._arrays)
        for drawing in (diagnosis.roc_figure, diagnosis.reliability_figure):
            yield self._drawn.html(drawing(source, met, judged, diagnosis.PREVALENCE))
        if judged:
            yield table(diagnosis.table(judged, diagnosis.PREVALENCE))

    def _learning(self, source: ProjectSource, measure: str) -> Iterator[str]:
        curves = LearningCurves(source)
        curves.update(Settings(measure=usual_choice(source)))
        yield self._drawn.html(curves.figure())
        adapting = adaptation.Adaptation(source)
        quantity = measure if measure in adapting.choices("test") else usual(source).name
        yield self._drawn.html(adapting.figure(adaptation.Settings(quantity=quantity, split="test")))


def _box(cards: Sequence[protocol.Card]) -> str:
    """Under which conditions the algorithms were trained and tested."""
    told = (
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in protocol.facts(cards)
    )
    return f'<dl class="box">{"".join(told)}</dl>\n'


def _left_out(said: Sequence[str], unfinished: Sequence[RunRecord]) -> str:
    """What is not in the figure and the table, and what is not alike in them, in one line."""
    names = listed([f"{each.name} ({each.status})" for each in unfinished], 3)
    waiting = [f"Not finished: {plural(len(unfinished), 'run')} ({names})."] if unfinished else []
    line = " ".join([*said, *waiting])
    return f'<p class="left-out">{escape(line)}</p>\n' if line else ""


def _appendix(project: Project, source: ProjectSource, measure: str) -> Iterator[tuple[str, str]]:
    ranked = critical_difference.families(source, measure)
    diagram = _Figures("ranks").html(critical_difference.figure(ranked))
    if diagram:
        words = f"{diagram}<p>{escape(ranked.words)}</p>"
        yield "Over task families", words + table(critical_difference.table(ranked))
    yield "Citations", items(_citations(source, ranks=bool(diagram)))
    yield "Environment", items(_environments(source.shown()))
    entries = results.run_entries(project, [run.id for run in source.shown()])
    runs = fold(f"All {plural(len(entries), 'run')}", table(paper_tables.of_runs(entries)))
    yield "Runs and configurations", runs + "".join(_configurations(source))


def _environments(runs: Sequence[RunRecord]) -> list[str]:
    """Each different environment once, with the runs that had it."""
    found: dict[str, list[str]] = {}
    for run in runs:
        told = (f"{name} {value}" for name, value in run.environment.items() if value not in (None, ""))
        found.setdefault(", ".join(told), []).append(run.name)
    return [f"{listed(names)}: {told}" for told, names in found.items()]


def _configurations(source: ProjectSource) -> Iterator[str]:
    experiments = {run.experiment_id: source.experiment(run) for run in source.shown()}
    for each in experiments.values():
        title = f"{each.name} (SHA-256 {each.config_hash[:12]})"
        yield fold(title, f"<pre>{escape(each.toml)}</pre>")


def _citations(source: ProjectSource, *, ranks: bool) -> list[str]:
    from workbench.algorithms import ALGORITHMS  # torch: only what is cited is needed

    kinds: dict[str, None] = {}
    for run in source.shown():
        entry = configuration(source.experiment(run), run)[1]
        base = entry.get("base")
        for kind in (run.algorithm, base.get("kind") if isinstance(base, dict) else None):
            if kind is not None:
                kinds.setdefault(str(kind))
    cited = [
        f"{ALGORITHMS[kind].title}: {ALGORITHMS[kind].citation}"
        for kind in kinds
        if kind in ALGORITHMS and ALGORITHMS[kind].citation
    ]
    methods = [*CITATIONS, *(RANK_CITATIONS if ranks else ())]
    return [*cited, *methods]


def items(said: Sequence[str]) -> str:
    """Sentences below each other."""
    return f"<ul>{''.join(f'<li>{escape(each)}</li>' for each in said)}</ul>\n" if said else ""


def fold(title: str, *parts: str, seen: bool = False) -> str:
    """What can be folded, and is at first unless the experiment asked for it; empty where there is nothing.
    What is folded is not printed."""
    inside, opening = "".join(parts), "<details open>" if seen else "<details>"
    return f"{opening}<summary>{escape(title)}</summary>\n{inside}</details>\n" if inside else ""


def table(shown: Table, kind: str = "") -> str:
    """A table as HTML."""
    head = "".join(
        f"<th{NUMBER if column.number else ''}>{escape(column.heading)}</th>" for column in shown.columns
    )
    body = ""
    for index, cells in enumerate(shown.cells()):
        body += "<tr>"
        for cell, column in zip(cells, shown.columns, strict=True):
            strong = "strong" if (index, column.key) in shown.bold else ""
            names = " ".join(filter(None, [strong, "number" if column.number else ""]))
            body += f'<td class="{names}">{escape(cell)}</td>' if names else f"<td>{escape(cell)}</td>"
        body += "</tr>\n"
    caption = f'<p class="caption">{escape(shown.caption)}</p>\n' if shown.caption else ""
    opening = f'<table class="{kind}">' if kind else "<table>"
    inside = f"{opening}<thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table>"
    return f'<div class="wide">{inside}</div>\n{caption}'


class _Figures:
    """Figures as SVG inside the page, each with identifiers of its own."""

    def __init__(self, prefix: str = "f") -> None:
        self._prefix, self._count = prefix, 0

    def html(self, figure: Figure | None) -> str:
        """A figure with its caption; empty for none."""
        if figure is None:
            return ""
        self._count += 1
        svg = to_bytes(figure, Style(width="two"), "svg").decode()
        svg = svg[svg.index("<svg") :]
        svg = re.sub(r"<metadata>.*?</metadata>", "", svg, count=1, flags=re.DOTALL)
        prefix = f"{self._prefix}{self._count}-"
        svg = re.sub(r'\bid="', f'id="{prefix}', svg)
        svg = svg.replace('href="#', f'href="#{prefix}').replace("url(#", f"url(#{prefix}")
        name = escape(figure.name.replace("_", " "))
        svg = svg.replace("<svg", f'<svg role="img" aria-label="{name}"', 1)
        return f"<figure>{svg}<figcaption>{escape(figure.caption)}</figcaption></figure>\n"
