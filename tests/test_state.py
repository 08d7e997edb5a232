"""What each scene is to show: read from words that are understood, and from no others; and what it grows from."""

from dataclasses import fields, replace

import pytest
from hypothesis import given as for_any
from hypothesis import strategies as st

from bench.stories import tell
from nextscene import NextSceneError
from nextscene.settings import StorySettings
from nextscene.story import Camera, Shot, State, Story, choose_parent, difference, from_data, plan, states_of
from nextscene.story.language import read
from storybook.world import State as Truth

OWN = (128, 96)


def shots_of(data: object, continuity: str = "tree") -> list[Shot]:
    return plan(from_data(data), StorySettings.checked(continuity=continuity), 1, OWN)


def parents_of(data: object, continuity: str = "tree") -> list[str | None]:
    return [shot.grows_from.name if shot.grows_from else None for shot in shots_of(data, continuity)]


def drawn(data: object, continuity: str = "tree") -> list[str]:
    return [shot.words.removeprefix("Next Scene: ") for shot in shots_of(data, continuity)]


@pytest.mark.parametrize(
    ("words", "moves"),
    [
        ("The camera pans left", {"pan": -2}),
        ("Next Scene: camera pans right, revealing more of the scene.", {"pan": 2}),
        ("a slow pan to the left", {"pan": -2}),
        ("Slowly pan the camera to the right", {"pan": 2}),
        ("the camera is tracking left", {"pan": -1}),
        ("Truck right", {"pan": 1}),
        ("Tracking shot to the left", {"pan": -1}),
        ("we tilt up", {"tilt": 1}),
        ("Angle shifts down", {"tilt": -1}),
        ("The camera begins to tilt slowly upwards", {"tilt": 1}),
        ("Push in", {"zoom": 1}),
        ("we move in closer", {"zoom": 1}),
        ("The camera dollies forward", {"zoom": 1}),
        ("camera slowly zooms out", {"zoom": -1}),
        ("The camera pulls away", {"zoom": -1}),
        ("The camera pans left and tilts up", {"pan": -2, "tilt": 1}),
        ("rotate the camera 45 degrees to the left", {"turn": -45}),
        ("The camera moves back.", {"zoom": -1}),
    ],
)
def test_camera_words_that_are_understood_move_the_camera(words: str, moves: dict[str, int]) -> None:
    reading = read(words)
    assert reading.whole
    assert reading.moves == moves


@pytest.mark.parametrize(
    ("words", "sights"),
    [
        ("Night falls", {"light": "night"}),
        ("the sun is setting", {"light": "dusk"}),
        ("Now at dawn.", {"light": "dawn"}),
        ("the same scene in soft morning light", {"light": "dawn"}),
        ("Make it night", {"light": "night"}),
        ("it is noon now", {"light": "day"}),
        ("It gets dark", {"light": "night"}),
        ("it starts snowing", {"weather": "snow"}),
        ("Heavy rain sets in", {"weather": "rain"}),
        ("Fog rolls in", {"weather": "fog"}),
        ("in thick mist", {"weather": "fog"}),
        ("The skies clear up", {"weather": "clear"}),
        ("a cloudless sky", {"weather": "clear"}),
        ("Night falls and it begins to rain; everything else stays the same", {"light": "night", "weather": "rain"}),
    ],
)
def test_light_and_weather_that_are_understood_are_known(words: str, sights: dict[str, str]) -> None:
    reading = read(words)
    assert reading.whole
    assert reading.sights == sights


@pytest.mark.parametrize(
    "words",
    [
        "A close-up of her hands",
        "The camera pans left to a harbour",
        "The camera does not pan left",
        "Tracking shot following a hooded figure",
        "Camera zooms to a window",
        "pans left and pans right",
        "Before night falls, the camera pans left",
        "the rain stops",
        "a pan of soup to the left",
        "pan-fried fish on the left",
        "the sun sets and night falls",
        "a dog enters",
        "The camera pans left, revealing a harbour, in soft morning light",
        "The left-hand door opens",
        "La nuit tombe",
        "zoom in on her face",
        "at night market",
        "in the snow globe",
    ],
)
def test_words_that_are_not_understood_move_nothing(words: str) -> None:
    reading = read(words)
    assert not reading.whole
    assert reading.moves == {}


