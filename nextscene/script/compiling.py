"""A breakdown compiled to a story: each shot a scene, in words that a picture is drawn by. Pure.

What a place and a person look like stands in every prompt in the same words. What a shot grows from follows from its
place and its size. Pictures of places and people may be drawn before, as scenes that are not filmed, or be given.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from nextscene import NextSceneError
from nextscene.script.breakdown import Breakdown, Person, Place, Says, ScriptScene, ScriptShot
from nextscene.script.people import MARKS, around_quote
from nextscene.script.reading import script_of
from nextscene.script.rules import is_beat
from nextscene.script.script import Script
from nextscene.script.vocabulary import CAMERAS, SIZES, WIDENESS, Size, find_size
from nextscene.script.wording import begin, join, list_names, looks, name_of, setting_of, sky_of, whole_sentences
from nextscene.settings import MAX_PROMPT, Light, Weather
from nextscene.story import Story, camera_moves, from_data, read_words

Fields = dict[str, Any]  # of a scene, as a story file has them

MOST_WORDS = 600  # characters of a shot's own words in a prompt; it ends at a sentence's end
FEWEST_SECONDS, MOST_SECONDS = 3.0, 8.0  # that a shot stands in which nothing is said
SHORTEST_PART, LONGEST_PART = 5.0, 9.0  # seconds of the parts that a longer shot is cut into
WORDS_A_SECOND = 2.5  # as one reads, or speaks
NARRATOR = "NARRATOR"
NOTHING_SAID = "An empty place."  # of a shot


@dataclass(frozen=True)
class Compiled:
    """A story, and the files of the pictures of its cast, in their order."""

    story: Story
    pictures: tuple[str, ...]


def compile_story(breakdown: Breakdown, *, plates: bool = False, opened: bool = False) -> Compiled:
    """The story of a breakdown.

    plates: whether places and people are drawn before the shots, to be looked at.
    opened: whether a picture is given that the first shot grows from; it stands for that shot's place.
    """
    compiler = _Compiler(breakdown, plates, opened)
    first, *scenes = compiler.scenes()
    if opened:
        first = {name: value for name, value in first.items() if name not in ("after", "anchor")}
    beside = list(compiler.drawn_first())
    story = {
        **({"title": breakdown.title} if breakdown.title else {}),
        **({"cast": list(compiler.given)} if compiler.given else {}),
        "voices": {each.names[0]: each.voice for each in breakdown.people if each.voice},
        "scenes": [first, *beside, *scenes] if opened else [*beside, first, *scenes],
    }
    return Compiled(from_data(story), tuple(compiler.given.values()))


class _Compiler:
    """given: the pictures of places and people that are files, by their ids; plates, portraits: those to be drawn."""

    def __init__(self, breakdown: Breakdown, plates: bool, opened: bool) -> None:
        self._script = script_of(breakdown.text, breakdown.script.format)
        self._style = f"Style: {breakdown.style}" if breakdown.style else ""
        self._scenes = breakdown.scenes
        self._places = {place.id: place for place in breakdown.places}
        self._people = {person.id: person for person in breakdown.people}
        pictures = [*((each.id, each.picture) for each in breakdown.places)]
        pictures += [(each.id, each.picture) for each in breakdown.people]
        self.given = {name: picture for name, picture in pictures if picture}
        seen = Counter(name for shot in breakdown.shots for name in shot.people)
        known = {*self.given, *([breakdown.scenes[0].place] if opened else [])}
        self._plates = [each for each in breakdown.places if plates and each.id not in known]
        self._portraits = [
            each
            for each in breakdown.people
            if plates and each.look and each.id not in self.given and seen[each.id] > 1
        ]
        self._made: list[tuple[str, str, Size]] = []  # shots with their place and size

    def drawn_first(self) -> Iterator[Fields]:
        """Places as they are when they are first seen, and people before a plain wall: not filmed, only looked at."""
        for place in self._plates:
            scene = next((each for each in self._scenes if each.place == place.id), None)
            if scene:
                weather = scene.weather or scene.shots[0].weather
                sky = sky_of(place, scene.shots[0].light or scene.light, weather)
                yield self._unfilmed(f"place_{place.id}", [self._setting(place, sky), self._style])
        for person in self._portraits:
            words = f"{name_of(person)} before a plain wall: {person.look}"
            yield self._unfilmed(f"person_{person.id}", [words, self._style])

    def scenes(self) -> Iterator[Fields]:
        """Each shot in order; one that ends in another picture is two scenes, which morph."""
        for scene in self._scenes:
            light, weather = scene.light, scene.weather
            for shot in scene.shots:
                light, weather = shot.light or light, shot.weather or weather
                first = shot is scene.shots[0]
                size: Size = shot.size or "medium"
                made = self._shot(scene, shot, size, light, weather)
                if first and scene.transition:
                    made["transition"] = scene.transition
                whole = list(_cut_up(made))
                yield from whole
                if shot.ends:
                    sky = sky_of(self._places.get(scene.place or ""), light, weather)
                    whole.append(self._end(scene, shot, sky, whole[-1]))
                    yield whole[-1]
                self._made.append((whole[-1]["id"], _place_of(scene), size))

    def _shot(
        self, scene: ScriptScene, shot: ScriptShot, size: Size, light: Light | None, weather: Weather | None
    ) -> Fields:
        place = self._places.get(scene.place or "")
        people = [self._people[name] for name in shot.people if self._people[name].seen]
        words = _own_words(self._script, shot)
        said = read_words(words).sights
        sky = sky_of(place, None if "light" in said else light, None if "weather" in said else weather)
        parent = self._parent(_place_of(scene), size)
        cast = [scene.place] if parent is None and scene.place in self.given else []
        cast += [person.id for person in people[:1] if person.id in self.given]
        anchor = next((f"person_{person.id}" for person in people[:1] if person in self._portraits), None)
        return {
            "id": shot.id,
            "prompt": self._prompt(shot, words, people, place, sky),
            "after": parent,
            "cast": cast,
            **({"anchor": anchor} if anchor else {}),
            "duration": _seconds(shot, words),
            **({"motion": whole_sentences(words, MOST_WORDS)} if words else {}),
            "name": shot.id.removeprefix("s").upper(),
            **self._heard(shot, place),
        }

    def _end(self, scene: ScriptScene, shot: ScriptShot, sky: str, begun: Fields) -> Fields:
        place = self._places.get(scene.place or "")
        people = [self._people[name] for name in shot.people if self._people[name].seen]
        ends = shot.ends or ""
        prompt = join([ends, *looks(people, ends), self._setting(place, sky, ends), self._style])
        half = begun["duration"] / 2
        begun["duration"] = half
        return {"id": f"{shot.id}_end", "prompt": prompt, "after": begun["id"], "cast": [], "duration": half} | {
            "transition": "morph",
            "caption": "",
        }

    def _prompt(self, shot: ScriptShot, words: str, people: Sequence[Person], place: Place | None, sky: str) -> str:
        """The camera first, then what is to be seen, then who and where in the words of the bible, then the style."""
        size = SIZES[shot.size] if shot.size and find_size(words) != shot.size else ""
        camera = "" if camera_moves(words) else CAMERAS[shot.camera]
        lead = begin(", ".join(filter(None, [size, camera])))
        seen = whole_sentences(words, MOST_WORDS) or list_names(people)
        setting = self._setting(place, sky, seen)
        return join([lead, seen, *looks(people, words), setting, self._style]) or NOTHING_SAID

    def _setting(self, place: Place | None, sky: str, words: str = "") -> str:
        return setting_of(place, sky, words, self._script.text)

    def _parent(self, place: str, size: Size) -> str | None:
        """The nearest earlier shot there that shows as much; else the place's own picture, or the last shot there."""
        there = [(name, its) for name, where, its in reversed(self._made) if where == place]
        wide = next((name for name, its in there if WIDENESS[its] >= WIDENESS[size]), None)
        plate = next((f"place_{each.id}" for each in self._plates if each.id == place), None)
        return wide or plate or (there[0][0] if there else None)

    def _heard(self, shot: ScriptShot, place: Place | None) -> Fields:
        """What is spoken, read and heard in a shot."""
        said = [
            (self._people[each.who].names[0] if each.who else NARRATOR, _spoken(self._script, each))
            for each in shot.says
        ]
        heard: Fields = {"caption": ""}
        for _, words in said:
            if len(words) > MAX_PROMPT:
                raise NextSceneError(
                    f"Shot {shot.id}: {len(words)} characters are said in it at once, where {MAX_PROMPT} at most can "
                    "be: part them with an empty line, or in breakdown.json."
                )
        if said and all(who == NARRATOR for who, _ in said):
            heard = {"narration": " ".join(words for _, words in said)}
            heard["caption"] = heard["narration"]
        elif said:
            heard = {"lines": [{"who": who, "text": words} for who, words in said]}  # which are read with their names
        if shot.sounds:
            heard["sounds"] = [{"what": each.what, "at": each.at} for each in shot.sounds]
        if place and place.sounds:
            heard["ambience"] = list(place.sounds)
        return heard

    def _unfilmed(self, name: str, words: list[str]) -> Fields:
        return {"id": name, "prompt": join(words), "after": None, "cast": [], "filmed": False}


