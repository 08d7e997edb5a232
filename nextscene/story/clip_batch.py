"""A batch of clips: independent scenes in a JSON list, each with a picture and a motion, and parameters for both.

    scenes = read_clip_batch(Path("input_scenes.json"))
    story = scene.story(facts)      # of one scene, for an engine of which this is known

It is no story: no scene follows from another, and each may have a size of its own. Pure, but for reading the file.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StringConstraints, ValidationError, model_validator

from nextscene import NextSceneError
from nextscene.settings import MAX_SIDE, MIN_SIDE, Group, Text, describe_errors
from nextscene.story.clips import EngineFacts
from nextscene.story.scene import Prompt
from nextscene.story.story import MAX_STORY, Story, from_data

MOST = 10_000  # scenes
Id = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=r"^\w[\w. -]*$")]  # part of files' names
PICTURE = {"num_inference_steps": "steps", "guidance_scale": "guidance"}  # what a story calls it
CLIP = {"num_frames": "frames"}


class PictureParameters(Group):
    """How the picture is drawn."""

    num_inference_steps: int | None = Field(default=None, ge=2, le=100)
    guidance_scale: float | None = Field(default=None, ge=1, le=20)
    width: int | None = Field(default=None, ge=MIN_SIDE, le=MAX_SIDE)
    height: int | None = Field(default=None, ge=MIN_SIDE, le=MAX_SIDE)
    negative_prompt: Text | None = None
    seed: int | None = Field(default=None, ge=0, le=2**31 - 1)


class ClipParameters(Group):
    """How it is moved."""

    motion_bucket_id: int | None = Field(default=None, ge=0, le=255)
    fps: int | None = Field(default=None, ge=1, le=60)
    num_frames: int | None = Field(default=None, ge=2, le=1000)
    decode_chunk_size: int | None = Field(default=None, ge=1, le=256)
    noise_aug_strength: float | None = Field(default=None, ge=0, le=1)
    seed: int | None = Field(default=None, ge=0, le=2**31 - 1)


class ClipScene(Group):
    """One scene of a batch."""

    id: Id
    scene_desc: Prompt
    motion_desc: Text = ""
    t2i_params: PictureParameters = PictureParameters()
    i2v_params: ClipParameters = ClipParameters()

    def story(self, facts: EngineFacts) -> Story:
        """The scene as a story of its own."""
        picture = {PICTURE.get(name, name): value for name, value in self.t2i_params.given.items()}
        clip = {CLIP.get(name, name): value for name, value in self._clip(facts).items()}
        scene = {"id": self.id, "prompt": self.scene_desc, "motion": self.motion_desc or None, "clip": clip or None}
        return from_data({**picture, "scenes": [scene]})

    def notes(self, facts: EngineFacts) -> Iterator[str]:
        """What is done otherwise than it says."""
        said = self.i2v_params
        if said.fps and "fps" not in facts.takes:
            length = (said.num_frames or facts.frames) / said.fps
            yield f"{facts.name} moves at {facts.fps:g} frames a second and not at {said.fps}: asked are {length:.1f} s"

    def _clip(self, facts: EngineFacts) -> Mapping[str, Any]:
        """Its parameters; frames at another rate than the engine's are as many as last as long."""
        said = dict(self.i2v_params.given)
        if "fps" in said and "fps" not in facts.takes:
            fps = said.pop("fps")
            if "num_frames" in said:
                said["num_frames"] = max(round(said["num_frames"] / fps * facts.fps), 2)
        return said


class _ClipBatch(Group):
    scenes: Annotated[tuple[ClipScene, ...], Field(min_length=1, max_length=MOST)]

    @model_validator(mode="after")
    def _ids_differ(self) -> "_ClipBatch":
        seen: dict[str, int] = {}
        for number, scene in enumerate(self.scenes, 1):
            if (before := seen.setdefault(scene.id.lower(), number)) != number:
                raise ValueError(f"scene {number}, id: {scene.id!r} is already the id of scene {before}")
        return self


def read_clip_batch(path: Path) -> tuple[ClipScene, ...]:
    """The scenes in a file; a NextSceneError that names scene and field, if they are not right."""
    try:
        if path.stat().st_size > MAX_STORY:
            raise NextSceneError(f"The batch {path.name!r} is larger than {MAX_STORY // 10**6} MB: no batch is.")
        data = json.loads(path.read_text(encoding="utf-8-sig"))
        if not isinstance(data, list) or not data:
            raise NextSceneError(f"The batch {path.name!r} is not right: it has no scenes, or is no list of them.")
        return _ClipBatch.model_validate({"scenes": data}).scenes
    except ValidationError as error:
        raise NextSceneError(f"The batch {path.name!r} is not right: {describe_errors(error)}") from None
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise NextSceneError(
            f"The batch {path.name!r} cannot be read ({reason}): give a JSON list of scenes."
        ) from None
