"""Cog's door for predictions: the inputs of the form, and a request made of them.

Cog reads this file without running it, so each input is one plain literal call. They are written by `script/generate` from
the tables in `nextscene/settings/` and `nextscene/form/inputs_table.py`: change them there.
"""

import re
from collections.abc import Iterator, Mapping

from cog import BaseRunner, Input, Path, Secret, streaming

from nextscene import NextSceneError
from nextscene.adaptation import adapt_sent, describe, keep_breakdown
from nextscene.api import load
from nextscene.files import own_folder
from nextscene.form import fetched_file, fetched_files
from nextscene.hub import choose
from nextscene.production import Production
from nextscene.progress import Parts
from nextscene.request import Request
from nextscene.restyle import Order, Restyling
from nextscene.settings import FilmSettings, OutputSettings, ScriptSettings, StorySettings
from nextscene.story import Story, from_file, from_prompts


class Runner(BaseRunner):
    """A story in, scenes out, then the film."""

    def setup(self) -> None:
        """Loads the model once, with the LoRA fused."""
        took = Parts()
        self.weights = choose()
        print(self.weights.notice)
        print(f"Weights: {self.weights.identity.model_sha256[:12]}")
        took("weights known by their sha256")
        self.studio = load(self.weights, on_part=took, say=print)
        print(f"Ready in {took}.")
        self.folder = own_folder("next-scene-outputs")

    @streaming
    def run(
        self,
        prompts: list[str] | None = Input(
            default=None,
            description="The scenes in order, one prompt each, 1 to 300 of them (recommended: 3 to 8). Name the camera first, then what changes, then the light: 'Camera pans left, revealing a harbour, soft morning light'. 'Next Scene:' is put before each. Leave empty if you give a story file or a script.",
        ),
        image: Path | None = Input(
            default=None,
            accept="image/*",
            description="A first picture, optional: the first scene becomes its natural next shot. Any common image format. Without it the first scene is made from its words alone.",
        ),
        story: Path | None = Input(
            default=None,
            description="A story file (JSON) instead of prompts, optional: scenes with their own seed, strength, duration and more, and settings for all of them. Its format is described in docs/story.md.",
        ),
        negative_prompt: str = Input(
            default="black bars, letterbox, borders",
            description="What to avoid. Counts when guidance is above 1. Recommended: keep the default in it.",
        ),
        strength: float = Input(
            default=0.6,
            ge=0.1,
            le=1.0,
            description="How much a scene may change from the one that it grows from. From 0.1 to 1. Recommended: 0.4 to 0.5 keeps more, 0.7 to 0.8 changes more, 1 is a plain edit.",
        ),
        lora_scale: float = Input(
            default=0.75,
            ge=0.0,
            le=2.0,
            description="How strongly the Next-Scene LoRA acts; 0 is not at all. From 0 to 2. Recommended: 0.7 to 0.8; lower it if black bars appear.",
        ),
        width: int | None = Input(
            default=None,
            ge=64,
            le=2048,
            description="Width in pixels, rounded to a multiple of 16. From 64 to 2048. Recommended: leave blank. Blank: the model's own (1024x768), or with an image that area in the image's shape.",
        ),
        height: int | None = Input(
            default=None,
            ge=64,
            le=2048,
            description="Height in pixels, rounded to a multiple of 16. From 64 to 2048. Recommended: leave blank. Blank: as for the width.",
        ),
        num_inference_steps: int | None = Input(
            default=None,
            ge=2,
            le=100,
            description="Denoising steps for each scene. From 2 to 100. Recommended: 30 to 50, or leave blank. Blank: 40, or 4 with go_fast.",
        ),
        guidance: float = Input(
            default=4.0,
            ge=1.0,
            le=20.0,
            description="How closely to follow the words. 1 is off: twice as fast, and the negative prompt does not count. From 1 to 20. Recommended: 3 to 5.",
        ),
        seed: int | None = Input(
            default=None,
            ge=0,
            le=2147483647,
            description="The same seed with the same inputs gives the same pictures. From 0 to 2147483647. Recommended: leave blank. Blank: a random one, which is printed.",
        ),
        output_video: bool = Input(
            default=False,
            description="Also make an MP4 of the scenes, sequence.mp4, delivered after them.",
        ),
        fps: float = Input(
            default=2.0,
            ge=0.1,
            le=24.0,
            description="Scenes for each second of the film. From 0.1 to 24. Recommended: 0.3 is a film's pace (about three seconds a scene), 1 to 2 a brisk slideshow.",
        ),
        output_format: str = Input(
            default="png",
            choices=["png", "webp", "jpg"],
            description="File format of the scenes. Recommended: png loses nothing; webp is the smallest.",
        ),
        video: Path | None = Input(
            default=None,
            accept="video/*",
            description="A film to restyle instead, optional: any common video, which keeps its motion and its sound and gets the look that the first of the prompts says, such as 'night falls'. Delivers film.mp4 and side-by-side.mp4; docs/restyle.md says how. Of the other inputs those count that say how a scene is drawn.",
        ),
        script: str | None = Input(
            default=None,
            description="A script instead of prompts, optional: the text of a screenplay (Fountain) or of a tale, or a file of one, Final Draft's FDX too. Scenes become shots of the same places and people; docs/script.md says how. A breakdown.json from an earlier plan, changed as you like, does as well.",
        ),
        writer: str = Input(
            default="rules",
            choices=["rules", "local", "openai", "anthropic", "gemini"],
            description="Of a script: who breaks it down. rules: no model and no network; local: the model that draws; the others are hosted, see the script's text, and want a writer_key.",
        ),
        writer_key: Secret | None = Input(
            default=None,
            description="The key of a hosted writer, optional. It is written nowhere.",
        ),
        max_shots: int = Input(
            default=250,
            ge=1,
            le=250,
            description="At most so many shots: those that say the least are put together, and which is said. From 1 to 250.",
        ),
        plan_only: bool = Input(
            default=False,
            description="Of a script: draw nothing. Deliver breakdown.json, its scenes, places, people and shots; the logs say how many pictures it comes to.",
        ),
        output_quality: int = Input(
            default=80,
            ge=1,
            le=100,
            description="Quality of webp and jpg files; does not count for png. From 1 to 100. Recommended: 80 to 95.",
        ),
        go_fast: bool = Input(
            default=False,
            description="Draw drafts: a few steps for each scene, without guidance, by a LoRA made for that.",
        ),
        continuity: str = Input(
            default="auto",
            choices=["chain", "tree", "auto"],
            description="What a scene grows from. chain: the one before; tree: as far as words are understood, the earlier one with the fewest generations behind it that one move of the camera reaches; auto: if all words of the story are understood, a tree, which with the full model goes back to each view's own picture; else a chain.",
        ),
        aspect: str | None = Input(
            default=None,
            description="Their shape, width to height, with the model's own area: 16:9, 2.39:1, 4:3, 9:16, .... Recommended: leave blank, or 4:3 to 16:9. Blank: the model's own, or the image's.",
        ),
        clips: str = Input(
            default="none",
            choices=["none", "each", "join"],
            description="Whether scenes move. each: every scene by itself, from its own picture; join: from its picture to the next scene's, where the two share their place.",
        ),
        clip_engine: str = Input(
            default="auto",
            choices=["auto", "storybook", "wan", "wan-light", "svd", "ltx", "replicate"],
            description="What makes the clips. auto: the best that this machine's memory holds; replicate: a hosted model, with REPLICATE_API_TOKEN.",
        ),
        clip_seconds: float | None = Input(
            default=None,
            ge=0.2,
            le=20.0,
            description="How long a clip is, as nearly as its engine can. From 0.2 to 20. Blank: as its engine does best.",
        ),
        references: list[Path] | None = Input(
            default=None,
            description="Further pictures, of characters or places, that every scene looks at as well, optional. A scene looks at three pictures at most, the one that it grows from included. Recommended: one or two; each makes a scene slower.",
        ),
        lora_weights: str | None = Input(
            default=None,
            description="A LoRA of your own beside Next-Scene (in its place: lora_scale 0): owner/name or owner/name/FILE.safetensors on the hub, or an https address of a safetensors file.",
        ),
        lora_weights_scale: float = Input(
            default=1.0,
            ge=0.0,
            le=2.0,
            description="How strongly your own LoRA acts; 0 is not at all. From 0 to 2. Recommended: 1; less where it does too much.",
        ),
        embeddings: list[str] | None = Input(
            default=None,
            description="Files of words that you taught, such as <noir>, which act where a prompt or the style has them; each as lora_weights, on the hub or by an https address.",
        ),
        style: str = Input(
            default="",
            description="Words before each scene's own, such as the word of an embedding or of a LoRA; captions leave them out.",
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
            description="Of the film: How one scene becomes the next; fade goes through black, morph moves what both scenes have in common, and crossfades where that is too little. Recommended: crossfade.",
        ),
        video_move: str = Input(
            default="none",
            choices=["none", "auto", "push_in", "pull_out", "pan_left", "pan_right", "tilt_up", "tilt_down"],
            description="Of the film: How the camera moves on each still, slowly. Recommended: auto, by the camera words of each prompt.",
        ),
        video_format: str = Input(
            default="mp4",
            choices=["mp4", "webm", "gif"],
            description="Of the film: its file format. Recommended: mp4; a gif is large and has no sound.",
        ),
        video_captions: str = Input(
            default="none",
            choices=["none", "soft", "burned"],
            description="Of the film: Each scene's caption, or else its prompt. soft: for the player to show, and as .srt and .vtt files; burned: drawn on the picture.",
        ),
        video_narration: str = Input(
            default="own",
            choices=["none", "own", "prompts"],
            description="Of the film: What a voice speaks. own: the narration that a story gives its scenes; prompts: else their prompts.",
        ),
        video_music: Path | None = Input(
            default=None,
            description="Of the film: a sound file that is played, softer under speech, optional.",
        ),
        disable_safety_checker: bool = Input(
            default=False,
            description="Do not check the scenes. Else a small classifier looks at each, and one that it takes for pornographic is withheld; the others are delivered, and the logs say so.",
        ),
    ) -> Iterator[Path]:
        """Yields the scenes in order as they are finished, then what else is wanted."""
        form: dict[str, object] = dict(locals())
        music = fetched_file(video_music, "video_music") if video_music else None
        film: dict[str, object] = {"music": video_music.name} if video_music else {}
        for name in ("transition", "move", "captions", "narration"):
            film[name] = form[f"video_{name}"]
        wanted = ScriptSettings.checked(max_shots=max_shots, writer=writer)
        key = writer_key.get_secret_value() if writer_key else None
        adaptation = adapt_sent(_sent(script), wanted, lambda: self.studio, key, bool(image)) if script else None
        _refuse_other_than_one(prompts, story, script)
        settings = StorySettings.checked(
            **_typed(StorySettings, {**form, "steps": num_inference_steps, "lora_weights": lora_weights or None})
        )
        if video:
            words = _only_words(prompts, image)
            order = Order(
                film=fetched_file(video, "video"),
                words=words,
                folder=own_folder("next-scene-outputs"),
                settings=settings,
                check_safety=not disable_safety_checker,
            )
            restyling = Restyling(order, self.weights)
            print(*restyling.plan.describe(), sep="\n")
            files = restyling.run(lambda: self.studio)
            yield from (Path(file) for file in files if return_record or file != restyling.record)
            return
        if plan_only and not adaptation:
            raise NextSceneError("plan_only is for scripts: give a script, or leave it out.")
        request = Request(
            story=adaptation.story if adaptation else _story(prompts, story),
            folder=self.folder,
            settings=settings,
            film_settings=FilmSettings.checked(**_typed(FilmSettings, film)),
            output=OutputSettings.checked(output_format=output_format, output_quality=output_quality),
            image=fetched_file(image, "image") if image else None,
            references=tuple(fetched_files(references or [], "references")),
            music=music,
            film=self.folder / f"sequence.{video_format}" if output_video else None,
            sheet=self.folder / "contact_sheet.png" if contact_sheet else None,
            deliver_record=return_record,
            check_safety=not disable_safety_checker,
        )
        production = Production(request, self.weights)
        print(f"Seed: {production.seed}")
        own_folder("next-scene-outputs")  # emptied of the last request's files, which Cog leaves to us
        if adaptation:
            for line in describe(adaptation, production):
                print(line)
        if adaptation and plan_only:
            yield Path(keep_breakdown(adaptation.breakdown, self.folder))
            return
        yield from map(Path, production.run(lambda: self.studio))


