"""Tables for papers and notes: the same rows as CSV, Markdown and LaTeX (booktabs)."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

from workbench.analysis.naming import NONE as NONE
from workbench.analysis.numerals import MINUS
from workbench.words import numbered

Cells = Mapping[str, object]
"""The values of a row by the names of their columns."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    key : of its values in the rows.
    heading : as people read it.
    form : how a number is written: a format, or a function of the row.
    number : right-aligned.
    """

    key: str
    heading: str
    form: str | Callable[[Cells], str] = ""
    number: bool = True

    def shown(self, row: Cells) -> str:
        """The value as it is written."""
        if callable(self.form):
            return self.form(row)
        value = row.get(self.key)
        if value is None or (isinstance(value, float) and not math.isfinite(value)):
            return NONE
        if isinstance(value, bool):
            return "yes" if value else "no"
        text = format(value, self.form) if self.form and not isinstance(value, str) else str(value)
        return text.replace("-", MINUS) if isinstance(value, float | int) else text


@dataclass(frozen=True)
class Table:
    """Rows with what is said of them.

    Attributes
    ----------
    name : for files and cross-references.
    columns : as people read it, without those that would have nothing but dashes; CSV and JSON have every
        value of the rows.
    bold : the cells, as (row, key), that stand out: the best, and what a test cannot tell from it.
    about : whose results they are; cross-references begin with it.
    """

    name: str
    columns: tuple[Column, ...]
    rows: tuple[Cells, ...]
    caption: str = ""
    bold: frozenset[tuple[int, str]] = frozenset()
    about: str = ""

    def __post_init__(self) -> None:
        told = [
            column
            for column in self.columns
            if not self.rows or any(column.shown(row) != NONE for row in self.rows)
        ]
        object.__setattr__(self, "columns", tuple(told))

    @property
    def label(self) -> str:
        """What LaTeX refers to it by; of a name in other letters than these, a number stands for them."""
        plain = re.sub(r"[^a-z0-9]+", "-", f"{self.about} {self.name}".lower()).strip("-")
        return f"tab:{plain}" if self.about.isascii() else f"tab:{crc32(self.about.encode()):08x}-{plain}"

    def cells(self) -> list[list[str]]:
        """The text of every cell, without the heading."""
        return [[column.shown(row) for column in self.columns] for row in self.rows]


def number_in(row: Cells, key: str) -> float | None:
    """A number of a row; None where there is none."""
    value = row.get(key)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def written(tables: Sequence[Table], form: str) -> str:
    """Tables as a file's text; the same tables give the same text.

    Parameters
    ----------
    form : ``csv`` (all rows under one heading), ``json``, ``markdown`` or ``latex``.
    """
    if form == "markdown":
        return "\n".join(map(markdown, tables))
    if form == "latex":
        labels = numbered([table.label for table in tables])
        return "% needs \\usepackage{booktabs}\n" + "\n".join(map(latex, tables, labels))
    rows = [row for table in tables for row in table.rows]
    if form == "csv":
        return as_csv(rows)
    return as_json({tables[0].name if tables else "table": rows})


def as_csv(rows: Sequence[Cells]) -> str:
    """Rows as CSV with a header; empty cells where there is nothing, and no text that acts as a formula."""
    text = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    if names:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(map(neutral, names))
        writer.writerows([neutral(row.get(name)) for name in names] for row in rows)
    return text.getvalue()


_FORMULA = re.compile(r"^[\t\r\n]|(?:^|(?<=[;\t|]))(?=\s*[=+\-@＝＋－＠])")
"""Where a cell begins that would be carried out; some readers also part cells at ; or at a tab."""


def neutral(value: object) -> object:
    """The value; a text that a spreadsheet would carry out as a formula begins with an apostrophe.

    A label may come from a stranger's file (OWASP, *CSV injection*). Numbers stay numbers. A carriage return,
    which would end the row for some readers, becomes a space.
    """
    return _FORMULA.sub(r"'\g<0>", value).replace("\r", " ") if isinstance(value, str) else value


def as_json(value: object) -> str:
    """JSON as the command line prints it."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)


