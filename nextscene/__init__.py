"""Next Scene: a story goes in, pictures that belong together come out, and a film if you ask for one.

    Story ──plan──▶ Shots ──shoot──▶ Takes ──cut──▶ Film

`story` and `plan` are pure and import no torch. `studio` is the only place that uses a model. `film` knows pictures,
not models.
"""

__version__ = "0.1.0"


class NextSceneError(Exception):
    """Something the user can put right. Its text is one sentence: what was wrong, where, and what to do."""
