"""A film in a real browser: it plays with its sound, seeks to where it is told, and ends when it should."""

import base64
import json
import shutil
import subprocess
import threading
import wave
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from nextscene.film import Film, lay_out
from nextscene.story import from_data

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no chromium here")

PAGE = """
<video muted src="data:video/{kind};base64,{film}"></video><canvas width=64 height=48></canvas><script>
const video = document.querySelector("video"), pen = document.querySelector("canvas").getContext("2d");
const event = name => new Promise(done => video.addEventListener(name, done, {{once: true}}));
const colour = () => {{
  pen.drawImage(video, 0, 0, 64, 48);
  return [...pen.getImageData(32, 24, 1, 1).data.slice(0, 3)];
}};
const tell = found => fetch("/", {{method: "POST", body: JSON.stringify(found)}});
async function watch() {{
  const found = {{duration: video.duration, width: video.videoWidth, seeks: []}};
  for (const time of [0.1, 0.9, 0.4]) {{
    const sought = event("seeked");
    video.currentTime = time; await sought;
    found.seeks.push([video.currentTime, colour()]);
  }}
  const ended = event("ended");
  video.currentTime = 0; await video.play(); await ended;
  tell({{...found, end: video.currentTime, heard: video.webkitAudioDecodedByteCount}});
}}
video.addEventListener("error", () => tell({{error: video.error.message}}));
video.addEventListener("loadeddata", () => watch().catch(error => tell({{error: String(error)}})), {{once: true}});
</script>
"""


def watched(film: Path, profile: Path) -> dict[str, Any]:
    """What a browser tells of a film."""
    page = PAGE.format(kind=film.suffix[1:], film=base64.b64encode(film.read_bytes()).decode()).encode()
    told: list[dict[str, Any]] = []
    heard = threading.Event()

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page)

        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()
            heard.set()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Site) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
        address = f"http://127.0.0.1:{site.server_port}"
        browser = subprocess.Popen([str(BROWSER), *flags, address], stderr=subprocess.DEVNULL)
        try:
            assert heard.wait(60), "the browser told nothing"
        finally:
            browser.terminate()
            browser.wait()
            site.shutdown()
    return told[0]


@pytest.mark.parametrize(("suffix", "exact"), [("mp4", 0.002), ("webm", 0.01)])  # Opus comes in packets of 20 ms
def test_a_film_plays_in_a_browser_and_every_moment_of_it_can_be_sought(
    tmp_path: Path, suffix: str, exact: float
) -> None:
    colours = [(200, 40, 40), (40, 160, 60)]
    with wave.open(str(tmp_path / "a.wav"), "wb") as sound:
        sound.setparams((1, 2, 48_000, 0, "NONE", ""))
        sound.writeframes(bytes(range(1, 97)) * 1000)
    with Film(tmp_path / f"a.{suffix}", lay_out(from_data(["a", "b"])), sound=tmp_path / "a.wav") as film:
        for colour in colours:
            film.add(Image.new("RGB", (128, 96), colour))
    seen = watched(tmp_path / f"a.{suffix}", tmp_path / "profile")
    assert "error" not in seen, seen
    assert (seen["duration"], seen["width"]) == (pytest.approx(1, abs=exact), 128)
    assert seen["end"] == pytest.approx(1, abs=exact)
    assert seen["heard"] > 0
    for (time, shown), sought, expected in zip(seen["seeks"], (0.1, 0.9, 0.4), (0, 1, 0), strict=True):
        assert time == pytest.approx(sought)
        assert shown == pytest.approx(colours[expected], abs=4)