def markdown(table: Table) -> str:
    """A pipe table with its caption, as GitHub and Pandoc read it."""

    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cells)} |\n"

    text = line([escape_markdown(each.heading) for each in table.columns])
    text += line(["---:" if each.number else ":---" for each in table.columns])
    for index, cells in enumerate(table.cells()):
        escaped = [escape_markdown(cell) for cell in cells]
        text += line(
            [
                f"**{cell}**" if (index, column.key) in table.bold else cell
                for cell, column in zip(escaped, table.columns, strict=True)
            ]
        )
    return text + (f"\n{escape_markdown(table.caption)}\n" if table.caption else "")


def escape_markdown(text: str) -> str:
    """Text that Markdown shows as it is."""
    text = re.sub(r"([\\`*_{}\[\]<>|~$#])", r"\\\1", " ".join(text.split()))
    return text.replace("&", "&amp;")


def latex(table: Table, label: str = "") -> str:
    """A ``table`` with booktabs' rules; needs ``\\usepackage{booktabs}`` and nothing else."""
    spec = "".join("r" if each.number else "l" for each in table.columns)
    lines = [
        r"\begin{table}",
        r"\centering",
        f"\\caption{{{escape_latex(table.caption)}}}" if table.caption else "",
        f"\\label{{{(label or table.label).replace(' ', '')}}}",
        f"\\begin{{tabular}}{{@{{}}{spec}@{{}}}}",
        r"\toprule",
        " & ".join(escape_latex(each.heading) for each in table.columns) + r" \\",
        r"\midrule",
    ]
    for index, cells in enumerate(table.cells()):
        escaped = [escape_latex(cell) for cell in cells]
        bold = [(index, column.key) in table.bold for column in table.columns]
        row = [f"\\textbf{{{cell}}}" if strong else cell for cell, strong in zip(escaped, bold, strict=True)]
        # a row that begins with [ would be taken for the option of the \\ before it
        lines.append(("{}" if row[0].startswith("[") else "") + " & ".join(row) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}", r"\end{table}", ""]
    return "\n".join(line for line in lines if line or line is lines[-1])


_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#",
    "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''", "'": "'", "`": "`",
    "–": "--", "—": "---", "−": "$-$", "±": r"$\pm$", "×": r"$\times$",
    "·": r"$\cdot$", "≤": r"$\le$", "≥": r"$\ge$", "≠": r"$\ne$", "∞": r"$\infty$", "→": r"$\to$",
    "√": r"$\surd$", "²": "$^2$", "³": "$^3$", "¹": "$^1$", "°": r"$^\circ$", "…": r"\ldots{}", "“": "``",
    "”": "''", "‘": "`", "’": "'", "\u202f": r"\,", "\u2009": r"\,", "\xa0": "~",
}  # fmt: skip
_GREEK = {
    letter: f"${command}$"
    for letters, commands in (
        ("αβγδεζηθικλμνξπρστυφχψω",
         "alpha beta gamma delta varepsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
         "upsilon varphi chi psi omega"),
        ("ΓΔΘΛΞΠΣΥΦΨΩ", "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"),
    )
    for letter, command in zip(letters, (f"\\{each}" for each in commands.split()), strict=True)
}  # fmt: skip
_LAST_OF_LATIN_1 = 0xFF


def escape_latex(text: str) -> str:
    """Text that pdfLaTeX prints as it is; a letter that it has no font for becomes its code."""
    return "".join(map(_latex_of, " ".join(re.split(r"[ \t\r\n]+", text)).strip()))


def _latex_of(letter: str) -> str:
    if letter in _LATEX or letter in _GREEK:
        return _LATEX.get(letter) or _GREEK[letter]
    code = ord(letter)
    if 32 <= code < 127 or (0xC0 <= code <= _LAST_OF_LATIN_1 and letter.isalpha()):
        return letter
    plain = unicodedata.normalize("NFKD", letter)
    if plain != letter and plain.isascii() and plain.isprintable():
        return "".join(map(_latex_of, plain))
    return f"[U+{code:04X}]"
