"""Changed checkpoints of every algorithm: refused in one line, or run on without a traceback.

Whether a change breaks what the run demands is told by the sound checkpoint that it was made of, not by the
program's own declaration.
"""

from __future__ import annotations

import json
import logging
import math
import random
import re
import select
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from tests import experiments
from workbench import config, runs
from workbench.algorithms import ALGORITHMS
from workbench.engine.trainer import Trainer
from workbench.errors import InputError
from workbench.project import Project
from workbench.project.digests import digest
from workbench.runs import Control
from workbench.tasks.base import TaskFamily

Tensors = dict[str, Tensor]
Change = Callable[[random.Random, Tensors], Tensors]

STOP = 4
SETTINGS = (
    "training.iterations=6",
    "training.meta_batch=4",
    "evaluation.every=3",
    "evaluation.episodes=4",
    "evaluation.validation_episodes=2",
    "evaluation.inner_steps=2",
)
SINUSOID = experiments.SINUSOID.replace("hidden = [8]", "hidden = [4]")
DIGITS = SINUSOID.replace('family = "sinusoid"', 'family = "digits"\nways = 2')
DRIFT = "[task.drift]\nsegments = 3\n[network]"
MEMORY = "capacity = 5"
PATIENTS = SINUSOID.replace('family = "sinusoid"', 'family = "pharmacokinetics"')
SETS = re.sub(r"(?s)family.*(?=.network)", 'family = "mixtures"\n', SINUSOID)
LANGUAGES = re.sub(r"(?s)family.*(?=.network)", 'family = "languages"\npairs = 5\nqueries = 2\n', SINUSOID)
LANGUAGES = LANGUAGES.replace('kind = "mlp"\nhidden = [4]', 'kind = "encoder_decoder"\nwidth = 4')
ACTING, BANDITS, GRID = (
    re.sub(r"(?s)family.*(?=.network)", f"family = {text}\n", SINUSOID)
    for text in (
        '"navigation"\nhorizon = 4\nrollouts = 2',
        '"bandits"\npulls = 3',
        '"grid_navigation"\nsize = 3',
    )
)


def _task_for(needs: frozenset[str]) -> str:
    """The small experiment whose tasks give what an algorithm needs."""
    texts = (DIGITS, SINUSOID, PATIENTS, SETS, ACTING, BANDITS, GRID, LANGUAGES)
    return next(text for text in texts if needs <= config.parse(f'algorithm = "all"{text}').task.gives())


SETUPS = [
    *((_task_for(each.Config.needs), f'kind = "{name}"') for name, each in ALGORITHMS.items()),
    *((SINUSOID, f'kind = "{name}"') for name in ("maml", "gates", "r2d2", "transfer")),
    (SINUSOID, 'kind = "fusion"\nmembers = 2\nbase = {kind = "bmaml", particles = 2}'),
    (DIGITS, 'kind = "fusion"\nmembers = 2\nweights = "per_task"\nbase = {kind = "reptile"}'),
    (SINUSOID.replace("[network]", DRIFT), f'kind = "task_replay"\n{MEMORY}'),
    (DIGITS.replace("[network]", DRIFT), f'kind = "mer"\n{MEMORY}'),
    (DIGITS.replace("[network]", DRIFT), f'kind = "la_maml"\n{MEMORY}'),
    (DIGITS.replace("[network]", DRIFT), 'kind = "umtra"'),
]
"""Every algorithm, and streams that drift."""


class Sound:
    """A run that was stopped in the middle, and the checkpoint that it left."""

    def __init__(self, path: Path, text: str, algorithm: str) -> None:
        self.path = path
        experiment = config.parse(f"{text}\n[[algorithm]]\n{algorithm}\n", SETTINGS)
        self.family: TaskFamily = runs.open_family(experiment)
        with Project.create(path) as project:
            (self.run,) = runs.add(project, experiment, self.family)
            control = Control()
            defaults = Trainer.__init__.__kwdefaults__ or {}
            usual, defaults["report_seconds"] = (
                defaults["report_seconds"],
                0.0,
            )  # tell of every meta-iteration

            def stop(trainer: Any, notice: object) -> None:
                if trainer.iteration >= min(STOP, trainer.iterations):
                    control.stop()

            runs.perform(project, self.run, self.family, control, stop)
            defaults["report_seconds"] = usual
            checkpoint = project.checkpoint(self.run)
        assert checkpoint is not None
        self.iteration, self.values, self.content = checkpoint.iteration, checkpoint.state, checkpoint.tensors
        self.tensors: Tensors = safetensors.torch.load(self.content)


