"""Which take of each scene is used, and what is still to be drawn: a pure function of the plan and the record.

A take is used again for the same words (and settings, and model) and the same noise. Where a scene was changed, what
grew from it uses only takes that grew from the pictures that are chosen now; a mere retake leaves the others alone.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from nextscene import NextSceneError
from nextscene.output.entries import RecordedScene, RecordedTake
from nextscene.story import Shot

Scenes = dict[str, RecordedScene]

# What may differ between two takes of the same words. LoRAs and embeddings count by their sha256, in `made_with`.
_NOT_OF_THE_WORDS = ("number", "take", "seed", "duration", "lora_weights", "embeddings", "shows", "filmed")
# In `made_with`; they count only for the scenes that they are used for.
CAMERA_LORA, DEPTH_MODEL = "camera_lora_sha256", "depth_model"


def fingerprint(*parts: object) -> str:
    """The same for the same parts, which are of JSON's own types."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def words_of(shot: Shot, made_with: Mapping[str, str], given: Sequence[str]) -> str:
    """The fingerprint of what is asked for: the same for all takes of the same words, settings and model.

    given: the sha256 of the pictures that came with the story and that the shot looks at.
    """
    depths = shot.follows is not None and shot.follows.kind == "depth"
    counts = {CAMERA_LORA: shot.camera_lora, DEPTH_MODEL: depths}
    drawn_with = {name: value for name, value in made_with.items() if counts.get(name, True)}
    asked = {name: value for name, value in shot.to_json().items() if name not in _NOT_OF_THE_WORDS}
    if not shot.is_resized:  # so that what was drawn before there were such sizes is still what is asked for
        del asked["draw_width"], asked["draw_height"]
    return fingerprint(asked, drawn_with, list(given))


def choose_takes(
    shots: Sequence[Shot],
    words: Mapping[str, str],
    before: Mapping[str, RecordedScene],
    is_usable: Callable[[RecordedTake], bool],
    *,
    cascade: bool = False,
    use: Mapping[str, int],
) -> Scenes:
    """The scenes of the plan, each with its chosen take, if there is one already.

    words: the fingerprint of what is asked for in each scene.
    before: the scenes of the record, those that have left the story included.
    is_usable: whether a take's picture is whole, and may be shown.
    cascade: whether only takes are used that grew from the pictures that are chosen now.
    use: the numbers of takes that are asked for.
    """
    scenes: Scenes = {}
    changed: set[str] = set()
    for shot in shots:
        old = before.get(shot.id, RecordedScene(shot.id, "", shot))
        follows = cascade or any(each.name in changed for each in shot.references if each.kind == "scene")
        wanted = [_named_take(old, shot, words[shot.id], use[shot.id])] if shot.id in use else reversed(old.takes)
        take = next(
            (
                take
                for take in wanted
                if (take.words, take.noise) == (words[shot.id], shot.take)
                and (shot.id in use or not (follows or old.chosen is None) or _grew_from_chosen(take, scenes))
                and is_usable(take)
            ),
            None,
        )
        scene = replace(old, words=words[shot.id], shot=shot, chosen=None)
        scenes[shot.id] = scene.choosing(take) if take else scene
        if old.words != scene.words or (follows and scenes[shot.id].chosen != old.chosen):
            changed.add(shot.id)
    _draw_again_what_was_withheld(shots, scenes)
    return scenes


def is_stale(scene: RecordedScene, scenes: Mapping[str, RecordedScene]) -> bool:
    """Whether a scene's take grew from other pictures than those that are chosen now."""
    return scene.chosen_take is not None and not _grew_from_chosen(scene.chosen_take, scenes)


def _named_take(scene: RecordedScene, shot: Shot, words: str, number: int) -> RecordedTake:
    take = scene.take(number)
    assert take
    if take.words != words:
        raise NextSceneError(
            f"Take {number} of scene {shot.number} was made of other words or settings ({take.prompt!r}): "
            "ask for those again, and it is used without being drawn."
        )
    return take


def _grew_from_chosen(take: RecordedTake, scenes: Mapping[str, RecordedScene]) -> bool:
    chosen = {name: scenes[name].chosen_take if name in scenes else None for name in take.grew_from}
    return all(now is not None and now.sha256 == take.grew_from[name] for name, now in chosen.items())


def _draw_again_what_was_withheld(shots: Sequence[Shot], scenes: Scenes) -> None:
    """Where a scene that is to be drawn looks at one that is withheld: there is no picture of that."""
    looked_at: set[str] = set()
    for shot in reversed(shots):
        scene = scenes[shot.id]
        take = scene.chosen_take
        if take and take.withheld is not None and shot.id in looked_at:
            scene = scenes[shot.id] = replace(scene, chosen=None)
        if scene.chosen is None:
            looked_at |= {reference.name for reference in shot.references if reference.kind == "scene"}
