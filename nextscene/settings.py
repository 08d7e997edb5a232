"""Every setting, once: its type, default, range and help.

    Look             how one scene is drawn; a scene, a story and a run may each say some of it
    ClipSettings     whether the scenes move; a ClipLook says how one of them does
    StorySettings    a look, and what holds for a whole story: seed, size, pace, clips
    ScriptSettings   how a script becomes a story
    FilmSettings     how the film is made of the scenes
    OutputSettings   what is delivered, and in which format

What nobody said is absent (`given`), never equal to a default: `Look(strength=0.6)` says a strength, `Look()` says
nothing, and both have one. Layers of what was said are laid over each other, and what is absent in all of them has its
default:

    look = Look().overlaid(story.drawing).overlaid(run.drawing).overlaid(scene.drawing)

From this table come the terminal's flags, the story file's fields and its JSON schema, Cog's form (`predict.py`) and
the tables of the docs: see `nextscene/form/`. It knows no story, and imports no torch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Annotated, Any, Literal, Self, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic.fields import FieldInfo

from nextscene import NextSceneError
from nextscene.files import short

MAX_PROMPT = 4000  # characters; how many tokens they are is known when the model is loaded
MIN_SIDE, MAX_SIDE = 64, 2048  # pixels
WIDEST = 4  # times as wide as high, or as high as wide
PACE, SHAPE = {"fps", "seconds_per_scene"}, {"width", "height", "aspect"}  # the same said in more than one way
EASE = 3  # how much gentler a strength is than as a share of the noise schedule (docs/measurements/ablation.md)

Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_PROMPT)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80, pattern=r"^[^\r\n]+$")]
FileName = Annotated[str, StringConstraints(min_length=1, max_length=200)]
LoraName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Transition = Literal["cut", "crossfade", "fade", "morph"]
ClipEngine = Literal["auto", "storybook", "wan", "wan-light", "svd", "ltx", "replicate"]
Light = Literal["dawn", "day", "dusk", "night"]
Weather = Literal["clear", "rain", "snow", "fog"]
Lens = Literal["wide", "close"]
GradeName = Literal["none", "teal_orange", "warm", "cool", "noir", "faded"]
Move = Literal["none", "auto", "push_in", "pull_out", "pan_left", "pan_right", "tilt_up", "tilt_down"]


def _check_aspect(text: str) -> str:
    across, _, down = text.partition(":")
    try:
        shape = float(across) / float(down)
    except (ValueError, ZeroDivisionError):
        shape = 0
    if not 1 / WIDEST <= shape <= WIDEST:
        raise ValueError(f"input should be a shape such as 16:9 or 2.39:1, at most {WIDEST}:1 or 1:{WIDEST}")
    return text


Aspect = Annotated[str, StringConstraints(strip_whitespace=True, max_length=20), AfterValidator(_check_aspect)]


def setting(help: str, default: Any = None, *, recommended: str = "", blank: str = "", **limits: Any) -> Any:
    """One setting of the table.

    help: what it does, in a few words.
    recommended: which values are good, in a sentence's rest.
    blank: what is taken when nobody says it, where that is more than the default.
    """
    return Field(default, description=help, json_schema_extra={"recommended": recommended, "blank": blank}, **limits)


class Group(BaseModel):
    """Settings that belong together. Frozen; `given` tells what was said from what has its default."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _read_json(cls, value: Any) -> Any:
        """JSON's lists are tuples, which nobody can change; a null says nothing."""
        if not isinstance(value, dict):
            return value
        return {
            name: tuple(field) if isinstance(field, list) else field
            for name, field in value.items()
            if field is not None or name in cls._null_says()
        }

    @classmethod
    def _null_says(cls) -> frozenset[str]:
        """The fields in which a null says something."""
        return frozenset()

    @property
    def given(self) -> dict[str, Any]:
        """What was said, by name."""
        return {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}

    def overlaid(self, over: "Group | None") -> Self:
        """The same settings, but for those that `over` says."""
        said = over.given if over else {}
        return type(self)(**self.given | {name: said[name] for name in type(self).model_fields if name in said})

    @classmethod
    def checked(cls, **values: Any) -> Self:
        """Settings from a door's values, with a sentence for what is wrong; None: not said."""
        try:
            return cls(**{name: value for name, value in values.items() if value is not None})
        except ValidationError as error:
            raise NextSceneError(describe_errors(error)) from None


