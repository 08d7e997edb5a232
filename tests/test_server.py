"""The front door: Cog's real server, real requests."""

import hashlib
import json
import math
import socket
import subprocess
import threading
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from conftest import ROOT, photo, pixels
from server import QUICK, Server, content, data_uri, picture, png

from bench.ears import music
from nextscene import pictures
from nextscene.film import NewFilm, open_footage
from nextscene.form import schema
from nextscene.hub import find


def test_openapi_shows_what_is_read_from_predict(server: Server) -> None:
    status, document = server.ask("/openapi.json")
    assert status == 200
    inputs = document["components"]["schemas"]["Input"]["properties"]
    assert sorted(inputs, key=lambda name: inputs[name]["x-order"])[:3] == ["prompts", "image", "story"]
    read = [schema.read(ROOT / file, name) for file, name in (("predict.py", "Runner"), ("train.py", "train"))]
    assert document["components"] == schema.openapi(*read)["components"]


def test_scenes_come_in_order_as_they_are_finished_and_the_film_last(server: Server) -> None:
    asked = QUICK | {"prompts": ["a harbour", "the camera pans left", "night"], "output_video": True, "fps": 4}
    events = list(server.stream({"input": asked}))
    kinds = [kind for kind, _ in events if kind in ("output", "completed")]
    assert kinds == ["output"] * 4 + ["completed"]
    outputs = [data["chunk"] for kind, data in events if kind == "output"]
    drawn = [i for i, (_, data) in enumerate(events) if "drawn" in data.get("data", "")]
    delivered = [i for i, (kind, _) in enumerate(events) if kind == "output"]
    assert drawn[0] < delivered[0] < drawn[1] < delivered[1] < drawn[2]
    assert [content(uri)[0] for uri in outputs] == ["image/png"] * 3 + ["video/mp4"]
    film = av.open(BytesIO(content(outputs[-1])[1]), "r")
    frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in film.decode(video=0)]
    assert len(frames) == 18
    for i, uri in enumerate(outputs[:3]):
        assert np.abs(frames[6 * i + 3] - np.asarray(picture(uri).convert("RGB"))).mean() < 8


def test_each_picture_carries_what_made_it(server: Server, tmp_path: Path) -> None:
    (uri,) = server.predict(prompts=["a harbour"], output_format="webp", **QUICK)["output"]
    file = tmp_path / "scene.webp"
    file.write_bytes(content(uri)[1])
    facts = pictures.facts(file)
    assert facts
    assert (facts["prompt"], facts["seed"], facts["model"]) == ("Next Scene: a harbour", 5, "storybook")


def test_the_same_seed_gives_the_same_bytes_and_a_blank_one_is_random_and_printed(server: Server) -> None:
    asked = QUICK | {"prompts": ["a harbour", "night"]}
    first, again = server.predict(**asked), server.predict(**asked)
    assert first["output"] == again["output"]
    assert "Seed: 5\n" in first["logs"]
    del asked["seed"]
    blank, other = server.predict(**asked), server.predict(**asked)
    assert blank["output"] != other["output"]
    seed = int(blank["logs"].split("Seed: ")[1].split()[0])
    assert server.predict(**asked, seed=seed)["output"] == blank["output"]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"strength": 7}, "greater than the maximum"),
        ({"strength": 0}, "less than the minimum"),
        ({"seed": -1}, "less than the minimum"),
        ({"seed": 2**31}, "greater than the maximum"),
        ({"num_inference_steps": "many"}, "integer"),
        ({"output_format": "bmp"}, "bmp"),
        ({"prompts": "a, b"}, "array"),
        ({"prompts": [3]}, "string"),
        ({"width": None}, "null"),
    ],
)
def test_bad_input_is_answered_422_with_its_name(server: Server, inputs: dict[str, Any], message: str) -> None:
    answer = server.predict(**({"prompts": ["a"]} | inputs))
    assert answer["code"] == 422
    assert next(iter(inputs)) in json.dumps(answer["detail"])
    assert message in json.dumps(answer["detail"])


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "Give either prompts, a story file or a script."),
        ({"prompts": []}, "Give either prompts, a story file or a script."),
        ({"prompts": ["a", " "]}, "scene 2, prompt: is empty."),
        ({"prompts": ["a"] * 301}, "1 to 300 scenes; this one has 301."),
        ({"prompts": ["a"], "image": data_uri(b"hello", "image/png")}, "is not a picture of a known kind"),
        (
            {"story": data_uri(b'{"scenes": [{"prompt": "a", "sed": 1}]}', "application/json")},
            "scene 1, sed: there is no such",
        ),
        ({"story": data_uri(b"{}", "application/json"), "prompts": ["a"]}, "not prompts and story together."),
        ({"script": "INT. HOUSE - DAY", "prompts": ["a"]}, "not prompts and script together."),
        ({"prompts": ["a"], "plan_only": True}, "plan_only is for scripts"),
        ({"script": data_uri(b" ", "text/plain")}, "The script has no words to film."),
    ],
)
def test_what_the_schema_cannot_see_fails_in_one_sentence_and_the_next_request_works(
    server: Server, inputs: dict[str, Any], message: str
) -> None:
    answer = server.predict(**inputs)
    assert answer["status"] == "failed"
    assert message in answer["error"]
    assert server.predict(prompts=["a"], **QUICK)["status"] == "succeeded"