def segments(seconds: float) -> list[float]:
    """The lengths of a shot's parts, each of 5 to 9 seconds, where that is possible."""
    parts = math.ceil(seconds / LONGEST_PART)
    lengths = [min(seconds / parts, SHORTEST_PART)] * parts
    for at in reversed(range(parts)):
        lengths[at] += min(LONGEST_PART - lengths[at], seconds - sum(lengths))
    return [round(length, 2) for length in lengths]


def _cut_up(scene: Fields) -> Iterator[Fields]:
    """A scene in parts, each grown from the one before; what is heard begins with the first."""
    first, *rest = segments(scene["duration"])
    yield scene | {"duration": first}
    for number, length in enumerate(rest, 2):
        before = scene["id"] if number == 2 else f"{scene['id']}_{number - 1}"
        kept = {name: scene[name] for name in ("prompt", "motion", "ambience", "anchor") if name in scene}
        yield kept | {"id": f"{scene['id']}_{number}", "after": before, "cast": [], "duration": length, "caption": ""}


def _place_of(scene: ScriptScene) -> str:
    return scene.place or f"scene {scene.id}"  # one that the script does not name is another in each scene


def _own_words(script: Script, shot: ScriptShot) -> str:
    """What the script itself says that is to be seen in a shot; in prose without what is spoken."""
    if shot.picture is not None:
        return shot.picture
    quotes = {(each.start, each.end) for each in shot.says if script.text[each.start - 1 : each.start] in MARKS}
    spoken = [around_quote(script.text, *each) for each in sorted(quotes)] if script.format == "prose" else []
    borders = [shot.start, *(place for span in spoken for place in span), shot.end]
    pieces = [
        piece
        for start, end in zip(borders[::2], borders[1::2], strict=True)
        for piece in script.within(start, end)
        if piece.kind == "action" and not is_beat(script.words([piece]))
    ]
    return script.words(pieces)


def _spoken(script: Script, said: Says) -> str:
    """The words of a speech, without what stands between them in brackets."""
    return script.words(piece for piece in script.within(said.start, said.end) if piece.kind != "parenthetical")


def _seconds(shot: ScriptShot, words: str) -> float:
    """As long as a shot's words take to read; speech takes its own time."""
    return shot.seconds or round(min(max(len(words.split()) / WORDS_A_SECOND, FEWEST_SECONDS), MOST_SECONDS), 2)
