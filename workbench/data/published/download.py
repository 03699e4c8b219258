"""One file from the network into a ``.part``, which grows until it is whole.

A download that breaks off goes on where it stopped (HTTP ranges), now and at the next call. The answer is
read in a thread of its own, so that whoever waits can leave at once, whatever the network does.
"""

from __future__ import annotations

import errno
import queue
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from workbench import __version__
from workbench.errors import DataError
from workbench.words import shown

Told = Callable[[int], None]
"""Called with the bytes that are there, several times a second; it may raise, to end the download."""

_BEAT = 0.1
_NOT_NOW = (408, 425, 429)
_WEB_PAGE = re.compile(rb"\s*<(!doctype\s+html|html|head|body)", re.IGNORECASE)
_SPARE = 2**24
"""Bytes that a disk should have left."""


@dataclass(frozen=True)
class Patience:
    """How long is waited (seconds), and how often it is tried again where nothing came.

    Attributes
    ----------
    connect, stall : for an answer, and for the next bytes.
    attempts, pause : tries of an address without any progress, and the first wait between them (doubled each
        time).
    chunk : bytes that are read at once.
    """

    connect: float = 15.0
    stall: float = 30.0
    attempts: int = 3
    pause: float = 0.5
    chunk: int = 2**16


USUAL = Patience()


class Refused(Exception):  # noqa: N818 (an address that is of no use; another may be)
    """What comes from an address is not what is sought; the text says what it is."""


class Broken(Exception):  # noqa: N818 (may go on)
    """The connection broke off, or never came to be; the text says why."""


class Wanted(NamedTuple):
    """What is known of a file before it is there: bytes (0: not known), the most that are taken, and whether
    its hash is known, so that its parts may come from several places."""

    size: int
    limit: int
    hashed: bool


def fetch(address: str, part: Path, wanted: Wanted, told: Told, patience: Patience = USUAL) -> bool:
    """Fetch what is missing of a file; tells whether it was put together from several answers.

    Parameters
    ----------
    part : the file that grows; it is whole when this returns.

    Raises
    ------
    Refused
        If something else comes from there.
    Broken
        If it broke off, or cannot be reached; the part stays, to go on with.
    DataError
        If the disk has no room.
    """
    idle, pieces = 0, False
    while True:
        before = _size(part)
        pieces = pieces or before > 0
        try:
            _once(address, part, wanted, told, patience)
            return pieces
        except Broken:
            idle = 0 if _size(part) > before else idle + 1
            if idle >= patience.attempts:
                raise
        _wait(patience.pause * 2 ** max(0, idle - 1), lambda: told(_size(part)))


