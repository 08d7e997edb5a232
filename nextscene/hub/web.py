"""A file from a web address, for somebody who may be a stranger: over https, of bounded size and time.

For a stranger no address is followed into the network behind this machine.
"""

import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

import httpcore2
import httpx2

from nextscene import NextSceneError
from nextscene.hub import cache

PATIENCE = 10.0  # seconds for each answer
LONGEST = 900.0  # seconds for a whole download
REDIRECTS = 5
SCHEMES = ("https",)
BLOCK = 2**26  # bytes that room is made for at a time, where the server does not say how many there are


def public_address(text: str) -> str:
    """An address without what may be a secret in it."""
    return str(_address(text).copy_with(userinfo=b"", query=None, fragment=None))


def download(address: str, file: Path, at_home: bool, most: int, make_room: Callable[[str, int], None]) -> None:
    """Writes the file at an address.

    at_home: whoever named the address sits at this machine, and may use its network.
    most: bytes that it may have.
    make_room: called with a name for users, and how many bytes will be written next.
    """
    name = f"LoRA {public_address(address)}"
    try:
        with _connect(at_home) as pool, _answer(pool, name, _address(address)) as answer:
            _write(answer, name, file, most, make_room)
    except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError) as error:
        reason = str(error) or "it does not answer"
        raise NextSceneError(f"{name} could not be fetched: its server broke off ({reason}): try again.") from error
    except OSError as error:
        where, reason = cache.folder(), error.strerror or str(error)
        raise NextSceneError(f"{name} could not be kept in {where} ({reason}): make room.") from error


def _write(answer: httpcore2.Response, name: str, file: Path, most: int, make_room: Callable[[str, int], None]) -> None:
    announced = _header(answer, b"content-length")
    room = int(announced) if announced.isdecimal() and len(announced) < 20 else 0
    cache.refuse_larger(name, room, most)
    make_room(name, room)
    cache.announce(name, room)
    started = time.monotonic()
    with file.open("wb") as out:
        for chunk in answer.iter_stream():
            cache.refuse_larger(name, out.tell() + len(chunk), most)
            if out.tell() + len(chunk) > room:
                make_room(name, BLOCK)
                room += BLOCK
            out.write(chunk)
            if time.monotonic() - started > LONGEST:
                raise NextSceneError(f"{name} could not be fetched in {LONGEST / 60:.0f} minutes: try again.")


def _connect(at_home: bool) -> httpcore2.ConnectionPool:
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
