"""Next Scene: a story goes in, pictures that belong together come out, and a film if you ask for one.

    Story ──plan──▶ Shots ──shoot──▶ Takes ──cut──▶ Film

`story` and `plan` are pure and import no torch. `studio` is the only place that uses a model. `film` knows pictures,
not models.
"""

import os

__version__ = "0.1.0"

# On a CPU, MKL's sums otherwise differ in the last bit from one process to the next (seen in 2 of 9 processes; with
# this in none of 15, for scenes from words), and a chain carries that on.
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")


class NextSceneError(Exception):
    """Something the user can put right. Its text is one sentence: what was wrong, where, and what to do."""