def test_no_script_and_no_key_breaks_the_door(server: Server) -> None:
    tower, key = (ROOT / "samples" / "tower.fountain").read_text(), "sk-a key-that-is-written-nowhere"
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"script": " \n"}, "The script has no words to film."),
        ({"script": "[[a note]]\n\n/* and what is cut */"}, "The script has no words to film."),
        ({"script": "<?xml version='1.0'?><FinalDraft><Content>"}, "This FDX file is damaged: no element found"),
        ({"script": "<!DOCTYPE a><FinalDraft/>"}, "This FDX file declares a DOCTYPE"),
        ({"script": data_uri(b"\xff\xfe\x00", "text/plain")}, "The script is no UTF-8 text"),
        ({"script": '{"script": 1}'}, "This breakdown is not right: script: must be an object"),
        ({"script": "file:///etc/passwd"}, "script is no address that is fetched"),
        (
            {"script": "http://me:unlogged@127.0.0.1:1/a.fountain"},
            "The script could not be fetched from its address",
        ),
        ({"script": tower, "max_shots": 2}, "This script has 3 scenes, and each needs a shot: 2 shots are too few"),
        ({"script": tower, "writer": "gemini"}, "The writer gemini needs a key: give it as writer_key"),
        ({"script": tower, "writer": "openai", "writer_key": key}, "The writer's key has a space or a letter in it"),
    ]
    for inputs, message in wrong:
        answer = server.predict(plan_only=True, **inputs)
        assert (answer["status"], message in answer["error"]) == ("failed", True), answer["error"]
    for name, value in {"script": 5, "writer": "claude", "max_shots": 251, "plan_only": "yes", "writer_key": 5}.items():
        assert server.predict(**{"script": tower, name: value})["code"] == 422
    planned = server.predict(script=tower, writer_key=key, plan_only=True)
    assert planned["status"] == "succeeded"
    assert key not in server.logged() + json.dumps(planned)
    assert "unlogged" not in server.logged()
    long = "".join(f"EXT. PLACE {at % 40} - DAY\n\n{'Waves. ' * 140}\n\nMARA\nHello.\n\n" for at in range(200))
    assert len(long) > 200_000
    answer = server.predict(script=long, plan_only=True, max_shots=200)
    assert "200 pictures to draw" in answer["logs"]


def test_a_script_is_planned_and_what_was_planned_is_drawn(server: Server) -> None:
    script = (ROOT / "samples" / "tower.fountain").read_text()
    planned = server.predict(script=script, plan_only=True, max_shots=3, **QUICK)
    (uri,) = planned["output"]
    assert "3 pictures to draw; 0 clips to make" in planned["logs"]
    breakdown = json.loads(content(uri)[1])
    assert breakdown["text"] == script
    made = server.predict(script=data_uri(json.dumps(breakdown).encode(), "application/json"), **QUICK)
    assert [content(each)[0] for each in made["output"]] == ["image/png"] * 3
    assert "Scene 1 drawn (1 of 3" in made["logs"]