def _once(address: str, part: Path, wanted: Wanted, told: Told, patience: Patience) -> None:
    origin = part.with_suffix(".origin")
    have = _size(part)
    if wanted.size and have == wanted.size:
        return
    marks = _read_origin(origin)
    if have >= wanted.limit or (have and not wanted.hashed and (marks.get("address") != address)):
        part.unlink()
        have = 0
    headers = {"Accept-Encoding": "identity", "User-Agent": f"metalearning-workbench/{__version__}"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if not wanted.hashed:
            headers["If-Range"] = marks["mark"]
    told(have)
    with closing(_Answer(address, headers, patience)) as answer:
        head = answer.head(lambda: told(have))
        start = _start(head, have, part)
        length = _length(head)
        _refuse_unfit(head, start, length, wanted)
        refuse_full(part.parent, (wanted.size or start + (length or 0)) - _size(part))
        mark = head.headers.get("ETag", "")
        mark = head.headers.get("Last-Modified", "") if not mark or mark.startswith("W/") else mark
        origin.write_text(f"{address}\n{mark}\n", encoding="utf-8")
        _write(part, start, answer, wanted, told)
    got = _size(part)
    if (length is not None and got < start + length) or got < wanted.size:
        raise Broken(f"broke off after {got:,} of {wanted.size or start + (length or 0):,} bytes")


def _write(part: Path, start: int, answer: _Answer, wanted: Wanted, told: Told) -> None:
    got = start
    try:
        with part.open("r+b" if start else "wb", buffering=0) as file:
            file.seek(start)
            for chunk in answer.chunks(start, told):
                if not got and _WEB_PAGE.match(chunk):
                    raise Refused("the address gave a web page")
                if got + len(chunk) > wanted.limit:
                    raise Refused(f"more than {wanted.limit:,} bytes came")
                file.write(chunk)
                got += len(chunk)
                told(got)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        why = "the disk is full" if full else error.strerror or str(error)
        raise DataError(f"{part}: {why} after {got:,} bytes; what is there is kept, to go on with") from None
    except Refused:
        part.unlink(missing_ok=True)
        raise


def _start(head: _Head, have: int, part: Path) -> int:
    """Where what comes begins in the file."""
    status = head.status
    if status == 200:
        return 0
    if status == 206 and have:
        told = re.match(r"bytes (\d+)-", head.headers.get("Content-Range", ""))
        if told and int(told[1]) == have:
            return have
        part.unlink(missing_ok=True)
        raise Broken("another part came than was asked for")
    if status == 416 and have:
        part.unlink(missing_ok=True)
        raise Broken("what was there is longer than the file")
    text = f"{status} {head.reason}".strip()
    if status >= 500 or status in _NOT_NOW:
        raise Broken(f"the server says {shown(text)}")
    raise Refused(f"the server says {shown(text)}")


def _length(head: _Head) -> int | None:
    said = head.headers.get("Content-Length", "")
    return int(said) if said.isascii() and said.isdigit() and not head.encoded else None


def _refuse_unfit(head: _Head, start: int, length: int | None, wanted: Wanted) -> None:
    if head.headers.get("Content-Type", "").partition(";")[0].strip().lower() == "text/html":
        raise Refused("the address gave a web page")
    if head.encoded and start:
        raise Refused("a part came packed, which does not fit what is there")
    if head.downgraded and not wanted.hashed:
        raise Refused("it leads from https to http, and no hash is known to check what comes")
    if length is None:
        return
    if wanted.size and start + length != wanted.size:
        raise Refused(f"{start + length:,} bytes are announced; {wanted.size:,} are expected")
    if start + length > wanted.limit:
        raise Refused(f"{start + length:,} bytes are announced; at most {wanted.limit:,} are taken")


def refuse_full(folder: Path, needed: int) -> None:
    """Refuse to begin what the disk has no room for.

    Raises
    ------
    DataError
        If it has none.
    """
    free = shutil.disk_usage(folder).free
    if needed > 0 and needed + _SPARE > free:
        raise DataError(
            f"{folder}: the disk has {free / 2**20:,.0f} MiB left; {(needed + _SPARE) / 2**20:,.0f} MiB are "
            "needed; make room, or name another folder (WORKBENCH_DATA)"
        )


def _read_origin(origin: Path) -> Mapping[str, str]:
    """Where a part came from, if it can be told whether the file there is still the same."""
    with suppress(OSError, ValueError):
        address, mark, *_ = origin.read_text(encoding="utf-8").split("\n")
        if mark:
            return {"address": address, "mark": mark}
    return {}


def _size(part: Path) -> int:
    with suppress(OSError):
        return part.stat().st_size
    return 0


def _wait(seconds: float, beat: Callable[[], None]) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        beat()
        time.sleep(min(_BEAT, left))


class _Head(NamedTuple):
    status: int
    reason: str
    headers: Mapping[str, str]
    downgraded: bool

    @property
    def encoded(self) -> bool:
        return self.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity")


class _Answer:
    """An answer that is read in a thread, whose reads nobody needs to wait for."""

    def __init__(self, address: str, headers: Mapping[str, str], patience: Patience) -> None:
        self._address, self._headers, self._patience = address, headers, patience
        self._queue: queue.Queue[_Head | bytes | Exception] = queue.Queue(maxsize=16)
        self._closed = threading.Event()
        self._raw: Any = None
        self._thread = threading.Thread(target=self._read, name="download", daemon=True)
        self._thread.start()

    def head(self, beat: Callable[[], None]) -> _Head:
        got = self._next(beat, self._patience.connect + self._patience.stall)
        assert isinstance(got, _Head)
        return got

    def chunks(self, start: int, told: Told) -> Iterator[bytes]:
        """What comes, chunk by chunk; while none does ``told`` hears how much there is."""
        there = [start]
        while got := self._next(lambda: told(there[0]), self._patience.stall):
            assert isinstance(got, bytes)
            yield got
            there[0] += len(got)

    def close(self) -> None:
        """Let go of the connection; a read that waits is woken."""
        self._closed.set()
        with suppress(Exception):  # it may be in any state
            self._raw.shutdown()

    def _next(self, beat: Callable[[], None], seconds: float) -> _Head | bytes:
        end = time.monotonic() + seconds
        while True:
            try:
                got = self._queue.get(timeout=_BEAT)
            except queue.Empty:
                beat()
                if time.monotonic() > end:
                    raise Broken(f"nothing came for {seconds:.0f} s") from None
                continue
            if isinstance(got, Exception):
                raise got
            return got

    def _put(self, what: _Head | bytes | Exception) -> bool:
        while not self._closed.is_set():
            with suppress(queue.Full):
                self._queue.put(what, timeout=_BEAT)
                return True
        return False

    def _read(self) -> None:
        import requests
        import urllib3

        patience, session = self._patience, requests.Session()
        session.max_redirects = 10
        timeout = patience.connect, patience.stall
        try:
            with (
                session,
                session.get(self._address, headers=self._headers, stream=True, timeout=timeout) as answer,
            ):
                self._raw = answer.raw
                steps = [each.url for each in answer.history] + [answer.url]
                downgraded = steps[0].startswith("https:") and any(not s.startswith("https:") for s in steps)
                head = _Head(answer.status_code, answer.reason or "", answer.headers, downgraded)
                going = self._put(head)
                while going:
                    chunk = answer.raw.read1(patience.chunk, decode_content=head.encoded)
                    going = self._put(chunk) and bool(chunk)
        except (requests.TooManyRedirects, requests.exceptions.InvalidSchema) as error:
            self._put(Refused(f"it leads elsewhere ({shown(str(error), 120)})"))
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            self._put(Broken(_why(error)))
        except Exception as error:  # whatever a stranger's answer makes libraries do
            self._put(Refused(f"the answer cannot be understood ({shown(str(error), 120)})"))


def _why(error: BaseException) -> str:
    """Why there is no connection: the innermost reason that libraries give."""
    import requests
    import urllib3

    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy cannot be reached"
    inner: Any = error
    for _ in range(8):
        deeper = getattr(inner, "reason", None) or inner.__cause__ or (inner.args[0] if inner.args else None)
        if not isinstance(deeper, BaseException):
            break
        inner = deeper
    if isinstance(inner, socket.gaierror):
        return "its name is not known here (no connection to the network?)"
    if isinstance(inner, TimeoutError | urllib3.exceptions.TimeoutError):
        return "no answer in time"
    if isinstance(inner, urllib3.exceptions.IncompleteRead):
        return "broke off"
    said = getattr(inner, "strerror", None) or str(inner)
    return shown(said.rpartition(": ")[2] or type(inner).__name__, 120)
