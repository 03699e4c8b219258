"""The command line: everything that the window does, without one."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from workbench import terminal
from workbench.cli import data, exporting, listing, running, showing, using
from workbench.cli.group import NOBODY_LISTENS, bad_input, commands, in_width
from workbench.project.temporaries import clear_left_folders
from workbench.terminal import OutputLost

__all__ = ["commands", "data", "exporting", "in_width", "listing", "main", "running", "showing", "using"]


def main() -> None:
    """Run the command line; never ends in a traceback for bad input."""
    arguments = sys.argv[1:]
    terminal.secure()
    clear_left_folders()
    try:
        if not arguments or (len(arguments) == 1 and Path(arguments[0]).suffix in (".mlwb", ".toml")):
            code = _window(*arguments)
        else:
            code = commands.main(standalone_mode=False)
        terminal.finish()
    except click.exceptions.Abort:
        code = _complain("stopped", 130)
    except click.ClickException as error:
        code = _complain(error.format_message(), 2)
    except OutputLost as error:
        code = _complain(f"standard output: {error}", 2) if str(error) else NOBODY_LISTENS
    sys.exit(code if isinstance(code, int) else 0)


def _complain(message: str, code: int) -> int:
    terminal.tell("workbench: " + " ".join(message.split()))
    return code


def _window(name: str = "") -> int:
    """Open the window, with a project or an experiment in it."""
    from workbench.gui.app import start  # imports Qt

    with bad_input():
        return start(Path(name) if name else None)