def test_a_first_picture_gives_its_aspect_and_changes_what_is_drawn(server: Server) -> None:
    asked = {name: value for name, value in QUICK.items() if name not in ("width", "height")} | {
        "prompts": ["a harbour"]
    }
    wide, other = (server.predict(**asked, image=png(photo(400, 200, seed)))["output"][0] for seed in (0, 1))
    width, height = picture(wide).size
    assert width == 2 * height
    assert width * height == pytest.approx(math.prod(find("storybook").own_size), rel=0.15)
    assert wide != other


def test_references_ride_along_in_every_scene(server: Server) -> None:
    asked = QUICK | {"prompts": ["a harbour", "night"]}
    plain, one, other, two = (
        server.predict(**asked, **({"references": [png(photo(90, 60, seed)) for seed in seeds]} if seeds else {}))[
            "output"
        ]
        for seeds in ([], [1], [2], [1, 2])
    )
    for scene in range(2):
        assert len({outputs[scene] for outputs in (plain, one, other, two)}) == 4
    refused = server.predict(**asked, references=[png(photo())] * 3)
    assert "would look at scene_001, reference_1, reference_2, reference_3: at most 3" in refused["error"]


def test_a_story_file_sets_values_for_all_and_for_single_scenes(server: Server) -> None:
    story = {"scenes": ["a harbour", {"prompt": "night", "id": "n", "seed": 9}], "width": 64, "height": 64, "steps": 2}
    outputs = server.predict(story=data_uri(json.dumps(story).encode(), "application/json"), seed=5)["output"]
    assert [picture(uri).size for uri in outputs] == [(64, 64), (64, 64)]


def test_a_storys_words_are_heard_and_read_in_its_film(server: Server, tmp_path: Path) -> None:
    scenes = [{"prompt": "a harbour", "narration": "The sea was calm."}, {"prompt": "b", "caption": "Night."}]
    song = music(tmp_path / "song.mp3", "sine=440", 2).read_bytes()
    asked = {
        "story": data_uri(json.dumps({"scenes": scenes}).encode(), "application/json"),
        "video_captions": "soft",
        "video_music": data_uri(song, "audio/mpeg"),
    }
    *_, film, vtt, srt = server.predict(**QUICK, **asked, output_video=True)["output"]
    with av.open(BytesIO(content(film)[1]), "r") as opened:
        assert {"video", "audio", "subtitle"} <= {stream.type for stream in opened.streams}
        assert (opened.duration or 0) > 1.5 * av.time_base
    assert content(vtt)[1].startswith(b"WEBVTT\n\n00:00:00.000 --> ")
    assert content(srt)[1].endswith(b"\nNight.\n")


def test_films_for_editors_in_a_row_do_not_lock_the_server_up(server: Server) -> None:
    story = data_uri(json.dumps({"film": {"otio": True}, "scenes": ["a", "b"]}).encode(), "application/json")
    asked = QUICK | {"width": 64, "height": 64, "num_inference_steps": 2, "story": story, "output_video": True}
    for _ in range(5):
        *_, timeline = server.predict(**asked)["output"]
        assert json.loads(content(timeline)[1])["OTIO_SCHEMA"] == "Timeline.1"


def test_cancelling_between_steps_keeps_the_finished_scenes_and_frees_the_server(server: Server) -> None:
    asked = QUICK | {"num_inference_steps": 100, "prompts": ["a"] * 50, "output_video": True}
    cancelled = threading.Event()
    outputs, last = 0, {}
    for kind, data in server.stream({"input": asked}, "/predictions/to-cancel", "PUT"):
        outputs, last = outputs + (kind == "output"), data
        if outputs == 1 and not cancelled.is_set():
            server.ask("/predictions/to-cancel/cancel", {})
            cancelled.set()
    assert last["status"] == "canceled"
    assert 1 <= outputs < 5
    assert server.predict(prompts=["a"], **QUICK)["status"] == "succeeded"


