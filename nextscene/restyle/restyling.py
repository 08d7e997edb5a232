"""A film restyled: frames made, or found as they were made before; then the film, its source beside it, a record.

restyling = Restyling(order, weights)       # looks through the film and decides everything; nothing is drawn
for file in restyling.run(load): ...

film.mp4            the new film, with the old one's sound
side-by-side.mp4    both
restyle.json        what was asked for, what it was made of, how steady and how true it is
frames/             every frame while it is being made; then the keyframes, or all
"""

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from nextscene import NextSceneError, __version__, pictures
from nextscene.files import sha256, write_whole
from nextscene.film import Frame, NewFilm
from nextscene.hub import Weights, fetch_lora, public_name
from nextscene.motion import FilmEngine, open_film_engine
from nextscene.output import locked, refuse_what_is_in_the_way
from nextscene.progress import OnProgress, filming
from nextscene.restyle.frames import Frames
from nextscene.restyle.order import Order, Plan
from nextscene.restyle.pieces import Filmer
from nextscene.shooting import Adapters, Checker

if TYPE_CHECKING:
    from nextscene.restyle.painting import Painter
    from nextscene.shooting import Studio

WIDEST = 960  # pixels: how wide each of the two films side by side is, at most
RECIPE = 1  # changes whenever the same order would give other frames
Load = Callable[[], "Studio"]