class Checkpoints:
    """The examples, in this process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sound: dict[int, Sound] = {}

    def sound(self, number: int) -> Sound:
        """The run that an example changes the checkpoint of."""
        index = number % len(SETUPS)
        if index not in self._sound:
            self._sound[index] = Sound(self._folder / f"sound{index}.mlwb", *SETUPS[index])
        return self._sound[index]

    def example(self, number: int) -> str:
        chance, sound = random.Random(number), self.sound(number)
        what, content, text = changed(chance, sound)
        honest = chance.random() < 0.1  # the digest is left as it was
        path = self._folder / "changed.mlwb"
        shutil.copyfile(sound.path, path)
        put(path, sound.iteration, content, text, None if honest else digest(sound.iteration, text, content))
        same = content == sound.content and text == json.dumps(sound.values, separators=(",", ":"))
        breaks = not same if honest else breaks_demands(sound, content, text)
        began = time.process_time()
        find = _tried(path, sound, breaks)
        if not find and time.process_time() - began > 10:
            find = f"{time.process_time() - began:.0f} s of computing"
        return f"{SETUPS[number % len(SETUPS)][1]!r}, {what}: {find}" if find else ""


class Watched:
    """The examples in another process, whose end by a signal is a find."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._process = folder, None

    def example(self, number: int) -> str:
        if self._process is None:
            command = [sys.executable, "-m", __name__, str(self._folder)]
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
        process = self._process
        print(number, file=process.stdin, flush=True)
        ready, _, _ = select.select([process.stdout], [], [], 120)
        line = process.stdout.readline() if ready else ""
        if line:
            return str(json.loads(line))
        self._process = None
        if not ready:
            process.kill()
        code = process.wait()
        return "no answer within two minutes" if not ready else f"the process ended with {code}"


def search(folder: Path) -> Watched:
    return Watched(folder)


def put(path: Path, iteration: int, content: bytes, text: str, checksum: bytes | None) -> None:
    """Put a changed checkpoint in the newest one's place."""
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("DELETE FROM checkpoints WHERE iteration <> ?", (iteration,))
        connection.execute("UPDATE checkpoints SET state = ?, tensors = ?", (text, content))
        if checksum is not None:
            connection.execute("UPDATE checkpoints SET digest = ?", (checksum,))
    connection.close()


class _Tracebacks(logging.Handler):
    """Keeps what the program logs with a traceback."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None:
            self.last = f"{record.getMessage()}: {record.exc_info[1]!r}"


def _tried(path: Path, sound: Sound, breaks: bool | None) -> str:
    """Resume, and read what was learned; what was wrong."""
    heard, log = _Tracebacks(), logging.getLogger("workbench")
    log.addHandler(heard)
    propagated, log.propagate = log.propagate, False
    try:
        for use in (_learned, _resumed):
            with Project.open(path) as project:
                try:
                    use(project, sound)
                    refused = ""
                except InputError as error:
                    refused = str(error)
                if "\n" in refused or len(refused) > 1000:
                    return f"a message that is not one line: {refused[:200]!r}"
                if breaks and not refused:
                    return f"accepted by {use.__name__}: {project.run(sound.run).status}"
                if breaks is False and refused:
                    return f"refused by {use.__name__}: {refused}"
                status = project.run(sound.run).status
                if (refused and status != "stopped") or (
                    not refused and use is _resumed and status not in ("finished", "failed")
                ):
                    return f"left as {status!r}"
            if heard.last:
                return heard.last
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    finally:
        log.removeHandler(heard)
        log.propagate = propagated
    return ""


def _learned(project: Project, sound: Sound) -> None:
    runs.learned(project, sound.run, sound.family)


def _resumed(project: Project, sound: Sound) -> None:
    runs.perform(project, sound.run, sound.family, Control(), lambda *_: None)


# --- what breaks the demands --------------------------------------------------------------------------


def breaks_demands(sound: Sound, content: bytes, text: str) -> bool | None:
    """Whether a checkpoint cannot be one of that run; None where either answer will do."""
    try:
        values = json.loads(text)
        tensors = safetensors.torch.load(content)
    except (ValueError, RecursionError, SafetensorError, KeyError, TypeError):
        return True
    if not isinstance(values, dict) or _values_break(sound, values) or _tensors_break(sound, tensors):
        return True
    resaved = safetensors.torch.save(tensors)
    return False if len(content) == len(resaved) and b"__metadata__" not in content else None


def _values_break(sound: Sound, values: dict[str, Any]) -> bool:
    optional = {"validating", "best"}  # which older programs did not write; which may be no number
    if values.keys() | optional != sound.values.keys() | optional:
        return True
    best_at, worse = values.get("best_at", 0), values.get("worse", 0)
    if not all(type(each) is int and each >= 0 for each in (best_at, worse)) or best_at > sound.iteration:
        return True
    if not _number(values.get("best", 0)):
        return True
    if not sound.iteration and values["evaluated"] == -1:  # just as well, before the first validation
        values = values | {"evaluated": type(values["evaluated"])(0)}
    for name in ("iteration", "evaluated", "memory_seen"):
        if name in values and (type(values[name]) is not int or values[name] != sound.values[name]):
            return True
    for seconds in (values["seconds"], values.get("validating", 0.0)):
        if not _number(seconds) or not 0 <= seconds <= 1e11:  # three thousand years
            return True
    known = values.get("known", [])
    right = sound.values.get("known", [])
    if not isinstance(known, list) or not all(isinstance(row, list) for row in known):
        return True
    if [len(row) for row in known] != [len(row) for row in right]:
        return True
    return not all(each is None or _number(each) for row in known for each in row)


def _number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]


def _tensors_break(sound: Sound, tensors: Tensors) -> bool:
    if tensors.keys() != sound.tensors.keys():
        return True
    for name, right in sound.tensors.items():
        each = tensors[name]
        if each.dtype != right.dtype or each.shape != right.shape:
            return True
        if name.endswith(".step") and not torch.equal(each, right):
            return True
        if each.is_floating_point() and not each.isfinite().all():
            return True
        if name.endswith(".exp_avg_sq") and (each < 0).any():
            return True
    if "memory.places" not in tensors:
        return False
    places = [tuple(row) for row in tensors["memory.places"].tolist()]
    per_step = sound.values["memory_seen"] // sound.iteration
    within = all(0 <= row < sound.iteration and 0 <= number < per_step for row, number in places)
    came = [row * per_step + number for row, number in places]
    stays = all(each == slot or each >= len(places) for slot, each in enumerate(came))
    return not (within and stays and len(set(came)) == len(came))


# --- changes ------------------------------------------------------------------------------------------


def changed(chance: random.Random, sound: Sound) -> tuple[str, bytes, str]:
    """What was changed, the tensors' bytes, and the text of the values."""
    content, text = sound.content, json.dumps(sound.values, separators=(",", ":"))
    kind = chance.random()
    if kind < 0.6 and sound.tensors:
        what = chance.choice(TENSOR_CHANGES)
        tensors = what(chance, {name: each.clone() for name, each in sound.tensors.items()})
        content = safetensors.torch.save({name: each.contiguous() for name, each in tensors.items()})
        return what.__name__, content, text
    if kind < 0.8:
        return "bytes", _other_bytes(chance, content), text
    return "values", content, _other_values(chance, sound.values)


