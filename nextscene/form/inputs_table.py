"""The inputs of Cog's form, in the order in which people meet them, and the text of predict.py that declares them.

Cog reads predict.py without running it, so each input has to stand there as one plain literal. Those literals are
written from here, and what is a setting is taken from the table of settings.
"""

import json
from dataclasses import dataclass

from nextscene.settings import (
    ClipSettings,
    FilmSettings,
    Group,
    OutputSettings,
    ScriptSettings,
    Setting,
    StorySettings,
    row,
)


@dataclass(frozen=True)
class FormInput:
    """One input as Cog's form has it.

    kind: its type, as it is written in predict.py.
    default: None is a blank field.
    """

    name: str
    kind: str
    default: bool | int | float | str | None
    description: str
    choices: tuple[str | int, ...] = ()
    least: float | None = None
    most: float | None = None
    accept: str = ""

    def declaration(self) -> str:
        """Its declaration in predict.py, one keyword of `Input` a line."""
        number = float if self.kind.startswith("float") else int
        keywords = {
            "default": _literal(self.default),
            "choices": _literal(list(self.choices)) if self.choices else "",
            "ge": repr(number(self.least)) if self.least is not None else "",
            "le": repr(number(self.most)) if self.most is not None else "",
            "accept": _literal(self.accept) if self.accept else "",
            "description": _literal(self.description),
        }
        lines = [f"            {name}={value},\n" for name, value in keywords.items() if value]
        return f"        {self.name}: {self.kind} = Input(\n{''.join(lines)}        ),\n"


def _from_setting(group: type[Group], name: str, form_name: str = "") -> FormInput:
    setting = row(group, name)
    blank = setting.default is None or bool(setting.blank)
    kind = setting.kind.__name__
    return FormInput(
        form_name or name,
        (f"list[{kind}]" if setting.many else kind) + (" | None" if blank else ""),
        None if blank else setting.default,
        ("Of the film: " if form_name.startswith("video_") else "") + _describe(setting),
        setting.choices,
        setting.least,
        setting.most,
    )


def _describe(setting: Setting) -> str:
    limits = f" From {setting.range}." if setting.range else ""
    recommended = f" Recommended: {setting.recommended}." if setting.recommended else ""
    blank = f" Blank: {setting.blank}." if setting.blank else ""
    return f"{setting.help}.{limits}{recommended}{blank}"


def _literal(value: object) -> str:
    """As Cog reads it: one literal on one line, without backslashes."""
    return repr(value) if isinstance(value, bool | int | float | None) else json.dumps(value, ensure_ascii=False)


# All of them, the most important first.
FORM_INPUTS = (
    FormInput(
        "prompts",
        "list[str] | None",
        None,
        "The scenes in order, one prompt each, 1 to 300 of them (recommended: 3 to 8). Name the camera first, then "
        "what changes, then the light: 'Camera pans left, revealing a harbour, soft morning light'. 'Next Scene:' is "
        "put before each. Leave empty if you give a story file or a script.",
    ),
    FormInput(
        "image",
        "Path | None",
        None,
        "A first picture, optional: the first scene becomes its natural next shot. Any common image format. Without it "
        "the first scene is made from its words alone.",
        accept="image/*",
    ),
    FormInput(
        "story",
        "Path | None",
        None,
        "A story file (JSON) instead of prompts, optional: scenes with their own seed, strength, duration and more, "
        "and settings for all of them. Its format is described in docs/story.md.",
    ),
    *(_from_setting(StorySettings, name) for name in ("negative_prompt", "strength", "lora_scale", "width", "height")),
    _from_setting(StorySettings, "steps", "num_inference_steps"),
    _from_setting(StorySettings, "guidance"),
    _from_setting(StorySettings, "seed"),
    FormInput("output_video", "bool", False, "Also make an MP4 of the scenes, sequence.mp4, delivered after them."),
    _from_setting(StorySettings, "fps"),
    _from_setting(OutputSettings, "output_format"),
    FormInput(
        "video",
        "Path | None",
        None,
        "A film to restyle instead, optional: any common video, which keeps its motion and its sound and gets the look "
        "that the first of the prompts says, such as 'night falls'. Delivers film.mp4 and side-by-side.mp4; "
        "docs/restyle.md says how. Of the other inputs those count that say how a scene is drawn.",
        accept="video/*",
    ),
    FormInput(
        "script",
        "str | None",
        None,
        "A script instead of prompts, optional: the text of a screenplay (Fountain) or of a tale, or a file of one, "
        "Final Draft's FDX too. Scenes become shots of the same places and people; docs/script.md says how. A "
        "breakdown.json from an earlier plan, changed as you like, does as well.",
    ),
    FormInput(
        "writer",
        "str",
        "rules",
        "Of a script: who breaks it down. rules: no model and no network; local: the model that draws; the others are "
        "hosted, see the script's text, and want a writer_key.",
        ("rules", "local", "openai", "anthropic", "gemini"),
    ),
    FormInput("writer_key", "Secret | None", None, "The key of a hosted writer, optional. It is written nowhere."),
    _from_setting(ScriptSettings, "max_shots"),
    FormInput(
        "plan_only",
        "bool",
        False,
        "Of a script: draw nothing. Deliver breakdown.json, its scenes, places, people and shots; the logs say how "
        "many pictures it comes to.",
    ),
    _from_setting(OutputSettings, "output_quality"),
    _from_setting(StorySettings, "go_fast"),
    _from_setting(StorySettings, "continuity"),
    _from_setting(StorySettings, "aspect"),
    *(_from_setting(ClipSettings, name) for name in ("clips", "clip_engine", "clip_seconds")),
    FormInput(
        "references",
        "list[Path] | None",
        None,
        "Further pictures, of characters or places, that every scene looks at as well, optional. A scene looks at "
        "three pictures at most, the one that it grows from included. Recommended: one or two; each makes a "
        "scene slower.",
    ),
    _from_setting(StorySettings, "lora_weights"),
    _from_setting(StorySettings, "lora_weights_scale"),
    _from_setting(StorySettings, "embeddings"),
    _from_setting(StorySettings, "style"),
    FormInput(
        "contact_sheet",
        "bool",
        False,
        "Also make contact_sheet.png: all scenes in one picture, with their words, times and seed.",
    ),
    FormInput(
        "return_record",
        "bool",
        False,
        "Also deliver run.json, last: everything decided and made, scene by scene. It is itself a story file that "
        "makes the same pictures again.",
    ),
    _from_setting(FilmSettings, "transition", "video_transition"),
    _from_setting(FilmSettings, "move", "video_move"),
    FormInput(
        "video_format",
        "str",
        "mp4",
        "Of the film: its file format. Recommended: mp4; a gif is large and has no sound.",
        choices=("mp4", "webm", "gif"),
    ),
    _from_setting(FilmSettings, "captions", "video_captions"),
    _from_setting(FilmSettings, "narration", "video_narration"),
    FormInput(
        "video_music",
        "Path | None",
        None,
        "Of the film: a sound file that is played, softer under speech, optional.",
    ),
    FormInput(
        "disable_safety_checker",
        "bool",
        False,
        "Do not check the scenes. Else a small classifier looks at each, and one that it takes for pornographic is "
        "withheld; the others are delivered, and the logs say so.",
    ),
)


def with_declarations(source: str) -> str:
    """predict.py's text with its inputs written anew."""
    begin = source.index("        self,\n") + len("        self,\n")
    end = source.index("    ) -> Iterator[Path]:")
    return source[:begin] + "".join(each.declaration() for each in FORM_INPUTS) + source[end:]
