"""ViStoryBench's stories, drawn our way and as a plain chain, laid out as its own evaluator reads them.

Each of its stories tells its shots (camera, plot, setting, who is there) and has pictures of its characters. What we
draw of them is judged by that project's own `bench_run.py`, in an environment of its own, by those of its measures that
need no hosted model: cids (characters), csd (style), aesthetic and diversity. What it finds of both ways is then put
side by side.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from bench import work
from nextscene import NextSceneError
from nextscene.files import write_whole
from nextscene.output import numbered
from nextscene.production import Production
from nextscene.request import Request
from nextscene.settings import StorySettings
from nextscene.story import MAX_REFERENCES, Story, from_data

METHOD, LANGUAGE, TIMESTAMP = "next-scene", "en", "20000101_000000"  # one for all runs: they go on where they stopped
WAYS = ("ours", "plain")
LITE = (1, 8, 9, 15, 17, 19, 24, 27, 28, 29, 32, 41, 52, 53, 55, 57, 60, 64, 68, 79)  # ViStoryBench-lite
METRICS = ("cids", "csd", "aesthetic", "diversity")
PICTURES = (".jpg", ".jpeg", ".png")
Scores = dict[str, float]


class Said(BaseModel):
    """What a story says in each language; of these only English is read."""

    en: str


class Names(BaseModel):
    en: list[str]


class Told(BaseModel):
    """One shot, as story.json has it."""

    index: int
    setting: Said = Field(alias="Setting Description")
    plot: Said = Field(alias="Plot Correspondence")
    action: Said = Field(alias="Static Shot Description")
    camera: Said = Field(alias="Shot Perspective Design")
    characters: Names = Field(alias="Characters Appearing")


class Character(BaseModel):
    prompt_en: str


class StoryFile(BaseModel):
    shots: list[Told] = Field(alias="Shots", min_length=1)
    characters: dict[str, Character] = Field(alias="Characters")


@dataclass(frozen=True)
class BenchStory:
    """One of its stories. portraits: the first picture of each character who has one."""

    name: str
    file: StoryFile
    portraits: dict[str, Path]

    @classmethod
    def read(cls, folder: Path) -> "BenchStory":
        path = folder / "story.json"
        try:
            file = StoryFile.model_validate_json(path.read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise NextSceneError(f"There is no story {path}: name the folder ViStory of the dataset.") from error
        except ValidationError as error:
            where = ".".join(map(str, error.errors()[0]["loc"]))
            raise NextSceneError(f"{path} is no story of ViStoryBench: {where} is not as expected.") from error
        pictures = {name: sorted((folder / "image" / name).glob("*")) for name in file.characters}
        first = {name: [each for each in files if each.suffix.lower() in PICTURES] for name, files in pictures.items()}
        return cls(folder.name, file, {name: files[0] for name, files in first.items() if files})

    def told(self, way: str) -> Story:
        """It as a story of ours."""
        scenes: list[dict[str, object]] = []
        before: set[str] = set()
        for shot in self.file.shots:
            there = [name for name in dict.fromkeys(map(str.strip, shot.characters.en)) if name in self.portraits]
            if way == "ours":  # the scene before shows the others already
                there.sort(key=lambda name: name in before)
            looked_at = MAX_REFERENCES - bool(scenes)
            scenes.append({"prompt": self._words(shot), "cast": [_id(name) for name in there[:looked_at]]})
            before = set(there)
        continuity = "auto" if way == "ours" else "chain"
        look = {} if way == "ours" else {"strength": 1.0}
        cast = [_id(name) for name in self.portraits]
        return from_data({"cast": cast, "continuity": continuity, **look, "scenes": scenes})

    def _words(self, shot: Told) -> str:
        """The camera first, then what happens, who is there, and where."""
        people = [
            f"{name}: {self.file.characters[name].prompt_en}"
            for name in dict.fromkeys(map(str.strip, shot.characters.en))
            if name in self.file.characters
        ]
        parts = (shot.camera.en, shot.plot.en, shot.action.en, *people, shot.setting.en)
        return ". ".join(part.strip().rstrip(".") for part in parts if part.strip()) + "."


def _id(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name)


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench vistory")
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--stories", nargs="+", default=[f"{number:02d}" for number in LITE])
    parser.add_argument("--steps", type=int)
    parser.add_argument("--out", type=Path, default=Path("outputs/bench/vistory"))
    parser.add_argument("--results", type=Path)
    options = parser.parse_args()
    try:
        if options.results:
            print(page({way: scores(options.results, way) for way in WAYS}))
            return
        stories = [BenchStory.read(options.dataset / name) for name in options.stories]
        for path in draw(stories, options.out, options.steps):
            print(path)
    except NextSceneError as error:
        sys.exit(f"error: {error}")
    print(
        f"Now, in a checkout of ViStoryBench: python bench_run.py --method {METHOD} --language {LANGUAGE} --split lite "
        f"--metrics {' '.join(METRICS)} --dataset_path {options.dataset.parent.resolve()} "
        f"--outputs_path {(options.out / 'outputs').resolve()} --result_path RESULTS; "
        f"then here: script/bench vistory {options.dataset} --results RESULTS",
        file=sys.stderr,
    )


def draw(stories: Sequence[BenchStory], out: Path, steps: int | None) -> Iterator[Path]:
    """Each story both ways; what is drawn already is not drawn again."""
    studio, weights = work.load()
    settings = StorySettings(steps=steps, seed=work.SEED) if steps else StorySettings(seed=work.SEED)
    for story in stories:
        for way in WAYS:
            folder = out / "outputs" / METHOD / way / LANGUAGE / TIMESTAMP / story.name / "shots"
            asked = Request(
                story=story.told(way),
                folder=out / "runs" / way / story.name,
                settings=settings,
                references=tuple(story.portraits.values()),
                keep_takes=True,
            )
            production = Production(asked, weights)
            scene = numbered(asked.folder, asked.output.output_format)
            list(production.run(lambda: studio))
            folder.mkdir(parents=True, exist_ok=True)
            for told, shot in zip(story.file.shots, production.shots, strict=True):
                path = folder / f"shot_{told.index:02d}.png"
                write_whole(path, scene(shot).read_bytes())
                yield path


def scores(results: Path, way: str) -> Scores:
    """What the benchmark's evaluator found of a way, by its latest summary."""
    summaries = sorted((results / METHOD / way / LANGUAGE).glob("*/summary.json"))
    if not summaries:
        raise NextSceneError(f"There are no results of {METHOD}/{way}/{LANGUAGE} in {results}: run bench_run.py first.")
    found = json.loads(summaries[-1].read_text())["metrics"]
    return {
        f"{metric}, {name}": value
        for metric, each in found.items()
        for name, value in each["metrics"].items()
        if isinstance(value, int | float)
    }


def page(found: dict[str, Scores]) -> str:
    """Both ways side by side, in Markdown."""
    names = sorted(set.intersection(*map(set, found.values())))
    rows = [f"| {name} | {' | '.join(f'{found[way][name]:.3f}' for way in WAYS)} |" for name in names]
    return "\n".join([f"| measure | {' | '.join(WAYS)} |", "|---|" + "---|" * len(WAYS), *rows])


if __name__ == "__main__":
    main()
