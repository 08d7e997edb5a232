"""The front door: Cog's typed inputs, and nothing else.

Cog reads this file without running it: each input is one plain literal call (`nextscene.form.schema` watches over that).
"""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path as LocalPath

from cog import BasePredictor, Input, Path, streaming

from nextscene import NextSceneError, along
from nextscene.film import CuttingRoom
from nextscene.hub import loras, weights
from nextscene.model import loading as model
from nextscene.model import speed
from nextscene.output.delivery import deliver, numbered
from nextscene.output.record import Record
from nextscene.progress import Parts, progress
from nextscene.shooting.safety import Checker
from nextscene.shooting.studio import Studio
from nextscene.story.plan import IMAGE, choose_seed, given, given_film, plan
from nextscene.story.story import Story, from_file, from_prompts


class Predictor(BasePredictor):
    """A story in, scenes out, then the film."""

    def setup(self) -> None:
        """Loads the model once, with the LoRA fused."""
        took = Parts()
        self.name, notice = weights.choose()
        print(notice)
        self.own_size = weights.own_size(self.name)
        folder, lora = weights.fetch(self.name), weights.lora(self.name)
        self.made_with = weights.identity(self.name)
        took("weights found and known by their sha256")
        loaded = model.load(folder, lora, self.name, on_part=took)
        done = speed.warm_up(loaded, self.own_size, lasting=True)
        took("warmed up")
        print(f"Memory: {loaded.plan}", *done, f"Ready in {took}.", sep="\n")
        self.studio = Studio(loaded)
        self.folder = LocalPath(tempfile.mkdtemp(prefix="next-scene-"))

    @streaming
    def predict(
        self,
        prompts: list[str] | None = Input(
            default=None,
            description="The scenes in order, one prompt each, 1 to 300 of them (recommended: 3 to 8). Name the camera first, then what changes, then the light: 'Camera pans left, revealing a harbour, soft morning light'. 'Next Scene:' is put before each. Leave empty if you give a story file.",
        ),
        image: Path | None = Input(
            default=None,
            accept="image/*",
            description="A first picture, optional: the first scene becomes its natural next shot. Any common image format. Without it the first scene is made from its words alone.",
        ),
        story: Path | None = Input(
            default=None,
            description="A story file (JSON) instead of prompts, optional: scenes with their own seed, strength, duration and more, and values for all of them. Its format is described in the README.",
        ),
        negative_prompt: str = Input(
            default="black bars, letterbox, borders",
            description="What to avoid, in every scene. Counts when guidance is above 1.",
        ),
        strength: float = Input(
            default=0.6,
            ge=0.1,
            le=1.0,
            description="How much each scene may change from the one before, 0.1 to 1. Recommended: 0.4 to 0.5 keeps more, 0.7 to 0.8 changes more, 1 is a plain edit.",
        ),
        lora_scale: float = Input(
            default=0.75,
            ge=0.0,
            le=2.0,
            description="How strongly the Next-Scene LoRA acts, 0 (not at all) to 2. Recommended: 0.7 to 0.8; lower it if black bars appear.",
        ),
        width: int | None = Input(
            default=None,
            ge=64,
            le=2048,
            description="Width in pixels, 64 to 2048, rounded to a multiple of 16. Recommended: leave blank for the model's own size (1024x768), or with an image for the size of that area with the image's aspect.",
        ),
        height: int | None = Input(
            default=None,
            ge=64,
            le=2048,
            description="Height in pixels, 64 to 2048, rounded to a multiple of 16. Recommended: leave blank.",
        ),
        num_inference_steps: int | None = Input(
            default=None,
            ge=2,
            le=100,
            description="Denoising steps for each scene, 2 to 100. Recommended: leave blank for 40, or for 4 with go_fast; 30 to 50 without it.",
        ),
        guidance: float = Input(
            default=4.0,
            ge=1.0,
            le=20.0,
            description="How closely to follow the words, 1 to 20. Recommended: 3 to 5. At 1 it is off: twice as fast, and the negative prompt does not count.",
        ),
        seed: int | None = Input(
            default=None,
            ge=0,
            le=2147483647,
            description="The same seed with the same inputs gives the same pictures, 0 to 2147483647. Recommended: leave blank for a random one; it is printed in the logs.",
        ),
        output_video: bool = Input(
            default=False, description="Also make an MP4 of the scenes, sequence.mp4, delivered last."
        ),
        fps: float = Input(
            default=2,
            ge=0.1,
            le=24.0,
            description="Scenes for each second of the video, 0.1 to 24. Recommended: 1 to 2 is slow and contemplative, 3 to 4 a normal pace.",
        ),
        output_format: str = Input(
            default="png",
            choices=["png", "webp", "jpg"],
            description="File format of the scenes. Recommended: png loses nothing; webp is the smallest.",
        ),
        output_quality: int = Input(
            default=80,
            ge=1,
            le=100,
            description="Quality of webp and jpg files, 1 to 100. Recommended: 80 to 95. Does not count for png.",
        ),
        go_fast: bool = Input(
            default=False,
            description="Draw drafts: 4 steps for each scene, without guidance, by a LoRA that makes them enough. The finished story is then drawn anew, without it.",
        ),
        references: list[Path] | None = Input(
            default=None,
            description="Further pictures, of characters or places, that every scene looks at as well, optional. At most three pictures for each scene in all, the one that it grows from included. Recommended: one or two; each makes a scene slower.",
        ),
        lora_weights: str | None = Input(
            default=None,
            description="A LoRA of your own for this model, optional: a repository on the hub (owner/name, or owner/name/FILE.safetensors), or the https address of a safetensors file. It acts beside Next-Scene; set lora_scale to 0 to have it in its place.",
        ),
        lora_weights_scale: float = Input(
            default=1.0,
            ge=0.0,
            le=2.0,
            description="How strongly your own LoRA acts, 0 (not at all) to 2. Recommended: 1; less where it does too much.",
        ),
        contact_sheet: bool = Input(
            default=False,
            description="Also make contact_sheet.png: all scenes in one picture, with their words, times and seed.",
        ),
        return_record: bool = Input(
            default=False,
            description="Also deliver run.json, last: everything decided and made, scene by scene. It is itself a story file that makes the same pictures again.",
        ),
        video_transition: str = Input(
            default="cut",
            choices=["cut", "crossfade", "fade", "morph"],
            description="Of the video: how one scene becomes the next. Recommended: crossfade; fade goes through black; morph moves what both scenes have in common, and crossfades where that is too little.",
        ),
        video_move: str = Input(
            default="none",
            choices=["none", "auto", "push_in", "pull_out", "pan_left", "pan_right", "tilt_up", "tilt_down"],
            description="Of the video: how the camera moves on each still, slowly. Recommended: auto, by the camera words of each prompt.",
        ),
        video_format: str = Input(
            default="mp4",
            choices=["mp4", "webm", "gif"],
            description="Of the video: its file format. Recommended: mp4; a gif is large and has no sound.",
        ),
        video_captions: str = Input(
            default="none",
            choices=["none", "soft", "burned"],
            description="Of the video: each scene's caption, or else its prompt. soft: for the player to show, and as .srt and .vtt files; burned: drawn on the picture.",
        ),
        video_narration: str = Input(
            default="own",
            choices=["none", "own", "prompts"],
            description="Of the video: what a voice speaks. own: the narration that a story file gives its scenes; prompts: else their prompts.",
        ),
        video_music: Path | None = Input(
            default=None,
            description="Of the video: a sound file that is played along, softer under speech, optional.",
        ),
        disable_safety_checker: bool = Input(
            default=False,
            description="Do not check the scenes. Else a small classifier looks at each, and one that it takes for pornographic is withheld; the others are delivered, and the logs say so.",
        ),
    ) -> Iterator[Path]:
        """Yields the scenes in order as they are finished, then what else is wanted."""
        told, seen = along.read(_story(prompts, story), image, references or [])
        own_lora = lora_weights or told.lora_weights
        wanted = given(
            negative_prompt=negative_prompt,
            strength=strength,
            lora_scale=lora_scale,
            lora_weights=loras.shown(own_lora),
            lora_weights_scale=lora_weights_scale,
            width=width,
            height=height,
            steps=num_inference_steps,
            go_fast=go_fast or None,
            guidance=guidance,
            seed=seed,
            fps=fps,
        )
        if told.film.music and not video_music:
            raise NextSceneError(f"This story plays {told.film.music!r}: give it along as video_music.")
        film_wanted = given_film(
            transition=video_transition,
            move=video_move,
            captions=video_captions,
            narration=video_narration,
            music=video_music.name if video_music else None,
        )
        told = told.filmed(film_wanted)
        run_seed = choose_seed(told, wanted)
        print(f"Seed: {run_seed}")
        checker = None if disable_safety_checker else Checker()
        shots = plan(told, wanted, run_seed, self.own_size, seen[IMAGE].size if image else None)

        lora_file = loras.fetch(own_lora)
        self.studio.model.use_lora_weights(lora_file)
        fast_file = weights.fast_lora(self.name, shots[0].steps) if shots[0].go_fast else None
        if fast_file:
            self.studio.model.use_fast_lora(fast_file)
        made_with = self.made_with | weights.fast_identity(fast_file) | loras.identity(lora_file)

        shutil.rmtree(self.folder, ignore_errors=True)  # the last prediction's files; Cog leaves them to us
        complete = told.complete(wanted, run_seed, image.name if image else None)
        record = Record(self.folder)
        record.begin(complete, shots, made_with, seen)
        sheet = self.folder / "contact_sheet.png" if contact_sheet else None
        film_file = self.folder / f"sequence.{video_format}"
        film = CuttingRoom(complete, film_file, music=video_music) if output_video else None
        with progress(shots) as on_step:
            takes = self.studio.shoot(shots, seen, on_step, complete, checker=checker)
            files = numbered(self.folder, output_format)
            title, quality = told.title or "", output_quality
            for path in deliver(takes, files, title=title, sheet=sheet, film=film, record=record, quality=quality):
                yield Path(path)
        if film:
            record.keep_film(film.facts())
        if return_record:
            yield Path(record.file)


def _story(prompts: list[str] | None, story: Path | None) -> Story:
    if bool(prompts) == bool(story):
        raise NextSceneError("Give either prompts or a story file" + (", not both." if story else "."))
    return from_prompts(prompts) if prompts else from_file(LocalPath(str(story)))
