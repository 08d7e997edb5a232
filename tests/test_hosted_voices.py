"""Hosted voices and sounds: asked for as their services want it, paid for once, and silent about the key."""

import io
import json
import wave
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from takes import run_in
from test_voice import samples_of

from nextscene import NextSceneError
from nextscene.cli import main
from nextscene.film import RATE, CuttingRoom, lay_out, voice
from nextscene.film.casting import find_any_voice, find_sounds
from nextscene.film.foley import AMBIENT
from nextscene.story import from_data

KEY = "sk-secret-0123456789"


def tone(hertz: float = 440, seconds: float = 1.0) -> bytes:
    """A WAV file of a tone."""
    samples = 0.3 * np.sin(2 * np.pi * hertz * np.arange(round(16_000 * seconds)) / 16_000)
    with wave.open(file := io.BytesIO(), "wb") as opened:
        opened.setparams((1, 2, 16_000, 0, "NONE", ""))
        opened.writeframes((samples * 32767).astype("<i2").tobytes())
    return file.getvalue()


@dataclass
class Service:
    """A service on loopback: answers with these in turn, the last for ever, and keeps what it was asked."""

    answers: list[tuple[int, bytes]]
    asked: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """What answers in the place of OpenAI and ElevenLabs, and keys for both."""
    found = Service([(200, tone())])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            status, answer = found.answers.pop(0) if len(found.answers) > 1 else found.answers[0]
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.send_header("Retry-After", "0")
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Tests read `asked`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    for name in ("OPENAI", "ELEVENLABS"):
        monkeypatch.setenv(f"{name}_BASE_URL", f"http://127.0.0.1:{server.server_address[1]}/v1/")
        monkeypatch.setenv(f"{name}_API_KEY", KEY)
    yield found
    server.shutdown()
    server.server_close()


def spoken(folder: Path, name: str) -> voice.Recording:
    told = from_data([{"prompt": "a", "narration": "Who is there?"}])
    return voice.narrate(lay_out(told), find_any_voice(name, at_home=True), folder)["scene_001"][0]


def test_a_voice_of_openais_is_asked_for_as_its_api_wants_it(service: Service, tmp_path: Path) -> None:
    clip = spoken(tmp_path, "openai:alloy")
    ((path, headers, body),) = service.asked
    assert (path, headers["authorization"]) == ("/v1/audio/speech", f"Bearer {KEY}")
    assert body == {"model": "gpt-4o-mini-tts", "voice": "alloy", "input": "Who is there?", "response_format": "wav"}
    assert clip.seconds == pytest.approx(1, abs=0.1)
    power = np.abs(np.fft.rfft(samples_of(clip)))
    assert np.argmax(power) * RATE / len(samples_of(clip)) == pytest.approx(440, abs=2)


def test_a_server_at_home_needs_no_key_and_may_have_models_of_its_own(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    spoken(tmp_path, "openai:org/kokoro/af_sky")
    ((_, headers, body),) = service.asked
    assert "authorization" not in headers
    assert (body["model"], body["voice"]) == ("org/kokoro", "af_sky")


def test_a_voice_of_elevenlabs_is_asked_for_as_its_api_wants_it(service: Service, tmp_path: Path) -> None:
    spoken(tmp_path, "elevenlabs:JBFqn")
    ((path, headers, body),) = service.asked
    assert (path, headers["xi-api-key"]) == ("/v1/text-to-speech/JBFqn", KEY)
    assert body == {"text": "Who is there?", "model_id": "eleven_multilingual_v2"}


def test_what_was_spoken_once_is_not_paid_for_again(service: Service, tmp_path: Path) -> None:
    assert spoken(tmp_path, "openai:alloy") == spoken(tmp_path, "openai:alloy")
    assert len(service.asked) == 1
    spoken(tmp_path, "openai:echo")
    assert len(service.asked) == 2


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_service_that_is_busy_is_asked_again_twice(service: Service, tmp_path: Path, status: int) -> None:
    service.answers = [(status, b""), (status, b""), (200, tone())]
    spoken(tmp_path, "openai:alloy")
    assert len(service.asked) == 3


@pytest.mark.parametrize(
    ("answer", "reason", "asked"),
    [
        ((500, KEY.encode()), "could not be made by OpenAI: it answered 500: check OPENAI_API_KEY, the voice", 3),
        ((401, KEY.encode()), "could not be made by OpenAI: it answered 401: check OPENAI_API_KEY, the voice", 1),
        ((200, b"<html>"), "could not be made by OpenAI: what it answered with is no sound.", 1),
        ((200, tone(seconds=0)), "could not be made by OpenAI|came back silent from OpenAI", 1),
    ],
)
def test_what_a_service_says_no_to_is_one_sentence_without_the_key(
    service: Service, tmp_path: Path, answer: tuple[int, bytes], reason: str, asked: int
) -> None:
    service.answers = [answer]
    with pytest.raises(NextSceneError, match=f"^Scene 1's narration ({reason})") as refusal:
        spoken(tmp_path, "openai:alloy")
    assert KEY not in str(refusal.value)
    assert len(service.asked) == asked


def test_without_a_key_nothing_is_asked(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ELEVENLABS_API_KEY")
    monkeypatch.delenv("ELEVENLABS_BASE_URL")
    with pytest.raises(NextSceneError, match=r"needs a key for ElevenLabs: set ELEVENLABS_API_KEY\.$"):
        spoken(tmp_path, "elevenlabs:x")
    assert service.asked == []


@pytest.mark.parametrize(
    ("scene", "film"),
    [({"narration": "x"}, {"voice": "openai:alloy"}), ({"ambience": ["sea"]}, {"effects": "elevenlabs"})],
)
def test_a_strangers_story_spends_nobodys_money(
    service: Service, tmp_path: Path, scene: dict[str, Any], film: dict[str, Any]
) -> None:
    with pytest.raises(NextSceneError, match="needs a service on the web: only who sits at this machine may name it"):
        CuttingRoom(from_data({"scenes": [{"prompt": "a"} | scene], "film": film}), tmp_path / "film.mp4")
    assert service.asked == []


def test_elevenlabs_makes_any_sound_once(service: Service, tmp_path: Path) -> None:
    sounds = find_sounds("elevenlabs", tmp_path, at_home=True)
    assert sounds.find_kind("a phone rings") == "a phone rings"
    loop = sounds.ambience("a market", 0)
    sounds.effect("a phone rings", 0)
    sounds.effect("a phone rings", 1)
    assert loop.shape[1] == 2
    assert 20 * np.log10(np.sqrt(np.mean(loop**2))) == pytest.approx(AMBIENT, abs=0.1)
    assert [(path, body) for path, _, body in service.asked] == [
        ("/v1/sound-generation", {"text": "a market", "loop": True, "duration_seconds": 20.0}),
        ("/v1/sound-generation", {"text": "a phone rings"}),
    ]


def test_the_key_is_nowhere_in_what_a_run_leaves_behind(
    service: Service, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    scene = {"prompt": "a", "lines": [{"who": "MARA", "text": "Yes."}], "sounds": [{"what": "a phone rings"}]}
    run = run_in(tmp_path, scene, voices={"MARA": "elevenlabs:JBFqn"})
    assert main(["film", str(run), "--effects", "elevenlabs", "--storyboard", "--shots", "--otio"]) == 0
    assert {path for path, _, _ in service.asked} == {"/v1/text-to-speech/JBFqn", "/v1/sound-generation"}
    said = "".join(capfd.readouterr())
    assert "Voices: MARA elevenlabs:JBFqn" in said
    left = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert len(left) > 10_000
    assert KEY.encode() not in left + said.encode()
