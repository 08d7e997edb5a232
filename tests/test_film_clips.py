"""The film of clips: which frame of which clip is seen when, and how long."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import opentimelineio
import pytest
from conftest import photo

from nextscene.clip import Frame
from nextscene.film import ClipTime, CuttingRoom, is_own_clip, lay_out, read_clip, write_clip
from nextscene.film.frames import find_positions
from nextscene.story import from_data


def grey(width: int, seed: int = 0) -> Frame:
    """A picture without colours, of which a film keeps only half."""
    return np.asarray(photo(width, 48, seed).convert("L").convert("RGB"))


def sliding(frames: int = 9, step: int = 2, seed: int = 0) -> list[Frame]:
    """A window that goes over a picture."""
    wide = grey(64 + step * frames, seed)
    return [np.ascontiguousarray(wide[:, at * step : at * step + 64]) for at in range(frames)]


def clip_in(path: Path, frames: list[Frame], fps: float = 8) -> Path:
    path.touch()
    write_clip(path, frames, fps, {"engine": "e"})
    return path


def test_a_clips_file_gives_back_its_frames_and_says_what_made_it(tmp_path: Path) -> None:
    frames = sliding()
    file = clip_in(tmp_path / "clip.mp4", frames, 7.5)
    read = read_clip(file)
    assert (len(read.frames), read.fps) == (9, 7.5)
    assert max(np.abs(one.astype(int) - other).mean() for one, other in zip(frames, read.frames, strict=True)) < 4
    with av.open(str(file)) as opened:
        assert '"engine": "e"' in opened.metadata["comment"]
    assert is_own_clip(file)
    assert clip_in(tmp_path / "again.mp4", frames, 7.5).read_bytes() == file.read_bytes()


def test_what_is_no_clip_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"my own film")
    assert not is_own_clip(tmp_path / "a.mp4")
    with pytest.raises(Exception, match=r"The clip .*a\.mp4 cannot be read"):
        read_clip(tmp_path / "a.mp4")


def positions(clip: ClipTime, length: int, fps: int = 24) -> list[float]:
    position = find_positions(clip, clip.frames, fps, length)
    return [position(number) for number in range(length)]


def test_a_clip_goes_by_at_its_own_pace() -> None:
    assert positions(ClipTime(5, 8), 15) == pytest.approx([min(n / 3, 4) for n in range(15)])


def test_where_it_leads_to_the_next_clip_its_last_frame_is_left_to_that_one() -> None:
    clip = ClipTime(5, 8, joined=True)
    assert clip.seconds == Fraction(1, 2)
    assert positions(clip, 12) == pytest.approx([n / 3 for n in range(12)])
    assert positions(clip, 6)[-1] == pytest.approx(4 - 4 / 6)  # in a scene that is shorter it goes by faster


def test_a_clip_is_slowed_by_half_at_most_and_then_comes_to_rest_gently() -> None:
    slowed = positions(ClipTime(9, 8), 36)
    assert slowed == pytest.approx([min(n / 4, 8) for n in range(36)])
    held = positions(ClipTime(9, 8), 72)
    steps = np.diff(held)
    assert steps[:12] == pytest.approx(steps[0])
    assert steps[0] == pytest.approx(1 / 3 / 1.5)
    assert (np.diff(steps) <= 1e-9).all(), "it only ever slows down"
    assert held[-1] == 8
    assert np.abs(np.diff(steps)).max() < steps[0] / 8, "without a jerk"


def test_a_scene_is_as_long_as_its_clip_unless_it_says_so_itself_or_has_more_to_say() -> None:
    story = from_data({"scenes": ["a", {"prompt": "b", "duration": 3}, {"prompt": "c", "narration": "d"}, "e"]})
    clip = ClipTime(17, 8)
    timeline = lay_out(story, {"scene_003": [4.4]}, dict.fromkeys(["scene_001", "scene_002", "scene_003"], clip))
    assert [float(each.duration) for each in timeline.segments] == pytest.approx([2.125, 3, 5, 0.5], abs=0.03)


def test_a_join_has_no_transition_and_other_borders_keep_theirs() -> None:
    story = from_data({"scenes": ["a", "b", "c"], "film": {"transition": "crossfade", "move": "push_in"}})
    clips = {"scene_001": ClipTime(17, 8, joined=True), "scene_002": ClipTime(17, 8)}
    segments = lay_out(story, None, clips).segments
    assert [each.transition for each in segments] == ["cut", "cut", "crossfade"]
    assert [each.move for each in segments] == ["none", "none", "push_in"]


def film_of(folder: Path, clips: list[list[Frame]], **film: Any) -> list[Frame]:
    """The frames of a film of clips, each of which leads to the next but the last."""
    story = from_data({"scenes": ["a"] * len(clips), "film": {"otio": True, **film}})
    joined = [*[True] * (len(clips) - 1), False]
    times = {name: ClipTime(len(clip), 8, join) for name, clip, join in zip(story.ids, clips, joined, strict=True)}
    with CuttingRoom(story, folder / "film.mp4", clips=times) as room:
        for name, clip in zip(story.ids, clips, strict=True):
            room.add(photo(64, 48), None, None, clip_in(folder / f"{name}.mp4", clip))
    with av.open(str(folder / "film.mp4")) as opened:
        return [frame.to_ndarray(format="rgb24").astype(np.uint8) for frame in opened.decode(video=0)]


def test_eight_frames_a_second_become_twenty_four_that_lie_evenly_between(tmp_path: Path) -> None:
    clip = sliding(5, step=3)
    shown = film_of(tmp_path, [clip])
    wide = grey(64 + 15).astype(int)
    assert len(shown) == 15
    for number in range(13):  # one pixel further with each frame of the film
        true, inside = wide[:, number : number + 64], slice(4, -4)
        assert np.abs(shown[number] - true)[:, inside].mean() < 4
    assert np.abs(shown[1] - clip[0].astype(int)).mean() > np.abs(shown[1] - wide[:, 1:65]).mean()


def test_the_frame_that_two_clips_share_is_shown_once(tmp_path: Path) -> None:
    frames = sliding(9, step=3)
    shown = film_of(tmp_path, [frames[:5], frames[4:]], video_fps=8)
    assert len(shown) == 9
    for one, other in zip(shown, frames, strict=True):
        assert np.abs(one.astype(int) - other).mean() < 5


def test_each_clip_is_a_clip_for_an_editor_too(tmp_path: Path) -> None:
    film_of(tmp_path, [sliding(5), sliding(5)], video_fps=8)
    first, second = opentimelineio.adapters.read_from_file(str(tmp_path / "film.otio")).tracks[0]
    assert (first.media_reference.target_url, second.media_reference.target_url) == ("scene_001.mp4", "scene_002.mp4")
    assert first.media_reference.available_range.duration.to_frames() == 5
    assert (first.duration().to_frames(), second.duration().to_frames()) == (4, 5)
