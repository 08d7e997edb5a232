"""A grid of looks: each cell a normal take, a page that needs nothing else, a file that runs again."""

import json
import re
from pathlib import Path

import pytest
from browser import BROWSER, opened
from conftest import same
from PIL import Image, ImageFilter
from test_embeddings import embedding

from nextscene import NextSceneError, pictures
from nextscene.cli import main
from nextscene.comparing import comparison_of_flags, read_comparison
from nextscene.film import Grade
from nextscene.measures import Closeness, decibels, measure, structure
from nextscene.settings import FilmSettings
from storybook.look.grading import grade
from storybook.world import State, draw

SMALL = ["--steps", "2", "--width", "64", "--height", "64"]


@pytest.fixture(scope="module")
def grid(weights_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A grid of two prompts, four looks and two seeds, made through the terminal's door."""
    folder = tmp_path_factory.mktemp("compare")
    embedding(folder / "noir.safetensors", weights_folder)
    (folder / "like").mkdir()
    grade(draw(State())).save(folder / "like/one.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEXT_SCENE_MODEL", str(weights_folder))
        patch.chdir(folder)
        flags = ["--embeddings", "noir.safetensors", "--grade", "noir", "--like", "like", "--seeds", "7", "8", *SMALL]
        lora = ["--lora-weights", str(weights_folder / "next-scene.safetensors")]
        assert main(["compare", "a house", "a <b>city</b>", *lora, *flags, "--output-dir", "out"]) == 0
    return folder / "out"


def cell(grid: Path, column: str, seed: int = 7, row: int = 1) -> Path:
    return grid / "cells" / column / str(seed) / f"scene_00{row}.png"


def test_each_cell_is_a_take_with_its_record(grid: Path) -> None:
    columns = sorted(folder.name for folder in (grid / "cells").iterdir())
    assert columns == ["1_base", "2_next-scene", "3_noir", "4_noir_2"]
    facts = {column: pictures.facts(cell(grid, column)) or {} for column in columns}
    assert "lora_weights" in facts["2_next-scene"]
    assert "lora_weights" not in facts["3_noir"]
    assert facts["3_noir"]["embeddings"]
    assert facts["3_noir"]["shot"]["words"] == "Next Scene: <noir>, a house"  # type: ignore[index]
    assert len({facts[column]["shot"]["seed"] for column in columns}) == 1, "a row has one noise"  # type: ignore[index]
    assert (grid / "cells/3_noir/8/run.json").is_file()


def test_adapters_are_switched_and_leave_no_trace(grid: Path) -> None:
    one, other = (pictures.read(cell(grid, column)) for column in ("1_base", "4_noir_2"))
    assert same(one, other), "the grade is of what is shown, and not of the take"
    assert not same(one, pictures.read(cell(grid, "2_next-scene")))


def test_the_grid_shows_every_cell_in_its_place(grid: Path) -> None:
    with Image.open(grid / "compare.png") as first, Image.open(grid / "compare_2.png") as second:
        assert first.size == second.size
        assert first.width > 4 * 320
        graded = Grade.of(FilmSettings(grade="noir"))
        assert graded.table
        left = 240 + 3 * (320 + 16)
        shown = first.convert("HSV").crop((left, 100, left + 320, 300)).getchannel("S")
        assert shown.resize((1, 1)).getpixel((0, 0)) < 8  # type: ignore[operator]


def test_the_page_needs_nothing_else_and_holds_every_cell(grid: Path) -> None:
    page = (grid / "compare.html").read_text()
    assert not re.findall(r"""(?:src|href)=["']?(?!data:)[^"'\s>]+""", page.split("<script id")[0])
    assert "http" not in page.replace("https://json-schema", "")
    data = json.loads(page.split('type="application/json">')[1].split("</script>")[0])
    assert len(data["cells"]) == 16
    assert "a <b>city</b>" in data["prompts"]
    assert "<b>city" not in page.split('type="application/json">')[1].split("</script>")[0]


def test_the_file_runs_again_and_draws_nothing_new(
    grid: Path, weights_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NEXT_SCENE_MODEL", str(weights_folder))
    monkeypatch.chdir(grid.parent)
    before = (grid / "compare.json").read_bytes()
    assert main(["compare", "out/compare.json", "--output-dir", "out"]) == 0
    said = capsys.readouterr()
    assert said.err.count("2 of 2 scenes are made already.") == 8
    assert "out/compare.html" in said.out
    assert (grid / "compare.json").read_bytes() == before
    made = json.loads(before)["cells"]
    assert {each["look"] for each in made if "shapes" in each} == {"next-scene", "noir", "noir 2"}
    assert all("from yours" in each for each in made)


def test_a_dry_run_shows_every_shot_and_draws_nothing(
    weights_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NEXT_SCENE_MODEL", str(weights_folder))
    assert main(["compare", "a house", "--grade", "noir", "--output-dir", str(tmp_path / "out"), "--dry-run"]) == 0
    assert capsys.readouterr().out.count("Next Scene: a house") == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"prompts": [], "looks": {"base": {}}}', "prompts"),
        ('{"prompts": ["a"], "looks": {}}', "looks"),
        ('{"prompts": ["a"], "looks": {"a": {"strenght": 1}}}', "strenght: there is no such field"),
        ("{", "is not JSON"),
    ],
)
def test_what_is_no_comparison_is_refused_in_a_sentence(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "looks.json").write_text(text)
    with pytest.raises(NextSceneError, match=f"(?i)the comparison 'looks.json'.*{why}"):
        read_comparison(tmp_path / "looks.json")