class Look(Group):
    """How a scene is drawn."""

    negative_prompt: Text = setting(
        "What to avoid. Counts when guidance is above 1",
        "black bars, letterbox, borders",
        recommended="keep the default in it",
    )
    strength: float = setting(
        "How much a scene may change from the one that it grows from",
        0.6,
        ge=0.1,
        le=1,
        recommended="0.4 to 0.5 keeps more, 0.7 to 0.8 changes more, 1 is a plain edit",
    )
    lora_scale: float = setting(
        "How strongly the Next-Scene LoRA acts; 0 is not at all",
        0.75,
        ge=0,
        le=2,
        recommended="0.7 to 0.8; lower it if black bars appear",
    )
    lora_weights_scale: float = setting(
        "How strongly your own LoRA acts; 0 is not at all",
        1.0,
        ge=0,
        le=2,
        recommended="1; less where it does too much",
    )
    steps: int = setting(
        "Denoising steps for each scene",
        40,
        ge=2,  # the noise schedule has no meaning for one step
        le=100,
        recommended="30 to 50, or leave blank",
        blank="40, or 4 with go_fast",
    )
    guidance: float = setting(
        "How closely to follow the words. 1 is off: twice as fast, and the negative prompt does not count",
        4.0,
        ge=1,
        le=20,
        recommended="3 to 5",
    )
    guidance_until: float = setting(
        "Guidance for the first steps only, up to this share of them", 1.0, ge=0, le=1, recommended="0.5 to save time"
    )
    first_block_cache: float = setting(
        "Skip a step that changes the first block's result by less than this share; 0 is off",
        0.0,
        ge=0,
        le=1,
        recommended="0.1 to save time",
    )

    @property
    def schedule_share(self) -> float:
        """Which share of the noise schedule is run, the last.

        The strength itself says too little: nearly everything that a picture may become is decided in the schedule's
        first fifth, and what runs only the last 0.6 of it hardly follows its words. Eased, a strength of 0.6 runs the
        last 0.94.
        """
        return 1 - (1 - self.strength) ** EASE

    @property
    def drawing(self) -> "Look":
        """What a scene, a story or a run says of how scenes are drawn."""
        return Look().overlaid(self)


class ClipSettings(Group):
    """Whether the scenes move, and what moves them."""

    clips: Literal["none", "each", "join"] = setting(
        "Whether scenes move. each: every scene by itself, from its own picture; join: from its picture to the next "
        "scene's, where the two share their place",
        "none",
    )
    clip_engine: ClipEngine = setting(
        "What makes the clips. auto: the best that this machine's memory holds; replicate: a hosted model, with "
        "REPLICATE_API_TOKEN",
        "auto",
    )
    clip_seconds: float | None = setting(
        "How long a clip is, as nearly as its engine can", ge=0.2, le=20, blank="as its engine does best"
    )


class ClipLook(Group):
    """How a clip is made. An engine takes some of these; what it does not take is said."""

    engine: ClipEngine | None = setting("What makes it", blank="the run's clip_engine")
    model: (
        Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[\w.-]+/[\w.-]+$")] | None
    ) = setting("A hosted model, owner/name, for the engine replicate", blank="wan-video/wan-2.2-i2v-fast")
    frames: int | None = setting("How many frames it has", ge=2, le=1000, blank="by clip_seconds")
    fps: int | None = setting("Frames for each second (svd)", ge=1, le=60, blank="as its engine does best")
    steps: int | None = setting("Denoising steps", ge=1, le=100, blank="as its engine does best")
    guidance: float | None = setting("How closely to follow the words", ge=1, le=20, blank="as its engine does best")
    negative_prompt: Text | None = setting("What to avoid in it", blank="its engine's own")
    seed: int | None = setting("A seed of its own", ge=0, le=2**31 - 1, blank="the scene's")
    motion_bucket_id: int | None = setting("How much moves (svd)", ge=0, le=255, blank="127")
    noise_aug_strength: float | None = setting(
        "How much noise lies on its first picture: more noise, more motion (svd)", ge=0, le=1, blank="0.02"
    )
    decode_chunk_size: int | None = setting(
        "How many frames are decoded at once: fewer take less memory (svd)", ge=1, le=256, blank="8"
    )