def test_an_engine_or_a_length_of_clips_that_there_is_not_is_answered_422(server: Server) -> None:
    for wrong in ({"clips": "all"}, {"clip_engine": "sora"}, {"clip_seconds": 99}):
        answer = server.predict(prompts=["a"], **wrong, **QUICK)
        assert (answer["code"], next(iter(wrong)) in json.dumps(answer)) == (422, True)


def test_clips_come_after_all_stills_in_order_and_the_film_is_cut_from_them(server: Server) -> None:
    prompts = ["a red house by the sea", "the camera pans right"]
    answer = server.predict(prompts=prompts, clips="join", contact_sheet=True, output_video=True, **QUICK)
    outputs = [content(uri) for uri in answer["output"]]
    assert [kind for kind, _ in outputs] == ["image/png"] * 2 + ["video/mp4"] * 2 + ["image/png", "video/mp4"]
    lengths = [sum(1 for _ in av.open(BytesIO(data), "r").decode(video=0)) for kind, data in outputs if "video" in kind]
    assert lengths == [9, 9, 24 + 27]
    assert "Clip 1: It ends on scene 2, which shows the same place." in answer["logs"]


def test_a_clip_is_cancelled_between_steps_and_its_stills_are_kept(server: Server) -> None:
    story = {"clips": "each", "clip": {"steps": 100}, "scenes": ["a red house"] * 3}
    asked = QUICK | {"story": data_uri(json.dumps(story).encode(), "application/json")}
    outputs, last = 0, {}
    for kind, data in server.stream({"input": asked}, "/predictions/clips", "PUT"):
        outputs, last = outputs + (kind == "output"), data
        if outputs == 3 and kind == "output":
            server.ask("/predictions/clips/cancel", {})
    assert last["status"] == "canceled"
    assert 3 <= outputs < 6
    assert server.predict(prompts=["a"], **QUICK)["status"] == "succeeded"


def test_only_the_last_predictions_files_are_kept(server: Server) -> None:
    server.predict(prompts=["a", "b", "c"], output_video=True, **QUICK)
    server.predict(prompts=["a"], **QUICK)
    assert server.left_behind() == ["run.json", "scene_001.png"]


def test_the_contact_sheet_and_the_record_come_when_they_are_asked_for(server: Server) -> None:
    asked = QUICK | {"prompts": ["a harbour", "night"], "output_format": "webp", "output_video": True}
    *scenes, sheet, film, record = server.predict(**asked, contact_sheet=True, return_record=True)["output"]
    assert [content(uri)[0] for uri in [*scenes, film]] == ["image/webp", "image/webp", "video/mp4"]
    assert picture(sheet).width > 2 * 320
    written = json.loads(content(record)[1])
    assert [scene["shot"]["prompt"] for scene in written["scenes"]] == ["Next Scene: a harbour", "Next Scene: night"]
    takes = [scene["takes"][0] for scene in written["scenes"]]
    assert [take["sha256"] for take in takes] == [hashlib.sha256(content(uri)[1]).hexdigest() for uri in scenes]
    assert [take["file"] for take in takes] == ["scene_001.webp", "scene_002.webp"]
    assert set(takes[0]["versions"]) == {"torch", "diffusers", "transformers"}
    assert takes[0]["device"] == "CPU"
    assert takes[0]["seconds"] > 0
    assert {"model", "model_sha256", "lora", "lora_sha256"} <= set(written["made_with"])
    again = server.predict(story=data_uri(content(record)[1], "application/json"), output_format="webp")
    assert again["output"] == scenes


