"""A LoRA of the user's own comes whole from the hub, the web or a file; and no stranger reaches what is not public."""

import hashlib
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import NamedTuple

import numpy as np
import pytest
from conftest import use_endpoint
from hub import Hub
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from nextscene import NextSceneError
from nextscene.hub import cache, fetch_lora, lora_cache, loras, public_name, sha256, web

LORA = save({"layer.lora_A.weight": np.zeros((2, 3), np.float32)})
OTHER = save({"layer.lora_A.weight": np.ones((2, 3), np.float32)})


Page = bytes | str | Callable[[BaseHTTPRequestHandler], None] | None


@dataclass
class Site:
    """A web server on loopback. What it answers is by path: a file's bytes, or where to go instead, or a fault."""

    pages: dict[str, Page] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def site(cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """It counts as public, and so does plain HTTP, for as long as a test lasts."""
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.requests.append(self.path)
            page = site.pages.get(self.path)
            if callable(page):
                return page(self)
            if isinstance(page, str):
                self.send_response(302)
                self.send_header("Location", page)
                return self.end_headers()
            self.send_response(404 if page is None else 200)
            self.send_header("Content-Length", str(len(page or b"")))
            self.end_headers()
            self.wfile.write(page or b"")
            return None

        def log_message(self, format: str, *args: object) -> None:
            """Tests read `requests`."""

    really = web.is_public
    monkeypatch.setattr(web, "SCHEMES", ("http", "https"))
    monkeypatch.setattr(web, "is_public", lambda address: address == "127.0.0.1" or really(address))
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        site.url = f"http://127.0.0.1:{server.server_address[1]}"
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield site
        server.shutdown()


@pytest.fixture
def hub(cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    one = {"lora.safetensors": LORA, "README.md": b"#"}
    with Hub({"me/one": one, "me/two": {"a.safetensors": LORA, "deep/b.safetensors": OTHER}}) as hub:
        use_endpoint(hub.url, monkeypatch)
        yield hub


def refusal(named: str, at_home: bool = False) -> str:
    with pytest.raises(NextSceneError) as caught:
        fetch_lora(named, at_home)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


def kept(cache_folder: Path) -> list[str]:
    """The LoRA files in the cache, and whatever else lies beside them but the names that they were fetched under."""
    return sorted(path.name for path in (cache_folder / "loras").glob("*") if path.name != "names")


def test_no_name_is_no_lora() -> None:
    assert fetch_lora(None) is None
    assert fetch_lora("") is None


# From the hub


@pytest.mark.parametrize(
    ("named", "whole"),
    [("me/one", LORA), ("me/one/lora.safetensors", LORA), ("me/two/deep/b.safetensors", OTHER)],
)
def test_a_repository_gives_its_one_file_or_the_one_that_is_named(hub: Hub, named: str, whole: bytes) -> None:
    file = fetch_lora(named)
    assert file
    assert file.read_bytes() == whole
    assert len(hub.downloads()) == 1


def test_what_came_from_the_hub_once_needs_no_network(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    file = fetch_lora("me/one")
    use_endpoint("http://127.0.0.1:9", monkeypatch)
    assert fetch_lora("me/one") == file
    assert file
    assert sha256(file) == hashlib.sha256(LORA).hexdigest()


def test_a_repository_with_several_files_asks_which(hub: Hub) -> None:
    assert "is not one file but 2 (a.safetensors, deep/b.safetensors): name one" in refusal("me/two")
    assert hub.downloads() == []


def test_a_repository_or_file_that_is_not_there_is_named(hub: Hub) -> None:
    assert "shows no me/none: check its name" in refusal("me/none")
    assert "me/one holds no other.safetensors" in refusal("me/one/other.safetensors")


def test_a_file_on_the_hub_that_is_too_large_is_refused_before_it_is_downloaded(hub: Hub) -> None:
    hub.claimed_sizes["lora.safetensors"] = loras.MOST + 1
    assert "is larger than 4.00GB" in refusal("me/one")
    assert hub.downloads() == []


def test_a_broken_file_on_the_hub_is_refused_and_comes_whole_the_next_time(hub: Hub) -> None:
    hub.forged["lora.safetensors"] = bytes(len(LORA))
    assert "wrong checksum" in refusal("me/one")
    hub.forged.clear()
    file = fetch_lora("me/one")
    assert file
    assert file.read_bytes() == LORA


def test_a_stranger_does_not_borrow_the_token_of_this_machine(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    fetch_lora("me/one")
    assert hub.tokens == {""}
    fetch_lora("me/two/a.safetensors", at_home=True)
    assert hub.tokens == {"", "hf_secret"}


def test_a_stranger_does_not_find_what_was_fetched_at_home(hub: Hub, site: Site) -> None:
    site.pages = {"/lora": LORA}
    private = ("me/one", f"{site.url}/lora")
    assert all(fetch_lora(named, at_home=True) for named in private)
    hub.repos.clear()
    site.pages.clear()
    assert all(fetch_lora(named, at_home=True) for named in private)
    assert "shows no me/one" in refusal("me/one")
    assert "answered 404" in refusal(f"{site.url}/lora")


# From the web


def test_a_file_comes_from_the_web_and_is_kept_under_its_whole_address(site: Site, cache_folder: Path) -> None:
    site.pages = {"/lora.safetensors?v=1": LORA, "/lora.safetensors?v=2": OTHER}
    one, two = (fetch_lora(f"{site.url}/lora.safetensors?v={v}") for v in (1, 2))
    assert one
    assert two
    assert (one.read_bytes(), two.read_bytes()) == (LORA, OTHER)
    site.pages.clear()
    assert fetch_lora(f"{site.url}/lora.safetensors?v=1") == one
    assert len(site.requests) == 2
    assert kept(cache_folder) == sorted([one.name, two.name])


def test_redirects_are_followed_and_not_without_end(site: Site) -> None:
    site.pages = {"/a": "/b", "/b": f"{site.url}/c", "/c": LORA, "/loop": "/loop"}
    file = fetch_lora(f"{site.url}/a")
    assert file
    assert file.read_bytes() == LORA
    assert "leads from one to another without end" in refusal(f"{site.url}/loop")


def cut(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(LORA)))
    handler.end_headers()
    handler.wfile.write(LORA[:-1])


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(bytes(1000))
    except OSError:
        return


def sized(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(loras.MOST + 1))
    handler.end_headers()


def slow(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(1)


def trickling(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(50):
        handler.wfile.write(b"-")
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        (cut, "its server broke off"),
        (b"<html>a page that shows it</html>", "is no whole safetensors file: give the address of the file itself"),
        (b"\x80\x04\x95 a pickle", "is no whole safetensors file"),
        (LORA[:-1], "is no whole safetensors file"),
        (endless, "is larger than 100kB"),
        (sized, "is larger than 100kB"),
        (None, "its server answered 404"),
        (slow, "its server broke off (timed out)"),
        (trickling, "could not be fetched in 0 minutes"),
    ],
)
def test_what_goes_wrong_on_the_web_is_one_sentence_and_leaves_no_file(
    page: Page,
    sentence: str,
    site: Site,
    cache_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loras, "MOST", 100_000)
    monkeypatch.setattr(web, "PATIENCE", 0.4)
    monkeypatch.setattr(web, "LONGEST", 0.8)
    site.pages = {"/lora?token=secret": page}
    message = refusal(f"{site.url}/lora?token=secret")
    assert sentence in message
    assert "secret" not in message
    assert kept(cache_folder) == []


def test_a_killed_fetch_is_cleared_away_by_a_later_one(site: Site, cache_folder: Path) -> None:
    site.pages = {"/lora": LORA}
    old, fresh = cache_folder / "loras/.fetching-old", cache_folder / "loras/.fetching-fresh"
    for folder in (old, fresh):
        folder.mkdir(parents=True)
        (folder / "lora.safetensors").touch()
    os.utime(old, (time.time() - cache.ORPHAN_AGE - 1,) * 2)
    file = fetch_lora(f"{site.url}/lora")
    assert file
    assert kept(cache_folder) == sorted([fresh.name, file.name])


def test_a_disk_that_is_too_small_is_named(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.pages = {"/lora": LORA}
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Disk(free=lora_cache.LEAST_FREE))
    assert "where 2.00GB are free, of which 2.00GB are kept free: free some space" in refusal(f"{site.url}/lora")


# What is kept


class Disk(NamedTuple):
    free: int


def test_one_content_is_kept_once_under_whatever_names(hub: Hub, site: Site, cache_folder: Path) -> None:
    site.pages = {"/a": LORA, "/b": LORA}
    files = {fetch_lora(name) for name in (f"{site.url}/a", f"{site.url}/b", "me/one", "me/two/a.safetensors")}
    assert len(files) == 1
    assert len(kept(cache_folder)) == 1
    assert hub.downloads() == []  # the hub says what the content is


@pytest.mark.parametrize("damaged", [b"", LORA[:-1], b"<html>"])
def test_a_file_that_was_damaged_in_the_cache_is_fetched_anew(hub: Hub, site: Site, damaged: bytes) -> None:
    site.pages = {"/a": LORA}
    for name in (f"{site.url}/a", "me/one"):
        file = fetch_lora(name)
        assert file
        file.write_bytes(damaged)
        assert fetch_lora(name) == file
        assert file.read_bytes() == LORA


def test_the_least_recently_used_goes_first_when_there_are_too_many(
    site: Site, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = {f"/{number}": save({"a": np.full(3, number, np.float32)}) for number in range(4)}
    site.pages = {**pages}
    monkeypatch.setattr(lora_cache, "MOST_BYTES", 3 * len(pages["/0"]))
    files = [fetch_lora(f"{site.url}/{number}") for number in range(3)]
    for age, file in enumerate(files):
        assert file
        os.utime(file, (1000 - age, 1000 - age))
    assert fetch_lora(f"{site.url}/2") == files[2]  # which was the oldest, and is used now
    last = fetch_lora(f"{site.url}/3")
    assert kept(cache_folder) == sorted(file.name for file in (files[0], files[2], last) if file)
    site.requests.clear()
    assert fetch_lora(f"{site.url}/1") == files[1]
    assert site.requests == ["/1"]


def test_loras_leave_the_disk_some_room(site: Site, cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site.pages = {"/a": LORA, "/b": OTHER}
    first = fetch_lora(f"{site.url}/a")
    assert first

    def usage(folder: Path) -> Disk:
        return Disk(free=lora_cache.LEAST_FREE + (0 if first.exists() else len(LORA)))

    monkeypatch.setattr(shutil, "disk_usage", usage)
    other = fetch_lora(f"{site.url}/b")
    assert other
    assert kept(cache_folder) == [other.name]


def test_a_cache_that_cannot_be_written_is_named(site: Site, cache_folder: Path) -> None:
    site.pages = {"/a": LORA}
    cache_folder.write_text("a file in its place")
    assert f"{cache_folder / 'loras'} cannot be written (Not a directory)" in refusal(f"{site.url}/a")


# What is not for strangers


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "127.0.0.1", "127.1", "2130706433", "0x7f.1", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]"),
        *("10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "[fe80::1]", "[fd00::1]"),
        *("[64:ff9b::7f00:1]", "[2002:7f00:1::]", "224.0.0.1", "255.255.255.255"),
    ],
)
def test_a_stranger_reaches_no_private_address(host: str, cache_folder: Path) -> None:
    assert "is an address in a private network" in refusal(f"https://{host}/lora.safetensors")


def test_a_redirect_into_a_private_network_is_not_followed(site: Site, cache_folder: Path) -> None:
    with socket.create_server(("127.0.0.2", 0)) as private:
        private.settimeout(0.2)
        site.pages = {"/lora": f"http://127.0.0.2:{private.getsockname()[1]}/"}
        assert "127.0.0.2 is an address in a private network" in refusal(f"{site.url}/lora")
        with pytest.raises(TimeoutError):
            private.accept()


def test_a_name_that_changes_its_address_after_it_was_checked_is_not_followed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address that was checked is the one that is connected to: there is no second look-up."""
    site.pages = {"/lora": LORA}
    asked: list[str] = []
    really = socket.getaddrinfo

    def look_up(host: str, port: int, family: int = 0, type: int = 0) -> object:
        asked.append(host)
        return really("127.0.0.1" if host == "fickle.example" else host, port, family, type)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert fetch_lora(site.url.replace("127.0.0.1", "fickle.example") + "/lora")
    assert asked.count("fickle.example") == 1


@pytest.mark.parametrize("scheme", ["http", "ftp", "file", "HTTP"])
def test_only_https_is_fetched_from_for_anyone(scheme: str, cache_folder: Path) -> None:
    for at_home in (False, True):
        assert "is not at an https address" in refusal(f"{scheme}://example.org/lora.safetensors", at_home)


def test_a_redirect_to_plain_http_is_not_followed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.pages = {"/lora": "ftp://127.0.0.1/lora"}
    assert "is not at an https address" in refusal(f"{site.url}/lora")


@pytest.mark.parametrize(
    "named", ["/etc/hostname", "../lora.safetensors", "lora.safetensors", "~/lora.safetensors", "x"]
)
def test_a_stranger_names_no_file_of_this_machine(named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lora.safetensors").write_bytes(LORA)
    assert f"There is no LoRA {named!r}: name owner/name" in refusal(named)


def test_a_file_that_looks_like_a_repository_is_not_read_for_a_stranger(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/lora.safetensors").write_bytes(LORA)
    assert "shows no mine/lora.safetensors" in refusal("mine/lora.safetensors")


# At home


def test_at_home_a_file_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "lora.safetensors").write_bytes(LORA)
    assert fetch_lora(str(tmp_path / "lora.safetensors"), at_home=True) == tmp_path / "lora.safetensors"


@pytest.mark.parametrize("named", ["~nouser/lora.safetensors", "a" * 300, "a\0b"])
def test_a_file_that_no_machine_can_have_is_refused(named: str) -> None:
    assert "The LoRA is " in refusal(named, at_home=True)
    assert "There is no LoRA " in refusal(named)


@pytest.mark.parametrize("named", ["nowhere.safetensors", "mine/nowhere.safetensors", "/tmp/nowhere.safetensors"])
def test_at_home_a_file_that_is_not_there_is_not_looked_for_on_the_hub(named: str) -> None:
    assert "or a file that is there" in refusal(named, at_home=True)


def test_at_home_the_own_network_is_reached(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.pages = {"/lora": LORA}
    monkeypatch.setattr(web, "is_public", lambda address: False)
    assert fetch_lora(f"{site.url}/lora", at_home=True)


# What is shown


@pytest.mark.parametrize(
    ("named", "public"),
    [
        (None, None),
        ("", None),
        ("me/one", "me/one"),
        ("outputs/lora/lora.safetensors", "outputs/lora/lora.safetensors"),
        ("https://example.org/a%20b.safetensors?token=x#y", "https://example.org/a%20b.safetensors"),
        ("https://me:secret@example.org:8443/lora", "https://example.org:8443/lora"),
    ],
)
def test_what_may_be_a_secret_in_an_address_is_never_shown(named: str | None, public: str | None) -> None:
    assert public_name(named) == public


@given(st.text())
def test_any_text_can_be_shown_or_is_refused_in_a_sentence(text: str) -> None:
    for named in (text, f"https://{text}"):
        try:
            assert "?" not in (public_name(named) or "") or "://" not in named
        except NextSceneError as error:
            assert str(error).endswith(".")  # noqa: PT017
