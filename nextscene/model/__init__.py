"""Pipelines from weights: one shot drawn, LoRAs, where the weights are kept, speed. It needs torch."""
