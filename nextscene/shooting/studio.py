"""The studio: shots in, takes out, one at a time, as each is done.

The only place that uses a loaded model. It knows nothing of files, formats or doors.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import torch
from PIL import Image

from nextscene import NextSceneError, __version__
from nextscene.control import Maps
from nextscene.model import Model, memory
from nextscene.pictures import fit
from nextscene.progress import OnStep
from nextscene.provenance import Lora, LoraFile, OwnLora, OwnWords, Provenance
from nextscene.shooting import drift
from nextscene.shooting.artist import Adapters
from nextscene.shooting.safety import Checker
from nextscene.shooting.withholding import withhold_flagged
from nextscene.story import Reference, Shot, Size, Story, asks_for_change, retaken, scenes_needed_after
from nextscene.take import Pictures, Take

VERSIONS = {package: version(package) for package in ("torch", "diffusers", "transformers")}


class Studio:
    """Holds a model and shoots."""

    def __init__(self, model: Model, lasting: bool = True) -> None:
        """lasting: whether it is used again after it was put away."""
        self.model, self._lasting, self._is_away = model, lasting, False
        self._maps = Maps()
        self._depth_model: Path | None = None

    def use(self, adapters: Adapters) -> None:
        """What the shots may use besides Next-Scene, from now on."""
        self.model.use_lora_weights(adapters.own, adapters.called)
        self.model.use_fast_lora(adapters.fast)
        self.model.use_camera_lora(adapters.camera)
        self.model.use_embeddings(adapters.embeddings)
        self._depth_model = adapters.depth

    def put_away(self) -> None:
        """Makes room for another model: the weights wait in the machine's own memory, or go, where nobody waits."""
        if not self.model.plan.streamed:  # whose weights are there already
            memory.free(self.model.pipe, keep=self._lasting)
            self._is_away = True

    def shoot(
        self,
        shots: Sequence[Shot],
        pictures: Pictures,
        on_step: OnStep | None = None,
        story: Story | None = None,
        *,
        auto_retake: int = 0,
        self_check: int = 0,
        checker: Checker | None = None,
    ) -> Iterator[Take]:
        """Yields a take for each shot, in order, as soon as it is done.

        pictures: those that the shots look at and that are not drawn here: the ones that came with the request, and
            scenes that were drawn before.
        on_step: called after each step with (shot, steps done, steps in all); what it raises ends the run.
        story: what the shots are of; each take carries it, with the takes that it grew from.
        auto_retake: how often a scene with a plain fault (see `FAULTS`) is drawn again; the best of its takes is kept.
        self_check: the same, for one that the model sees to show something else than planned; 0: it does not look.
        checker: what it flags is withheld; scenes that grow from it still do.

        Only pictures that a later shot looks at are kept, so memory does not grow with the number of scenes.
        """
        self._bring_back()
        self.model.check(shots)
        drawn: dict[Reference, Image.Image] = {}
        chosen: dict[str, int] = {}
        for shot in shots:
            references = [
                self._shown(shot, reference, drawn.get(reference) or pictures[reference])
                for reference in shot.references
            ]
            takes: list[Take] = []
            while not takes or (
                (takes[-1].faults and len(takes) <= auto_retake) or (takes[-1].astray and len(takes) <= self_check)
            ):
                tried = retaken(shot, shot.take + len(takes))
                as_drawn = story.with_takes(chosen | {shot.id: tried.take}) if story else None
                takes.append(self._take(tried, references, on_step, as_drawn, look=self_check > 0))
            take = min(takes, key=lambda each: len(each.faults) + len(each.astray))
            yield withhold_flagged(replace(take, provenance=replace(take.provenance, tried=len(takes))), checker)
            chosen[shot.id] = take.shot.take
            drawn[Reference("scene", shot.id)] = take.picture
            needed = scenes_needed_after(shots, shot)
            drawn = {reference: kept for reference, kept in drawn.items() if reference.name in needed}

    def _shown(self, shot: Shot, reference: Reference, picture: Image.Image) -> Image.Image:
        """A reference as the shot sees it: itself, or its map."""
        if not shot.follows or shot.follows.of != reference:
            return picture
        return self._maps.draw(shot.follows.kind, fit(picture, shot.width, shot.height), self._depth_model)

    def draw(
        self,
        shot: Shot,
        references: Sequence[Image.Image],
        mask: Image.Image | None = None,
        on_step: OnStep | None = None,
        *,
        checker: Checker | None = None,
    ) -> Take:
        """One shot by itself, from these pictures. mask: where alone it may differ from the first of them."""
        self._bring_back()
        self.model.check([shot])
        return withhold_flagged(self._take(shot, references, on_step, None, look=False, mask=mask), checker)

    def _bring_back(self) -> None:
        if self._is_away:
            memory.bring_back(self.model.pipe)
            self._is_away = False

    def _take(
        self,
        shot: Shot,
        references: Sequence[Image.Image],
        on_step: OnStep | None,
        story: Story | None,
        *,
        look: bool,
        mask: Image.Image | None = None,
    ) -> Take:
        started = time.perf_counter()
        picture = self._picture(shot, references, on_step, mask)
        planned = shot.shows.sights
        seen = self.model.sight.see(picture, planned) if look and planned else {}
        noticed = _noticed(shot, references, picture)
        noticed += [f"{answer}, not {planned[kind]}" for kind, answer in seen.items() if answer != planned[kind]]
        provenance = replace(self._provenance(shot, noticed, story), seen=seen)
        return Take(shot, picture, time.perf_counter() - started, provenance)

    def _picture(
        self, shot: Shot, references: Sequence[Image.Image], on_step: OnStep | None, mask: Image.Image | None = None
    ) -> Image.Image:
        self.model.set_up(shot)
        size = shot.draw_width, shot.draw_height
        if shot.is_resized:  # never cropped: a chain would creep in with each scene
            references = [_resized(fit(picture, shot.width, shot.height), size) for picture in references]
            mask = mask and mask.resize(size, Image.Resampling.BILINEAR)
        try:
            picture = self.model.pipe(
                shot.words,
                references,
                width=shot.draw_width,
                height=shot.draw_height,
                look=shot.look,
                generator=torch.Generator().manual_seed(shot.seed),
                mask=mask,
                on_step=on_step and (lambda done, of: on_step(shot, done, of)),
            )
            return _resized(picture, (shot.width, shot.height))
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if not _ran_out_of_memory(error):
                raise
            # The traceback's frames hold the tensors: let go of them before the memory is given back.
            error.__traceback__ = None
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            raise NextSceneError(
                f"{shot.called} ({shot.id}) did not fit into memory at {size[0]}x{size[1]} with "
                f"{len(references)} reference(s): lower the width and height, or close other programs that use "
                "the device."
            ) from None

    def _provenance(self, shot: Shot, noticed: Sequence[str], story: Story | None) -> Provenance:
        model = self.model
        own, fast, camera = model.own_lora, model.fast_lora, model.camera_lora
        return Provenance(
            shot=shot,
            model=model.name,
            note=model.note,
            lora=Lora(model.lora.name, model.lora_sha256, shot.look.lora_scale),
            lora_weights=OwnLora(shot.lora_weights or "", own.sha256, shot.look.lora_weights_scale) if own else None,
            fast_lora=LoraFile(fast.file.name, fast.sha256) if fast and shot.go_fast else None,
            camera_lora=LoraFile(camera.file.name, camera.sha256) if camera and shot.camera_lora else None,
            embeddings=tuple(
                OwnWords(each.name, each.sha256, tuple(each.words))
                for each in model.embeddings
                if each.acts_in(shot.words, shot.look.negative_prompt)
            ),
            made_by=f"Next Scene {__version__}",
            memory=model.plan.name,
            device=torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU",
            versions=VERSIONS,
            noticed=tuple(noticed),
            story=story,
        )


def _noticed(shot: Shot, references: Sequence[Image.Image], picture: Image.Image) -> list[str]:
    """What is worth a look in a picture, and in how it follows from the one that it grew from."""
    change = drift.compare(fit(references[0], *picture.size), picture) if shot.grows_from else None
    seen = drift.badges(change, drift.bars(picture), asks_for_change(shot.words))
    from_draft = not shot.go_fast and any(reference.info.get("draft") for reference in references)
    return [*seen, *["looks at a draft"] * from_draft]


def _resized(picture: Image.Image, size: Size) -> Image.Image:
    """Of exactly this size, with all that is to be seen in it: stretched by the little that the grid asks for."""
    return picture if picture.size == size else picture.resize(size, Image.Resampling.LANCZOS)


def _ran_out_of_memory(error: Exception) -> bool:
    """Whether the device or the machine had too little memory; torch's CPU allocator has no class for it."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)
