"""A script from a file or a text: Fountain, Final Draft's FDX, or prose."""

from pathlib import Path

from nextscene import NextSceneError
from nextscene.script.fdx import read_fdx
from nextscene.script.fountain import read_fountain
from nextscene.script.prose import read_prose
from nextscene.script.script import Format, Script

MAX_SCRIPT = 4_000_000  # bytes; the longest screenplays have a tenth of it
SUFFIXES = (".fountain", ".spmd", ".fdx")  # files that are scripts, whatever is in them


def read_script_file(path: Path) -> Script:
    """A script from a file; what it is, its name says, or else its content."""
    name = f"the script {path.name!r}"
    try:
        if path.stat().st_size > MAX_SCRIPT:
            raise NextSceneError(f"T{name[1:]} is larger than {MAX_SCRIPT // 10**6} MB: no script is.")
        data = path.read_bytes()
    except FileNotFoundError:
        raise NextSceneError(f"There is no script {str(path)!r}.") from None
    except (OSError, ValueError) as error:
        raise NextSceneError(f"T{name[1:]} cannot be read ({getattr(error, 'strerror', None) or error}).") from None
    return read_script(data, path.suffix.lower(), name)


def read_script(data: bytes, suffix: str = "", name: str = "the script") -> Script:
    """A script from a file's bytes. suffix: the ending of the file's name; empty: the content says what it is."""
    if suffix == ".fdx" or (not suffix and b"<FinalDraft" in data[:1000]):
        return _with_words(script_of(read_fdx(data), "fdx"), name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NextSceneError(f"T{name[1:]} is no UTF-8 text ({error.reason}): save it as UTF-8.") from None
    screenplay = script_of(text, "fountain")
    if suffix in SUFFIXES or any(each.kind == "heading" for each in screenplay.elements):
        return _with_words(screenplay, name)
    return _with_words(script_of(text, "prose"), name)


def script_of(text: str, format: Format) -> Script:
    """The script that a text is; of an FDX file, in Fountain."""
    return Script(text, format, read_prose(text) if format == "prose" else read_fountain(text))


def _with_words(script: Script, name: str) -> Script:
    if not any(each.kind not in ("title page", "note", "cut", "blank") for each in script.elements):
        raise NextSceneError(f"T{name[1:]} has no words to film.")
    return script