def test_columns_are_called_by_their_files_and_no_two_alike() -> None:
    made = comparison_of_flags(["a"], lora_weights=["outputs/dusk/lora.safetensors", "me/dusk", "me/fog"])
    assert list(made.looks) == ["base", "dusk", "dusk 2", "fog"]


def test_the_measures_know_the_grade_and_keep_the_shapes_apart_from_it() -> None:
    worlds = [State(place=place, light="noon", landmark="tower") for place in ("sea", "desert", "forest", "mountains")]
    closeness = Closeness(grade(draw(world)) for world in worlds[:3])
    plain = draw(worlds[3])
    assert closeness.of(grade(plain)) < 0.7 * closeness.of(plain)
    assert structure(grade(plain), plain) > 0.75
    assert structure(draw(worlds[3].but(landmark="balloon", pan=2)), plain) < 0.5
    assert measure(grade(plain))["vignette"] > measure(plain)["vignette"]
    assert decibels(plain, plain) == 99
    assert decibels(plain, plain.filter(ImageFilter.GaussianBlur(3))) < 30


@pytest.mark.skipif(BROWSER is None, reason="there is no chromium here")
def test_a_click_shows_a_cell_in_full_with_a_slider_to_the_first_look(grid: Path, tmp_path: Path) -> None:
    with opened(tmp_path / "profile", (grid / "compare.html").as_uri()) as tab:
        tab.until("[...document.images].filter(each => each.naturalWidth).length === 8")
        assert tab.run("document.querySelectorAll('tbody th')[1].textContent") == "a <b>city</b>"
        tab.run("document.querySelectorAll('td button')[2].dispatchEvent(new PointerEvent('pointerenter'))")
        assert "<noir>: noir.safetensors" in tab.run("document.querySelector('#about').textContent")
        tab.run("document.querySelectorAll('td button')[1].click()")
        tab.until("document.querySelector('dialog').open && document.querySelector('#full').naturalWidth")
        assert tab.run("document.querySelector('#name').textContent") == "base | next-scene"
        tab.run("{ const s = document.querySelector('#slider'); s.value = 50; s.dispatchEvent(new Event('input')) }")
        assert tab.run("getComputedStyle(document.querySelector('#full')).clipPath") == "inset(0px 0px 0px 50%)"
        tab.run("document.querySelector('#close').focus()")
        tab.press("ArrowRight")
        tab.until("document.querySelector('#name').textContent === 'base | noir'")
        tab.run("document.querySelector('#close').click()")
        tab.run("document.querySelectorAll('#seeds button')[1].click()")
        assert tab.run("document.querySelector('thead th').textContent") == "seed 8"
        again = "fetch(document.querySelector('#again').href).then(answer => answer.text())"
        assert tab.run(again) == (grid / "compare.json").read_text()
