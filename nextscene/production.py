"""A production: one run of a request, stage by stage. Every door fills a request and calls this.

    production = Production(request, weights)   # reads, checks and plans; nothing is drawn, written or fetched
    production.shots, production.clips          # all that was decided
    for file in production.run(load): ...       # shoot, deliver, move, cut; each file as soon as it is done

    Request ──plan──▶ Shots ──shoot──▶ Takes ──deliver──▶ files ──move──▶ clips ──cut──▶ film

`load` gives the studio, and is called only when something is to be drawn. It imports no torch itself.
"""

import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from nextscene import NextSceneError, pictures
from nextscene.cutting import Cut
from nextscene.files import exists
from nextscene.film import ClipTime, CuttingRoom
from nextscene.hub import DEPTH, Weights, fetch, fetch_lora, guess_seconds, public_name, tensor_names
from nextscene.motion import choose_clips
from nextscene.output import DEPTH_MODEL, Moving, Papers, Record, deliver, numbered, numbered_clips
from nextscene.progress import OnProgress, filming, progress
from nextscene.request import GivenPictures, Request
from nextscene.settings import StorySettings
from nextscene.shooting import Adapters, Artist, Checker
from nextscene.story import (
    IMAGE,
    ClipPlan,
    Reference,
    Shot,
    Story,
    about_unknown_words,
    advice,
    choose_seed,
    plan,
)
from nextscene.take import Pictures, Take

BREAKDOWN = "breakdown.json"  # the file in a run's folder

Load = Callable[[], Artist]


@dataclass(frozen=True)
class Expected:
    """How long drawing takes. guessed: no picture of this run was drawn yet that would tell."""

    seconds: float
    guessed: bool


