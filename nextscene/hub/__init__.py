"""Where weights come from: the table of models, downloads and LoRA files, verified and cached."""