def _one(chance: random.Random, tensors: Tensors) -> str:
    """A tensor's name, each kind of entry as often."""
    kinds: dict[str, list[str]] = {}
    for name in tensors:
        kinds.setdefault(
            name.rpartition(".")[2] if name.startswith("opt") else name.partition(".")[0], []
        ).append(name)
    return chance.choice(kinds[chance.choice(sorted(kinds))])


def _shape(chance: random.Random, tensors: Tensors) -> Tensors:
    name = _one(chance, tensors)
    t = tensors[name]
    flat = t.flatten()
    number = flat[0] if len(flat) else torch.zeros((), dtype=t.dtype)
    shapes = [
        number[None],
        number,
        flat[:0],
        flat,
        t[None],
        t.T if t.dim() == 2 else t[..., None],
        t[:1] if t.dim() else t[None],
        torch.cat([t, t]) if t.dim() else t.expand(3),
        number.expand(2, 3, 4),
    ]
    return tensors | {name: chance.choice(shapes)}


KINDS = (
    torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.uint8, torch.bool,
    torch.complex64, torch.float32,
)  # fmt: skip


def _kind(chance: random.Random, tensors: Tensors) -> Tensors:
    name = _one(chance, tensors)
    return tensors | {name: tensors[name].to(chance.choice(KINDS))}


NUMBERS = (math.nan, math.inf, -math.inf, -1.0, 0.0, 0.5, 1e9, 3e38, -3e38, 1e-45, 4.0)


def _numbers(chance: random.Random, tensors: Tensors) -> Tensors:
    t = tensors[_one(chance, tensors)]
    number = chance.choice(NUMBERS)
    if not t.is_floating_point():
        number = chance.choice((-1, 0, 1, 3, 4, 10**9, 2**63 - 1, -(2**63)))
    if t.numel():
        where = slice(None) if chance.random() < 0.4 else chance.randrange(t.numel())
        t.view(-1)[where] = number
    return tensors


def _everywhere(chance: random.Random, tensors: Tensors) -> Tensors:
    """Other finite weights and moments: the file's word."""
    scale = chance.choice((0.0, 1e-30, 1.0, 1e3, 1e15, 1e38))
    generator = torch.Generator().manual_seed(chance.randrange(2**31))
    for name, t in tensors.items():
        if t.is_floating_point() and not name.endswith(".step") and chance.random() < 0.7:
            drawn = torch.rand(t.shape, generator=generator) * scale
            t.copy_(drawn if name.endswith("_sq") else drawn * chance.choice((1, -1)))
    return tensors


