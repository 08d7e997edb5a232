"""The table of the engines that make clips: what each can do, where its weights come from, how large it is.

A new engine is a new row. How many numbers each part has is about right, and is said so that an engine that cannot
work here is refused before anything of it is fetched.
"""

from dataclasses import dataclass

from nextscene.hub.models import Lora, Row
from nextscene.story import EngineFacts

BUILT_IN, HOSTED = "storybook", "replicate"
JOINER = "wan-light-join"  # makes those of wan-light's clips that end on a picture
WAN = frozenset({"frames", "steps", "guidance", "negative_prompt"})
FAMILIES = {  # by the class that a folder names
    "WanImageToVideoPipeline": "wan",
    "StableVideoDiffusionPipeline": "svd",
    "LTXConditionPipeline": "ltx",
}


@dataclass(frozen=True, kw_only=True)
class ClipModel(Row):
    """An engine and its weights.

    numbers: how many numbers its parts have; those of one stage lie in memory together, so they stand together.
    asks: the address of a licence that the user has to accept; empty: it is a free one.
    """

    files: tuple[str, ...] = ("model_index.json", "*/*")
    facts: EngineFacts
    numbers: tuple[float, ...] = ()
    asks: str = ""
    fast_loras: tuple[str, ...] = ()


_WAN_LIGHT = EngineFacts(
    "wan-light", "wan", 121, 121, 4, 24, (1280, 704), 32, joins=False, joiner=JOINER, steps=50, takes=WAN,
    shifts_colours=True,
)  # fmt: skip
_SVD = EngineFacts(
    "svd", "svd", 25, 25, 1, 7, (1024, 576), 64, (0.6, 1.1), joins=False, words=False, steps=25, guidance=3.0,
    takes=frozenset({"frames", "fps", "steps", "guidance"})
    | {"motion_bucket_id", "noise_aug_strength", "decode_chunk_size"},
)  # fmt: skip
_BUILT_IN = EngineFacts(
    BUILT_IN, "wan", 17, 17, 4, 8, (128, 96), 16, (0.5, 1.5), by_itself=True, steps=12, guidance=2.0, takes=WAN,
    negative_prompt="",  # it was taught without words, and knows few
)  # fmt: skip
_CLIP_MODELS = (
    ClipModel(
        name="wan",
        repo="Wan-AI/Wan2.2-I2V-A14B-Diffusers",
        licence="Apache-2.0",
        size=126_000_000_000,
        note="Wan 2.2 I2V-A14B: 5 s at 480p, from one picture or between two (not tried here).",
        facts=EngineFacts("wan", "wan", 81, 81, 4, 16, (832, 480), 16, guidance=3.5, takes=WAN),
        numbers=(5.7e9, 28.7e9),
        fast_loras=("wan-high-noise-4-steps", "wan-low-noise-4-steps"),
    ),
    ClipModel(
        name="wan-light",
        repo="Wan-AI/Wan2.2-TI2V-5B-Diffusers",
        licence="Apache-2.0",
        size=34_000_000_000,
        note="Wan 2.2 TI2V-5B, for a GPU of 10 to 24 GB: 5 s at 720p from one picture (not tried here).",
        facts=_WAN_LIGHT,
        numbers=(5.7e9, 5.7e9),
    ),
    ClipModel(
        name=JOINER,
        repo="weizhou03/Wan2.1-Fun-1.3B-InP-Diffusers",
        licence="Apache-2.0",
        size=18_000_000_000,
        note="Wan 2.1 Fun 1.3B InP: what wan-light joins two pictures with, 5 s at 480p (not tried here).",
        facts=EngineFacts(JOINER, "wan", 81, 81, 4, 16, (832, 480), 16, steps=50, guidance=6.0, takes=WAN),
        numbers=(5.7e9, 2.4e9),
    ),
    ClipModel(
        name="svd",
        repo="stabilityai/stable-video-diffusion-img2vid-xt",
        files=("model_index.json", "*/*.json", "*/*.fp16.safetensors"),
        licence="Stability AI",
        size=5_000_000_000,
        note="Stable Video Diffusion XT: 25 frames from one picture, without words (not tried here).",
        facts=_SVD,
        numbers=(2.3e9,),
        asks="https://huggingface.co/stabilityai/stable-video-diffusion-img2vid-xt/blob/main/LICENSE.md",
    ),
    ClipModel(
        name="ltx",
        repo="Lightricks/LTX-Video-0.9.8-13B-distilled",
        licence="LTX open weights",
        size=45_000_000_000,
        note="LTX-Video 0.9.8 13B distilled: few steps, from one picture or between two (not tried here).",
        facts=EngineFacts("ltx", "ltx", 121, 257, 8, 24, (704, 480), 32, steps=8, guidance=1.0, takes=WAN),
        numbers=(4.8e9, 14.3e9),
        asks="https://huggingface.co/Lightricks/LTX-Video-0.9.8-13B-distilled",
    ),
    ClipModel(
        name=BUILT_IN,
        licence="MIT",
        note="The built-in small model for clips: quick on any machine, for what the storybook model draws.",
        facts=_BUILT_IN,
    ),
    ClipModel(
        name=HOSTED,
        licence="the model's own",
        note="A hosted model through Replicate's API, wan-video/wan-2.2-i2v-fast if none is named; it costs money.",
        facts=EngineFacts(
            HOSTED, "hosted", 81, 241, 4, 16, (832, 480), 16, steps=1, guidance=1.0, takes=frozenset({"frames"})
        ),
    ),
)
CLIP_MODELS = {row.name: row for row in _CLIP_MODELS}
FILM_MODELS = {
    row.name: row
    for row in (
        ClipModel(
            name="vace",
            repo="Wan-AI/Wan2.1-VACE-1.3B-diffusers",
            licence="Apache-2.0",
            size=19_000_000_000,
            note="Wan 2.1 VACE 1.3B, which restyles films: 5 s at 480p at once (not tried here).",
            facts=EngineFacts("vace", "vace", 81, 81, 4, 16, (832, 480), 16, joins=False, steps=50, takes=WAN),
            numbers=(5.7e9, 2.2e9),
        ),
        ClipModel(
            name=HOSTED,
            licence="the model's own",
            note="A hosted model through Replicate's API, runwayml/gen4-aleph if none is named; it costs money.",
            facts=EngineFacts(HOSTED, "hosted", 81, 1000, 1, 16, (1280, 720), 2, joins=False, steps=1, guidance=1.0),
        ),
    )
}
CLIP_LORAS = {
    f"wan-{noise}-noise-4-steps": Lora(
        name=f"wan-{noise}-noise-4-steps",
        repo="lightx2v/Wan2.2-Distill-Loras",
        files=(f"wan2.2_i2v_A14b_{noise}_noise_lora_rank64_lightx2v_4step_1022.safetensors",),
        licence="Apache-2.0",
        size=600_000_000,
        note=f"The LoRA that lets wan's {noise}-noise expert move in 4 steps: go_fast (not tried here).",
    )
    for noise in ("high", "low")
}
FETCHED_CLIP_MODELS = {
    row.name: row for row in (*CLIP_MODELS.values(), *CLIP_LORAS.values(), *FILM_MODELS.values()) if row.repo
}