@pytest.mark.parametrize(
    "words",
    [
        "Camera tilts down until night falls",
        "It is no longer night",
        "A painting of a ship at sunset",
        "A hut without a roof, in the rain no more",
        "The night market at dawn",
        "From sunrise to midnight over the hills",
        "He remembers a house by the sea at night",
        "The balloon is gone",
        "The tower becomes a windmill",
        "A man and a woman",
        "A woman in a red coat",
        "A house cat on the stairs",
        "Fog begins to lift",
    ],
)
def test_of_words_that_are_half_understood_only_what_is_beyond_doubt_is_believed(words: str) -> None:
    believed = read(words).sights
    assert not believed.keys() - ({"subject"} if "woman in" in words else set())


def test_an_opening_says_what_is_beyond_doubt() -> None:
    (opening,) = states_of(from_data(["A wide shot: a red house by the sea, at night, in the rain"])).values()
    assert opening == State("scene_001", Camera(), "night", "rain", "sea", "house", "red")


def test_a_scene_shows_what_the_one_before_shows_but_for_what_its_words_change() -> None:
    scenes = [
        "a red house by the sea at noon",
        "the camera pans left",
        "night falls",
        "a close-up of her hands",
        "it rains",
    ]
    first, second, third, close, last = states_of(from_data(scenes)).values()
    assert second == replace(first, camera=Camera(pan=-2))
    assert third == replace(second, light="night")
    assert close == State("scene_004")
    assert last == State("scene_004", weather="rain")


def test_what_is_mentioned_again_is_nothing_new_and_what_was_not_there_is() -> None:
    scenes = ["a mill in the woods", "the camera pans left, revealing the windmill", "the camera pans left in the town"]
    first, second, third = states_of(from_data(scenes)).values()
    assert second == replace(first, camera=Camera(pan=-2))
    assert third.since == "scene_003"
    assert third.camera == Camera()


def test_after_says_whose_state_a_scene_goes_on_from() -> None:
    scenes = [
        {"prompt": "a house", "id": "hill"},
        "the camera pans left",
        {"prompt": "night falls", "after": "hill"},
        {"prompt": "it rains", "after": None},
    ]
    hill, _, night, rain = states_of(from_data(scenes)).values()
    assert night == replace(hill, light="night")
    assert rain.since == "scene_004"


def test_fields_win_over_words() -> None:
    scenes = [
        {"prompt": "a house at night", "shows": {"light": "dusk", "subject": "barn"}},
        {"prompt": "the camera pans left", "camera": {"rotate": 45, "forward": 2, "tilt": -1, "lens": "wide"}},
        {"prompt": "the camera pans left", "shows": {"weather": "fog", "camera": {"zoom": 0}}},
    ]
    first, second, third = states_of(from_data(scenes)).values()
    assert (first.light, first.subject) == ("dusk", "barn")
    assert second.camera == Camera(tilt=-1, zoom=2, turn=45, lens="wide")
    assert third == replace(second, camera=replace(second.camera, pan=-2, zoom=0), weather="fog")


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ({"camera": {"rotate": 400}}, "scene 1, camera, rotate: input should be less than or equal to 180"),
        ({"camera": {"spin": 4}}, "scene 1, camera, spin: there is no such field"),
        ({"shows": {"light": "noonish"}}, "scene 1, shows, light: input should be 'dawn', 'day', 'dusk' or 'night'"),
    ],
)
def test_fields_that_cannot_be_are_refused_by_name(field: dict[str, object], said: str) -> None:
    with pytest.raises(NextSceneError, match=said):
        from_data([{"prompt": "a", **field}])


LIGHTS = {"dawn": "dawn", "noon": "day", "sunset": "dusk", "night": "night"}


@for_any(st.integers(1, 10_000))
def test_the_states_of_a_drawn_story_are_its_truth(number: int) -> None:
    told = tell(number)
    for state, truth in zip(states_of(from_data(list(told.words))).values(), told.truth, strict=True):
        assert state.camera == Camera(truth.pan, truth.tilt, truth.zoom)
        assert_agrees(state, truth)


def assert_agrees(state: State, truth: Truth) -> None:
    """Whether all that is known of a scene is so."""
    known = {name: getattr(state, name) for name in ("weather", "place", "subject", "colour", "light")}
    right = {"weather": truth.weather, "place": truth.place, "subject": truth.landmark, "colour": truth.colour}
    right["light"] = LIGHTS[truth.light]
    assert {name: value for name, value in known.items() if value} == {n: right[n] for n, v in known.items() if v}