class StorySettings(Look, ClipSettings):
    """What holds for a whole story: said by the story itself, or by the user for one run."""

    look: FileName | None = setting(
        "A look that was saved as a file: what it says of drawing, of a LoRA and of the film's colours holds where the "
        "story says nothing itself"
    )
    seed: int | None = setting(
        "The same seed with the same inputs gives the same pictures",
        ge=0,
        le=2**31 - 1,
        recommended="leave blank",
        blank="a random one, which is printed",
    )
    width: int | None = setting(
        "Width in pixels, rounded to a multiple of 16",
        ge=MIN_SIDE,
        le=MAX_SIDE,
        recommended="leave blank",
        blank="the model's own (1024x768), or with an image that area in the image's shape",
    )
    height: int | None = setting(
        "Height in pixels, rounded to a multiple of 16",
        ge=MIN_SIDE,
        le=MAX_SIDE,
        recommended="leave blank",
        blank="as for the width",
    )
    aspect: Aspect | None = setting(
        "Their shape, width to height, with the model's own area: 16:9, 2.39:1, 4:3, 9:16, ...",
        recommended="leave blank, or 4:3 to 16:9",
        blank="the model's own, or the image's",
    )
    continuity: Literal["chain", "tree", "auto"] = setting(
        "What a scene grows from. chain: the one before; tree: as far as words are understood, the earlier one with "
        "the fewest generations behind it that one move of the camera reaches; auto: if all words of the story are "
        "understood, a tree, which with the full model goes back to each view's own picture; else a chain",
        "auto",
    )
    go_fast: bool = setting("Draw drafts: a few steps for each scene, without guidance, by a LoRA made for that", False)
    lora_weights: LoraName | None = setting(
        "A LoRA of your own beside Next-Scene (in its place: lora_scale 0): owner/name or "
        "owner/name/FILE.safetensors on the hub, or an https address of a safetensors file",
    )
    fps: float = setting(
        "Scenes for each second of the film",
        2.0,
        ge=0.1,
        le=24,
        recommended="0.3 is a film's pace (about three seconds a scene), 1 to 2 a brisk slideshow",
    )
    seconds_per_scene: float | None = setting(
        "The same as seconds for each scene, in place of fps", ge=0.04, le=600, recommended="3"
    )

    @model_validator(mode="after")
    def _says_each_thing_once(self) -> Self:
        if self.model_fields_set >= PACE:
            raise ValueError("fps and seconds_per_scene both say how long a scene stands: keep one of them")
        if self.model_fields_set >= SHAPE:
            raise ValueError("width, height and aspect together say the shape twice: keep two of them")
        return self

    def overlaid(self, over: Group | None) -> Self:
        """What was said later takes the place of what says the same in other words."""
        said = over.model_fields_set if over else set()
        instead = PACE if PACE & said else set()
        if SHAPE & said and self.model_fields_set | said >= SHAPE:
            instead |= SHAPE if said >= {"width", "height"} else {"width", "height"}
        kept = {name: value for name, value in self.given.items() if name not in instead}
        return super(StorySettings, type(self)(**kept)).overlaid(over)

    @property
    def shape(self) -> float | None:
        """The width by the height, if that was said."""
        across, _, down = (self.aspect or "").partition(":")
        return float(across) / float(down) if down else None

    @property
    def pace(self) -> float | None:
        """How many seconds a scene stands, if that was said."""
        return self.seconds_per_scene or (1 / self.fps if "fps" in self.model_fields_set else None)


class ScriptSettings(Group):
    """How a script becomes a story."""

    writer: Name = setting(
        "Who breaks it down. rules: no model and no network; local: the model that draws; openai, anthropic, gemini: "
        "hosted, with a key in OPENAI_API_KEY and so on; or the address of a server that speaks OpenAI's dialect",
        "rules",
    )
    writer_model: Name | None = setting("Which model of a hosted writer", blank="its usual one")
    rewrite: bool = setting("Ask the writer anew, whatever it has answered before", False)
    max_shots: int = setting(
        "At most so many shots: those that say the least are put together, and which is said", 250, ge=1, le=250
    )
    max_places: int | None = setting(
        "At most so many places: parts of one (HARBOUR - PIER) become that one, and which is said", ge=1, le=100
    )
    plates: bool = setting(
        "Draw each place and each person alone before the shots, which then look at them; they are not in the film",
        False,
    )


class FilmSettings(Group):
    """How the film is made of the scenes. What is not said is as in a plain slideshow."""

    transition: Transition = setting(
        "How one scene becomes the next; fade goes through black, morph moves what both scenes have in common, and "
        "crossfades where that is too little",
        "cut",
        recommended="crossfade",
    )
    transition_seconds: float = setting(
        "How long that takes, at most as long as the shorter of the two scenes", 0.5, ge=0, le=10
    )
    move: Move = setting(
        "How the camera moves on each still, slowly",
        "none",
        recommended="auto, by the camera words of each prompt",
    )
    captions: Literal["none", "soft", "burned"] = setting(
        "Each scene's caption, or else its prompt. soft: for the player to show, and as .srt and .vtt files; burned: "
        "drawn on the picture",
        "none",
    )
    narration: Literal["none", "own", "prompts"] = setting(
        "What a voice speaks. own: the narration that a story gives its scenes; prompts: else their prompts", "own"
    )
    effects: Literal["none", "rules", "elevenlabs"] = setting(
        "What is heard of the ambience and the sounds that a story names. rules: what Next Scene makes itself; "
        "elevenlabs: all, by ElevenLabs, with a key of yours",
        "rules",
    )
    voice: Name | None = setting("Who speaks", blank="the built-in voice, English")
    music: FileName | None = setting("A sound file that is played, softer under speech")
    video_fps: int = setting("Frames of the film for each second", 24, ge=1, le=60)
    upscale: Literal[1, 2] = setting(
        "2 for a film twice as large as its scenes (by Lanczos: larger, not more detailed)", 1
    )
    grade: GradeName = setting("The same colours for the whole film; the scenes themselves keep theirs", "none")
    lut: FileName | None = setting("The film's colours by a .cube file, in the place of a grade")
    vignette: float = setting("How much darker the film is towards its corners", 0.0, ge=0, le=1, recommended="0.3")
    grain: float = setting("How much grain the film has", 0.0, ge=0, le=1, recommended="0.1 to 0.3")
    otio: bool = setting("Also an OpenTimelineIO file, for an editor", False)


