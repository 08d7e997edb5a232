"""Captions are broken by meaning, shown in time, written as valid files, and read on any picture."""

import re
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from conftest import in_seconds
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from nextscene import NextSceneError
from nextscene.film import Timeline, captions, lay_out, lettering
from nextscene.film.captions import COLUMNS, MOST_LINES, Cue
from nextscene.story import from_data

TRAIN = "The city was asleep when the first train left the harbour, and nobody saw her go."
MARKET = (
    "Camera descends into the streets, revealing crowded markets under paper lanterns, and steam rises from the food"
)
BELL = f"{MARKET} stalls. An old man watches from a bench. Somewhere far away a church bell rings four times."


def told(*scenes: tuple[str, float], **film: object) -> Timeline:
    """A film of these captions, each in a scene of so many seconds."""
    data = [{"prompt": "a", "caption": words, "duration": seconds} for words, seconds in scenes]
    return lay_out(from_data({"film": film, "scenes": data}))


def lines(words: str, seconds: float = 10, columns: int = COLUMNS) -> list[str]:
    return [line for cue in captions.make_cues(told((words, seconds)), columns) for line in cue.text.split("\n")]


def flat(cues: list[Cue]) -> str:
    return " ".join(" ".join(cue.text.split()) for cue in cues)


# How the words are broken


@pytest.mark.parametrize(
    ("words", "broken"),
    [
        ("A quiet street", ["A quiet street"]),
        (TRAIN, ["The city was asleep when the first train", "left the harbour, and nobody saw her go."]),
        (
            "Tracking shot following a hooded figure through the crowd",
            ["Tracking shot following", "a hooded figure through the crowd"],
        ),
        (
            "She looks up. The first snow of the long winter begins to fall.",
            ["She looks up. The first snow", "of the long winter begins to fall."],
        ),
        (
            "The door opens, and behind it, in the half-light of a single lamp, stands a woman in red.",
            ["The door opens, and behind it,", "in the half-light of a single lamp,", "stands a woman in red."],
        ),
    ],
)
def test_lines_are_broken_where_the_meaning_breaks(words: str, broken: list[str]) -> None:
    assert lines(words) == broken


def test_a_long_caption_is_shown_in_parts_that_share_its_scenes_time() -> None:
    cues = captions.make_cues(told(("Before", 1), (BELL, 9)))
    assert [cue.scene for cue in cues] == [1, 2, 2, 2]
    assert flat(cues[1:]) == BELL
    assert cues[0].end == cues[1].start == 1
    assert cues[-1].end == 10
    assert all(one.end == next_.start for one, next_ in pairwise(cues))
    assert all((cue.start * 24).denominator == 1 and cue.end - cue.start >= 1 for cue in cues)


def test_where_there_is_no_time_for_all_the_words_they_end_in_an_ellipsis() -> None:
    (cue,) = captions.make_cues(told((BELL, 0.5)))
    assert cue.text.count("\n") == MOST_LINES - 1
    assert cue.text.endswith("steam rises from the food…")
    assert BELL.startswith(flat([cue]).removesuffix("…"))


def test_an_ellipsis_does_not_follow_an_article() -> None:
    (cue,) = captions.make_cues(told((BELL.replace("food", "very"), 0.5)), columns=40)
    assert not re.search(r"\b(the|from|and)…", cue.text)


def test_an_empty_caption_is_nothing_to_read() -> None:
    assert [cue.scene for cue in captions.make_cues(told(("One", 1), ("", 1), ("Three", 1)))] == [1, 3]


def test_a_scene_without_a_caption_is_read_by_its_prompt_without_the_prefix() -> None:
    timeline = lay_out(from_data(["Next Scene: a harbour at dawn"]))
    assert [cue.text for cue in captions.make_cues(timeline)] == ["a harbour at dawn"]


def test_japanese_is_broken_between_letters_and_never_before_a_full_stop() -> None:
    broken = lines("東京の夜、雨が降っている。彼女は傘を持たずに駅へ向かって歩いた、そして振り返らなかった。")
    assert broken[0] == "東京の夜、雨が降っている。"
    assert not any(line.startswith(("、", "。")) for line in broken)


LETTERS = st.text(st.characters(blacklist_categories=["C", "Z"]), min_size=1, max_size=60)
CAPTIONS = st.lists(st.one_of(LETTERS, st.sampled_from(BELL.split())), min_size=1, max_size=60).map(" ".join)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CAPTIONS, st.floats(0.04, 60)), min_size=1, max_size=4), st.integers(8, COLUMNS))
def test_all_words_are_shown_in_order_in_few_short_lines_within_their_scenes(
    scenes: list[tuple[str, float]], columns: int
) -> None:
    timeline = told(*scenes)
    cues = captions.make_cues(timeline, columns)
    for cut in timeline.segments:
        shown = [cue for cue in cues if cue.scene == cut.number]
        assert (shown[0].start, shown[-1].end) == (cut.start, cut.end)
        said = re.sub(r"\s", "", "".join(cue.text for cue in shown))
        words = re.sub(r"\s", "", cut.caption)
        assert words == said or words.startswith(said.removesuffix("…"))
        for cue in shown:
            assert cue.start < cue.end
            assert cue.text.count("\n") < MOST_LINES
            assert all(captions._width(line) <= columns for line in cue.text.split("\n"))


# As files

AWKWARD = "Fish & chips <i>at</i> 5 --> 6, {\\an8} she said"


