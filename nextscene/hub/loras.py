"""A LoRA of the user's own: which file is meant by `lora_weights`, and a whole copy of it on this machine.

In goes a repository on the hub (`owner/name`, or `owner/name/FILE.safetensors`), a web address, or, from somebody who
sits at this machine, a file; out comes a safetensors file. It is kept in the cache, and needs no network from then on.
For a stranger, no address is followed into the network behind this machine, no token is used, and nothing is found
that was fetched with either.

It does not know whether a LoRA fits the model.
"""

import re
from pathlib import Path

from safetensors import SafetensorError, safe_open

from nextscene import NextSceneError
from nextscene.files import short, typed_path
from nextscene.hub import cache, lora_cache
from nextscene.hub.models import Source

MOST = 4 * 10**9  # bytes; rank 128 on every layer of the 2509 model has 2.4 GB
_NAME = r"(?![^/]*(?:--|\.\.))\w[\w.-]{0,95}(?<![.-])"
ON_THE_HUB = re.compile(rf"(?P<repo>{_NAME}/{_NAME})(?:/(?P<file>.+\.safetensors))?", re.ASCII)


def fetch_lora(name: str | None, at_home: bool = False, kind: str = "LoRA") -> Path | None:
    """The file of a LoRA; None, if none is named.

    kind: what it is: an embedding is named, fetched and kept in the same way.
    at_home: whoever named it sits at this machine, and may use its files, its network and its HF_TOKEN.
    """
    if not name:
        return None
    if "://" in name:
        return _fetch_from_web(name, at_home, kind)
    if at_home and (file := typed_path(name, f"The {kind}")).is_file():
        return file
    return _fetch_from_hub(name, at_home, kind)


def tensor_names(file: Path) -> list[str]:
    """What a safetensors file on this machine holds: of an embedding, its words."""
    try:
        with safe_open(file, "numpy") as opened:
            return sorted(opened.keys())
    except (SafetensorError, OSError) as error:
        raise NextSceneError(f"{file.name} is not a safetensors file ({error}).") from None


def public_name(name: str | None) -> str | None:
    """The name of either as it may be shown and recorded: a web address without what may be a secret in it."""
    if not name or "://" not in name:
        return name or None
    from nextscene.hub import web

    return web.public_address(name)


def _fetch_from_hub(name: str, at_home: bool, kind: str) -> Path:
    found = ON_THE_HUB.fullmatch(name)
    if not found or (at_home and found["repo"].endswith(".safetensors")):
        home = ", or a file that is there" if at_home else ""
        raise NextSceneError(
            f"There is no {kind} {short(name)}: name owner/name or owner/name/FILE.safetensors on the hub, or the "
            f"https address of a safetensors file{home}."
        )
    pattern = found["file"] or "*.safetensors"
    source = Source(name=f"{kind} {name}", repo=found["repo"], files=(pattern,), public=not at_home)

    def download(folder: Path) -> Path:
        from nextscene.hub import download as hub

        listed = hub.list_files(source)
        if len(listed.files) > 1:
            some = ", ".join([file.name for file in listed.files[:3]] + ["..."] * (len(listed.files) > 3))
            raise NextSceneError(
                f"{source.name} is not one file but {len(listed.files)} ({some}): name one, as owner/name/FILE."
            )
        (file,) = listed.files
        cache.refuse_larger(source.name, file.size, MOST)
        if known := lora_cache.find(file.sha256):
            return known
        lora_cache.make_room(source.name, file.size)
        cache.announce(source.name, file.size)
        return _checked(source.name, hub.download_file(source, listed.commit, file, folder).resolve())

    return lora_cache.get(f"{at_home} {name}", download)


def _fetch_from_web(address: str, at_home: bool, kind: str) -> Path:
    from nextscene.hub import web

    def download(folder: Path) -> Path:
        file = folder / "lora.safetensors"
        web.download(address, file, at_home, MOST, lora_cache.make_room)
        return _checked(f"{kind} {web.public_address(address)}", file)

    return lora_cache.get(f"{at_home} {address}", download)


def _checked(name: str, file: Path) -> Path:
    """The file, if it is a whole safetensors file."""
    if not lora_cache.is_whole(file):
        raise NextSceneError(
            f"{name} is no whole safetensors file: give the address of the file itself, not of a page that shows it."
        )
    return file
