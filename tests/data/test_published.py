"""Published data by name: whatever the network does, a file is whole and right, or there is none."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as rules
from hypothesis import strategies as st

from tests.data.server import Server, serving
from workbench.data.published import store
from workbench.data.published.download import Patience
from workbench.data.published.listing import Entry, published
from workbench.data.published.making import MAKERS
from workbench.errors import DataError

CONTENT = bytes(range(256)) * 40
OTHER = CONTENT[::-1]
SHA = hashlib.sha256(CONTENT).hexdigest()
SHORT = Patience(connect=2, stall=0.4, attempts=2, pause=0.01, chunk=1000)
PATH = "/data.bin"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        server.files[PATH] = CONTENT
        yield server


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "*")
    return tmp_path / "home" / "downloads" / "thing"


def entry(*at: str, hash: str = f"sha256:{SHA}", **file: Any) -> Entry:
    file = {"name": "data.bin", "hash": hash, "at": list(at), "size": len(CONTENT)} | file
    said = dict.fromkeys(("title", "what", "licence", "citation", "homepage", "source"), "thing")
    return Entry.model_validate({"name": "thing", "kind": "images", "files": [file], **said})


def obtain(wanted: Entry, patience: Patience = SHORT, **more: Any) -> Path:
    return store.obtain(wanted, patience=patience, **more)


def refusal(wanted: Entry, patience: Patience = SHORT) -> str:
    with pytest.raises(DataError) as refused:
        obtain(wanted, patience)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def whole(folder: Path) -> bytes:
    """What is there under the name; nothing else may be."""
    assert [each.name for each in folder.iterdir() if not each.name.startswith(".")] == ["data.bin"]
    parts = folder.parent / ".parts" / "thing"
    assert not parts.exists() or not any(parts.iterdir())
    return (folder / "data.bin").read_bytes()


def part(folder: Path) -> bytes:
    return (folder.parent / ".parts" / "thing" / "data.bin.part").read_bytes()


def test_a_download_that_breaks_off_again_and_again_goes_on_where_it_stopped(
    server: Server, folder: Path
) -> None:
    cuts = [300, 4000, 4001, 9999]
    server.tricks[PATH] = [lambda h, cut=cut: server.serve(h, upto=cut) for cut in cuts]
    obtain(entry(server.at + PATH))
    assert whole(folder) == CONTENT
    assert [asked for _, asked in server.asked] == ["", *(f"bytes={cut}-" for cut in cuts)]


class Stop(Exception):  # noqa: N818
    pass


@given(cuts=st.lists(st.integers(0, len(CONTENT)), max_size=3), chunk=st.sampled_from([1, 7, 1000, 4096]))
@rules(max_examples=15)
def test_whoever_stops_it_at_any_byte_finds_a_part_and_later_the_whole(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], chunk: int
) -> None:
    home = tmp_path_factory.mktemp("home")
    patience = Patience(connect=2, stall=2, attempts=2, pause=0.01, chunk=chunk)
    with serving() as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_DATA", str(home))
        patch.setenv("no_proxy", "*")
        server.files[PATH] = CONTENT
        folder, wanted = home / "downloads" / "thing", entry(server.at + PATH)
        for cut in cuts:

            def told(done: float, what: str, cut: int = cut) -> None:
                if done * len(CONTENT) >= cut:
                    raise Stop

            with pytest.raises(Stop):
                obtain(wanted, patience, progress=told)
            assert not (folder / "data.bin").exists()
            if (folder.parent / ".parts" / "thing" / "data.bin.part").exists():
                assert CONTENT.startswith(part(folder))
        obtain(wanted, patience)
        assert whole(folder) == CONTENT


def test_wrong_bytes_are_not_kept_and_both_hashes_are_said(server: Server, folder: Path) -> None:
    server.files[PATH] = OTHER
    said = refusal(entry(server.at + PATH))
    assert SHA in said
    assert hashlib.sha256(OTHER).hexdigest() in said
    assert str(folder) in said
    assert not list(folder.iterdir())
    assert not (folder.parent / ".parts" / "thing" / "data.bin.part").exists()


def test_mirrors_are_tried_in_order(server: Server, folder: Path) -> None:
    server.files |= {"/wrong": OTHER, "/page": b"<!DOCTYPE html><p>Sign in</p>" + CONTENT}
    at = [server.at + path for path in ("/nothing", "/wrong", "/page", PATH, "/never")]
    obtain(entry(*at))
    assert whole(folder) == CONTENT
    assert [path for path, _ in server.asked] == ["/nothing", "/wrong", "/page", PATH]


def test_an_md5_that_is_published_is_enough(server: Server, folder: Path) -> None:
    obtain(entry(server.at + PATH, hash=f"md5:{hashlib.md5(CONTENT).hexdigest()}"))
    assert whole(folder) == CONTENT


def test_a_part_of_another_file_is_not_gone_on_with_for_ever(server: Server, folder: Path) -> None:
    server.tricks[PATH] = [lambda h: server.serve(h, content=OTHER, upto=5000)]
    obtain(entry(server.at + PATH))
    assert whole(folder) == CONTENT
    assert [asked for _, asked in server.asked] == ["", "bytes=5000-", ""]


def page(handler: Any) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "text/html; charset=utf-8")
    handler.end_headers()
    handler.wfile.write(b"<p>Pay here")


def status(code: int, **headers: str) -> Callable[[Any], None]:
    def answer(handler: Any) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


@pytest.mark.parametrize(
    ("trick", "why"),
    [
        (page, "the address gave a web page"),
        (status(404), "404"),
        (status(302, Location="ftp://127.0.0.1/data.bin"), "leads elsewhere"),
        (status(302, Location=PATH), "leads elsewhere"),
        (status(503), "503"),
    ],
)
def test_what_is_no_file_is_said_in_a_word(
    server: Server, folder: Path, trick: Callable[[Any], None], why: str
) -> None:
    server.tricks[PATH] = [trick] * 20
    said = refusal(entry(server.at + PATH))
    assert why in said
    assert f"{server.at}{PATH} by hand and put it into {folder} as data.bin" in said
    assert not list(folder.iterdir())


def test_a_web_page_does_not_cost_what_had_come(server: Server, folder: Path) -> None:
    server.tricks[PATH] = [lambda h: server.serve(h, upto=5000), page]
    refusal(entry(server.at + PATH))
    assert part(folder) == CONTENT[:5000]
    obtain(entry(server.at + PATH))
    assert whole(folder) == CONTENT


def test_a_server_that_is_busy_for_a_while_is_asked_again(server: Server, folder: Path) -> None:
    server.tricks[PATH] = [status(503)]
    obtain(entry(server.at + PATH))
    assert whole(folder) == CONTENT


def test_what_a_killed_program_left_is_cleared(server: Server, folder: Path) -> None:
    parts = folder.parent / ".parts" / "thing"
    parts.mkdir(parents=True)
    (parts / "tmp1234").write_bytes(OTHER)
    (parts / "data.bin").write_bytes(OTHER)  # killed between two names
    obtain(entry(server.at + PATH))
    assert whole(folder) == CONTENT


def test_redirects_are_followed_and_ranges_may_be_ignored(server: Server, folder: Path) -> None:
    server.tricks["/old"] = [status(302, Location=PATH)] * 2
    server.tricks[PATH] = [
        lambda h: server.serve(h, upto=5000),
        lambda h: server.serve(h, ranges=False),
    ]
    obtain(entry(server.at + "/old"))
    assert whole(folder) == CONTENT


@pytest.mark.parametrize("length", [len(CONTENT) + 9, len(CONTENT) - 9, 10**15])
def test_a_wrong_length_is_refused(server: Server, folder: Path, length: int) -> None:
    server.tricks[PATH] = [lambda h: server.serve(h, length=length)] * 9
    assert f"{length:,} bytes are announced" in refusal(entry(server.at + PATH))


def test_an_answer_without_length_or_end_does_not_fill_the_disk(server: Server, folder: Path) -> None:
    def endless(handler: Any) -> None:
        server.serve(handler, length=-1)
        while not server.released.is_set():
            handler.wfile.write(CONTENT)

    server.tricks[PATH] = [endless]
    assert f"more than {len(CONTENT):,} bytes came" in refusal(entry(server.at + PATH))
    obtain(entry(server.at + PATH))
    assert whole(folder) == CONTENT


def test_what_stalls_is_given_up_and_gone_on_with(server: Server, folder: Path) -> None:
    def stalls(handler: Any) -> None:
        server.serve(handler, upto=5000)
        server.released.wait(20)

    server.tricks[PATH] = [stalls]
    obtain(entry(server.at + PATH))
    assert whole(folder) == CONTENT
    assert server.asked[-1] == (PATH, "bytes=5000-")


@pytest.mark.parametrize("upto", [None, 5000])
def test_it_can_be_stopped_within_a_second_while_nothing_comes(
    server: Server, folder: Path, upto: int | None
) -> None:
    begun: list[float] = []

    def stalls(handler: Any) -> None:
        if upto:
            server.serve(handler, upto=upto)
        begun.append(time.monotonic())
        server.released.wait(20)

    def told(done: float, what: str) -> None:
        if begun and time.monotonic() > begun[0] + 0.2:
            raise Stop

    server.tricks[PATH] = [stalls]
    with pytest.raises(Stop):
        obtain(entry(server.at + PATH), Patience(connect=20, stall=20), progress=told)
    assert time.monotonic() - begun[0] < 1
    assert not (folder / "data.bin").exists()


def test_without_a_network_the_link_and_the_folder_are_said(folder: Path) -> None:
    address = "http://127.0.0.1:1/data.bin"
    said = refusal(entry(address))
    assert "Connection refused" in said
    assert f"fetch {address} by hand and put it into {folder} as data.bin" in said
    folder.joinpath("data.bin").write_bytes(CONTENT)
    obtain(entry(address))
    assert whole(folder) == CONTENT


def test_a_wrong_file_that_somebody_put_there_is_refused_and_left(server: Server, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "data.bin").write_bytes(OTHER)
    said = refusal(entry(server.at + PATH))
    assert SHA in said
    assert hashlib.sha256(OTHER).hexdigest() in said
    assert (folder / "data.bin").read_bytes() == OTHER
    assert not server.asked


def test_a_file_without_a_published_hash_must_stay_what_it_was_at_first(server: Server, folder: Path) -> None:
    wanted = entry(server.at + PATH, hash="", size=0, at_most=20_000)
    obtain(wanted)
    assert (folder / ".data.bin.sha256").read_text() == f"{SHA}  data.bin\n"
    (folder / "data.bin").unlink()
    server.files[PATH] = OTHER
    assert SHA in refusal(wanted)
    server.files[PATH] = CONTENT
    obtain(wanted)
    assert whole(folder) == CONTENT


@pytest.mark.parametrize("mark", ["", '"one"'])
def test_two_files_are_not_spliced_where_no_hash_would_tell(server: Server, folder: Path, mark: str) -> None:
    def breaks(handler: Any) -> None:
        server.serve(handler, upto=5000)
        server.files[PATH] = OTHER
        server.marks[PATH] = mark.replace("one", "two")

    server.marks[PATH] = mark
    server.tricks[PATH] = [breaks]
    obtain(entry(server.at + PATH, hash="", size=0, at_most=20_000))
    assert whole(folder) == OTHER


def test_a_proxy_is_taken_from_the_environment(
    server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "http://data.invalid/data.bin"
    server.files[address] = CONTENT
    monkeypatch.setenv("http_proxy", server.at)
    monkeypatch.delenv("no_proxy")
    obtain(entry(address))
    assert whole(folder) == CONTENT


def test_two_workbenches_do_not_write_one_part(server: Server, folder: Path) -> None:
    said: list[str] = []

    def told(done: float, what: str) -> None:
        if not said and done > 0.3:
            said.append(refusal(entry(server.at + PATH)))

    obtain(entry(server.at + PATH), progress=told)
    assert "another workbench" in said[0]
    assert whole(folder) == CONTENT


@pytest.mark.parametrize("small_disk", [20], indirect=True)
def test_a_full_disk_is_one_line_and_costs_nothing(
    server: Server, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_DATA", str(small_disk))
    monkeypatch.setenv("no_proxy", "*")
    size = 10 * 2**20
    server.files[PATH] = big = bytes(size)
    wanted = entry(server.at + PATH, hash=f"sha256:{hashlib.sha256(big).hexdigest()}", size=size)
    assert "make room" in refusal(wanted)
    monkeypatch.setattr("workbench.data.published.download._SPARE", -(2**30))  # it fills while it comes
    filler = small_disk / "filler"
    filler.write_bytes(bytes(15 * 2**20))
    said = refusal(wanted)
    assert "the disk is full" in said
    assert "kept" in said
    filler.unlink()
    obtain(wanted)
    assert server.asked[-1][1] != ""  # it went on
    assert (small_disk / "downloads" / "thing" / "data.bin").read_bytes() == big


# --- the list ------------------------------------------------------------------------------------------


def test_every_set_says_whose_it_is_and_where_its_hashes_were_read() -> None:
    for each in published().values():
        assert all((each.title, each.what, each.licence, each.citation, each.source)), each.name
        assert each.homepage.startswith("http"), each.name
        assert each.making in MAKERS, each.name
        assert each.files or each.instructions, each.name


def test_a_list_of_ones_own_adds_sets_and_mirrors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = tmp_path / "mine.toml"
    said = "".join(
        f'{key} = "x"\n' for key in ("title", "what", "kind", "licence", "citation", "homepage", "source")
    )
    mine.write_text(
        f'mirrors = ["http://here/data"]\n[mine]\n{said}'
        'base = ["https://x.org"]\nfiles = [{ name = "a b.zip", size = 1 }]\n'.replace("a b", "a-b")
    )
    monkeypatch.setenv("WORKBENCH_PUBLISHED", str(mine))
    known = published()
    assert not known["mine"].verified
    assert known["mine"].addresses(known["mine"].files[0]) == [
        "http://here/data/mine/a-b.zip",
        "https://x.org/a-b.zip",
    ]
    omniglot = known["omniglot"]
    assert omniglot.addresses(omniglot.files[0])[0] == "http://here/data/omniglot/images_background.zip"
    assert "here" not in omniglot.public(omniglot.files[0])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("mirrors = 3", "mirrors"),
        ("a = 1", "a table [a]"),
        ("[a]\ntitle = 3", "title"),
        ("[a]\nbase = ['file:///etc']\nfiles = [{ name = 'passwd', size = 1 }]", "http and https"),
        ("[a]\nfiles = [{ name = '../b', size = 1 }]", "name"),
        ("[a", "not valid TOML"),
    ],
)
def test_a_list_that_is_wrong_is_refused_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, why: str
) -> None:
    said = "".join(f'{key} = "x"\n' for key in ("what", "kind", "licence", "citation", "homepage", "source"))
    if "title" not in text:
        said += 'title = "x"\n'
    mine = tmp_path / "mine.toml"
    mine.write_text(text.replace("]\n", f"]\n{said}", 1) if "]\n" in text else text)
    monkeypatch.setenv("WORKBENCH_PUBLISHED", str(mine))
    with pytest.raises(DataError, match=r"mine\.toml") as refused:
        published()
    assert why in str(refused.value)
    assert "\n" not in str(refused.value)