@pytest.mark.parametrize("suffix", [".srt", ".vtt"])
def test_a_subtitle_file_says_what_is_read_and_when(tmp_path: Path, suffix: str) -> None:
    cues = captions.make_cues(told((TRAIN, 2.5), ("", 600), ("", 600), ("Ende — “fin”", 1 / 3)))
    captions.write_subtitles(cues, path := tmp_path / f"film{suffix}")
    with av.open(str(path)) as opened:
        (track,) = opened.streams
        read = [
            (in_seconds(packet.pts, track.time_base), in_seconds(packet.duration, track.time_base), bytes(packet))
            for packet in opened.demux()
            if packet.size
        ]
    assert [(start, start + lasting, text.decode()) for start, lasting, text in read] == [
        (0, Fraction(5, 2), "The city was asleep when the first train\nleft the harbour, and nobody saw her go."),
        (Fraction("1202.5"), Fraction("1202.833"), "Ende — “fin”"),
    ]


def test_the_files_look_as_their_standards_ask(tmp_path: Path) -> None:
    cues = captions.make_cues(told(("One", 1), (AWKWARD, 2)))
    captions.write_subtitles(cues, tmp_path / "a.srt")
    captions.write_subtitles(cues, tmp_path / "a.vtt")
    assert (tmp_path / "a.srt").read_text().startswith("1\n00:00:00,000 --> 00:00:01,000\nOne\n\n2\n00:00:01,000 --> ")
    vtt = (tmp_path / "a.vtt").read_text()
    assert vtt.startswith("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nOne\n\n")
    assert "Fish &amp; chips &lt;i&gt;at&lt;/i&gt; 5 --&gt; 6" in vtt
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.srt", "a.vtt"]


def test_a_subtitle_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.srt").mkdir()
    with pytest.raises(NextSceneError, match=r"a\.srt cannot be written \(Is a directory"):
        captions.write_subtitles([], tmp_path / "a.srt")


# On the picture

SIZES = [(1024, 768), (1280, 720), (576, 1024), (512, 512), (256, 192), (128, 96)]


def shown(words: str, background: Image.Image) -> NDArray[np.int_]:
    """The picture with its caption, as numbers."""
    letters = lettering.letter(told((words, 5)))(Fraction(0), background.size)
    assert letters
    picture = background.copy()
    picture.paste(letters, (0, picture.height - letters.height), letters)
    return np.asarray(picture).astype(int)


def busy(size: tuple[int, int]) -> Image.Image:
    noise = np.random.default_rng(0).integers(0, 255, (12, 16, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.NEAREST)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("words", [TRAIN, "WWWWWWWWW MMMMMMMM WWWWWW MMMMMMMM WWWWWW MMMMM WWWWW MMMMM", "gjpqy"])
def test_words_stay_within_the_safe_margins(size: tuple[int, int], words: str) -> None:
    letters = np.argwhere(shown(words, Image.new("RGB", size)).min(axis=2) > 100)
    (top, left), (bottom, right) = letters.min(axis=0), letters.max(axis=0)
    assert 0.05 * size[0] - 1 <= left < right <= 0.95 * size[0] + 1
    assert 0.6 * size[1] < top < bottom <= 0.95 * size[1]
    assert (left + right) / 2 == pytest.approx(size[0] / 2, abs=3)


@pytest.mark.parametrize("size", SIZES[:4])
@pytest.mark.parametrize("kind", ["white", "black", "busy"])
def test_letters_stand_out_from_what_is_around_them(size: tuple[int, int], kind: str) -> None:
    background = busy(size) if kind == "busy" else Image.new("RGB", size, kind)
    letters = lettering.draw_caption("Readable words", size)
    ink = np.asarray(letters.getchannel("A")).astype(int)
    bright = (np.asarray(letters.convert("RGB")).min(axis=2) > 235) & (ink == 255)
    around = (ink > 180) & ~bright
    picture = shown("Readable words", background)[-letters.height :].mean(axis=2)
    assert picture[bright].mean() > 235
    assert picture[around].mean() < 130


def test_the_picture_away_from_its_words_is_untouched() -> None:
    background = busy((640, 480))
    assert np.array_equal(shown("Words", background)[:360], np.asarray(background)[:360])


def test_letters_come_and_go_with_their_cues() -> None:
    letters = lettering.letter(told(("One", 1), ("", 1), ("Three", 1)))
    size = (320, 240)
    seen = [letters(Fraction(frame, 24), size) for frame in (0, 23, 24, 47, 48, 71, 72)]
    assert [picture is not None for picture in seen] == [True, True, False, False, True, True, False]
    assert seen[0] is seen[1]
    assert seen[4] is seen[5] is not seen[0]


@pytest.mark.parametrize(
    "words",
    [
        "Żółć, façade — “naïve”… №5",
        "όλη η πόλη κοιμόταν",
        "Город спал",
        "東京の夜",
        "城市在沉睡",
        "도시는 잠들어",
        "مرحبا",
        "שלום, עולם",
        "नमस्ते",
        "霧 🌊",
    ],
)
def test_many_writings_can_be_written(words: str) -> None:
    assert lettering.letter(told((words, 1)))(Fraction(0), (640, 480))


def test_letters_that_no_face_has_are_refused_beforehand_with_their_scene() -> None:
    with pytest.raises(NextSceneError, match=r"^Scene 2's caption has ཀ ཁ, which no typeface here .* soft captions"):
        lettering.letter(told(("fine", 1), ("ཀ ཁ", 1)))
