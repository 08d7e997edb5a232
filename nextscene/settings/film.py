"""How the film is made, what is delivered, and how a script becomes a story."""

from typing import Annotated, Literal

from pydantic import StringConstraints

from nextscene.settings.group import Group, setting
from nextscene.settings.kinds import FileName, GradeName, Move, Name, Transition


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


class RestyleSettings(Group):
    """How a film that is there is restyled."""

    engine: Literal["pictures", "vace", "replicate"] = setting(
        "What restyles it. pictures: the model that draws scenes draws keyframes, which are carried along the film's "
        "own motion; vace: a model for films, on a GPU; replicate: a hosted one, with REPLICATE_API_TOKEN",
        "pictures",
    )
    every: int = setting("Of pictures: how many frames keyframes are apart, at most", 8, ge=1, le=48)
    per_frame: bool = setting("Of pictures: draw each frame alone, with the same noise: it flickers", False)
    hosted_model: (
        Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[\w.-]+/[\w.-]+$")] | None
    ) = setting("A hosted model, owner/name, for the engine replicate", blank="runwayml/gen4-aleph")
    keep_frames: bool = setting("Keep all frames as PNG files beside the film", False)


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