class OutputSettings(Group):
    """What is delivered, and in which format."""

    output_format: Literal["png", "webp", "jpg"] = setting(
        "File format of the scenes", "png", recommended="png loses nothing; webp is the smallest"
    )
    output_quality: int = setting(
        "Quality of webp and jpg files; does not count for png", 80, ge=1, le=100, recommended="80 to 95"
    )
    auto_retake: int = setting(
        "Draw a scene with bars, or a copy where a change was asked for, again up to so many times; keep the best",
        0,
        ge=0,
        le=10,
    )
    self_check: int = setting(
        "Let the model look at each scene, and draw one that shows another light, weather, place, subject or colour "
        "than planned again, up to so many times; keep the best",
        0,
        ge=0,
        le=10,
        recommended="2",
    )


@dataclass(frozen=True)
class Setting:
    """One row of the table, as the doors and the docs show it."""

    name: str
    kind: type  # bool, int, float or str
    default: bool | int | float | str | None
    choices: tuple[str | int, ...]
    least: float | None
    most: float | None
    help: str
    recommended: str
    blank: str

    @property
    def range(self) -> str:
        """Its range in words, if it has one."""
        return f"{self.least:g} to {self.most:.10g}" if self.least is not None and self.most is not None else ""


def rows(group: type[Group]) -> Iterator[Setting]:
    """A group's settings, in order."""
    for name, field in group.model_fields.items():
        extra = field.json_schema_extra
        if isinstance(extra, dict) and "recommended" in extra:
            kind, choices = _kind(field.annotation)
            least, most = (_limit(field, bound) for bound in ("ge", "le"))
            about = str(field.description), str(extra["recommended"]), str(extra["blank"])
            default = field.default if isinstance(field.default, int | float | str) else None
            yield Setting(name, kind, default, choices, least, most, *about)


def row(group: type[Group], name: str) -> Setting:
    """The setting of this name."""
    return next(each for each in rows(group) if each.name == name)


def describe_errors(error: ValidationError) -> str:
    """What pydantic found, in plain words, with the scene and the field named; three findings at most."""
    # A scene that is not right counts as absent for pydantic: that finding says nothing to the user.
    found = [each for each in error.errors() if (each["type"], each["loc"]) != ("too_short", ("scenes",))]
    return "; ".join(map(_sentence, found[:3])) + "."


_PLAIN_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "there is no such field",
    "string_too_short": "is empty",
    "string_too_long": "is longer than {max_length} characters",
    "tuple_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
}


def _sentence(error: Any) -> str:
    """One of pydantic's findings in plain words: "scene 3, strength: input should be ..."."""
    where, message = _place(error["loc"]), error["msg"].removeprefix("Value error, ")
    if error["type"] == "model_type" and error["loc"][:-1] == ("scenes",):
        message = "must be a text or an object with a prompt"
    elif error["type"] in _PLAIN_WORDS:
        message = _PLAIN_WORDS[error["type"]].format(**error.get("ctx", {}))
    elif isinstance(error["input"], str | int | float):
        message = f"{message[0].lower()}{message[1:]}, not {short(error['input'])}"
    return ": ".join([", ".join(where), message]) if where else message


def _place(where: Sequence[str | int]) -> list[str]:
    """Where it is, for people: "scene 2", "lines 1", "who"; they count from one."""
    place: list[str] = []
    for each in where:
        if isinstance(each, int):
            place[-1] = f"{'scene' if place == ['scenes'] else place[-1]} {each + 1}"
        elif each != "[key]":  # pydantic's word for a wrong name of a field, which stands before it
            place.append(each or "a name")
    return place


def _kind(annotation: Any) -> tuple[type, tuple[str | int, ...]]:
    """What a value is, and which ones there are where they can be counted."""
    if get_origin(annotation) is Literal:
        values = get_args(annotation)
        return type(values[0]), values
    if isinstance(annotation, type):
        return annotation, ()
    inner = next(each for each in get_args(annotation) if each is not NoneType)
    return _kind(inner)


def _limit(field: FieldInfo, bound: str) -> float | None:
    return next((getattr(each, bound) for each in field.metadata if hasattr(each, bound)), None)
