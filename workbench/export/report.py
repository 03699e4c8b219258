"""A report in one file: figures, tables, tests, protocol, environment, citations. It loads nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
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
from workbench.analysis.learning import LearningCurves
from workbench.analysis.pairs import arrays_of, statistics
from workbench.analysis.reached import reached
from workbench.analysis.source import ProjectSource, configuration
from workbench.analysis.statistics import CITATIONS, RANK_CITATIONS
from workbench.analysis.tables import Table
from workbench.analysis.traces import Settings
from workbench.export import paper_tables
from workbench.export.drawing import to_bytes
from workbench.export.wishes import Style
from workbench.measures import LOSS
from workbench.paths import resource
from workbench.pictures import Figure
from workbench.project import Project, RunRecord
from workbench.words import listed

NUMBER = ' class="number"'
SMOOTHED = 25
"""Meta-iterations in the moving average of the learning curves; the raw ones stay beneath."""


def html(project: Project, source: ProjectSource, measure: str = "", step: int | None = None) -> str:
    """The report on the runs of a source; the same project gives the same text.

    Parameters
    ----------
    measure, step : what is compared; empty and None: the most telling, after the last inner step.
    """
    sections = list(_sections(project, source, measure, step))
    runs = source.shown()
    names = list(dict.fromkeys(source.experiment(run).name for run in runs))
    title = names[0] if len(names) == 1 else project.path.stem
    algorithms = list(dict.fromkeys(run.label for run in runs))
    subtitle = (
        f"{len(runs)} runs of {', '.join(algorithms)}. Made by the Meta-Learning Workbench {__version__}."
    )
    template = Template(resource("report.html").read_text(encoding="utf-8"))
    return template.substitute(
        version=escape(__version__),
        title=escape(title),
        subtitle=escape(subtitle),
        contents="".join(f'<a href="#{_anchor(name)}">{escape(name)}</a>' for name, _ in sections),
        body="\n".join(f'<h2 id="{_anchor(name)}">{escape(name)}</h2>\n{text}' for name, text in sections),
    )


def _anchor(name: str) -> str:
    return re.sub(r"[^a-z]+", "-", name.lower())


def _sections(
    project: Project, source: ProjectSource, measure: str, step: int | None
) -> Iterator[tuple[str, str]]:
    drawn = _Figures()
    met = paper_tables.of_episodes(source, measure)
    cards = protocol.cards(source)
    yield (
        "Results",
        "".join(_results(project, source, met, measure, step, cards, drawn))
        or ("<p>No run is finished yet.</p>"),
    )
    ranked = critical_difference.families(source, measure)
    if len(ranked.names) > 1:
        diagram = critical_difference.figure(ranked)
        text = drawn.html(diagram) if diagram else ""
        yield (
            "Over task families",
            text
            + f"<p>{escape(ranked.words)}</p>"
            + (table(critical_difference.table(ranked)) if diagram else ""),
        )
    yield "Learning", "".join(_learning(source, drawn))
    yield "Protocol", table(paper_tables.of_protocol(cards), "cards") if cards else "<p>–</p>"
    yield (
        "Runs",
        table(paper_tables.of_runs(results.run_entries(project, [run.id for run in source.shown()]))),
    )
    yield "Environment", "".join(_environments(source.shown()))
    yield "Configurations", "".join(_configurations(source))
    yield "Citations", "".join(_citations(source, ranks=ranked.ranks is not None))


def _results(
    project: Project,
    source: ProjectSource,
    met: Sequence[comparison.Episodes],
    measure: str,
    step: int | None,
    cards: Sequence[protocol.Card],
    drawn: _Figures,
) -> Iterator[str]:
    arrays = arrays_of(project)
    setups = sweep.setups(source, sweep.weights_of(project))
    for each in met:
        chosen = measure or each.measures[0]
        yield f"<h3>{escape(each.title)}</h3>"
        for warning in protocol.warnings(*protocol.parted(cards, each)):
            yield f'<p class="note">{escape(warning)}</p>'
        compared = comparison.compare(source, each, chosen, step)
        yield drawn.html(comparison.figure(source, each, compared, chosen, step))
        found = statistics(source, each, arrays, chosen, step)
        yield table(paper_tables.reached(source, found))
        if found.claims:
            yield table(paper_tables.of_tests(found))
            yield "<ul>" + "".join(f"<li>{escape(each)}</li>" for each in conclusions(found.claims)) + "</ul>"
        tried = domains.domains(source, each, domains.readers_of(project), chosen, step)
        if tried is not None:
            yield "<h4>Other domains</h4>"
            yield drawn.html(domains.figure(tried))
            said = domains.sentences(tried)
            yield "<ul>" + "".join(f"<li>{escape(sentence)}</li>" for sentence in said) + "</ul>"
            yield table(domains.table(tried))
            yield table(paper_tables.of_domain_tests(tried)) if tried.claims else ""
        judged = diagnosis.diagnosed(source, each, arrays)
        for drawing in (diagnosis.roc_figure, diagnosis.reliability_figure):
            figure = drawing(source, each, judged, diagnosis.PREVALENCE)
            yield drawn.html(figure) if figure is not None else ""
        if judged:
            yield table(diagnosis.table(judged, diagnosis.PREVALENCE))
        scatter = sweep.scatter(source, setups, each, "seconds", chosen, step)
        if scatter is not None:
            yield drawn.html(scatter)


def _learning(source: ProjectSource, drawn: _Figures) -> Iterator[str]:
    curves = LearningCurves(source)
    curves.update(Settings(smoothing=SMOOTHED))
    figure = curves.figure(y_log=True)
    if figure is not None:
        yield drawn.html(figure)
    first = next(filter(None, (source.result(run.id) for run in source.shown())), None)
    quantity = reached(first).measure or LOSS.name
    tested = adaptation.Adaptation(source).figure(adaptation.Settings(quantity=quantity, split="test"))
    if tested is not None:
        yield drawn.html(tested)


def _environments(runs: Sequence[RunRecord]) -> Iterator[str]:
    """Each different environment once, with the runs that had it."""
    found: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for run in runs:
        key = tuple((name, "–" if value is None else str(value)) for name, value in run.environment.items())
        found.setdefault(key, []).append(run.name)
    for key, names in found.items():
        yield f"<p>{escape(listed(names))}</p><div class='wide'><table><tbody>"
        yield "".join(f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in key)
        yield "</tbody></table></div>"


def _configurations(source: ProjectSource) -> Iterator[str]:
    experiments = {run.experiment_id: source.experiment(run) for run in source.shown()}
    for each in experiments.values():
        yield (
            f"<details><summary>{escape(each.name)} (SHA-256 {escape(each.config_hash[:12])})</summary>"
            f"<pre>{escape(each.toml)}</pre></details>"
        )


def _citations(source: ProjectSource, *, ranks: bool) -> Iterator[str]:
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
    yield "<ul>" + "".join(f"<li>{escape(each)}</li>" for each in [*cited, *methods]) + "</ul>"


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

    def __init__(self) -> None:
        self._count = 0

    def html(self, figure: Figure) -> str:
        self._count += 1
        svg = to_bytes(figure, Style(width="two"), "svg").decode()
        svg = svg[svg.index("<svg") :]
        svg = re.sub(r"<metadata>.*?</metadata>", "", svg, count=1, flags=re.DOTALL)
        prefix = f"f{self._count}-"
        svg = re.sub(r'\bid="', f'id="{prefix}', svg)
        svg = svg.replace('href="#', f'href="#{prefix}').replace("url(#", f"url(#{prefix}")
        name = escape(figure.name.replace("_", " "))
        svg = svg.replace("<svg", f'<svg role="img" aria-label="{name}"', 1)
        return f"<figure>{svg}<figcaption>{escape(figure.caption)}</figcaption></figure>\n"
