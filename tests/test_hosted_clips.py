"""Clips by a hosted model: ordered, watched, fetched, cancelled, and paid for once; against an imitation."""

import json
from collections.abc import Iterator
from io import BytesIO
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clips import planned
from conftest import photo
from hosted import Hosted
from PIL import Image
from takes import run_in

from nextscene import NextSceneError, replicate_client
from nextscene.cli import main
from nextscene.clip import Clip
from nextscene.film import write_clip

TOKEN = "r8_a-secret"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    file = tmp_path_factory.mktemp("film") / "film.mp4"
    file.touch()
    write_clip(file, [np.full((48, 64, 3), 20 * each, np.uint8) for each in range(9)], 16, {})
    return file.read_bytes()


@pytest.fixture
def api(film: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hosted]:
    with Hosted(film) as served:
        monkeypatch.setenv("REPLICATE_API_TOKEN", TOKEN)
        monkeypatch.setenv("REPLICATE_API_BASE_URL", served.url)
        yield served


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Those that would have been made."""
    made: list[float] = []
    monkeypatch.setattr(replicate_client, "sleep", made.append)
    return made


def ordered(*, last: bool = False, on_step: Any = lambda *_: None, **clip: Any) -> Clip:
    said: dict[str, Any] = {"clips": "join" if last else "each", "clip_engine": "replicate", "clip": clip or None}
    engines, plans = planned("a red house by the sea", "the camera pans right", **said)
    with engines.open("replicate", plans) as opened:
        return opened.make(plans[0], photo(160, 120, 1), photo(160, 120, 2) if last else None, on_step)


def test_a_clip_is_ordered_watched_and_fetched(api: Hosted) -> None:
    seen: list[int] = []
    clip = ordered(last=True, on_step=lambda plan, done, of: seen.append(done))
    assert (len(clip.frames), clip.fps) == (9, 16)
    assert seen == [33, 66, 99, 100]
    (asked,) = api.inputs
    assert asked["prompt"] == "the camera pans right"
    assert (asked["image"], asked["last_image"]) == (f"{api.url}/v1/files/f1", f"{api.url}/v1/files/f2")
    assert (asked["num_frames"], asked["frames_per_second"], asked["resolution"]) == (81, 16, "480p")
    assert "POST /v1/models/wan-video/wan-2.2-i2v-fast/predictions" in api.requests
    png = api.uploads[0][api.uploads[0].index(b"\x89PNG") :]
    assert Image.open(BytesIO(png)).size == (160, 120)


def test_what_it_cost_is_known(api: Hosted) -> None:
    facts = ordered(seed=3).made_by
    assert (facts["hosted"], facts["order"], facts["version"]) == ("wan-video/wan-2.2-i2v-fast", "o1", "v1")
    assert facts["metrics"] == {"predict_time": 41.5}
    assert facts["asked_for"]["seed"] == 3  # type: ignore[index]


@pytest.mark.parametrize(
    ("model", "names"),
    [
        ("luma/ray-2-720p", {"start_image", "end_image", "prompt", "duration", "aspect_ratio"}),
        ("kwaivgi/kling-v2.1", {"start_image", "end_image", "prompt", "duration", "negative_prompt"}),
    ],
)
def test_each_model_is_asked_in_its_own_words(model: str, names: set[str], api: Hosted) -> None:
    ordered(last=True, model=model)
    assert set(api.inputs[0]) == names
    assert api.inputs[0]["duration"] == 5
    assert api.inputs[0].get("aspect_ratio", "4:3") == "4:3"


def test_the_token_goes_to_the_service_alone(api: Hosted) -> None:
    ordered()
    assert api.tokens.pop("/film.mp4") == {""}
    assert set(chain(*api.tokens.values())) == {f"Bearer {TOKEN}"}


def test_what_is_refused_for_now_is_asked_again_after_the_pause_that_was_asked_for(
    api: Hosted, pauses: list[float]
) -> None:
    api.refusals = iter([429, 0, 503, 0])
    assert len(ordered().frames) == 9
    assert pauses[:4] == [6, 1, 0, 1]
    assert len(api.inputs) == 1


def test_a_service_that_stays_busy_is_given_up_in_a_sentence(api: Hosted, pauses: list[float]) -> None:
    api.refusals = repeat(429)
    with pytest.raises(NextSceneError, match=r"^Replicate answered 429 \(slow down\): too much was asked for"):
        ordered()
    assert len(api.requests) == replicate_client.TRIES
    assert pauses[1::2] == [1, 2, 4, 8, 16]


@pytest.mark.parametrize(("status", "advice"), [(401, "is not a valid token"), (402, "no credit"), (422, "inputs")])
def test_what_is_refused_for_good_is_said_with_what_to_do(status: int, advice: str, api: Hosted) -> None:
    api.refusals = iter([status])
    with pytest.raises(NextSceneError, match=rf"^Replicate answered {status} .*{advice}"):
        ordered()


def test_a_model_that_fails_says_why(api: Hosted) -> None:
    api.ending = "failed"
    with pytest.raises(NextSceneError, match=r"Scene 1's clip: wan-video/.* failed \(the GPU is on fire\)"):
        ordered()
    assert "POST /v1/predictions/o1/cancel" in api.requests


def test_a_look_and_a_film_that_break_off_are_taken_up_again(api: Hosted) -> None:
    api.cuts = iter(["", "", "cut", "", "", "cut"])  # upload, order, a look, then the film
    assert len(ordered().frames) == 9
    assert len(api.inputs) == 1
    assert api.requests.count("GET /film.mp4") == 2


def test_an_order_that_may_have_been_placed_is_not_placed_twice(api: Hosted) -> None:
    api.cuts = iter(["", "cut"])
    with pytest.raises(NextSceneError, match=r"broke off .* if it was ordered, replicate\.com/predictions shows it"):
        ordered()
    assert len(api.inputs) == 1


def test_an_order_that_a_gateway_lost_is_not_placed_twice(api: Hosted) -> None:
    api.refusals = iter([0, 502])
    with pytest.raises(NextSceneError, match="Replicate answered 502"):
        ordered()
    assert len(api.requests) == 2


def test_whatever_ends_a_clip_early_cancels_its_order(api: Hosted) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ordered(on_step=stop)
    assert api.requests[-1] == "POST /v1/predictions/o1/cancel"


def test_a_run_is_animated_by_a_hosted_model_and_nothing_written_has_the_token(
    api: Hosted, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = run_in(tmp_path, "a", "b")
    assert main(["animate", str(folder), "--clip-engine", "replicate", "--output-video", str(folder / "a.mp4")]) == 0
    clips = [scene["clips"][0] for scene in json.loads((folder / "run.json").read_text())["scenes"]]
    assert [(clip["frames"], clip["fps"], clip["made_by"]["order"]) for clip in clips] == [(9, 16, "o1")] * 2
    said = capfd.readouterr()
    assert TOKEN not in said.out + said.err
    assert not any(TOKEN.encode() in file.read_bytes() for file in folder.rglob("*") if file.is_file())
