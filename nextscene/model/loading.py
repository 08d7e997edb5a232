"""A pipeline from weights: LoRA fused, text positions right, placed on its device.

A folder of weights and a LoRA file go in, a `Model` comes out, ready for the studio. It knows nothing of where the
weights came from, and nothing of stories.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from diffusers.hooks import FirstBlockCacheConfig
from transformers import Qwen2Tokenizer, Qwen2VLProcessor
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
from transformers.processing_utils import ProcessorMixin

from nextscene import NextSceneError
from nextscene.card import read_card
from nextscene.files import sha256
from nextscene.model import lora as loras
from nextscene.model import memory
from nextscene.model.lora import Lora
from nextscene.model.own_words import Embedding, find_mark, read_embedding
from nextscene.model.pipeline import NextScenePipeline
from nextscene.model.prompts import check_words
from nextscene.model.seeing import Sight, find_sight
from nextscene.settings import Look
from nextscene.story import Shot

NEXT_SCENE, OWN, FAST, CAMERA = "next_scene", "own", "fast", "camera"  # the LoRAs that there may be
LIGHTNING = {"base_shift": math.log(3), "max_shift": math.log(3), "shift_terminal": None}  # what it was distilled with
LAYERED = ("use_additional_t_cond", "use_layer3d_rope")  # in a transformer's config: it draws layers, not scenes


@dataclass
class Model:
    """A loaded pipeline with the Next-Scene LoRA fused at the default scale.

    What else is wanted acts beside the fused weights, unfused: another scale's difference to the default, a LoRA of
    the user's own, the one that makes a few steps enough, and the one for camera angles. The fused weights are never
    touched again, so nothing builds up, and when nothing else is wanted they are all there is.
    """

    pipe: NextScenePipeline
    name: str
    note: str  # what its pictures must say about themselves; empty for the full model
    lora: Path
    lora_sha256: str
    fused_scale: float
    plan: memory.Plan
    sight: Sight
    loras: dict[str, Lora] = field(default_factory=dict)  # by OWN, FAST and CAMERA
    embeddings: list[Embedding] = field(default_factory=list)

    def __post_init__(self) -> None:
        scheduler = self.pipe.scheduler
        fast = type(scheduler).from_config(scheduler.config, **LIGHTNING)
        self._schedulers = {False: scheduler, True: fast}

    @property
    def own_lora(self) -> Lora | None:
        return self.loras.get(OWN)

    @property
    def fast_lora(self) -> Lora | None:
        return self.loras.get(FAST)

    @property
    def camera_lora(self) -> Lora | None:
        return self.loras.get(CAMERA)

    def use_lora_weights(self, file: Path | None, known_as: str | None = None) -> None:
        """From now on, this LoRA of the user's own acts too; None, or one that is not for this model: none does.

        known_as: what the user calls it.
        """
        self._use(OWN, file, known_as or "")

    def use_fast_lora(self, file: Path | None) -> None:
        """From now on, fast scenes are drawn with this LoRA; None: there are none."""
        self._use(FAST, file)

    def use_camera_lora(self, file: Path | None) -> None:
        """From now on, scenes whose `camera` says so are drawn with this LoRA; None: there are none."""
        self._use(CAMERA, file)

    def use_embeddings(self, files: Mapping[str, Path]) -> None:
        """From now on, the words of these files act wherever a prompt has them, and no others.

        files: by what the user calls them.
        """
        width = self.pipe.text_encoder.get_input_embeddings().weight.shape[1]
        mark = find_mark(self.pipe.folder) if files else ""
        self.embeddings = [
            Embedding(name, sha256(file), read_embedding(file, mark, width, name)) for name, file in files.items()
        ]
        by_word: dict[str, str] = {}
        for each in self.embeddings:
            for word in each.words:
                if (other := by_word.setdefault(word, each.name)) != each.name:
                    raise NextSceneError(f"The embeddings {other!r} and {each.name!r} both say {word}: leave one out.")
        self.pipe.own_words.use({word: each.words[word] for each in self.embeddings for word in each.words})

    def check(self, shots: Sequence[Shot]) -> None:
        """Refuses shots whose words cannot be read whole and as they are, by their scene."""
        for shot in shots:
            scene = f"{shot.called} ({shot.id})"
            spell = self.pipe.own_words.spell
            check_words(self.pipe.tokenizer, max(shot.prompt, shot.words, key=len), f"{scene}: its prompt", spell)
            check_words(self.pipe.tokenizer, shot.look.negative_prompt, f"{scene}: its negative prompt", spell)

    def set_up(self, shot: Shot) -> None:
        """From now on, pictures are as this shot wants them: as if its LoRAs had been fused at its scales."""
        self.use_look(shot.look, fast=shot.go_fast, camera=shot.camera_lora)

    def use_look(self, look: Look, *, fast: bool = False, camera: bool = False) -> None:
        """The same for a picture that is no shot's."""
        self.use_scales(look.lora_scale, look.lora_weights_scale, fast=fast, camera=camera)
        self.pipe.scheduler = self._schedulers[fast]
        if self.pipe.transformer.is_cache_enabled:
            self.pipe.transformer.disable_cache()
        if look.first_block_cache:
            self.pipe.transformer.enable_cache(FirstBlockCacheConfig(threshold=look.first_block_cache))

    def use_scales(
        self, lora_scale: float, lora_weights_scale: float = 1.0, *, fast: bool = False, camera: bool = False
    ) -> None:
        """From now on, pictures are as if the LoRAs had been fused at these scales."""
        scales = {
            NEXT_SCENE: lora_scale - self.fused_scale,
            OWN: lora_weights_scale if OWN in self.loras else 0.0,
            FAST: 1.0 if fast else 0.0,
            CAMERA: 1.0 if camera else 0.0,
        }
        scales = {name: scale for name, scale in scales.items() if scale}
        added = getattr(self.pipe.transformer, "peft_config", {})
        if NEXT_SCENE in scales and NEXT_SCENE not in added:
            loras.add(self.pipe, self.lora, NEXT_SCENE)
        if scales:
            self.pipe.enable_lora()
            self.pipe.set_adapters(list(scales), list(scales.values()))
        elif added:
            self.pipe.disable_lora()

    def _use(self, name: str, file: Path | None, known_as: str = "") -> None:
        before = self.loras.get(name)
        if (before and before.file) == file:
            return
        if self.loras.pop(name, None):
            loras.remove(self.pipe, name)
        if file:
            loras.add(self.pipe, file, name, known_as)
            self.loras[name] = Lora(file, sha256(file))