BACK_AND_FORTH = ["a house at noon", "the camera pans left", "night falls", "the camera pans right"]


def test_a_tree_grows_from_the_scene_with_the_fewest_generations_and_says_the_difference() -> None:
    assert parents_of(BACK_AND_FORTH) == [None, "scene_001", "scene_001", "scene_001"]
    assert drawn(BACK_AND_FORTH)[1:] == ["the camera pans left", "the camera pans left as night falls", "night falls"]
    assert [shot.prompt.removeprefix("Next Scene: ") for shot in shots_of(BACK_AND_FORTH)] == BACK_AND_FORTH


def test_a_chain_grows_from_the_scene_before_in_its_own_words() -> None:
    assert parents_of(BACK_AND_FORTH, "chain") == [None, "scene_001", "scene_002", "scene_003"]
    assert drawn(BACK_AND_FORTH, "chain") == BACK_AND_FORTH


def test_a_scene_never_grows_over_two_moves_of_the_camera() -> None:
    scenes = ["a house", "the camera pans left", "the camera tilts up", "the camera pushes in"]
    assert parents_of(scenes) == [None, "scene_001", "scene_002", "scene_003"]
    assert drawn(scenes) == scenes


def test_a_scene_whose_own_words_say_the_difference_keeps_them() -> None:
    scenes = ["a house", "the camera pans left", "the camera pans right", "a slow tilt up"]
    assert parents_of(scenes)[-1] == "scene_001"
    assert drawn(scenes)[-1] == "a slow tilt up"


def test_a_view_that_was_there_before_is_kept() -> None:
    scenes = ["a house", "the camera pans left", "the camera pans right"]
    assert parents_of(scenes)[-1] == "scene_001"
    assert drawn(scenes)[-1] == "keep everything as it is"


def test_what_came_into_a_scene_is_never_grown_around() -> None:
    scenes = ["a house", "the camera pans left", "a dog enters", "the camera pans right", "night falls"]
    assert parents_of(scenes) == [None, "scene_001", "scene_002", "scene_003", "scene_003"]


def test_auto_goes_back_to_the_picture_that_a_view_was_first_drawn_in() -> None:
    scenes = [*BACK_AND_FORTH, "the camera pans left"]
    assert parents_of(scenes, "auto") == [None, "scene_001", "scene_002", "scene_001", "scene_002"]
    assert drawn(scenes, "auto")[2:] == ["night falls", "night falls", "night falls"]


def test_a_model_of_one_world_comes_back_to_a_view_from_anywhere() -> None:
    story = from_data([*BACK_AND_FORTH, "the camera pans left"])
    tree = plan(story, StorySettings(continuity="tree"), 1, OWN)
    assert plan(story, StorySettings(), 1, OWN, one_world=True) == tree
    assert plan(story, StorySettings(), 1, OWN) == shots_of([*BACK_AND_FORTH, "the camera pans left"], "auto") != tree
    half = from_data([*BACK_AND_FORTH, "she smiles"])
    assert plan(half, StorySettings(), 1, OWN, one_world=True) == plan(half, StorySettings(continuity="chain"), 1, OWN)


def test_auto_is_a_tree_only_where_the_whole_story_is_understood() -> None:
    assert parents_of(BACK_AND_FORTH, "auto") != parents_of(BACK_AND_FORTH, "chain")
    half = [*BACK_AND_FORTH, "she smiles"]
    assert shots_of(half, "auto") == shots_of(half, "chain")
    assert parents_of(half, "tree") != parents_of(half, "chain")


