"""A script from a file or a text: Fountain, Final Draft's FDX, or prose."""

from pathlib import Path

from nextscene import NextSceneError
from nextscene.script.fdx import read_fdx
from nextscene.script.fountain import read_fountain
from nextscene.script.prose import is_section, read_prose
from nextscene.script.script import HIDDEN, Format, Script

MAX_SCRIPT = 4_000_000  # bytes; the longest screenplays have a tenth of it
LONGEST_NAME = 40  # characters of who speaks; a longer line in capitals is a title
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
    if suffix in SUFFIXES or _is_screenplay(screenplay):
        return _with_words(screenplay, name)
    return _with_words(script_of(text, "prose"), name)


def _is_screenplay(script: Script) -> bool:
    """Whether a text read as Fountain is a screenplay: it has headings, or people who speak below their names, or it
    holds nothing but what is hidden."""
    kinds = {each.kind for each in script.elements}
    names = [words for each in script.elements if each.kind == "character" and (words := script.words([each]))]
    spoken = sum(len(name) <= LONGEST_NAME and not is_section(name) for name in names)
    return "heading" in kinds or spoken > 1 or kinds <= {*HIDDEN, "title page", "blank"}


def script_of(text: str, format: Format) -> Script:
    """The script that a text is; of an FDX file, in Fountain."""
    return Script(text, format, read_prose(text) if format == "prose" else read_fountain(text))


def _with_words(script: Script, name: str) -> Script:
    if not any(each.kind not in ("title page", "note", "cut", "blank") for each in script.elements):
        raise NextSceneError(f"T{name[1:]} has no words to film.")
    return script