def load(
    folder: Path,
    lora: Path,
    name: str = "",
    lora_scale: float = Look().lora_scale,
    plan: memory.Plan | None = None,
    on_part: Callable[[str], object] = lambda part: None,
) -> Model:
    """Loads a model in diffusers' folder layout and fuses a LoRA file into it.

    plan: how its weights are kept; None: as this machine's memory allows.
    on_part: called with its name after each part of the work.
    """
    check_kind(folder)
    plan = plan or memory.choose_plan(folder)
    pipe = load_pipeline(folder, plan.dtype)
    on_part("weights opened")
    loras.add(pipe, lora, NEXT_SCENE)
    pipe.set_adapters(NEXT_SCENE, lora_scale)
    on_part("LoRA read")
    memory.place(pipe, plan)
    on_part("LoRA fused and weights put in their place")
    return Model(
        pipe,
        name or folder.name,
        read_card(folder).note,
        lora,
        sha256(lora),
        lora_scale,
        plan,
        find_sight(pipe, folder),
    )


def load_pipeline(folder: Path, dtype: torch.dtype, kind: type[Any] = NextScenePipeline, **parts: Any) -> Any:
    """The pipeline in a folder, on the CPU, with no LoRA in it. `parts` take the place of the folder's own."""
    for library in (diffusers, transformers):
        library.utils.logging.disable_progress_bar()  # progress is shown by the doors
    try:
        parts = {"processor": _load_processor(folder / "processor"), **parts}
        pipe = kind.from_pretrained(folder, dtype=dtype, local_files_only=True, **parts)
    except (OSError, ValueError, KeyError) as error:
        raise NextSceneError(f"The model in {str(folder)!r} cannot be loaded: {loras.in_one_line(error)}") from error
    pipe.text_encoder.register_forward_pre_hook(_correct_inputs, with_kwargs=True)
    visual = pipe.text_encoder.model.visual
    visual.forward = _remember_last(visual.forward)
    return pipe


def check_kind(folder: Path) -> None:
    """Refuses a model of the Layered kind, before anything of it is loaded."""
    config = folder / "transformer" / "config.json"
    facts = json.loads(config.read_text()) if config.is_file() else {}
    if found := [name for name in LAYERED if facts.get(name)]:
        raise NextSceneError(
            f"The model in {str(folder)!r} is Qwen-Image-Layered ({found[0]} in its transformer/config.json), which "
            "draws a picture's layers and not scenes: name a Qwen-Image-Edit model, 2509 or 2511."
        )


def _load_processor(folder: Path) -> ProcessorMixin:
    """What turns words and pictures into the text encoder's input."""
    tokenizer = Qwen2Tokenizer.from_pretrained(folder)
    return PictureProcessor(Qwen2VLImageProcessorPil.from_pretrained(folder), tokenizer, tokenizer.chat_template)


class PictureProcessor(Qwen2VLProcessor):
    """Qwen2-VL's processor without its video part, which alone would need torchvision."""

    def __init__(self, image_processor: Any = None, tokenizer: Any = None, chat_template: Any = None) -> None:
        self.image_token, self.video_token = "<|image_pad|>", "<|video_pad|>"
        self.image_token_id = tokenizer.convert_tokens_to_ids(self.image_token)
        self.video_token_id = tokenizer.convert_tokens_to_ids(self.video_token)
        ProcessorMixin.__init__(self, image_processor, tokenizer, chat_template=chat_template)


def _correct_inputs(
    encoder: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Before each forward of the text encoder: 3-D positions for pictures, and no logits that nobody reads.

    transformers 5 falls back to 1-D positions, silently, when nothing says which tokens are a picture's, and
    diffusers 0.42 does not say it.
    """
    kwargs.setdefault("logits_to_keep", 1)
    if kwargs.get("image_grid_thw") is not None and kwargs.get("past_key_values") is None:
        kwargs.setdefault("use_cache", False)
        kwargs.setdefault("mm_token_type_ids", (kwargs["input_ids"] == encoder.config.image_token_id).int())
    return args, kwargs


def _remember_last(look: Callable[..., Any]) -> Callable[..., Any]:
    """Looks at the same pictures only once: what to show and what to avoid are read together with the same ones."""
    last: list[Any] = []

    def look_once(pixels: torch.Tensor, grid_thw: torch.Tensor, **how: Any) -> Any:
        known = last and last[0].shape == pixels.shape and torch.equal(last[0], pixels)
        if not (known and torch.equal(last[1], grid_thw)):
            last[:] = [pixels, grid_thw, look(pixels, grid_thw=grid_thw, **how)]
        return copy(last[2])  # transformers writes into what it gets

    return look_once