def test_a_lora_of_ones_own_acts_in_the_place_of_next_scene_and_leaves_no_trace(server: Server) -> None:
    asked = QUICK | {"prompts": ["a harbour"], "strength": 1}
    (plain,) = server.predict(**asked)["output"]
    (none,) = server.predict(**asked, lora_scale=0)["output"]
    own = {"lora_weights": "me/lora", "lora_weights_scale": 0.75}
    scene, record = server.predict(**asked, **own, lora_scale=0, return_record=True)["output"]

    def apart(one: str, other: str) -> float:
        return float(np.abs(pixels(picture(one)) - pixels(picture(other))).mean())

    assert apart(scene, plain) < 0.05 < apart(none, plain)
    written = json.loads(content(record)[1])
    sha256 = hashlib.sha256(find("storybook").lora.read_bytes()).hexdigest()
    assert written["made_with"]["lora_weights_sha256"] == sha256
    assert (written["story"]["lora_weights"], written["story"]["lora_scale"]) == ("me/lora", 0)
    assert server.predict(story=data_uri(content(record)[1], "application/json"))["output"] == [scene]
    assert server.predict(**asked)["output"] == [plain]


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("me/other", "The LoRA file 'me/other' is not for this model"),
        ("me/nowhere", "shows no me/nowhere"),
        (str(find("storybook").lora), "There is no LoRA"),
        ("https://127.0.0.1/lora.safetensors", "127.0.0.1 is an address in a private network"),
        ("https://169.254.169.254/latest/meta-data", "169.254.169.254 is an address in a private network"),
        ("http://example.org/lora.safetensors", "is not at an https address"),
    ],
)
def test_a_lora_that_is_refused_is_named_and_the_next_request_is_as_before(
    server: Server, named: str, message: str
) -> None:
    asked = QUICK | {"prompts": ["a"]}
    before = server.predict(**asked)["output"]
    story = {"scenes": ["a"], "lora_weights": named}
    for inputs in ({"prompts": ["a"], "lora_weights": named}, {"story": data_uri(json.dumps(story).encode(), "a/b")}):
        answer = server.predict(**QUICK, **inputs)
        assert message in answer["error"]
    assert server.predict(**asked)["output"] == before


def test_a_port_in_use_is_named_before_anything_is_loaded() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = subprocess.run([ROOT / "script/serve", "--port", str(port)], capture_output=True, text=True)
    assert run.returncode != 0
    assert "Cannot serve: Address already in use" in run.stderr


def test_build_says_plainly_what_is_missing(tmp_path: Path) -> None:
    for tool in ("bash", "dirname"):
        (tmp_path / tool).symlink_to(Path("/usr/bin") / tool)
    run = subprocess.run(["bash", ROOT / "script/build"], env={"PATH": str(tmp_path)}, capture_output=True, text=True)
    assert run.returncode == 1
    assert "the cog command, which is not installed" in run.stderr


def test_to_serve_other_machines_is_warned_of_in_a_sentence() -> None:
    command = [str(ROOT / "script/serve"), "--host", "0.0.0.0", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        warning = next(line for line in process.stderr if line.startswith("Warning"))
        process.terminate()
    assert "whoever reaches 0.0.0.0 may draw here, stop this server" in warning
    assert "docs/serving.md" in warning
    assert (ROOT / "docs/serving.md").exists()


def test_a_film_that_is_sent_comes_back_in_another_look(server: Server, tmp_path: Path) -> None:
    still = np.asarray(photo(64, 48))
    with NewFilm(tmp_path / "a.mp4", (64, 48), Fraction(8), None, {}) as film:
        for _ in range(3):
            film.add(still)
    video = data_uri((tmp_path / "a.mp4").read_bytes(), "video/mp4")
    made = server.predict(**QUICK, prompts=["night falls"], video=video, return_record=True)
    assert made["status"] == "succeeded", made
    film_made, _, record = [content(uri)[1] for uri in made["output"]]
    (tmp_path / "film.mp4").write_bytes(film_made)
    assert len(list(open_footage(tmp_path / "film.mp4").frames(128, 96))) == 3
    assert json.loads(record)["words"] == "night falls"
    assert "3 frames" in made["logs"]
    refused = server.predict(**QUICK, prompts=["a", "b"], video=video)
    assert "A video is restyled by one prompt: give just that" in refused["error"]
