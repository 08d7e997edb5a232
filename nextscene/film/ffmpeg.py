"""ffmpeg, as the film room runs it: every command is put together, started and watched over here.

    with Ffmpeg(*FRAMES, "-i", "pipe:0", ..., "file:film.mp4") as ffmpeg:
        ffmpeg.write(frame)
        ffmpeg.finish()

Files come in by `input_file` only, as the formats that are named: a playlist, say, would have ffmpeg open whatever it
names, and a description of a stream would have it wait for one. An ffmpeg that hangs is ended. It knows no films.
"""

import os
import re
import select
import subprocess
import tempfile
import time
from math import inf
from pathlib import Path
from typing import IO, Self

from imageio_ffmpeg import get_ffmpeg_exe

PATIENCE = 300.0  # seconds in which it neither takes nor gives anything, after which it is taken to hang


class FfmpegError(OSError):
    """Why ffmpeg ended, in its own words."""


def input_file(path: Path, formats: str) -> list[str]:
    """A file to be read as one of these formats, named as ffmpeg does, and no other file with it."""
    return ["-format_whitelist", formats, "-protocol_whitelist", "file", "-i", f"file:{path}"]


class Ffmpeg:
    """An ffmpeg at work: written to, or read from, then finished. However the block ends, it is ended with it."""

    def __init__(self, *options: str, limit: float = inf) -> None:
        """limit: the seconds that it may take in all."""
        self._deadline = time.monotonic() + limit
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 (closed at exit; a pipe could fill up and block)
        command = [get_ffmpeg_exe(), "-hide_banner", "-nostats", "-loglevel", "level+info", *options]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._words, bufsize=0
        )
        assert self._process.stdin
        assert self._process.stdout
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        for pipe in (self._stdin, self._stdout):
            os.set_blocking(pipe.fileno(), False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._stdin, self._stdout, self._words):
            pipe.close()

    def write(self, data: bytes | memoryview) -> None:
        """Gives it all of this."""
        rest = memoryview(data).cast("B")
        while rest:
            self._wait_for(self._stdin, select.POLLOUT)
            try:
                rest = rest[os.write(self._stdin.fileno(), rest) :]
            except BrokenPipeError as error:
                raise self._failure() from error

    def read(self, size: int) -> bytes:
        """The next bytes, so many but for the last; none once it has ended well."""
        pieces, missing = list[bytes](), size
        while missing:
            self._wait_for(self._stdout, select.POLLIN)
            if not (piece := os.read(self._stdout.fileno(), missing)):
                self.finish()
                break
            pieces.append(piece)
            missing -= len(piece)
        return b"".join(pieces)

    def finish(self) -> str:
        """Waits for its end, which has to be a good one; gives all that it said."""
        self._stdin.close()
        try:
            failed = self._process.wait(self._patience())
        except subprocess.TimeoutExpired as error:
            raise self._hangs() from error
        if failed:
            raise self._failure()
        return self._said()

    def _wait_for(self, pipe: IO[bytes], event: int) -> None:
        waiting = select.poll()
        waiting.register(pipe, event)
        if not waiting.poll(1000 * self._patience()):
            raise self._hangs()

    def _patience(self) -> float:
        return max(0, min(PATIENCE, self._deadline - time.monotonic()))

    def _said(self) -> str:
        self._words.seek(0)
        return self._words.read().decode(errors="replace")

    def _hangs(self) -> FfmpegError:
        return FfmpegError("ffmpeg took too long")

    def _failure(self) -> FfmpegError:
        """Its first complaint, without the part of it that complains."""
        code = self._process.wait()
        complaint = re.search(r"\[(?:error|fatal|panic)\] (.+)", self._said())
        return FfmpegError(complaint[1] if complaint else f"ffmpeg ended with {code}")
