"""What a stranger may send to the server: nothing of the server's own comes back, and the next request is as before."""

import base64
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image
from server import QUICK, ROOT, Server, data_uri, png

SECRET = "nobody-may-read-this"
FILES = ("image", "story", "video_music", "references")
NOT_SENT = "is not a file that was sent: give it as a data URI or by its http(s) address"


@pytest.fixture(scope="module")
def places(server: Server) -> Iterator[dict[str, str]]:
    """Where a stranger might point to: files of the server's, by all kinds of names."""
    with tempfile.TemporaryDirectory(dir=server.folder) as folder:
        secret = Path(folder, "secret.txt")
        secret.write_text(SECRET)
        link = Path(folder, "link.txt")
        link.symlink_to("/etc/hostname")
        yield {
            "a file": "/etc/hostname",
            "a file of the temporary folder": str(secret),
            "a file address": f"file://{secret}",
            "a relative path": os.path.relpath(secret, ROOT),
            "the repository's own": "README.md",
            "a link": str(link),
            "a folder": folder,
            "a device": "/dev/zero",
            "this process": "/proc/self/environ",
            "capital letters": f"FILE://{secret}",
            "a home": "~/.bashrc",
            "nothing": "",
            "a long name": "a" * 5000,
            "a zero byte": "a\0b",
        }


KINDS = [
    "a file",
    "a file of the temporary folder",
    "a file address",
    "a relative path",
    "the repository's own",
    "a link",
    "a folder",
    "a device",
    "this process",
    "capital letters",
    "a home",
    "nothing",
    "a long name",
    "a zero byte",
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FILES)
def test_no_file_of_the_servers_is_opened(server: Server, places: dict[str, str], name: str, kind: str) -> None:
    given = {"prompts": ["a"]} if name != "story" else {}
    place = places[kind]
    answer = server.predict(**QUICK, **given, **{name: [place] if name == "references" else place})
    if not place and name != "references":
        assert answer["status"] == ("failed" if name == "story" else "succeeded")  # an empty text is none at all
        return
    assert answer["status"] == "failed"
    assert f"{'references, 1st picture' if name == 'references' else name} {NOT_SENT}" in answer["error"]
    assert SECRET not in json.dumps(answer)


def test_a_file_among_sent_ones_is_the_one_that_is_named(server: Server) -> None:
    sent = png(Image.new("RGB", (64, 64)))
    answer = server.predict(**QUICK, prompts=["a"], references=[sent, "/etc/hostname"])
    assert f"references, 2nd picture {NOT_SENT}" in answer["error"]


@pytest.mark.parametrize(
    ("story", "message"),
    [
        ({"film": {"music": "/etc/hostname"}}, "This story plays '/etc/hostname': give it along as video_music."),
        ({"lora_weights": "/etc/hostname"}, "There is no LoRA"),
        ({"lora_weights": "~/lora.safetensors"}, "There is no LoRA"),
        ({"lora_weights": "../lora.safetensors"}, "There is no LoRA"),
        ({"lora_weights": "file:///etc/hostname"}, "is not at an https address"),
        ({"image": "/etc/hostname"}, "This story opens with the picture '/etc/hostname': give it along"),
        ({"cast": ["/etc/hostname"]}, "cast"),
    ],
)
def test_a_strangers_story_reaches_no_file_of_the_servers(server: Server, story: dict[str, Any], message: str) -> None:
    sent = data_uri(json.dumps({"scenes": ["a"], **story}).encode(), "application/json")
    answer = server.predict(**QUICK, story=sent, output_video=True)
    assert answer["status"] == "failed"
    assert message in answer["error"]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"image": "hello"}, "image is not a picture of a known kind: give a PNG, JPEG, WebP or GIF."),
        ({"references": "hello"}, "references, 1st picture is not a picture of a known kind"),
        ({"video_music": "hello", "output_video": True}, "video_music has no sound that can be played"),
        ({"story": "hello", "prompts": []}, "The story file 'story' is not JSON"),
    ],
)
def test_an_error_names_the_input_and_neither_a_class_nor_a_file_of_the_servers(
    server: Server, inputs: dict[str, Any], message: str
) -> None:
    hello = data_uri(b"hello", "image/png")
    sent = {name: hello if value == "hello" else value for name, value in inputs.items()}
    if "references" in sent:
        sent["references"] = [hello]
    error = server.predict(**QUICK, **{"prompts": ["a"]} | sent)["error"]
    assert error.startswith(f"Prediction failed: Generator iteration error: Next Scene: {message}")
    assert "NextSceneError" not in error
    assert "tmp" not in error


def large(megapixels: int) -> str:
    """A picture of one colour: a hundred megapixels in 100 kB."""
    return png(Image.new("L", (1000, 1000 * megapixels)))


def memory(server: Server) -> float:
    """Of the server and its worker, in MB."""
    process = psutil.Process(server.process.pid)
    return float(sum(each.memory_info().rss for each in [process, *process.children(recursive=True)])) / 1e6


def test_references_are_counted_and_measured_before_they_are_decoded(server: Server) -> None:
    server.predict(**QUICK, prompts=["a"])
    before = memory(server)
    small, wide = png(Image.new("L", (8, 8))), large(60)
    answer = server.predict(**QUICK, prompts=["a"], references=[small] * 21)
    assert "at most 3" in answer["error"]
    answer = server.predict(**QUICK, prompts=["a"], references=[wide] * 8)
    assert "have 480 megapixels together, and 100 at most are read" in answer["error"]
    answer = server.predict(**QUICK, prompts=["a"], image=wide, references=[wide])
    assert "have 120 megapixels together" in answer["error"]
    assert memory(server) < before + 100


def test_what_large_pictures_took_is_given_back(server: Server) -> None:
    sent = [large(20), large(20)]
    server.predict(**QUICK, prompts=["a"], references=sent)
    before = memory(server)
    for _ in range(2):
        assert server.predict(**QUICK, prompts=["a"], references=sent)["status"] == "succeeded"
    assert server.predict(**QUICK, prompts=["a"])["status"] == "succeeded"
    assert memory(server) < before + 100


def test_a_misspelt_input_is_named_in_the_servers_log(server: Server) -> None:
    assert server.predict(**QUICK, prompts=["a"], promtps=["b"])["status"] == "succeeded"
    line = next(line for line in server.logged().splitlines() if "promtps" in line)
    assert "Stripped unknown input fields" in line


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"input": 3}', b'{"input": []}', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_request_is_answered_and_the_next_one_works(server: Server, body: bytes) -> None:
    status, _ = server.send("/predictions", body)
    assert status in (200, 400, 415, 422)
    assert server.predict(**QUICK, prompts=["a"])["status"] == "succeeded"


def test_what_is_sent_back_is_only_what_was_made(server: Server) -> None:
    story = data_uri(json.dumps({"scenes": [SECRET]}).encode(), "application/json")
    *_, record = server.predict(**QUICK, story=story, return_record=True)["output"]
    text = base64.b64decode(record.partition(",")[2]).decode()
    assert str(server.folder) not in text
    assert str(ROOT) not in text
