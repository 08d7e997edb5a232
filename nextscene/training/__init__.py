"""The trainer: your pictures and their captions in, a LoRA file out.

    folder or zip ──dataset──▶ Examples ──lessons──▶ Lessons ──trainer──▶ lora.safetensors

`recipe` says how, `dataset` reads and checks, `pupil` is the pipeline as it learns, `lessons` keeps what it made of the
examples, `trainer` is the loop, `curve` draws how it went. Nothing here knows where the base model came from.
"""