def _typed(group: type[StorySettings | FilmSettings], form: Mapping[str, object]) -> dict[str, object]:
    """What the user typed of these settings: Cog fills in every default, so a value equal to it counts as not typed."""
    defaults = {name: field.default for name, field in group.model_fields.items()}
    return {name: form[name] for name in defaults if name in form and form[name] != defaults[name]}


def _refuse_other_than_one(prompts: list[str] | None, story: Path | None, script: str | None) -> None:
    given = [name for name, value in {"prompts": prompts, "story": story, "script": script}.items() if value]
    if len(given) != 1:
        more = f", not {' and '.join(given)} together" if given else ""
        raise NextSceneError(f"Give either prompts, a story file or a script{more}.")


def _only_words(prompts: list[str] | None, image: Path | None) -> str:
    """What is said of a film that is to be restyled."""
    if not prompts or len(prompts) > 1 or image:
        raise NextSceneError(
            "A video is restyled by one prompt: give just that, without an image, a story or a script."
        )
    return prompts[0]


def _story(prompts: list[str] | None, story: Path | None) -> Story:
    return from_prompts(prompts) if prompts else from_file(fetched_file(story, "story"))


def _sent(script: str) -> bytes:
    """A script as it was typed, or the file whose address was given, which Cog fetches as it fetches others."""
    if not re.match(r"(?:\w+://|data:)\S+$", script):
        return script.encode("utf-8", "replace")
    if not re.match(r"(?:https?://|data:)", script):
        raise NextSceneError("script is no address that is fetched: give its text, a data URI, or an http(s) address.")
    try:
        return fetched_file(Path.validate(script).convert(), "script").read_bytes()
    except OSError:  # whose own text may repeat the address, which may hold a password
        raise NextSceneError("The script could not be fetched from its address: is it right, and reachable?") from None
