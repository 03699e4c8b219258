"""Projects as a stranger could make them: a small real one, changed by number.

Most changes keep the checksums right, so that they reach whatever reads them.
"""

from __future__ import annotations

import functools
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from tests.fuzz import side_files
from workbench import runs
from workbench.config import parse
from workbench.engine.events import CheckpointDue, MetaSteps
from workbench.project import Project, schema, series
from workbench.project.digests import digest
from workbench.runs import Control

_BOTH = """
[training]
iterations = 4
meta_batch = 2
threads = 1
chunk = 2
[evaluation]
episodes = 6
validation_episodes = 3
inner_steps = 2
every = 2
"""
_REGRESSION = f"""
name = "functions"
task = {{ family = "sinusoid", shots = 3, queries = 3 }}
network = {{ kind = "mlp", hidden = [4] }}
{_BOTH}
[[algorithm]]
kind = "maml"
[[algorithm]]
kind = "reptile"
label = "Reptile, ours"
"""
_CLASSIFICATION = f"""
name = "classes that drift"
task = {{ family = "digits", ways = 2, queries = 2, drift = {{ segments = 2 }} }}
network = {{ kind = "mlp", hidden = [4] }}
{_BOTH}
attack = "fgsm"
[[algorithm]]
kind = "fusion"
base = {{ kind = "maml" }}
[[algorithm]]
kind = "protonet"
"""
_LAYOUT = {
    "window": {
        "docked": [
            {"panels": ["setup"], "place": [0, 0, 300, 600]},
            {"panels": ["runs", "log"], "place": [304, 0, 300, 600]},
        ],
        "floating": [{"panel": "comparison_view", "place": [10, 10, 200, 200], "shown": True}],
    },
    "runs": {"columns": [120, 80], "sorted": [0, 0]},
    "panels": {"learning_curves": {"measure": "loss", "log": True}},
}


def base(path: Path) -> bytes:
    """A project with finished, stopped, failed and queued runs, made by the program itself; its bytes."""
    with Project.create(path) as project:
        for text, seeds in ((_REGRESSION, "[0, 1]"), (_CLASSIFICATION, "[0]")):
            experiment = parse(text, (f"training.seeds={seeds}",))
            family = runs.open_family(experiment)
            added = runs.add(project, experiment, family)
            for run in added:
                stopping = run in (3, added[-1])  # half way, and before its test
                if run != 4:
                    _perform(project, run, family, stopping)
        project.update_run(1, notes="the first\nof all", tags=["a", "b"], colour="#0072b2")
        project.update_run(4, status="failed", failure="loss is not finite")
        project.update_run(6, status="interrupted")
        project.set_setting("layout", _LAYOUT)
    return path.read_bytes()


def _perform(project: Project, run: int, family: Any, stopping: bool) -> None:
    control = Control()

    def tell(_: object, notice: object) -> None:
        if stopping and isinstance(notice, MetaSteps | CheckpointDue):
            control.stop()

    runs.perform(project, run, family, control, tell)


# --- values ----------------------------------------------------------------------------------------

_TEXTS = (
    "",
    " ",
    "x" * 50_000,
    "\x1b]0;owned\x07\x1b[31m",
    "two\nlines\r\x00",
    "\u202egnp.exe",
    "<table>" * 5_000,
    '<b>bold</b><img src="file:///etc/passwd">',
    'red">&<',
    "=1+1",
    "$x$ \\input{a} %_^",
    "\ud800",
    "é" * 300,
    "[" * 100_000,
    '{"a":' * 5_000 + "1" + "}" * 5_000,
    "1e999",
    "NaN",
    "#12345",
    "../../x",
    "null",
    "[]",
    "{}",
    "9" * 5_000,
)
_NUMBERS = (0, -1, 1, 2, 7, 2**31, 2**53, 2**63 - 1, -(2**63), 10**11, 0.0, -0.0, 0.5, 1e308, -1e308, 1e-320)
_IN_JSON = (
    None,
    True,
    False,
    float("nan"),
    float("inf"),
    10**400,
    [],
    {},
    [[]],
    {"a": [None]},
    *_NUMBERS,
    *_TEXTS,
)
_TOML = (
    "",
    "x",
    "a = " + "[" * 50_000,
    "a = " + "[" * 60 + "]" * 60,
    ".".join("a" * 20_000) + " = 1",
    "[" + ".".join("a" * 90) + "]",
    "a = " + "9" * 10_000,
    "a = nan",
    "task = 5\nalgorithm = 3\ntraining = []",
    "[[algorithm]]\nkind = 5\nlabel = []\n[training]\nmeta_batch = inf",
    "a = 1\n" * 2,
    'name = "' + "x" * 500_000 + '"',
)