def _rows(chance: random.Random, tensors: Tensors) -> Tensors:
    """Rows in another order, or one of them twice."""
    t = tensors[_one(chance, tensors)]
    if t.dim() and len(t) > 1:
        a, b = chance.sample(range(len(t)), 2)
        t[a], t[b] = t[b].clone(), (t[a] if chance.random() < 0.5 else t[b]).clone()
    return tensors


def _names(chance: random.Random, tensors: Tensors) -> Tensors:
    name = _one(chance, tensors)
    t = tensors.pop(name)
    other = _one(chance, tensors) if tensors else name
    match chance.randrange(4):
        case 0:
            return tensors
        case 1:
            new = ("optimiser.999.exp_avg", "optimiser.x.step", "meta.", "meta.x\n\x1b[31m", "", "a" * 5000)
            return tensors | {chance.choice(new): t}
        case 2:
            return tensors | {name: t, f"{name}{chance.choice(('.', 'x', ' ', chr(0)))}": t.clone()}
    return tensors | {other: t, name: tensors.get(other, t).clone()}


TENSOR_CHANGES: tuple[Change, ...] = (_shape, _kind, _numbers, _everywhere, _rows, _names)


def _other_bytes(chance: random.Random, content: bytes) -> bytes:
    length = int.from_bytes(content[:8], "little")
    table, data = json.loads(content[8 : 8 + length]), content[8 + length :]
    names = sorted(table)
    match chance.randrange(8):
        case 0:
            return content[: chance.randrange(len(content))]
        case 1:
            return content + bytes(chance.randrange(1, 100))
        case 2:
            lengths = (0, 1, length - 1, length + 8, 2**31, 2**63, 2**64 - 1)
            return chance.choice(lengths).to_bytes(8, "little") + content[8:]
        case 3:
            changed = bytearray(content)
            for _ in range(chance.randrange(1, 5)):
                changed[chance.randrange(min(len(changed), length + 8))] ^= chance.randrange(1, 256)
            return bytes(changed)
        case 4 if names:
            offsets = (-1, 0, 2**62, 10**30, 1.5, True, None, "0", [0])
            table[chance.choice(names)]["data_offsets"][chance.randrange(2)] = chance.choice(offsets)
        case 5 if names:
            shapes = ([2**62, 2**62], [-1], [0], [1.0], [True], 3, None, [[1]], [1] * 100)
            table[chance.choice(names)]["shape"] = chance.choice(shapes)
        case 6:
            more = ({"a": "b"}, {}, [], 3, {"format": "pt"})
            table["__metadata__"] = chance.choice(more)
        case _:
            twice = json.dumps(table)
            first = json.dumps(names[0]) + ":" + json.dumps(table[names[0]]) if names else '"a":1,"a":2'
            head = twice[:-1] + ("," if names else "") + first + "}"
            head = chance.choice(
                (head, "[" * 100_000, "{}", "null", '"' + "x" * 10_000 + '"', twice + " " * 2_000_000)
            )
            return len(head).to_bytes(8, "little") + head.encode() + data
    head = json.dumps(table)
    return len(head).to_bytes(8, "little") + head.encode() + data


def _other_values(chance: random.Random, values: dict[str, Any]) -> str:
    odd = (
        None, True, False, 0, 1, -1, 3, 4, 5, 6, 7, 10**9, 10**30, 0.5, 4.0, -0.5, 1e308, math.nan, math.inf,
        "4", "", [], {}, [[1.0]], [[None, 1.0, 2.0]], [[math.nan] * 3], [[1.0] * 3] * 50,
    )  # fmt: skip
    values = json.loads(json.dumps(values))
    name = chance.choice(sorted(values))
    match chance.randrange(5):
        case 0:
            del values[name]
        case 1:
            values[chance.choice(("known", "memory_seen", "rng", "iterations", "\x1b[31m\n"))] = (
                chance.choice(odd)
            )
        case 2:
            texts = (
                "",
                "null",
                "[]",
                "3",
                '"x"',
                "{",
                "[" * 200_000,
                '{"iteration":' * 5000,
                "\x00",
                " " * 3_000_000,
            )
            return chance.choice(texts)
        case _:
            values[name] = chance.choice(odd)
    return json.dumps(values, separators=(",", ":"))


def main() -> None:
    """Examples by their numbers on standard input, what was wrong as JSON on standard output."""
    examples = Checkpoints(Path(sys.argv[1]))
    for line in sys.stdin:
        print(json.dumps(examples.example(int(line))), flush=True)


if __name__ == "__main__":
    main()
