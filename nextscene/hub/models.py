"""The table of models, of LoRAs that go with them, of voices: where each comes from, its licence, its size, its use.

A new model is a new row. Sizes are about; the hub says exactly. A row whose note ends with "(not tried here)" has file
names and a licence as its authors publish them, and has not been downloaded by us.
"""

from dataclasses import dataclass

from nextscene.story import Phrases


@dataclass(frozen=True, kw_only=True)
class Source:
    """Files of one repository on a hub; without a repository it is built in."""

    name: str  # as the user knows it
    repo: str = ""
    files: tuple[str, ...] = ()  # patterns, each of which must match
    revision: str = "main"
    public: bool = False  # only what everyone may see, even if HF_TOKEN is set


@dataclass(frozen=True, kw_only=True)
class Row(Source):
    """What the user should know about it."""

    licence: str
    size: int = 0  # bytes
    note: str


@dataclass(frozen=True, kw_only=True)
class Lora(Row):
    """A LoRA: one file. phrases: of one for camera angles, what it was taught."""

    phrases: Phrases | None = None

    @property
    def file(self) -> str:
        return self.files[0]


@dataclass(frozen=True, kw_only=True)
class Model(Row):
    """A model in diffusers' folder layout. The built-in one has no repository, and brings its LoRAs in its folder."""

    lora: str = "next-scene"
    fast_loras: tuple[tuple[int, str], ...] = ()  # for go_fast, each with the steps that it was made for
    camera_lora: str = ""  # for scenes with a `camera`


@dataclass(frozen=True, kw_only=True)
class Voice(Row):
    """A voice of the package hibari-tts: one file, whose sha256 the package knows."""

    sha256: str

    @property
    def file(self) -> str:
        return self.files[0]


PARTS = ("processor", "scheduler", "text_encoder", "tokenizer", "transformer", "vae")
MODEL_FILES = ("model_index.json", *(f"{part}/*" for part in PARTS))
FULL_MODEL, BUILT_IN = "qwen-image-edit-2509", "storybook"

