"""Weights: the table of models, downloads, and LoRA files, verified and cached on this machine.

    weights = hub.choose()                     # or hub.find("storybook"), hub.find("folder/of/a/model")
    weights.folder, weights.lora               # downloaded when they are first asked for
    hub.fetch_lora("owner/name")               # a LoRA of the user's own

Asking which model there is brings neither torch nor huggingface_hub.
"""

from nextscene.hub.cache import folder as cache_folder
from nextscene.hub.cache import sha256
from nextscene.hub.clip_models import CLIP_MODELS, FILM_MODELS, HOSTED
from nextscene.hub.clip_weights import ClipWeights, find_engines, find_film_engine, memory_needs
from nextscene.hub.gpu import count as count_gpus
from nextscene.hub.loras import fetch_lora, public_name, tensor_names
from nextscene.hub.models import BUILT_IN, DEPTH, LORAS, MODELS, SEGMENTERS, VOICES
from nextscene.hub.pace import guess_seconds
from nextscene.hub.weights import (
    OWN_CAMERA_LORA,
    OWN_FAST_LORA,
    OWN_LORA,
    TRAINING_BYTES,
    Identity,
    Weights,
    choose,
    describe_models,
    fetch,
    fetch_voice,
    find,
    voice_here,
)

__all__ = [
    "BUILT_IN",
    "CLIP_MODELS",
    "DEPTH",
    "FILM_MODELS",
    "HOSTED",
    "LORAS",
    "MODELS",
    "OWN_CAMERA_LORA",
    "OWN_FAST_LORA",
    "OWN_LORA",
    "SEGMENTERS",
    "TRAINING_BYTES",
    "VOICES",
    "ClipWeights",
    "Identity",
    "Weights",
    "cache_folder",
    "choose",
    "count_gpus",
    "describe_models",
    "fetch",
    "fetch_lora",
    "fetch_voice",
    "find",
    "find_engines",
    "find_film_engine",
    "guess_seconds",
    "memory_needs",
    "public_name",
    "sha256",
    "tensor_names",
    "voice_here",
]