class Production:
    """One run of a request.

    story: complete: alone, it makes the same pictures again.
    notes: what is known to hurt each shot, by its id.
    """

    def __init__(self, request: Request, weights: Weights) -> None:
        """Reads what came with the request and decides everything. Nothing of the weights is fetched yet."""
        if request.edits and not request.film:
            raise NextSceneError("An edit is one of a film: ask for that too, with --output-video.")
        self.request, self.weights = request, weights
        self.checker = Checker() if request.check_safety else None
        name = f"{request.picture.stem}.run.json" if request.picture else "run.json"
        self.record = Record(
            request.folder, name=name, keeps_takes=request.keep_takes, fresh=request.fresh, checker=self.checker
        )
        story, self.pictures = self._story()
        story = request.with_look(story).with_film(request.film_settings)
        self.music, self.lut = request.music_for(story), request.lut_for(story)
        story = story.with_takes(self.record.wanted_takes(story, request.retake, request.use))
        self.lora_weights = request.settings.lora_weights or story.lora_weights
        self.embeddings = request.settings.embeddings or story.embeddings
        typed = {name: value for name, value in request.settings.given.items() if name != "look"}
        public = {
            "lora_weights": public_name(self.lora_weights),
            "embeddings": tuple(public_name(each) or "" for each in self.embeddings) or None,
        }
        wanted = StorySettings(**typed).overlaid(StorySettings.checked(**public))
        before = self.record.story.seed if self.record.story else None
        self.seed = choose_seed(story, wanted, before)
        image, card = self.pictures.get(IMAGE), weights.card
        self.shots = plan(
            story,
            wanted,
            self.seed,
            card.size,
            image.size if image else None,
            card.limits,
            weights.phrases,
            one_world=card.world is not None,
            says_maps=card.world is None,
        )
        self.story = story.complete(wanted, self.seed, request.image.name if request.image else story.image)
        self.notes = {shot.id: self._about(shot) + advice(shot, card.size) for shot in self.shots}
        self.engines, self.clips = choose_clips(self.story, self.shots)

    def run(self, load: Load) -> Iterator[Path]:
        """Yields each file as soon as it is done: the scenes in order, the contact sheet, the film, the record."""
        pictures.prepare(self._file_for(self.shots[0]))
        # What is spoken and mixed is silent work; the film's pictures come as they are drawn, which is shown already.
        with self.record.locked(), filming(hidden={"film"}) as on_progress:
            yield from self._shoot_and_cut(load, on_progress)
            if self.request.deliver_record:
                yield self.record.file

    def draw(self, ids: Collection[str], find: Callable[[Shot], Take | None], load: Load) -> Iterator[Take]:
        """Only draws these scenes, those of them that a run would draw; nothing is written.

        find: gives what is drawn of other scenes; what they look at and it does not have is in the record.
        """
        todo = self.record.begin(self.story, self.shots, self._fetched(), self.pictures)
        wanted = [shot for shot in todo if shot.id in ids]
        looked_at = {each for shot in wanted for each in shot.references if each.name not in ids}
        found = {
            shot.id: take for shot in self.shots if Reference("scene", shot.id) in looked_at and (take := find(shot))
        }
        given = {each: found[each.name].picture if each.name in found else self.record[each] for each in looked_at}
        story = self.story.with_takes({name: take.shot.take for name, take in found.items()})
        studio = load()
        studio.use(self._adapters)
        yield from self._shoot(studio, wanted, given, story)

    def speak(self) -> Path:
        """Only has the story spoken, each line at its time in the film; gives the file. Nothing is drawn."""
        folder = self.request.folder
        with filming() as on_progress:
            spoken, home = folder / "narration", self.request.at_home
            room = CuttingRoom(self.story, folder / "film.mp4", spoken, on_progress=on_progress, at_home=home)
            room.write_speech(folder / "narration.wav")
        return folder / "narration.wav"

    def still_to_draw(self) -> list[Shot]:
        """The shots that a run would draw now, as far as that is known while nothing of the weights is fetched.

        A draft, or a LoRA, that the folder's last run did without counts as still to be drawn.
        """
        made_with = dict(self.record.run.made_with) if self.record.run else {}
        if made_with.get("model") != self.weights.name:
            made_with = {}
        if not self.shots[0].go_fast:
            made_with.pop("fast_lora_sha256", None)
        if not self.record.story or self.lora_weights != self.record.story.lora_weights:
            made_with.pop("lora_weights_sha256", None)
        if not self.record.story or self.embeddings != self.record.story.embeddings:
            made_with.pop("embeddings_sha256", None)
        record = copy(self.record)  # the run itself begins with what the folder says
        return record.begin(self.story, self.shots, made_with, self.pictures, cascade=self.request.cascade)

    def time_to_draw(self, shots: Sequence[Shot], before: Record) -> Expected:
        """How long these shots take: as the folder's run has drawn so far, if this model did; else as is guessed."""
        guess, run = guess_seconds(self.weights, shots), before.run
        drawn = [(scene.shot, take.seconds) for scene in run.scenes for take in scene.takes] if run else []
        if not run or not drawn or run.made_with.get("model") != self.weights.name:
            return Expected(guess, guessed=bool(shots))
        taken = sum(seconds for _, seconds in drawn)
        return Expected(guess * taken / guess_seconds(self.weights, [shot for shot, _ in drawn]), guessed=False)

    def _shoot_and_cut(self, load: Load, on_progress: OnProgress) -> Iterator[Path]:
        request, shots = self.request, self.shots
        for shot in shots:
            for note in self._about(shot):
                print(f"{shot.called}: {note}.", file=sys.stderr)
        if shots[0].resizing:
            print(f"Each scene is {shots[0].resizing} to {shots[0].width}x{shots[0].height}.", file=sys.stderr)
        self.record.reserve(
            files=[
                *(self._file_for(shot) for shot in shots if shot.filmed),
                *filter(None, [request.sheet]),
                *request.papers.files,
            ],
            inputs=[*request.references, *filter(None, [request.image])],
            clips=[*map(self._clip_file_for, self.clips)],
        )
        todo = self.record.begin(self.story, shots, self._fetched(), self.pictures, cascade=request.cascade)
        if len(todo) < len(shots):
            print(f"{len(shots) - len(todo)} of {len(shots)} scenes are made already.", file=sys.stderr)
        anew = todo or self.clips or request.papers.files  # papers want the film's times
        made_before = self._cut.files_made() if self._cut and not anew else []
        film = self._cutting_room(request.film, on_progress) if request.film and not made_before else None
        self._say_which_embeddings_do_nothing()
        studio = load() if todo else None
        if studio:  # a LoRA that does not fit is refused before the record says anything
            studio.use(self._adapters)
        if not self.clips:
            yield from self._deliver(self._takes(studio), request.sheet, film, request.papers)
        else:
            yield from self._move(studio, on_progress)
        yield from made_before
        if request.keep_takes and self.record.stale:
            note = f"Grew from another take of an earlier scene: {', '.join(self.record.stale)}"
            print(f"{note}; --cascade draws them again.", file=sys.stderr)

    def _deliver(
        self, takes: Iterator[Take], sheet: Path | None, film: CuttingRoom | None, papers: Papers
    ) -> Iterator[Path]:
        """Shoots; delivers each scene as it is done, and what is made of them."""
        request, delivered = self.request, []
        for path in deliver(
            map(_say_what_is_noticed, takes),
            self._file_for,
            title=self.story.title or "",
            sheet=sheet,
            film=film,
            papers=papers.begin(self.story),
            record=None if request.keep_takes else self.record,
            quality=request.output.output_quality,
        ):
            delivered.append(path)
            yield path
        if film:
            self._note(film)
        if request.keep_takes:
            films = film.files if film else []
            self.record.finish_shooting([path for path in delivered if path not in films])
            if request.breakdown:
                source = request.breakdown.script
                self.record.finish("break", source.sha256, [request.folder / BREAKDOWN], 0, source.model_dump())

    def _move(self, studio: Artist | None, on_progress: OnProgress) -> Iterator[Path]:
        """All stills first; then what draws them makes room for what moves them."""
        request = self.request
        moving = Moving(
            self.record,
            self.clips,
            self.engines.identities,
            self.engines.open,
            self._clip_file_for,
            self.checker,
            keeps_takes=request.keep_takes,
        )
        with moving:
            yield from self._deliver(map(moving.keep, self._takes(studio)), None, None, Papers())
            if studio:
                studio.put_away()
            yield from moving.make()
            film = partial(self._cutting_room, request.film, on_progress) if request.film else None
            yield from moving.show(self.story, request.sheet, request.papers, film)
            if moving.film:
                self._note(moving.film)

    def _cutting_room(
        self, path: Path, on_progress: OnProgress, clips: Mapping[str, ClipTime] | None = None
    ) -> CuttingRoom:
        request, spoken = self.request, self.request.folder / "narration"
        files = (path, spoken, self.music, request.otio, request.edits)
        return CuttingRoom(self.story, *files, on_progress, clips, self.lut, at_home=request.at_home)

    @property
    def _cut(self) -> "Cut | None":
        film, request = self.request.film, self.request
        if not film:
            return None
        return Cut(self.record, self.story, film, (self.music, self.lut), (request.otio, *request.edits))

    def _note(self, film: CuttingRoom) -> None:
        assert self._cut
        self._cut.note(film)

    def _about(self, shot: Shot) -> list[str]:
        """What will not come out as written: words that the model does not know, moves where no scene moves."""
        world = self.weights.card.world
        words = about_unknown_words(shot.prompt, world) if world else ""
        idle = self.story.clips == "none" and self.story.scenes[self.story.ids.index(shot.id)].moves
        return [*filter(None, [words, "its field moves does nothing while clips is none" if idle else ""])]

    def _story(self) -> tuple[Story, GivenPictures]:
        """The story, with a name for each picture of its cast, and the pictures that came with it."""
        request = self.request
        if request.story is None:
            if not self.record.story:
                folder = request.folder
                raise NextSceneError(f"No story was begun in {folder}: give a story, or name the folder of one.")
            return self.record.story, self.record.given_pictures()
        self.record.turn_to(request.story)
        story = request.named(request.story)
        return story, request.read_pictures(story)

    def _fetched(self) -> Mapping[str, Any]:
        """Fetches what is not there yet; what the record says of the weights."""
        first = self.shots[0]
        self._own_lora = fetch_lora(self.lora_weights, self._is_typed("lora_weights", self.lora_weights))
        self._embeddings = {
            public: file
            for name, public in zip(self.embeddings, first.embeddings, strict=True)
            if (file := fetch_lora(name, self._is_typed("embeddings", name), "embedding"))
        }
        self._fast_lora = self.weights.fast_lora(first.look.steps) if first.go_fast else None
        moves = any(shot.camera_lora for shot in self.shots)
        self._camera_lora = self.weights.camera_lora if moves else None
        words = list(self._embeddings.values())
        identity = self.weights.identity_with(self._fast_lora, self._own_lora, self._camera_lora, words).to_json()
        sees_depths = any(shot.follows and shot.follows.kind == "depth" for shot in self.shots)
        self._depth = fetch(DEPTH.name) if sees_depths else None
        return {**identity, DEPTH_MODEL: self._depth.name} if self._depth else identity

    def _is_typed(self, setting: str, named: str | None) -> bool:
        """Whether somebody at this machine typed this name, so that it may be a file of theirs."""
        request = self.request
        typed = setting in request.settings.given
        typed |= request.story is None and named is not None and exists(Path(named))  # a file, when the run was begun
        return request.at_home and typed

    def _say_which_embeddings_do_nothing(self) -> None:
        texts = [text for shot in self.shots for text in (shot.words, shot.look.negative_prompt)]
        for name, file in self._embeddings.items():
            if not any(word in text for word in tensor_names(file) for text in texts):
                words = ", ".join(tensor_names(file))
                print(f"note: {name} acts in no scene: put {words} into a prompt or the style.", file=sys.stderr)

    def _takes(self, studio: Artist | None) -> Iterator[Take]:
        """Every shot's take in order, drawn or as it was made before."""
        given = self.record if self.request.keep_takes else self.pictures
        shoot = (lambda shots: self._shoot(studio, shots, given, self.story)) if studio else None
        if self.request.keep_takes:
            return self.record.takes(self.shots, shoot)
        assert shoot
        return shoot(self.shots)

    @property
    def _adapters(self) -> Adapters:
        called = public_name(self.lora_weights)
        return Adapters(self._own_lora, called, self._fast_lora, self._camera_lora, self._depth, self._embeddings)

    def _shoot(self, studio: Artist, shots: Sequence[Shot], given: Pictures, story: Story) -> Iterator[Take]:
        output = self.request.output
        with progress(shots) as on_step:
            yield from studio.shoot(
                shots,
                given,
                on_step,
                story,
                auto_retake=output.auto_retake,
                self_check=output.self_check,
                checker=self.checker,
            )

    def _file_for(self, shot: Shot) -> Path:
        request = self.request
        return request.picture or numbered(request.folder, request.output.output_format)(shot)

    def _clip_file_for(self, plan: ClipPlan) -> Path:
        request = self.request
        return request.picture.with_suffix(".mp4") if request.picture else numbered_clips(request.folder)(plan)


def clean_folder(folder: Path, dry_run: bool = False) -> list[Path]:
    """Removes the takes in a folder that nothing uses; gives them. dry_run: only gives them."""
    record = Record(folder)
    if dry_run:
        return record.unused_files()
    with record.locked():
        return record.clean()


def _say_what_is_noticed(take: Take) -> Take:
    if noticed := ", ".join(take.provenance.noticed):
        print(f"{take.shot.called} is worth a look: {noticed}.", file=sys.stderr)
    return take
