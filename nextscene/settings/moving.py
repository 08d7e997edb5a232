"""How a planned motion is made."""

from typing import Literal

from nextscene.settings.group import Group, setting


class MoveSettings(Group):
    """How words become a plan of motion, and the plan a film."""

    num_frames: int = setting("Frames of the film", 16, ge=2, le=1000, recommended="16 to 64")
    intermediate_steps: int = setting(
        "At most so many frames between two keyframes; contacts, tops, turns and ends are keyframes in any case",
        2,
        ge=0,
        le=999,
    )
    fps: float = setting("Frames of the film for each second", 15.0, ge=1, le=60)
    surface: int | None = setting(
        "Where the ground is on which things fall and bounce, in pixels from the top",
        ge=1,
        le=100_000,
        blank="below what stands, or near the picture's lower edge",
    )
    engine: Literal["composite", "model", "wan", "wan-light", "storybook"] = setting(
        "What draws the frames. composite: no model; what moves is cut out and put elsewhere exactly; model: the "
        "background behind it is drawn, and each frame is then gently drawn over where something was put; wan, "
        "wan-light, storybook: a model for clips follows the composed film",
        "composite",
    )
    between: Literal["exact", "latent", "flow"] = setting(
        "The frames between keyframes. exact: each thing moved, turned and resized as planned; latent: the keyframe's "
        "noise, shifted, and drawn again; flow: from both keyframes, for what changes its shape",
        "exact",
    )
    cut_by: Literal["colours", "sam2-tiny", "sam2-small"] = setting(
        "What cuts a thing out by its box. colours: those around the box, no model; sam2-tiny, sam2-small: SAM 2",
        "colours",
    )
