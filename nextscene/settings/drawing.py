"""How scenes are drawn and how they move, and what holds for a whole story."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from nextscene.settings.group import Group, setting
from nextscene.settings.kinds import (
    EASE,
    MAX_SIDE,
    MIN_SIDE,
    PACE,
    SHAPE,
    Aspect,
    ClipEngine,
    Control,
    FileName,
    LoraName,
    Text,
)


class Look(Group):
    """How a scene is drawn."""

    negative_prompt: Text = setting(
        "What to avoid. Counts when guidance is above 1",
        "black bars, letterbox, borders",
        recommended="keep the default in it",
    )
    style: Text = setting(
        "Words before each scene's own, such as the word of an embedding or of a LoRA; captions leave them out", ""
    )
    control: Control = setting(
        "Follow the edges or the depths of the scene or picture that it would grow from, and nothing else of it; pose: "
        "of a drawn pose, given as a picture",
        "none",
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
    embeddings: Annotated[tuple[LoraName, ...], Field(max_length=8)] = setting(
        "Files of words that you taught, such as <noir>, which act where a prompt or the style has them; each as "
        "lora_weights, on the hub or by an https address",
        (),
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