class Restyling:
    """One run of an order."""

    def __init__(self, order: Order, weights: Weights) -> None:
        self.order, self.weights = order, weights
        folder = order.folder
        self.film, self.beside, self.record = (
            folder / name for name in ("film.mp4", "side-by-side.mp4", "restyle.json")
        )
        self._before = self._read_record()
        seed = self._before.get("seed")
        self.plan = Plan(order, weights, seed if isinstance(seed, int) else None)
        refuse_what_is_in_the_way([self.film, self.beside])

    def run(self, load: Load) -> Iterator[Path]:
        """Yields the film, then both side by side, then the record. load: gives the studio, if something is drawn."""
        plan, frames = self.plan, Frames(self.order.folder / "frames")
        with locked(self.record), filming() as on_progress:
            made_of, film_made_of = self._made_of()
            if self._is_made(film_made_of):
                print(f"{self.film} is made already.", file=sys.stderr)
            else:
                began = time.monotonic()
                self._write_record({"made_of": made_of})
                self._make_frames(frames, load, made_of, on_progress)
                measures = self._make_films(frames, on_progress)
                keys = {key for stretch in plan.stretches for key in stretch.keys}
                self._write_record(
                    {
                        "made_of": made_of,
                        "film_made_of": film_made_of,
                        "files": {file.name: sha256(file) for file in (self.film, self.beside)},
                        "seconds": round(time.monotonic() - began, 1),
                        "drawn": {str(number + 1): share for number, share in sorted(frames.drawn.items())},
                        "measures": measures,
                    }
                )
                if not (self.order.restyle.keep_frames or plan.clip):  # whose pieces cost time or money
                    self._tidy(frames, keys)
        yield from (self.film, self.beside, self.record)

    def _make_frames(self, frames: Frames, load: Load, made_of: str, on_progress: OnProgress) -> None:
        plan, done = self.plan, 0

        def on_step(share: float) -> None:
            on_progress("frames", (done + share) / (plan.frames + 1))

        with ExitStack() as opened:
            painter = self._painter(frames, load, made_of, on_step, opened)
            source = plan.footage.frames(*plan.size)
            for stretch in plan.stretches:
                for _ in painter.paint(stretch, source):
                    done += 1
                    on_progress("frames", done / plan.frames)

    def _painter(
        self, frames: Frames, load: Load, made_of: str, on_step: Callable[[float], object], opened: ExitStack
    ) -> "Painter | Filmer":
        """Whoever makes the frames. opened: closes what it opens."""
        plan, checker = self.plan, Checker() if self.order.check_safety else None
        if not plan.clip or not plan.engine:
            from nextscene.restyle.painting import Painter  # brings torch

            per_frame = self.order.restyle.per_frame
            return Painter(
                plan.shot, self._ready(load), frames, made_of, per_frame=per_frame, checker=checker, on_step=on_step
            )
        weights, clip = plan.engine, plan.clip
        engines: list[FilmEngine] = []

        def engine() -> FilmEngine:
            if not engines:
                engines.append(opened.enter_context(open_film_engine(weights, [clip])))
            return engines[0]

        return Filmer(clip, plan.pieces, engine, frames, made_of, checker=checker, on_step=on_step)

    def _ready(self, load: Load) -> Load:
        """The studio, made ready for this order when it is first needed."""
        ready: list[Studio] = []

        def studio() -> "Studio":
            if not ready:
                ready.append(load())
                ready[0].use(self._adapters)
            return ready[0]

        return studio

    def _make_films(self, frames: Frames, on_progress: OnProgress) -> Mapping[str, object]:
        """The film, and both side by side; what was measured on the way."""
        from nextscene.restyle.measuring import Measures  # brings torch

        plan, measures = self.plan, Measures()
        width, height = plan.size
        scale = min(1, WIDEST / width)
        small = (int(width * scale) // 2 * 2, int(height * scale) // 2 * 2)
        facts = {"words": self.order.words.strip(), "made_by": f"Next Scene {__version__}"}
        source = plan.footage
        with (
            NewFilm(self.film, plan.size, source.fps, source, facts) as film,
            NewFilm(self.beside, (2 * small[0], small[1]), source.fps, source, facts) as both,
        ):
            for number, was in enumerate(source.frames(*plan.size)):
                styled = np.asarray(pictures.read(frames.file(number)))
                measures.add(number, was, styled, begins=number in plan.cuts)
                shown = plan.grade(styled, number)
                film.add(shown)
                both.add(np.concatenate([_resized(each, small) for each in (was, shown)], axis=1))
                on_progress("film", (number + 1) / plan.frames)
        return measures.facts()

    def _made_of(self) -> tuple[str, str]:
        """What tells the frames from any others, and what tells the film; fetches LoRAs that are named."""
        order, plan = self.order, self.plan
        film = plan.story.film
        colours = (plan.stretches_as_data, film.grade, film.vignette, film.grain, self._lut_sha256())
        if plan.engine and plan.clip:
            clip = {**plan.clip.to_json(), **plan.engine.identity}
            frames = _digest(RECIPE, sha256(order.film), str(plan.footage.fps), plan.size, clip)
            return frames, _digest(frames, *colours)
        home = order.at_home
        own = fetch_lora(plan.lora_weights, home and "lora_weights" in order.settings.given)
        typed = home and "embeddings" in order.settings.given
        embeddings = {
            public: file
            for name, public in zip(plan.embeddings, plan.shot.embeddings, strict=True)
            if (file := fetch_lora(name, typed, "embedding"))
        }
        fast = self.weights.fast_lora(plan.shot.look.steps) if plan.shot.go_fast else None
        self._adapters = Adapters(own, public_name(plan.lora_weights), fast, embeddings=embeddings)
        identity = self.weights.identity_with(fast, own, None, list(embeddings.values())).to_json()
        frames = _digest(
            RECIPE,
            sha256(order.film),
            str(plan.footage.fps),
            plan.shot.to_json(),
            identity,
            order.restyle.per_frame,
        )
        return frames, _digest(frames, *colours)

    def _lut_sha256(self) -> str:
        return sha256(self.plan.lut) if self.plan.lut else ""

    def _is_made(self, film_made_of: str) -> bool:
        files = self._before.get("files")
        if self._before.get("film_made_of") != film_made_of or not isinstance(files, dict):
            return False
        kept = not self.order.restyle.keep_frames or all(
            Frames(self.order.folder / "frames").file(number).is_file() for number in range(self.plan.frames)
        )
        return kept and all(
            file.is_file() and sha256(file) == files.get(file.name) for file in (self.film, self.beside)
        )

    def _read_record(self) -> Mapping[str, Any]:
        with suppress(OSError, ValueError, RecursionError):
            found = json.loads(self.record.read_text())
            if isinstance(found, dict) and str(found.get("made_by", "")).startswith("Next Scene"):
                return found
        if self.record.exists():
            raise NextSceneError(f"{self.record} is in the way, and it was not made here: choose another folder.")
        return {}

    def _write_record(self, made: Mapping[str, object]) -> None:
        plan = self.plan
        said = {
            "version": 1,
            "made_by": f"Next Scene {__version__}",
            "words": self.order.words.strip(),
            "seed": plan.seed,
            "source": {
                "file": plan.footage.path.name,
                "frames": plan.frames,
                "fps": str(plan.footage.fps),
                "size": [plan.footage.width, plan.footage.height],
                "sound": plan.footage.sound,
                "cuts": [cut + 1 for cut in plan.cuts[1:]],
            },
            "keyframes": [key + 1 for stretch in plan.stretches for key in stretch.keys],
            "restyle": self.order.restyle.model_dump(mode="json"),
            "film": plan.story.film.given,
            **({"clip": plan.clip.to_json()} if plan.clip else {"shot": plan.shot.to_json()}),
            "notes": list(plan.footage.notes),
        }
        write_whole(self.record, json.dumps(said | dict(made), indent=1))

    def _tidy(self, frames: Frames, keys: set[int]) -> None:
        for number in range(self.plan.frames):
            if number not in keys:
                frames.file(number).unlink(missing_ok=True)


def _resized(frame: Frame, size: tuple[int, int]) -> Frame:
    if (frame.shape[1], frame.shape[0]) == size:
        return frame
    return np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS))


def _digest(*made_of: object) -> str:
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()
