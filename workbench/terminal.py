"""The standard streams, whatever they are connected to.

A terminal may be closed, full, broken, or unable to write our letters; a stream may not be there at all.
What is said on standard error is a courtesy: its loss is never an error. What is asked for on standard output
is the result: its loss is said, once.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import re
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from workbench.paths import write_atomically
from workbench.words import visible

STANDARD_OUTPUT = Path("-")
"""The name that stands for it among files."""

HANGS_UP = () if sys.platform == "win32" else (signal.SIGHUP,)
"""The signals that come when a terminal is closed: whoever trains goes on without it."""

_PLAIN = {
    **dict.fromkeys("–—−‐‑", "-"), **dict.fromkeys("‘’′", "'"), **dict.fromkeys("“”„″", '"'),
    "…": "...", "×": "x", "±": "+/-", "≤": "<=", "≥": ">=", "→": "->", "·": "-", "•": "-", "✓": "ok",
    "⚠": "!", "\u00a0": " ", "\u2009": " ", "\u202f": " ", "λ": "lambda", "α": "alpha", "β": "beta",
    "ε": "epsilon", "θ": "theta", "φ": "phi", "τ": "tau", "γ": "gamma", "σ": "sigma", "μ": "mu", "π": "pi",
    "η": "eta", "ω": "omega", "Δ": "Delta", "⁰": "^0", "¹": "^1", "²": "^2", "³": "^3", "⁻": "^-",
}  # fmt: skip
"""What stands for our letters on a console that does not have them."""

_COMMANDS = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What JSON leaves as it is and a terminal may obey."""

_PLAINLY = "workbench-plainly"

_FOR_NOW = {errno.ENOSPC, errno.EDQUOT, errno.EAGAIN}
"""Why a stream takes nothing at the moment, and may again."""


class OutputLost(Exception):  # noqa: N818 (a state of the outer world, not a mistake)
    """Standard output takes nothing any more; the text says why, and is empty where nobody listens."""


def _plainly(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    plain = "".join(_PLAIN.get(each) or each.encode("ascii", "backslashreplace").decode() for each in letters)
    return plain, error.end


codecs.register_error(_PLAINLY, _plainly)


def secure() -> None:
    """Make the standard streams ready for every letter, and take the places of those that are closed.

    A file that is opened where standard error is closed would get its number, and what libraries print
    there would land in that file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):
                null = os.open(os.devnull, os.O_RDWR)  # the lowest free number
                if null != number:
                    os.dup2(null, number)
                    os.close(null)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_PLAINLY)


def say(text: str, end: str = "\n") -> None:
    """Write lines on standard output; what a terminal would obey in them becomes visible.

    Raises
    ------
    OutputLost
        If they cannot be written.
    """
    _write("\n".join(visible(line) for line in text.split("\n")) + end)


def say_json(text: str) -> None:
    """Write JSON on standard output, in letters that the console has: others as ``\\u2264``.

    Raises
    ------
    OutputLost
        If it cannot be written.
    """
    stream = sys.stdout
    text = _COMMANDS.sub(_escaped, text)
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        text = re.sub("[^\x00-\x7f]", _escaped, text)
    _write(text + "\n")


def _escaped(match: re.Match[str]) -> str:
    units = match.group().encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def give(content: bytes) -> None:
    """Write bytes on standard output, as they are.

    Raises
    ------
    OutputLost
        If they cannot be written.
    """
    stream = sys.stdout
    if stream is None:
        raise OutputLost("")
    with _lost():
        stream.flush()
        stream.buffer.write(content)
        stream.buffer.flush()


def deliver(path: Path, content: bytes) -> None:
    """Write a result into a file, whole or not at all; ``-`` is standard output.

    Raises
    ------
    OSError, OutputLost
        If it cannot be written.
    """
    if path == STANDARD_OUTPUT:
        give(content)
    else:
        write_atomically(path, lambda file: file.write(content))


def _write(text: str) -> None:
    if sys.stdout is None:  # closed before the program began: nobody listens
        raise OutputLost("")
    with _lost():
        sys.stdout.write(text)


def finish() -> None:
    """Hand over what standard output still holds back.

    Raises
    ------
    OutputLost
        If it cannot be written.
    """
    if sys.stdout is not None:
        with _lost():
            sys.stdout.flush()


@contextmanager
def _lost() -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: it is closed
        _silence(sys.stdout)
        nobody = isinstance(error, BrokenPipeError | ValueError)
        raise OutputLost("" if nobody else getattr(error, "strerror", None) or str(error)) from None


def tell(text: str, end: str = "\n") -> None:
    """Write lines on standard error, where that is possible; what a terminal would obey becomes visible."""
    mutter("\n".join(visible(line) for line in text.split("\n")) + end)


def mutter(text: str) -> None:
    """Write on standard error as it is, where that is possible: for what moves a terminal's cursor."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) not in _FOR_NOW:
            _silence(sys.stderr)


def columns() -> int | None:
    """Letters in a line of the terminal that standard output goes to; None where it goes to none."""
    try:
        watched = sys.stdout is not None and sys.stdout.isatty()
    except ValueError:  # closed
        return None
    return shutil.get_terminal_size().columns if watched else None


def is_terminal() -> bool:
    """Whether somebody watches standard error, so that a line can be rewritten."""
    try:
        return sys.stderr is not None and sys.stderr.isatty()
    except ValueError:  # closed
        return False


def _silence(stream: TextIO | None) -> None:
    """Let a broken stream lead nowhere, so that no later word (Python's own last flush too) fails on it."""
    if stream is None:
        return
    with suppress(OSError, ValueError):
        number = stream.fileno()
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, number)
        os.close(null)
