"""Stories: every way in, and every refusal in a sentence that names the scene and the field."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextscene import NextSceneError
from nextscene.story import MAX_SCENES, PREFIX, Story, from_data, from_file, from_prompts, from_text, with_prefix
from nextscene.story.story import split

SEED_DOCUMENT_ONE = (
    "Wide shot of a city,Camera zooms to a window,Inside view of a character,Close-up of their hands",
    ["Wide shot of a city", "Camera zooms to a window", "Inside view of a character", "Close-up of their hands"],
)
# As the shell hands it over: a backslash before a new line joins the lines.
SEED_DOCUMENT_TWO = (
    "Foggy morning, barely visible silhouette of a building,   Fog begins to lift revealing gothic architecture,"
    "   Camera pans revealing intricate stone details,   Warm sunrise light illuminates the entire cathedral,"
    "   Wide establishing shot with cathedral towering against clear sky",
    [
        "Foggy morning, barely visible silhouette of a building",
        "Fog begins to lift revealing gothic architecture",
        "Camera pans revealing intricate stone details",
        "Warm sunrise light illuminates the entire cathedral",
        "Wide establishing shot with cathedral towering against clear sky",
    ],
)


@pytest.mark.parametrize(("text", "prompts"), [SEED_DOCUMENT_ONE, SEED_DOCUMENT_TWO])
def test_the_seed_documents_examples_come_out_as_meant(text: str, prompts: list[str]) -> None:
    assert split(text) == prompts


@pytest.mark.parametrize(
    ("text", "prompts"),
    [
        ("one | two|three", ["one", "two", "three"]),
        ("one\ntwo\r\n\n three \n", ["one", "two", "three"]),
        ("a city,Camera zooms", ["a city", "Camera zooms"]),
        ("a city,  Camera zooms", ["a city", "Camera zooms"]),
        ("morning, barely visible", ["morning, barely visible"]),
        ("a city,\tnext", ["a city", "next"]),
        (",a city,,", ["a city"]),
        ("a city, ", ["a city"]),
        (" | \n, ", []),
    ],
)
def test_one_text_is_split_between_scenes_and_not_within(text: str, prompts: list[str]) -> None:
    assert split(text) == prompts


words = st.text(
    st.characters(blacklist_characters="|,\n\r", blacklist_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1
)
sentences = st.lists(words, min_size=1, max_size=4).map(", ".join)


@given(st.lists(sentences, min_size=1, max_size=5), st.sampled_from(["\n", "|", " | ", ",  ", "\n\n"]))
def test_joined_sentences_split_into_themselves(prompts: list[str], between: str) -> None:
    assert split(between.join(prompts)) == prompts


@given(st.text())
def test_splitting_never_leaves_an_empty_prompt_or_loses_a_word(text: str) -> None:
    prompts = split(text)
    assert all(prompt and prompt == prompt.strip() for prompt in prompts)
    assert "".join("".join(prompts).split()).replace(",", "") == "".join(text.split()).replace(",", "").replace("|", "")


@pytest.mark.parametrize(
    "prompt",
    ["a dog", "Next Scene: a dog", "next scene:a dog", " NEXT SCENE :  a dog", "Next-Scene: next_scene: a dog"],
)
def test_the_prefix_stands_once_whatever_its_case_or_spacing(prompt: str) -> None:
    assert with_prefix(prompt) == "Next Scene: a dog"


@given(words)
def test_putting_the_prefix_twice_is_putting_it_once(prompt: str) -> None:
    assert with_prefix(with_prefix(prompt)) == with_prefix(prompt)
    assert with_prefix(prompt).startswith(PREFIX)


def test_a_word_that_only_begins_like_the_prefix_is_kept() -> None:
    assert with_prefix("Next scene shows a dog") == "Next Scene: Next scene shows a dog"


def test_a_story_file_may_mix_texts_and_objects_and_set_values_for_all(tmp_path: Path) -> None:
    scene = {
        "prompt": "b",
        "id": "door",
        "seed": 1,
        "strength": 0.5,
        "lora_scale": 1,
        "negative_prompt": "",
        "steps": 8,
    }
    data = {
        "title": "T",
        "scenes": ["a", scene | {"guidance": 2, "duration": 1.5}],
        "strength": 0.7,
        "fps": 3,
        "seed": 9,
    }
    file = tmp_path / "story.json"
    file.write_text(json.dumps(data))
    story = from_file(file)
    assert story.ids == ["scene_001", "door"]
    assert (story.strength, story.fps, story.seed, story.title) == (0.7, 3, 9, "T")
    assert story.scenes[1].duration == 1.5
    assert story.scenes[1].negative_prompt == ""


def test_a_bare_list_and_a_text_file_are_stories_too(tmp_path: Path) -> None:
    assert from_data(["a", "b"]) == from_prompts(["a", "b"])
    file = tmp_path / "story.txt"
    file.write_text("\ufeffa, then\nb\n", encoding="utf-8")
    assert from_file(file) == from_prompts(["a, then", "b"])


def scene(**fields: object) -> dict[str, object]:
    return {"prompt": "a", **fields}


def test_a_scene_says_who_speaks_what_is_heard_and_what_a_storyboard_says_of_it() -> None:
    data = {
        "voices": {"MARA": "heart"},
        "ambience": ["wind"],
        "scenes": [
            scene(
                name="4A",
                notes="handheld",
                narration="Morning.",
                lines=[{"who": "MARA", "text": "Who is there?"}, {"who": "TOM", "text": "Me."}],
                ambience=["sea", "wind"],
                sounds=[{"what": "knock"}, {"what": "bell", "at": 0.4}],
            ),
            scene(ambience=[]),
        ],
    }
    story = from_data(data)
    assert story.as_data() == data
    assert [(line.who, line.text) for line in story.scenes[0].lines] == [("MARA", "Who is there?"), ("TOM", "Me.")]
    assert [sound.at for sound in story.scenes[0].sounds] == [0, 0.4]
    assert from_data(["a"]).scenes[0].lines == ()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"scenes": ["a", {"prompt": "b", "strenght": 1}]}, "scene 2, strenght: there is no such field"),
        ({"scenes": ["a"], "speed": 1}, "speed: there is no such field"),
        ({"scenes": ["a", " "]}, "scene 2, prompt: is empty"),
        ({"scenes": ["a", "Next Scene: "]}, "scene 2: there is nothing after 'Next Scene:'"),
        ({"scenes": ["a", {"id": "x"}]}, "scene 2, prompt: is missing"),
        ({"scenes": ["a", 7]}, "scene 2: must be a text or an object"),
        ({"scenes": ["a", None]}, "scene 2: must be a text or an object"),
        (
            {"scenes": ["a", {"prompt": "b", "strength": "0.5"}]},
            "scene 2, strength: input should be a valid number, not '0.5'",
        ),
        (
            {"scenes": ["a", {"prompt": "b", "steps": True}]},
            "scene 2, steps: input should be a valid integer, not True",
        ),
        (
            {"scenes": ["a", {"prompt": "b", "strength": 1.5}]},
            "scene 2, strength: input should be less than or equal to 1",
        ),
        (
            {"scenes": ["a", {"prompt": "b", "seed": 2**31}]},
            "scene 2, seed: input should be less than or equal to 2147483647",
        ),
        (
            {"scenes": ["a", {"prompt": "b", "guidance": float("nan")}]},
            "scene 2, guidance: input should be a finite number",
        ),
        ({"scenes": ["a", {"prompt": "b" * 4001}]}, "scene 2, prompt: is longer than 4000 characters"),
        (
            {"scenes": [{"prompt": "a", "id": "x"}, {"prompt": "b", "id": "x"}]},
            "scene 2, id: 'x' is already the id of scene 1",
        ),
        (
            {"scenes": [{"prompt": "a", "id": "scene_002"}, "b"]},
            "scene 2, id: 'scene_002' is already the id of scene 1",
        ),
        (
            {"scenes": ["a", {"prompt": "b", "after": "c"}, {"prompt": "c", "id": "c"}]},
            "scene 2, after: there is no earlier scene 'c'",
        ),
        (
            {"scenes": ["a", {"prompt": "b", "anchor": "x"}]},
            "scene 2, anchor: there is no earlier scene and no cast 'x'",
        ),
        ({"scenes": ["a", {"prompt": "b", "cast": ["x"]}]}, "scene 2, cast: 'x' is not in the story's cast"),
        ({"scenes": ["a"], "anchor": "x"}, "anchor: there is no scene and no cast 'x'"),
        ({"scenes": ["a"], "cast": ["x", "x"]}, "cast: 'x' is already the name of something else"),
        ({"scenes": ["a"], "cast": ["scene_001"]}, "cast: 'scene_001' is already the name"),
        ({"scenes": [scene(lines=[{"who": "A", "text": "b"}, {"who": "A"}])]}, "scene 1, lines 2, text: is missing"),
        ({"scenes": ["a", scene(lines=[{"who": "", "text": "b"}])]}, "scene 2, lines 1, who: is empty"),
        ({"scenes": ["a", scene(lines=["b"])]}, "scene 2, lines 1: must be an object"),
        ({"scenes": ["a", scene(sounds=[{"what": "bell", "at": 4}])]}, "scene 2, sounds 1, at: input should be less"),
        ({"scenes": ["a", scene(ambience="sea")]}, "scene 2, ambience: must be a list"),
        ({"scenes": ["a", scene(ambience=["sea", 3])]}, "scene 2, ambience 2: input should be a valid string, not 3"),
        ({"scenes": ["a"], "voices": ["heart"]}, "voices: must be an object"),
        ({"scenes": ["a"], "voices": {"MARA": 3}}, "voices, MARA: input should be a valid string, not 3"),
        ({"scenes": ["a"], "voices": {"": "heart"}}, "voices, a name: is empty"),
        ({"scenes": ["a"] * (MAX_SCENES + 1)}, f"1 to {MAX_SCENES} scenes; this one has {MAX_SCENES + 1}"),
        ({"scenes": []}, f"1 to {MAX_SCENES} scenes; this one has 0"),
        ({"scenes": "a,b"}, "scenes: must be a list"),
        ({"title": "x"}, "scenes: is missing"),
        ("a", "A story is an object"),
    ],
)
def test_what_is_wrong_is_refused_with_the_scene_and_the_field(data: Any, sentence: str) -> None:
    with pytest.raises(NextSceneError, match=r"\.$") as refusal:
        from_data(data)
    assert sentence in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"scenes": ["a",]}', "is not JSON"),
        ('{"scenes": ["a"], "scenes": ["b"]}', "the field 'scenes' is given twice"),
        ('{"scenes": ["a"], "strength": NaN}', "NaN is not a number"),
        ("[" * 100_000, "nested too deeply"),
        ("", "is not JSON"),
        ("\udcff", "is no UTF-8 text"),
    ],
)
def test_a_file_that_is_no_story_is_refused_by_its_name(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "story.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(NextSceneError, match=r"story\.json") as refusal:
        from_file(file)
    assert sentence in str(refusal.value)


def test_a_missing_story_file_is_named() -> None:
    with pytest.raises(NextSceneError, match=r"no story file 'nowhere\.json'"):
        from_file(Path("nowhere.json"))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["scenes", "prompt", "id", "seed", "x"]), inner)
    ),
)


@given(json_values)
def test_whatever_comes_it_is_a_story_or_one_sentence(data: Any) -> None:
    try:
        found: Story | str = from_data(data)
    except NextSceneError as refusal:
        found = str(refusal)
    assert isinstance(found, Story) or (found.endswith(".") and "\n" not in found)


def test_one_text_with_nothing_in_it_is_refused() -> None:
    with pytest.raises(NextSceneError, match="this one has 0"):
        from_text(" | ")
