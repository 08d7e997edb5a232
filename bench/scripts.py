"""script/bench scripts: whether the shots of a script show what is written, most of all on coming back to a place.

Scripts are made of shot lists of the drawn world, whose truth is known; they go the whole way: read, broken down by the
rules, compiled, planned, drawn. Each is drawn as a chain, without plates, with plates, and with plates from which every
shot of a place grows that comes back to it.
"""

import argparse
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from bench import figures, work
from bench.sight import look
from nextscene.script import break_down, compile_story, read_script
from nextscene.settings import StorySettings
from nextscene.shooting import Studio
from nextscene.story import Story, from_data, plan
from storybook import oracle
from storybook.world import COLOURS, HEIGHT, LANDMARKS, PLACES, WIDTH, State

STEPS = 14
NAMED = ("place", "light", "weather", "landmark", "colour")  # what the script says; the layout it does not
SIGHTS = (*NAMED, "layout")
WAYS = ("chain", "no plates", "plates", "back to plates")
LIGHTS = {"DAWN": "dawn", "DAY": "noon", "SUNSET": "sunset", "NIGHT": "night"}
COMES = {"rain": "It starts to rain.", "snow": "It starts to snow.", "fog": "Fog rolls in."}
WHERE = {place: f"{'by' if place == 'sea' else 'in'} the {place}" for place in PLACES}


@dataclass(frozen=True)
class Written:
    """A script, and the state that each of its shots is to show; those of the return to its first place come last."""

    text: str
    truth: tuple[State, ...]
    returns: int


def write_script(number: int) -> Written:
    """A place with weather that changes, another place, and the first again at another time, with other weather."""
    chance = random.Random(f"scripts {number}")
    there, other = (
        State(place=place, landmark=landmark, colour=colour)
        for place, landmark, colour in zip(
            *(chance.sample(each, 2) for each in (PLACES, LANDMARKS, COLOURS)), strict=True
        )
    )
    first, second, third = chance.sample(list(LIGHTS), 3)
    bad, worse = chance.sample(list(COMES), 2)
    text, truth = "", list[State]()
    for state, light, weathers in (
        (there, first, ["clear", bad]),
        (other, second, ["clear", worse]),
        (there, third, [worse, "clear"]),
    ):
        text += f"EXT. {state.place.upper()} - {light}\n\n"
        for at, weather in enumerate(weathers):
            opens = at == 0 and weather == "clear"
            text += f"A {state.colour} {state.landmark} {WHERE[state.place]} under a clear sky.\n\n" if opens else ""
            text += "" if opens else "The sky clears.\n\n" if weather == "clear" else f"{COMES[weather]}\n\n"
            truth.append(state.but(light=LIGHTS[light], weather=weather))
    return Written(text, tuple(truth), returns=2)


def story_of(written: Written, way: str) -> Story:
    """The story of a script, as it is drawn in this way."""
    story = compile_story(
        break_down(read_script(written.text.encode())), plates="plates" in way and way != "no plates"
    ).story
    data = story.as_data()
    for scene in data["scenes"]:
        if way == "chain" and scene["id"] != story.ids[0]:
            del scene["after"]
        if way == "back to plates" and scene["id"] == "s3a":
            scene["after"] = data["scenes"][0]["id"]
    return from_data(data)


def draw_story(studio: Studio, story: Story, seed: int) -> list[Image.Image]:
    wanted = StorySettings(steps=STEPS)
    takes = studio.shoot(plan(story, wanted, seed, (WIDTH, HEIGHT)), {})
    return [take.picture for take in takes if take.shot.filmed]


def judge(pictures: Sequence[Image.Image], written: Written) -> list[dict[str, bool]]:
    """Of each shot, what is as it was written; a place's layout is that of its first shot."""
    layouts = {
        truth.place: oracle.layout(picture, truth)
        for picture, truth in reversed(list(zip(pictures, written.truth, strict=True)))
    }
    truth = [state.but(layout=layouts[state.place]) for state in written.truth]
    return [
        {sight: getattr(each.shown, sight) == getattr(each.truth, sight) for sight in SIGHTS}
        for each in look(pictures, truth)
    ]


def measured(scripts: int, folder: Path) -> Iterator[dict[str, Any]]:
    """Each script in each way; what was drawn before is not drawn again."""
    studio: Studio | None = None
    for number in range(1, scripts + 1):
        written = write_script(number)
        for way in WAYS:
            file = folder / f"{number:02d}-{way.replace(' ', '-')}.json"
            if not file.is_file():
                studio = studio or work.load()[0]
                pictures = draw_story(studio, story_of(written, way), number)
                strip = Image.new("RGB", (WIDTH * len(pictures), HEIGHT))
                for at, picture in enumerate(pictures):
                    strip.paste(picture, (WIDTH * at, 0))
                folder.mkdir(parents=True, exist_ok=True)
                strip.save(file.with_suffix(".png"))
                found = {"way": way, "shots": judge(pictures, written), "returns": written.returns}
                figures.write_whole(file, json.dumps(found).encode())
                print(f"script {number}, {way}: drawn and looked at", flush=True)
            yield json.loads(file.read_text())


def table(found: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield "| way | shots that show all that is written | those that come back | " + " | ".join(SIGHTS) + " |"
    yield "|---|---:|---:|" + "---:|" * len(SIGHTS)
    for way in WAYS:
        runs = [each for each in found if each["way"] == way]
        shots = [shot for run in runs for shot in run["shots"]]
        back = [shot for run in runs for shot in run["shots"][-run["returns"] :]]
        cells = [_share([all(shot[sight] for sight in NAMED) for shot in each]) for each in (shots, back)]
        cells += [_share([shot[sight] for shot in back]) for sight in SIGHTS]
        yield f"| {way} | " + " | ".join(cells) + " |"


def _share(values: Sequence[bool]) -> str:
    return f"{100 * sum(values) / len(values):.0f} %"


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench scripts", description="Whether shots show what is written.")
    parser.add_argument("--scripts", type=int, default=12)
    parser.add_argument("--work", type=Path, default=Path("outputs/bench/scripts"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = list(measured(options.scripts, options.work))
    print("\n".join([*table(found), "", figures.about(f"storybook, {WIDTH}x{HEIGHT}, {STEPS} steps")]))


if __name__ == "__main__":
    main()
