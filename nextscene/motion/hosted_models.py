"""The hosted models that make clips, and what each calls its inputs. A new one is a new row.

As their pages on Replicate said in November 2026; none was tried here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from nextscene import NextSceneError
from nextscene.story import ClipPlan

DEFAULT = "wan-video/wan-2.2-i2v-fast"


@dataclass(frozen=True)
class HostedModel:
    """What a model calls its inputs; empty: it has none such.

    seconds, lengths: what it calls the seconds or the frames that it makes, and which of them there are.
    shapes: the aspect ratios among which it has to be told the nearest.
    more: what is always said.
    """

    first: str = "image"
    last: str = ""
    words: str = "prompt"
    negative: str = ""
    seed: str = ""
    rate: str = ""
    frames: str = ""
    lengths: tuple[int, ...] = ()
    seconds: str = ""
    durations: tuple[int, ...] = ()
    shapes: tuple[str, ...] = ()
    more: Mapping[str, object] = field(default_factory=dict)


RAY = HostedModel(
    first="start_image",
    last="end_image",
    seconds="duration",
    durations=(5, 9),
    shapes=("16:9", "4:3", "1:1", "3:4", "9:16"),
)
KLING = HostedModel(
    first="start_image", last="end_image", negative="negative_prompt", seconds="duration", durations=(5, 10)
)
HOSTED_MODELS = {
    DEFAULT: HostedModel(
        last="last_image",
        seed="seed",
        frames="num_frames",
        lengths=tuple(range(81, 122, 4)),
        rate="frames_per_second",
        more={"resolution": "480p", "interpolate_output": False},
    ),
    "luma/ray-2-720p": RAY,
    "luma/ray-2-540p": RAY,
    "luma/ray-flash-2-720p": RAY,
    "luma/ray-flash-2-540p": RAY,
    "lightricks/ltx-video": HostedModel(
        negative="negative_prompt",
        seed="seed",
        frames="length",
        lengths=(97, 129, 161, 193, 225, 257),
        shapes=("16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16"),
    ),
    "kwaivgi/kling-v2.1": KLING,
    "kwaivgi/kling-v1.6-pro": KLING,
}


def find_hosted(plan: ClipPlan) -> tuple[str, HostedModel]:
    """The hosted model that a plan names, or the usual one."""
    name = plan.model or DEFAULT
    if name not in HOSTED_MODELS:
        raise NextSceneError(
            f"Scene {plan.number}, clip: how {name} calls its inputs is not known here: name one of "
            f"{', '.join(HOSTED_MODELS)}."
        )
    model = HOSTED_MODELS[name]
    if plan.last and not model.last:
        raise NextSceneError(
            f"Scene {plan.number}, clip: {name} takes no last picture: use clips each, or another model."
        )
    return name, model


def inputs_of(model: HostedModel, plan: ClipPlan, shape: float, first: str, last: str | None) -> dict[str, object]:
    """What a model is asked for. shape: the picture's width by its height; first, last: addresses of pictures."""
    said: dict[str, object] = {
        model.first: first,
        model.last: last,
        model.words: plan.words,
        model.negative: plan.negative_prompt,
        model.seed: plan.seed,
        model.rate: round(plan.fps),
        model.frames: min(model.lengths, key=lambda each: abs(each - plan.frames), default=None),
        model.seconds: min(model.durations, key=lambda each: abs(each - plan.seconds), default=None),
        "aspect_ratio": min(model.shapes, key=lambda each: abs(_ratio(each) - shape), default=None),
    }
    return {name: value for name, value in said.items() if name and value is not None} | dict(model.more)


def _ratio(shape: str) -> float:
    across, _, down = shape.partition(":")
    return int(across) / int(down)
