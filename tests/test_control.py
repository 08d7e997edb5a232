"""Control: a scene follows the edges, depths or drawn pose of a picture or an earlier scene, and nothing else of it."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import photo, same
from PIL import Image, ImageDraw, ImageFilter
from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config

from nextscene import NextSceneError, hub, pictures
from nextscene.cli import main
from nextscene.control import Maps, find_edges
from nextscene.settings import StorySettings
from nextscene.story import IMAGE, Map, Reference, Shot, from_data, plan

QUICK = ["--steps", "2", "--width", "64", "--height", "64", "--seed", "3"]


def shots(story: object, image: tuple[int, int] | None = None, *, says_maps: bool = False) -> list[Shot]:
    return plan(from_data(story), StorySettings(), 1, (64, 64), image, says_maps=says_maps)


@pytest.fixture(scope="module")
def depth_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the real class, tiny and with random weights."""
    torch.manual_seed(0)
    seen = Dinov2Config(
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        image_size=518,
        patch_size=14,
        out_features=["stage1", "stage2", "stage3", "stage4"],
        reshape_hidden_states=False,
        apply_layernorm=True,
    )
    config = DepthAnythingConfig(
        backbone_config=seen,
        reassemble_hidden_size=16,
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
        head_hidden_size=8,
        patch_size=14,
        reassemble_factors=[4, 2, 1, 0.5],
    )
    folder = tmp_path_factory.mktemp("depth")
    model = DepthAnythingForDepthEstimation(config)
    for weight in model.parameters():
        if weight.dim() > 1:
            torch.nn.init.normal_(weight, std=0.3)
    model.save_pretrained(folder)
    return folder


def test_edges_are_where_shapes_end_and_nowhere_else() -> None:
    picture = Image.new("RGB", (96, 64), "#305030")
    ImageDraw.Draw(picture).rectangle((30, 20, 60, 44), fill="#c0a040")
    edges = np.asarray(find_edges(picture).convert("L")) > 0
    frame = np.zeros_like(edges)
    frame[18:47, 28:63] = True
    frame[24:41, 34:57] = False
    assert not edges[~frame].any()
    assert edges[20:45].any(axis=1).all()
    assert edges.sum() < 2 * 2 * (31 + 25), "they are thin"
    assert not np.asarray(find_edges(Image.new("RGB", (32, 32), "teal"))).any()


def test_edges_are_found_in_the_dark_as_in_light() -> None:
    picture = Image.new("RGB", (96, 64), "#305030")
    ImageDraw.Draw(picture).rectangle((30, 20, 60, 44), fill="#c0a040")
    dark = picture.point(lambda level: level * 0.3)
    light, faint = (find_edges(each).convert("L") for each in (picture, dark))
    near = np.asarray(faint.filter(ImageFilter.MaxFilter(3))) > 0
    assert near[np.asarray(light) > 0].all()


def test_a_scene_follows_the_map_of_what_it_would_grow_from() -> None:
    first, second = shots({"scenes": ["a house", {"prompt": "a tower", "control": "edges"}]})
    assert first.follows is None
    assert second.follows == Map("edges", Reference("scene", "scene_001"))
    assert second.grows_from is None
    assert second.references == (Reference("scene", "scene_001"),)
    assert second.look.strength == 1
    assert "from words alone along the edges of scene_001" in str(second)
    assert Shot.from_json(json.loads(json.dumps(second.to_json()))) == second
    assert "follows" not in first.to_json()


def test_a_scene_may_grow_from_one_scene_along_the_edges_of_another() -> None:
    story = {"scenes": ["a", "b", {"prompt": "c", "after": "scene_002", "control": "depth", "control_of": "scene_001"}]}
    third = shots(story, says_maps=True)[2]
    assert third.grows_from == Reference("scene", "scene_002")
    assert third.references == (Reference("scene", "scene_002"), Reference("scene", "scene_001"))
    assert third.words == "Next Scene: Picture 2 is a depth map: draw what follows with its depths. c"


def test_the_first_scene_follows_the_first_picture() -> None:
    (only,) = shots({"scenes": ["a"], "control": "pose"}, image=(64, 64))
    assert only.follows == Map("pose", IMAGE)
    (alone,) = shots({"scenes": ["a"], "control": "edges"})
    assert alone.follows is None, "there is nothing to follow"


@pytest.mark.parametrize(
    ("scene", "why"),
    [
        ({"prompt": "b", "control": "pose"}, r"Scene 2 \(scene_002\) is to follow a pose of scene_001"),
        ({"prompt": "b", "control": "edges", "control_of": "x"}, "control_of: there is no earlier scene and no cast"),
    ],
)
def test_what_cannot_be_followed_is_refused_in_a_sentence(scene: object, why: str) -> None:
    with pytest.raises(NextSceneError, match=why):
        shots({"scenes": ["a", scene]})


def test_a_run_draws_along_edges_and_its_record_says_so(
    weights_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NEXT_SCENE_MODEL", str(weights_folder))
    monkeypatch.chdir(tmp_path)
    photo(80, 60).save("layout.png")
    given = ["predict", "a house", "--input-image", "layout.png", *QUICK]
    assert main([*given, "--control", "edges", "--output", "mapped.png"]) == 0
    pictures.fit(pictures.read("layout.png"), 64, 64).save("fitted.png")
    find_edges(pictures.read("fitted.png")).save("edges.png")
    words = "Picture 1 is an edge map: draw what follows along its lines. a house"
    own = ["predict", words, "--input-image", "edges.png", "--strength", "1", *QUICK, "--output", "own.png"]
    assert main(own) == 0
    assert same(pictures.read("mapped.png"), pictures.read("own.png"))
    capsys.readouterr()
    assert main(["explain", "mapped.png"]) == 0
    assert "follows   the edges of image" in capsys.readouterr().out


def test_depths_are_seen_by_the_fetched_model(
    weights_folder: Path, depth_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = Maps().draw("depth", photo(64, 48), depth_model)
    assert drawn.size == (64, 48)
    assert drawn.getextrema() == ((0, 255),) * 3
    monkeypatch.setattr("nextscene.production.fetch", lambda name: {hub.DEPTH.name: depth_model}[name])
    monkeypatch.setenv("NEXT_SCENE_MODEL", str(weights_folder))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "story.json").write_text('{"scenes": ["a", {"prompt": "b", "control": "depth"}]}')
    assert main(["sequence", "story.json", *QUICK, "--output-dir", "out"]) == 0
    run = json.loads((tmp_path / "out/run.json").read_text())
    assert run["made_with"]["depth_model"] == depth_model.name
