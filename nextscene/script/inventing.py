"""A small story of its own: a screenplay made by rules, in words that the built-in model draws.

A seed goes in, and words that it should be about; Fountain comes out: a beginning in one place, a turn in another, and
an end back in the first. The same seed and words give the same story.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PLACES: Mapping[str, str] = {
    "sea": "by the sea",
    "desert": "in the desert",
    "forest": "in the forest",
    "city": "in the city",
    "mountains": "in the mountains",
}
THINGS = ("house", "tower", "windmill", "balloon")
COLOURS = ("red", "yellow", "blue", "white")
LIGHTS: Mapping[str, str] = {"DAWN": "dawn", "DAY": "day", "SUNSET": "dusk", "NIGHT": "night"}
MOVES = (
    "The camera moves closer.",
    "The camera pulls back.",
    "The camera pans left.",
    "The camera pans right.",
    "The camera tracks left.",
    "The camera tracks right.",
    "The camera tilts up.",
)
COMES: Mapping[str, str] = {"rain": "It starts to rain.", "snow": "It starts to snow.", "fog": "Fog rolls in."}

_BEGINNINGS = (
    "For a hundred years the {colour} {thing} had stood {place}, and nobody asked why.",
    "There was a {colour} {thing} {place}, and every morning it was the first to see the light.",
    "Nobody had come to the {colour} {thing} {place} for years.",
)
_WAITS = (
    "It was a quiet place, and the days there were all alike.",
    "Whoever passed it slowed down for a moment, and then went on.",
    "From far away it looked as if it were waiting for someone.",
)
_TURNS = (
    "But far away, {place}, something was about to change.",
    "Then one day word came from {place}.",
    "That was before anyone knew of the {colour} {thing} {place}.",
)
_WEATHER: Mapping[str, Sequence[str]] = {
    "rain": ("The rain came without warning, and it did not stop.", "It rained until the roads were gone."),
    "snow": ("Snow fell, and it covered every way back.", "The snow came early that year, and it stayed."),
    "fog": ("Then the fog came, and nobody could see the way any more.", "In the fog, all places look the same."),
}
_ROADS = (
    "The way led past the {colour} {thing} {place}.",
    "Those who kept on walking came to a {colour} {thing} {place}.",
    "And still farther, {place}, a {colour} {thing} was shining.",
)
_ENDS = (
    "And when it was over, the {colour} {thing} was still there, as if nothing had happened.",
    "In the end there was a light in the {thing} again.",
    "So they came back to the {colour} {thing}, and this time they stayed.",
)
_LAST = ("Nobody asked why any more.", "And that is how it still is today.", "The rest, only the stars have seen.")


@dataclass(frozen=True)
class _Spot:
    """Where a scene is, and what stands there."""

    name: str
    thing: str
    colour: str

    def fill(self, words: str) -> str:
        return words.format(place=PLACES[self.name], thing=self.thing, colour=self.colour)


def invent(seed: int, about: str = "", max_scenes: int = 5, max_places: int = 3) -> str:
    """A screenplay of at most so many scenes and places. about: of its words those count that the model knows."""
    chance = random.Random(f"{seed} {about}")
    spots = _spots(chance, about, min(max_places, max(1, max_scenes - 1)))
    weather = _chosen(chance, tuple(COMES), about)
    lights = [_chosen(chance, ("DAWN", "DAY"), about), "DAY", "SUNSET", "NIGHT"]
    route = [spots[0], *spots[1:], spots[0]][:max_scenes] if max_scenes > 1 else spots[:1]
    title = f"The {spots[0].colour} {spots[0].thing}"
    scenes = [f"Title: {title}\nCredit: made up by rules, with seed {seed}\n"]
    for at, spot in enumerate(route):
        last = at == len(route) - 1 and at > 0
        light = "NIGHT" if last else lights[min(at, 2)]
        scenes.append(f"EXT. {spot.name.upper()} - {light}\n")
        if at == 0:
            scenes += _beginning(chance, spot)
        elif last:
            scenes += _end(chance, spot)
        else:
            scenes += _turn(chance, spot, weather if at == 1 else None)
    if len(route) == 1:
        scenes += [_said(chance.choice(_LAST))]
    return "\n".join(scenes)


def _spots(chance: random.Random, about: str, places: int) -> list[_Spot]:
    """Places with something in each; what it should be about comes first, and no two are alike."""
    names, things, colours = (_shuffled(chance, kind, about) for kind in (tuple(PLACES), THINGS, COLOURS))
    return [_Spot(*each) for each in zip(names[:places], things, colours, strict=False)]


def _shuffled(chance: random.Random, names: Sequence[str], about: str) -> list[str]:
    others = chance.sample(names, len(names))
    wanted = sorted((name for name in names if name.lower() in about.lower()), key=about.lower().index)
    return [*wanted, *(name for name in others if name not in wanted)]


def _chosen(chance: random.Random, names: Sequence[str], about: str) -> str:
    return _shuffled(chance, names, about)[0]


def _beginning(chance: random.Random, spot: _Spot) -> list[str]:
    move = chance.choice(MOVES)
    seen = spot.fill("A {colour} {thing} {place} under a clear sky.\n")
    return [seen, _said(spot.fill(chance.choice(_BEGINNINGS))), f"{move}\n", _said(chance.choice(_WAITS))]


def _turn(chance: random.Random, spot: _Spot, weather: str | None) -> list[str]:
    seen = spot.fill("A {colour} {thing} {place}.\n")
    if weather is None:
        return [seen, _said(spot.fill(chance.choice(_ROADS))), f"{chance.choice(MOVES)}\n"]
    turn = spot.fill(chance.choice(_TURNS)).replace("from by", "from").replace("from in", "from")
    return [seen, _said(turn), f"{COMES[weather]}\n", _said(chance.choice(_WEATHER[weather]))]


def _end(chance: random.Random, spot: _Spot) -> list[str]:
    sky, move = chance.choice(("The sky clears.", "Night falls.")), chance.choice(MOVES)
    return [f"{sky}\n", _said(spot.fill(chance.choice(_ENDS))), f"{move}\n", _said(chance.choice(_LAST))]


def _said(words: str) -> str:
    return f"NARRATOR (V.O.)\n{words}\n"
