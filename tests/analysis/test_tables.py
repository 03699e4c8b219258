"""Tables as text: what LaTeX, Markdown and spreadsheets make of any text is that text."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from workbench.analysis.tables import (
    Column,
    Table,
    as_csv,
    escape_latex,
    escape_markdown,
    latex,
    markdown,
    written,
)

HOSTILE = r"a_b & 50% $x^2$ {\input{secret}} ~#1 \end{table} α ± 3 – “q” 中 | `c` <b> *"
TABLE = Table(
    "the comparison",
    (Column("name", "Algorithm", number=False), Column("mean", "Loss (%)", "+.2f"), Column("n", "n")),
    (
        {"name": "MAML", "mean": -0.5, "n": 3},
        {"name": HOSTILE, "mean": None, "n": 1},
        {"name": "[1em] it", "mean": float("nan"), "n": 0},
    ),
    "A caption with 95% & more.",
    frozenset({(0, "mean")}),
)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-2+3", "@SUM(A1)", "\tx", "\rx", "\nx"])
def test_a_text_that_acts_as_a_formula_is_made_harmless(text: str) -> None:
    (row,) = csv.DictReader(io.StringIO(as_csv([{"label": text, "mean": -1.5, "n": -2}]), newline=""))
    assert row == {"label": f"'{text}".replace("\r", " "), "mean": "-1.5", "n": "-2"}
    assert as_csv([{text: 1}]).startswith(("'", "\"'"))


def test_a_formula_behind_another_readers_separator_is_made_harmless() -> None:
    for text, harmless in (("x;=1+1", "x;'=1+1"), ("x\t @A", "x\t' @A"), ("＝1", "'＝1"), (" =1", "' =1")):
        assert as_csv([{"label": text}]) == f"label\n{harmless}\n"


def test_other_text_stays_as_it_is() -> None:
    assert as_csv([{"a": "MAML, 5 = 5", "b": "−1"}]) == 'a,b\n"MAML, 5 = 5",−1\n'


def test_latex_is_booktabs_with_the_best_in_bold() -> None:
    text = latex(TABLE)
    assert [text.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [1, 1, 1]
    assert r"MAML & \textbf{$-$0.50} & 3 \\" in text
    assert r"\begin{tabular}{@{}lrr@{}}" in text
    assert r"\caption{A caption with 95\% \& more.}" in text
    assert r"\label{tab:the-comparison}" in text
    assert "{}[1em] it" in text
    assert text.count(r"\end{table}") == 1


def test_latex_letters_are_printed_as_they_are() -> None:
    assert escape_latex("α_1 ≤ 50%") == r"$\alpha$\_1 $\le$ 50\%"
    assert escape_latex("\\input{x}") == r"\textbackslash{}input\{x\}"
    assert escape_latex("é 中 ﬁ") == "é [U+4E2D] fi"
    assert escape_latex("a\n\nb") == "a b"  # an empty line would end the caption


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_latex_compiles(tmp_path: Path) -> None:
    text = written([TABLE, TABLE], "latex")
    body = r"\documentclass{article}\usepackage{booktabs}\begin{document}" + text + r"\end{document}"
    (tmp_path / "t.tex").write_text(body, encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"],
        cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-800:]


def test_markdown_has_as_many_cells_in_every_row() -> None:
    lines = markdown(TABLE).splitlines()
    unescaped = [len(re.findall(r"(?<!\\)\|", line)) for line in lines[:5]]
    assert unescaped == [4] * 5
    assert "**−0.50**" in lines[2]
    assert lines[1] == "| :--- | ---: | ---: |"
    assert "\\<b\\>" in escape_markdown("<b>")


def test_several_tables_are_one_csv_with_every_column() -> None:
    other = Table("other", (), ({"name": "x", "more": 1},))
    assert written([other, TABLE], "csv").splitlines()[0] == "name,more,mean,n"
    assert written([TABLE], "csv") == written([TABLE], "csv")