_MODELS = (
    Model(
        name=FULL_MODEL,
        repo="Qwen/Qwen-Image-Edit-2509",
        files=MODEL_FILES,
        licence="Apache-2.0",
        size=58_000_000_000,
        note="The Qwen-Image-Edit-2509 model, for a GPU of 10 GB or more.",
        fast_loras=((4, "lightning-4-steps"), (8, "lightning-8-steps")),
        camera_lora="multiple-angles",
    ),
    Model(
        name="qwen-image-edit-2511",
        repo="Qwen/Qwen-Image-Edit-2511",
        files=MODEL_FILES,
        licence="Apache-2.0",
        size=58_000_000_000,
        note="Its successor of December 2025; Next-Scene was taught to the 2509 model (not tried here).",
        fast_loras=((4, "lightning-2511-4-steps"), (8, "lightning-2511-8-steps")),
        camera_lora="multiple-angles",
    ),
    Model(
        name="firered-image-edit-1.1",
        repo="FireRedTeam/FireRed-Image-Edit-1.1",
        files=MODEL_FILES,
        licence="Apache-2.0",
        size=58_000_000_000,
        note="A model by FireRed of the same build; Next-Scene was taught to the 2509 model (not tried here).",
        fast_loras=((8, "lightning-firered-8-steps"),),
    ),
    Model(
        name=BUILT_IN,
        licence="MIT",
        note="The built-in storybook model: quick on any machine, and far simpler than the 2509 model.",
    ),
)
_LORAS = (
    Lora(
        name="next-scene",
        repo="lovis93/next-scene-qwen-image-lora-2509",
        files=("next-scene_lora-v2-3000.safetensors",),
        licence="MIT",
        size=295_000_000,
        note="The LoRA that teaches the 2509 model to go on to the next scene.",
    ),
    *(
        Lora(
            name=f"lightning-{steps}-steps",
            repo="lightx2v/Qwen-Image-Lightning",
            files=(f"Qwen-Image-Edit-2509/Qwen-Image-Edit-2509-Lightning-{steps}steps-V1.0-bf16.safetensors",),
            licence="Apache-2.0",
            size=850_000_000,
            note=f"The LoRA that lets the 2509 model draw in {steps} steps: go_fast.",
        )
        for steps in (4, 8)
    ),
    *(
        Lora(
            name=f"lightning-2511-{steps}-steps",
            repo="lightx2v/Qwen-Image-Edit-2511-Lightning",
            files=(f"Qwen-Image-Edit-2511-Lightning-{steps}steps-V1.0-bf16.safetensors",),
            licence="Apache-2.0",
            size=850_000_000,
            note=f"The LoRA that lets the 2511 model draw in {steps} steps: go_fast (not tried here).",
        )
        for steps in (4, 8)
    ),
    Lora(
        name="lightning-firered-8-steps",
        repo="FireRedTeam/FireRed-Image-Edit-1.1-ComfyUI",
        files=("FireRed-Image-Edit-1.1-Lightning-8steps-v1.2.safetensors",),
        licence="Apache-2.0",
        size=1_000_000_000,
        note="The LoRA that lets the FireRed model draw in 8 steps: go_fast (not tried here).",
    ),
    Lora(
        name="multiple-angles",
        repo="dx8152/Qwen-Edit-2509-Multiple-angles",
        files=("镜头转换.safetensors",),
        licence="Apache-2.0",
        size=236_000_000,
        note="The LoRA that moves the camera of scenes with a `camera` (not tried here).",
        phrases=Phrases(
            left="将镜头向左旋转{degrees}度 Rotate the camera {degrees} degrees to the left.",
            right="将镜头向右旋转{degrees}度 Rotate the camera {degrees} degrees to the right.",
            forward="将镜头向前移动 Move the camera forward.",
            back="将镜头向后移动 Move the camera backward.",
            up="将相机切换到仰视视角 Turn the camera to a worm's-eye view.",
            down="将相机转向鸟瞰视角 Turn the camera to a bird's-eye view.",
            wide="将镜头转为广角镜头 Turn the camera to a wide-angle lens.",
            close="将镜头转为特写镜头 Turn the camera to a close-up.",
        ),
    ),
)
MODELS = {model.name: model for model in _MODELS}
_VOICES = (
    ("emma", "bf_emma", "British, female", "f709f0488ee63b583a22189a955aaf4257b9806dd330be3490661e53af0a89c1"),
    ("fenrir", "am_fenrir_v2", "American, male", "f59fbd87908c91f827bc21b1b89443757b9a8580db9eee20aa948deb731321f4"),
    ("fable", "bm_fable", "British, male", "c28529302f2d27cd12f62625c24425888c4e3c2675583100ec530259136b8bc6"),
    ("kore", "af_kore", "American, female", "346885752673e45d42f9864c9e2432094bc4b6385df060d4b83273da764d2fa9"),
)
VOICES = {
    name: Voice(
        name=name,
        repo="maureesewilliams/hibari",
        files=(f"voices/{file}.int8.onnx",),
        licence="Apache-2.0",
        size=8_000_000,
        note=f"A voice for speakers: {about} (not tried here).",
        sha256=sha256,
        public=True,
    )
    for name, file, about, sha256 in _VOICES
}
LORAS = {lora.name: lora for lora in _LORAS}
DEPTH = Row(
    name="depth-anything-v2-small",
    repo="depth-anything/Depth-Anything-V2-Small-hf",
    files=("config.json", "model.safetensors"),
    licence="Apache-2.0",
    size=99_000_000,
    note="The model that sees depths, for scenes with control depth (not tried here).",
    public=True,
)
SEGMENTERS = {
    f"sam2-{size}": Row(
        name=f"sam2-{size}",
        repo=f"facebook/sam2.1-hiera-{size}",
        files=("config.json", "model.safetensors"),
        licence="Apache-2.0",
        size=amount,
        note=f"SAM 2.1, {size}: cuts out a thing that is to move, by its box (not tried here).",
    )
    for size, amount in (("tiny", 156_000_000), ("small", 184_000_000))
}
