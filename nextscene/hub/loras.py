"""A LoRA of the user's own: which file is meant by `lora_weights`, and a whole copy of it on this machine.

In goes a repository on the hub (`owner/name`, or `owner/name/FILE.safetensors`), a web address, or, from somebody who
sits at this machine, a file; out comes a safetensors file. It is kept with the other downloads, and needs no network
from then on. For a stranger, no address is followed into the network behind this machine, no token is used, and nothing
is found that was fetched with either.

It does not know whether a LoRA fits the model.
"""

import hashlib
import os
import re
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from ipaddress import ip_address
from pathlib import Path

import httpcore2
import httpx2
from huggingface_hub.hf_api import RepoSibling
from safetensors import SafetensorError, safe_open

from nextscene import NextSceneError
from nextscene.hub import download

MOST = 4 * 10**9  # bytes; rank 128 on every layer of the 2509 model has 2.4 GB
PATIENCE = 10.0  # seconds for each answer
LONGEST = 900.0  # seconds for a whole download
REDIRECTS = 5
SCHEMES = ("https",)
_NAME = r"(?![^/]*(?:--|\.\.))\w[\w.-]{0,95}(?<![.-])"
ON_THE_HUB = re.compile(rf"(?P<repo>{_NAME}/{_NAME})(?:/(?P<file>.+\.safetensors))?", re.ASCII)


def fetch(named: str | None, at_home: bool = False) -> Path | None:
    """The file of a LoRA; None, if none is named.

    at_home: whoever named it sits at this machine, and may use its files, its network and its HF_TOKEN.
    """
    if not named:
        return None
    if "://" in named:
        return _from_web(named, at_home)
    if at_home and Path(named).expanduser().is_file():
        return Path(named).expanduser()
    return _from_hub(named, at_home)


def identity(file: Path | None) -> dict[str, str]:
    """What a record says of a LoRA; nothing, where there is none."""
    return {"lora_weights_sha256": download.sha256(file)} if file else {}


def shown(named: str | None) -> str | None:
    """The name as it may be shown and recorded: a web address without what may be a secret in it."""
    if not named or "://" not in named:
        return named or None
    return str(_address(named).copy_with(userinfo=b"", query=None, fragment=None))


def _from_hub(named: str, at_home: bool) -> Path:
    found = ON_THE_HUB.fullmatch(named)
    if not found or (at_home and found["repo"].endswith(".safetensors")):
        home = ", or a file that is there" if at_home else ""
        raise NextSceneError(
            f"There is no LoRA {named!r}: name owner/name or owner/name/FILE.safetensors on the hub, or the https "
            f"address of a safetensors file{home}."
        )
    source = download.Source(
        name=f"LoRA {named}",
        repo=found["repo"],
        files=(found["file"] or "*.safetensors",),
        public=not at_home,
    )
    folder, (lora,) = download.fetch(source, check=partial(_check, source.name))
    return folder / lora


def _check(name: str, files: Sequence[RepoSibling]) -> None:
    """Refuses what the hub offers before it is downloaded."""
    if len(files) > 1:
        some = ", ".join([file.rfilename for file in files[:3]] + ["..."] * (len(files) > 3))
        raise NextSceneError(f"{name} is not one file but {len(files)} ({some}): name one, as owner/name/FILE.")
    _check_size(name, files[0].size or 0)


def _check_size(name: str, size: int) -> None:
    if size > MOST:
        raise NextSceneError(f"{name} is larger than {download.amount(MOST)}: no LoRA for this model is.")


def _from_web(named: str, at_home: bool) -> Path:
    key = hashlib.sha256(f"{at_home} {named}".encode()).hexdigest()
    file = download.cache() / "loras" / f"{key}.safetensors"
    if not file.is_file():
        name = f"LoRA {shown(named)}"
        try:
            with _connected(at_home) as pool, _answer(pool, name, _address(named)) as answer:
                _download(answer, name, file)
        except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError) as error:
            reason = str(error) or "it does not answer"
            raise NextSceneError(f"{name} could not be fetched: its server broke off ({reason}): try again.") from error
        except OSError as error:
            raise NextSceneError(f"{name} could not be kept in {file.parent} ({error.strerror}): make room.") from error
    return file


def _download(answer: httpcore2.Response, name: str, file: Path) -> None:
    """Writes it whole or not at all."""
    size = int(_header(answer, b"content-length") or 0)
    _check_size(name, size)
    download.make_room(name, size, file.parent)
    for orphan in file.parent.glob(".*.part"):
        if time.time() - orphan.stat().st_mtime > download.ORPHAN_AGE:
            orphan.unlink()
    part, started = file.with_name(f".{file.name}.{os.getpid()}.part"), time.monotonic()
    try:
        with part.open("wb") as out:
            for chunk in answer.iter_stream():
                out.write(chunk)
                _check_size(name, out.tell())
                if time.monotonic() - started > LONGEST:
                    raise NextSceneError(f"{name} could not be fetched in {LONGEST / 60:.0f} minutes: try again.")
        with safe_open(part, "numpy"):  # refuses a file that is not whole
            part.replace(file)
    except SafetensorError:
        raise NextSceneError(
            f"{name} is no whole safetensors file: give the address of the file itself, not of a page that shows it."
        ) from None
    finally:
        part.unlink(missing_ok=True)


def _connected(at_home: bool) -> httpcore2.ConnectionPool:
    network = httpcore2.SyncBackend() if at_home else _PublicNetwork()
    return httpcore2.ConnectionPool(httpcore2.default_ssl_context(), network_backend=network)


@contextmanager
def _answer(pool: httpcore2.ConnectionPool, name: str, address: httpx2.URL) -> Iterator[httpcore2.Response]:
    """The answer with the file, after all redirects."""
    patience = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), PATIENCE)}
    for _ in range(REDIRECTS + 1):
        if address.scheme not in SCHEMES:
            raise NextSceneError(f"{name} is not at an https address: only those are fetched.")
        url = httpcore2.URL(
            scheme=address.raw_scheme, host=address.raw_host, port=address.port, target=address.raw_path
        )
        with pool.stream("GET", url, headers={"Accept-Encoding": "identity"}, extensions=patience) as answer:
            if answer.status == 200:
                yield answer
                return
            if answer.status not in (301, 302, 303, 307, 308):
                raise NextSceneError(f"{name} could not be fetched: its server answered {answer.status}: check it.")
            address = address.join(_address(_header(answer, b"location")))
    raise NextSceneError(f"{name} could not be fetched: its address leads from one to another without end.")


def _address(text: str) -> httpx2.URL:
    try:
        return httpx2.URL(text)
    except httpx2.InvalidURL:
        raise NextSceneError(f"{text.split('?')[0]!r} is not a web address: check it.") from None


def _header(answer: httpcore2.Response, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in answer.headers if key.lower() == name), "")


class _PublicNetwork(httpcore2.SyncBackend):
    """Connects only to addresses that everyone can reach.

    A name is looked up once, and what was looked up is what is connected to: it cannot change in between.
    """

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        try:
            found = {str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"{host} is not known") from error
        if not all(map(is_public, found)):
            raise NextSceneError(f"{host} is an address in a private network: only public ones are fetched from.")
        address = min(found, key=lambda each: ":" in each)  # IPv4 is reached from everywhere
        return super().connect_tcp(address, port, timeout, local_address, socket_options)


def is_public(address: str) -> bool:
    """Whether everyone on the internet means the same by it, and no other address lies hidden in it."""
    ip = ip_address(address)
    hidden = ip.version == 6 and (ip.sixtofour or ip.is_site_local)
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or hidden)