MOVES = st.sampled_from(
    ["the camera pans left", "camera tracks right", "tilt up", "the camera tilts down", "push in", "zoom out"]
)
SKIES = st.sampled_from(["night falls", "dawn breaks", "it snows", "fog rolls in", "the sky clears", "nothing changes"])
STRANGE = st.sampled_from(["she smiles", "a close-up of her hands", "no rain", "the camera pans left to a harbour"])


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Scenes in words that are understood, or not, some of them with an `after` of their own."""
    scenes: list[dict[str, object]] = [{"prompt": draw(st.sampled_from(["a house", "a red mill at night"]))}]
    for number in range(1, draw(st.integers(1, 12))):
        scene: dict[str, object] = {"prompt": draw(MOVES | SKIES | SKIES | MOVES | STRANGE)}
        if draw(st.integers(0, 5)) == 0:
            scene["after"] = draw(st.sampled_from([None, *(f"scene_{n:03d}" for n in range(1, number + 1))]))
        scenes.append(scene)
    return from_data(scenes)


def planned(story: Story, continuity: str) -> list[Shot]:
    return plan(story, StorySettings.checked(continuity=continuity), 1, OWN)


@for_any(stories())
def test_a_tree_is_a_tree(story: Story) -> None:
    """Parents are earlier, `after` wins, and only scenes that are known grow from another than the one before."""
    chain, tree = planned(story, "chain"), planned(story, "tree")
    by_id = {shot.id: shot for shot in tree}
    for before, now, plain, scene in zip([None, *tree], tree, chain, story.scenes, strict=False):
        if "after" in scene.model_fields_set or now.shows.since == now.id or before is None:
            assert (now.grows_from, now.words) == (plain.grows_from, plain.words)
            continue
        assert now.grows_from
        parent = by_id[now.grows_from.name]
        assert parent.number < now.number
        if parent is before:
            assert now.words == now.prompt
        else:
            assert parent.shows.since == now.shows.since
            assert len([axis for axis in ("pan", "tilt", "zoom") if axis_differs(parent, now, axis)]) <= 1


def axis_differs(one: Shot, other: Shot, axis: str) -> bool:
    return bool(getattr(one.shows.camera, axis) != getattr(other.shows.camera, axis))


@for_any(stories())
def test_words_that_differ_lead_from_the_parent_to_the_scene(story: Story) -> None:
    shots = {shot.id: shot for shot in planned(story, "tree")}
    for shot in shots.values():
        if shot.words != shot.prompt:
            assert shot.grows_from
            parent = shots[shot.grows_from.name]
            again = from_data([{"prompt": "x", "shows": shown(parent.shows)}, shot.words])
            state = list(states_of(again).values())[1]
            assert replace(state, since=shot.shows.since) == shot.shows


def shown(state: State) -> dict[str, object]:
    camera = {axis: getattr(state.camera, axis) for axis in ("pan", "tilt", "zoom")}
    names = [each.name for each in fields(State) if each.name not in ("since", "camera")]
    return {name: value for name in names if (value := getattr(state, name))} | {"camera": camera}


@for_any(stories())
def test_auto_is_bit_for_bit_the_chain_where_a_word_is_not_understood(story: Story) -> None:
    chain, auto = planned(story, "chain"), planned(story, "auto")
    assert all(shot.words == shot.prompt for shot in chain)
    if any(shot.shows.since != chain[0].id for shot in chain):
        assert auto == chain


states = st.builds(
    State,
    since=st.sampled_from(["a", "b"]),
    camera=st.builds(Camera, pan=st.integers(-3, 3), tilt=st.integers(-1, 1), zoom=st.integers(-1, 1)),
    light=st.sampled_from([None, "day", "night"]),
    weather=st.sampled_from([None, "rain", "snow"]),
)


@for_any(st.lists(st.tuples(states, st.integers(0, 5)), max_size=6), states)
def test_what_is_not_known_is_never_chosen(earlier: list[tuple[State, int]], scene: State) -> None:
    at = choose_parent([state for state, _ in earlier], [behind for _, behind in earlier], scene)
    reachable = [(behind, difference(state, scene)) for state, behind in earlier]
    for state, _ in earlier:
        if state.since != scene.since or (state.light and not scene.light) or (state.weather and not scene.weather):
            assert difference(state, scene) is None
    assert at is None or reachable[at][1] is not None


def test_a_shot_and_what_it_shows_are_written_and_read_back() -> None:
    for shot in shots_of([*BACK_AND_FORTH, "she smiles"]):
        assert Shot.from_json(shot.to_json()) == shot


def test_the_dry_run_says_what_a_scene_shows_and_the_words_that_are_drawn() -> None:
    third = str(shots_of(BACK_AND_FORTH)[2])
    assert "Next Scene: night falls" in third
    assert "drawn as: Next Scene: the camera pans left as night falls" in third
    assert "shows: house, night, camera 2 left of scene_001" in third
    assert "shows: not known" in str(shots_of(["la nuit"])[0])


@pytest.mark.parametrize(
    "words", ["now in the desert", "a house in the city", "night falls", "the camera pans left", "?"]
)
def test_any_words_may_open_a_story_or_begin_anew_within_it(words: str) -> None:
    opening, anew = shots_of([words, {"prompt": words, "after": None}])
    assert (opening.grows_from, anew.grows_from) == (None, None)
