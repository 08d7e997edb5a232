"""What film people are given: a storyboard that can be read, found in and copied from, a shot list, and their edit."""

import csv
from pathlib import Path
from typing import Any

import opentimelineio
import pypdfium2
import pytest
from conftest import photo
from takes import made_of, run_in

from nextscene import NextSceneError
from nextscene.cli import main
from nextscene.film.editors import check_edits
from nextscene.output import Papers
from nextscene.story import from_data

RICH = {
    "prompt": "A harbour at dawn",
    "name": "4A",
    "notes": "Handheld, long lens.",
    "narration": "Nobody had come here for years.",
    "lines": [{"who": "MARA", "text": "Who is there?"}, {"who": "TOM", "text": "=Only me."}],
    "camera": {"rotate": -30, "forward": 2},
    "ambience": ["sea"],
    "sounds": [{"what": "knock", "at": 0.1}],
    "duration": 2.5,
}


def papers_of(folder: Path, *scenes: Any, **story: Any) -> Papers:
    """The papers of a story whose pictures nobody drew."""
    told = from_data({"scenes": list(scenes), **story})
    papers = Papers(folder / "storyboard.pdf", folder / "shots.csv")
    desk = papers.begin(told)
    for number in range(len(scenes)):
        desk.add(photo(128, 96, seed=number), made_of(), Path(f"scene_{number + 1:03d}.png"))
    assert desk.write(None) == papers.files
    return papers


def pages_of(papers: Papers) -> list[str]:
    """The text of each page of a storyboard, as whoever copies it gets it, in one line."""
    with pypdfium2.PdfDocument(papers.storyboard) as document:
        return [" ".join(page.get_textpage().get_text_range().split()) for page in document]


def darkest(papers: Papers, part: tuple[float, float, float, float]) -> int:
    """How dark this part of the first page gets; its sides as shares of the page."""
    with pypdfium2.PdfDocument(papers.storyboard) as document:
        page = document[0].render(scale=2).to_pil().convert("L")
    left, top, right, bottom = part
    box = (int(left * page.width), int(top * page.height), int(right * page.width), int(bottom * page.height))
    return int(page.crop(box).getextrema()[0])


def test_a_panel_says_all_that_film_people_ask_for(tmp_path: Path) -> None:
    (page,) = pages_of(papers_of(tmp_path, {"prompt": "b", "duration": 61}, RICH, title="The keeper"))
    assert page.startswith("The keeper 1 1 Time 61.00 s (from 0:00.00) Shows b 4A Time 2.50 s (shot 2, from 1:01.00)")
    for said in (
        "Shows A harbour at dawn",
        "Camera 30° to the left, 2 closer",
        "Narrator Nobody had come here for years.",
        "MARA Who is there? TOM =Only me.",
        "Sound sea, knock at 10%",
        "Notes Handheld, long lens.",
    ):
        assert said in page


def test_several_panels_stand_on_a_page_in_order(tmp_path: Path) -> None:
    pages = pages_of(papers_of(tmp_path, *[f"scene number {number}" for number in range(9)]))
    assert [page.count("Shows") for page in pages] == [4, 4, 1]
    assert [f"number {number}" in pages[number // 4] for number in range(9)] == [True] * 9


def test_its_pictures_are_those_of_the_scenes(tmp_path: Path) -> None:
    with pypdfium2.PdfDocument(papers_of(tmp_path, "a", "b").storyboard) as document:
        kinds = [each.type for each in document[0].get_objects()]
    assert kinds.count(pypdfium2.raw.FPDF_PAGEOBJ_IMAGE) == 2


def test_no_word_is_cut_off_however_long_a_panel_is(tmp_path: Path) -> None:
    words = " ".join(f"word{number}" for number in range(400))
    pages = pages_of(papers_of(tmp_path, {"prompt": "a", "notes": words, "narration": words}, "b"))
    text = " ".join(pages)
    assert len(pages) > 1
    assert [text.count(f"word{number} ") for number in (0, 199, 399)] == [2, 2, 2]
    assert "Shows b" in pages[-1]


@pytest.mark.parametrize("words", ["Łódź, Привет, Ελλάδα", "霧が深い", "السفينة", "नमस्ते", "Mixed 港 and Latin"])
def test_any_writing_is_drawn_and_can_be_found(tmp_path: Path, words: str) -> None:
    papers = papers_of(tmp_path, {"prompt": "a", "notes": words})
    (page,) = pages_of(papers)
    assert words in page or words in page[::-1]
    assert darkest(papers, (0.53, 0.13, 0.93, 0.15)) < 100


def test_the_same_story_gives_the_same_papers_to_the_byte(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    one, two = (papers_of(folder, RICH) for folder in (tmp_path, tmp_path / "again"))
    assert [file.read_bytes() for file in one.files] == [file.read_bytes() for file in two.files]


def test_a_shot_list_is_a_table_with_a_row_for_each_scene(tmp_path: Path) -> None:
    papers = papers_of(tmp_path, RICH, {"prompt": "=1+1", "name": "@b", "notes": "-x"})
    assert papers.shot_list
    with papers.shot_list.open(encoding="utf-8-sig", newline="") as file:
        first, second = csv.DictReader(file)
    assert (first["number"], first["name"], first["start"], first["seconds"]) == ("1", "4A", "0.0", "2.5")
    assert first["lines"] == "MARA: Who is there?\nTOM: =Only me."
    assert first["narration"] == "Nobody had come here for years."
    assert (first["file"], first["width"], first["seed"]) == ("scene_001.png", "128", "5")
    assert [second[name] for name in ("prompt", "name", "notes")] == ["'=1+1", "'@b", "'-x"]


@pytest.mark.parametrize("flags", [["--storyboard", "a.doc"], ["--shots", "a.xls"], ["--edit", "a.aaf"]])
def test_a_name_that_asks_for_what_is_not_made_is_refused(
    tmp_path: Path, flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["film", str(run_in(tmp_path, "a")), *flags]) == 1
    assert capsys.readouterr().err.startswith(f"error: {flags[1]} ")
    assert not (tmp_path / "sequence.mp4").exists()


def test_an_edit_without_its_adapter_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nextscene.film.editors.find_spec", lambda name: None)
    with pytest.raises(NextSceneError, match=r"film\.edl needs an adapter: pip install opentimelineio otio-cmx3600"):
        check_edits([tmp_path / "film.edl"])


def test_the_papers_and_edits_of_a_run_lie_where_they_are_wanted(tmp_path: Path) -> None:
    run, other = run_in(tmp_path / "run", {"prompt": "a", "duration": 2}, RICH), tmp_path / "other"
    other.mkdir()
    edits = [other / f"film{suffix}" for suffix in (".edl", ".xml", ".fcpxml")]
    flags = [flag for edit in edits for flag in ("--edit", str(edit))]
    flags += ["--storyboard", "--shots", str(other / "list.csv"), "--narration", "none"]
    assert main(["film", str(run), "--transition", "crossfade", *flags]) == 0
    assert (run / "storyboard.pdf").read_bytes()[:5] == b"%PDF-"
    assert (other / "list.csv").exists()
    for edit, form in zip(edits, ("cmx_3600", "fcp_xml"), strict=False):
        found = opentimelineio.adapters.read_from_file(str(edit), form)
        film = found if isinstance(found, opentimelineio.schema.Timeline) else found[0]
        assert [clip.name for clip in film.find_clips()] == ["scene_001", "scene_002"]
        assert film.duration().to_seconds() == pytest.approx(4.5, abs=0.05)
    assert (run / "takes" / "scene_001.1.png").as_uri() in edits[2].read_text()