def _value(rng: Random) -> Any:
    """Anything that a column could be set to."""
    kind = rng.randrange(8)
    if kind == 0:
        return None
    if kind <= 3:
        text = rng.choice(_TEXTS)
        return text.encode("utf-8", "surrogatepass") if "\ud800" in text else text
    if kind <= 6:
        return rng.choice((*_NUMBERS, float("inf")))
    return rng.choice((b"", b"\xff\xfe", bytes(3000)))


def changed_json(text: str, rng: Random) -> str:
    """A text of JSON with one to three entries deleted, changed, doubled, moved or nested."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        value = _changed(value, rng)
    return json.dumps(value)


def _changed(value: Any, rng: Random) -> Any:
    inside = list(
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    if not inside or rng.random() < 0.1:
        return rng.choice(_IN_JSON)
    key, each = rng.choice(inside)
    copied: Any = dict(value) if isinstance(value, dict) else list(value)
    match rng.randrange(7):
        case 0:
            del copied[key]
        case 1 if isinstance(copied, dict):
            text = rng.choice(_TEXTS)
            copied[text] = copied.pop(key)
        case 2 if isinstance(copied, list):
            copied.append(each)
        case 3:
            copied[key] = rng.choice(_IN_JSON)
        case 4:
            copied[key] = [each]
        case _:
            copied[key] = _changed(each, rng)
    return copied


# --- changes by SQL --------------------------------------------------------------------------------

_TABLES = ("experiments", "runs", "series", "chunks", "evaluations", "results", "result_arrays", "settings")
_JSON = {"runs": ("environment", "tags"), "evaluations": ("body",), "results": ("summary",),
         "result_arrays": ("shape",), "settings": ("value",)}  # fmt: skip
Change = Callable[[sqlite3.Connection, Random], str]


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]


def _row(connection: sqlite3.Connection, table: str, rng: Random) -> int | None:
    rows = [row[0] for row in connection.execute(f"SELECT rowid FROM {table}")]
    return rng.choice(rows) if rows else None


def _set(connection: sqlite3.Connection, table: str, column: str, row: int | None, value: Any) -> None:
    where = "" if row is None else f" WHERE rowid = {row}"
    if isinstance(value, bytes) and _is_text(value):
        connection.execute(f"UPDATE {table} SET {column} = CAST(? AS TEXT){where}", (value,))
    else:
        connection.execute(f"UPDATE {table} SET {column} = ?{where}", (value,))


def _is_text(value: bytes) -> bool:
    """Whether bytes are meant as text that is no UTF-8."""
    return value.startswith(b"\xed")


def _column(connection: sqlite3.Connection, rng: Random) -> str:
    table = rng.choice((*_TABLES, "runs", "runs"))
    column = rng.choice(_columns(connection, table))
    row = None if rng.random() < 0.1 else _row(connection, table, rng)
    value = _value(rng)
    if rng.random() < 0.15:
        other = _row(connection, table, rng)
        value = connection.execute(f"SELECT {column} FROM {table} WHERE rowid = ?", (other,)).fetchone()[0]
    _set(connection, table, column, row, value)
    return f"{table}.{column} of {row} = {ascii(value)[:60]}"


def _json(connection: sqlite3.Connection, rng: Random) -> str:
    table = rng.choice((*_JSON, "evaluations", "results", "results"))
    column = rng.choice(_JSON[table])
    row = _row(connection, table, rng)
    if row is None:
        return ""
    (text,) = connection.execute(f"SELECT {column} FROM {table} WHERE rowid = ?", (row,)).fetchone()
    if isinstance(text, str):
        _set(connection, table, column, row, changed_json(text, rng))
    return f"{table}.{column} of {row}"


def _toml(connection: sqlite3.Connection, rng: Random) -> str:
    row = _row(connection, "experiments", rng)
    (text,) = connection.execute("SELECT toml FROM experiments WHERE rowid = ?", (row,)).fetchone()
    lines = str(text).split("\n")
    match rng.randrange(4):
        case 0:
            new = rng.choice(_TOML)
        case 1:
            del lines[rng.randrange(len(lines))]
            new = "\n".join(lines)
        case 2:
            place = rng.randrange(len(lines))
            name = lines[place].partition("=")[0]
            value = rng.choice(
                ("1", "-1", "[]", "{}", "''", "inf", "10000000000000", "true", "'" + "x" * 3000 + "'")
            )
            lines[place] = f"{name}= {value}" if "=" in lines[place] else lines[place]
            new = "\n".join(lines)
        case _:
            lines.insert(rng.randrange(len(lines)), rng.choice(lines))
            new = "\n".join(lines)
    _set(connection, "experiments", "toml", row, new)
    return f"toml of {row}"


def _curve(connection: sqlite3.Connection, rng: Random) -> str:
    row = _row(connection, "chunks", rng)
    if row is None:
        return ""
    count = rng.choice((1, 2, 4, 5000))
    x = np.sort(np.array([rng.choice((0, 1, 2, 3, 4, -5, 2**53 + 1, 2**62)) for _ in range(count)], np.int64))
    x = np.arange(count) + rng.choice((0, 1, -2, 2**40)) if rng.random() < 0.5 else x
    y = np.array([rng.choice((0.0, -1.0, 1e308, -1e308, 1e-320, np.nan, np.inf, 0.5)) for _ in range(count)])
    connection.execute(
        "UPDATE OR REPLACE chunks SET first = ?, last = ?, points = ?, data = ? WHERE id = ?",
        (int(x[0]), int(x[-1]), count, series.encode(x, y), row),
    )
    return f"chunk {row}"


def _array(connection: sqlite3.Connection, rng: Random) -> str:
    row = _row(connection, "result_arrays", rng)
    if row is None:
        return ""
    found = connection.execute("SELECT dtype, shape, data FROM result_arrays WHERE id = ?", (row,)).fetchone()
    with suppress(ValueError, TypeError):
        array = np.frombuffer(found[2], found[0]).reshape(json.loads(found[1])).copy()
        match rng.randrange(5):
            case 0:
                array = array[..., :-1]
            case 1:
                array = array.astype(rng.choice(("<f4", "<i8", "|u1", "|b1", "<f8")))
            case 2 if array.dtype.kind == "f":
                array.flat[rng.randrange(array.size)] = rng.choice((np.nan, np.inf, -1.0, 1e300, 1e308))
            case 3:
                array = array[None]
            case _:
                array = array.T
        shape = json.dumps(list(array.shape), separators=(",", ":"))
        connection.execute(
            "UPDATE result_arrays SET dtype = ?, shape = ?, data = ? WHERE id = ?",
            (array.dtype.str, shape, array.tobytes(), row),
        )
    return f"array {row}"


def _rows(connection: sqlite3.Connection, rng: Random) -> str:
    """Delete or double a row."""
    table = rng.choice((*_TABLES, "checkpoints"))
    row = _row(connection, table, rng)
    if row is None or rng.random() < 0.5:
        connection.execute(f"DELETE FROM {table} WHERE rowid = ?", (row,))
        return f"row {row} of {table} deleted"
    names = ", ".join(name for name in _columns(connection, table) if name != "id")
    connection.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM {table} WHERE rowid = ?", (row,))
    return f"row {row} of {table} doubled"


def _tables(connection: sqlite3.Connection, rng: Random) -> str:
    statement = rng.choice(
        (
            "CREATE TABLE extra (a)",
            "CREATE VIEW extra AS SELECT * FROM runs",
            "CREATE TRIGGER extra AFTER UPDATE ON runs BEGIN DELETE FROM runs; END",
            "DROP INDEX runs_of_experiment",
            "ALTER TABLE runs ADD COLUMN extra TEXT",
            "DROP TABLE checkpoints",
            "PRAGMA user_version = 99",
            "PRAGMA user_version = 0",
            "PRAGMA application_id = 1",
            "UPDATE sqlite_sequence SET seq = 9223372036854775807",
            "UPDATE sqlite_sequence SET seq = 2147483646",
        )
    )
    connection.execute(statement)
    return statement


CHANGES: tuple[Change, ...] = (
    *[_column] * 4, *[_json] * 3, *[_rows] * 2, _toml, _curve, _array, _tables,
)  # fmt: skip


def _resign(connection: sqlite3.Connection) -> None:
    """Make every checksum right again, as somebody who knows the program would."""
    for run, split, iteration, body in connection.execute(
        "SELECT id, split, iteration, body FROM evaluations"
    ).fetchall():
        connection.execute(
            "UPDATE evaluations SET digest = ? WHERE id = ?", (digest(split, iteration, body), run)
        )
    for row, *parts in connection.execute("SELECT id, split, episodes_hash, summary FROM results").fetchall():
        connection.execute("UPDATE results SET digest = ? WHERE id = ?", (digest(*parts), row))
    for row, *parts in connection.execute(
        "SELECT id, name, dtype, shape, data FROM result_arrays"
    ).fetchall():
        connection.execute("UPDATE result_arrays SET digest = ? WHERE id = ?", (digest(*parts), row))


@functools.cache
def _declared() -> dict[str, str]:
    return {str(name): str(sql) for kind, name, _, sql in schema.expected(schema.newest()) if kind == "table"}


def by_sql(path: Path, rng: Random) -> list[str]:
    """Change rows and tables of a project; what was done."""
    done = []
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.text_factory = lambda stored: stored.decode("utf-8", "surrogateescape")
        loose = rng.random() < 0.3  # types and constraints that a changed byte would break too
        if loose:
            connection.execute("PRAGMA writable_schema = ON")
            connection.execute(
                "UPDATE sqlite_master SET sql = replace(replace(sql, ') STRICT', ')'), 'NOT NULL', '')"
            )
            connection.execute("PRAGMA writable_schema = RESET")
        connection.execute("BEGIN")
        for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
            with suppress(sqlite3.Error, UnicodeError):
                done.append(rng.choice(CHANGES)(connection, rng))
        if rng.random() < 0.85:
            with suppress(sqlite3.Error, UnicodeError):
                _resign(connection)
        if connection.in_transaction:  # a change may have ended it: a counter at its end, a full page
            connection.execute("COMMIT")
        if loose:
            connection.execute("PRAGMA writable_schema = ON")
            for name, sql in _declared().items():
                connection.execute(
                    "UPDATE sqlite_master SET sql = ? WHERE name = ? AND type = 'table'", (sql, name)
                )
            connection.execute("PRAGMA writable_schema = RESET")
    return [*done, "loosely"] if loose else done


def by_bytes(path: Path, rng: Random) -> list[str]:
    """Flip some bytes of a project, or cut it off."""
    content = bytearray(path.read_bytes())
    done = []
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        page = 4096 * rng.randrange(len(content) // 4096)
        offset = rng.choice((rng.randrange(100), page + rng.randrange(60), rng.randrange(len(content))))
        content[offset] = rng.randrange(256)
        done.append(f"byte {offset}")
    if rng.random() < 0.15:
        del content[rng.randrange(len(content)) :]
        done.append(f"cut at {len(content)}")
    path.write_bytes(content)
    return done


def mutate(number: int, whole: bytes, path: Path) -> str:
    """Write the project of that number; what was done to it, in words."""
    rng = Random(number)
    path.write_bytes(whole)
    kind = rng.random()
    done = by_bytes(path, rng) if kind < 0.12 else by_sql(path, rng)
    if kind > 0.9:
        done += side_files.mutate(path.parent, rng)
    return "; ".join(filter(None, done))
