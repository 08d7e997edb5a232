"""Which files of a request are opened."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cog.types import Path as CogPath

from nextscene import NextSceneError, files
from nextscene.form import fetched_file, fetched_files, inputs


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Cog's temporary folder, beside one that is not."""
    (tmp_path / "temporary").mkdir()
    (tmp_path / "outside").write_text("secret")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr(files, "_own_folders", {})
    inputs._links.cache_clear()
    yield tmp_path / "temporary"
    inputs._links.cache_clear()


def fetched(uri: str) -> Path:
    """A file as Cog fetches it."""
    made: Path = CogPath.validate(uri).convert()
    return made


def test_what_cog_fetched_is_opened_under_its_inputs_name() -> None:
    file = fetched_file(fetched("data:image/png;base64,aGVsbG8="), "image")
    assert (file.name, file.read_text()) == ("image", "hello")
    assert fetched_file(fetched("data:text/plain;base64,aGVsbG8="), "story").name == "story.txt"
    again = fetched_file(fetched("data:image/png;base64,d29ybGQ="), "image")
    assert again.read_text() == "world"


def test_several_files_are_named_by_their_order() -> None:
    uris = [f"data:image/png,{number}" for number in range(1, 24)]
    found = fetched_files([fetched(uri) for uri in uris], "references")
    assert [file.read_text() for file in found] == [str(number) for number in range(1, 24)]
    shown = [found[number - 1].name.split()[1] for number in (1, 2, 3, 4, 11, 12, 13, 21, 22, 23)]
    assert shown == ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "23rd"]


@pytest.mark.parametrize(
    "place", ["temporary/link", "temporary/folder", "outside", "temporary/../outside", "temporary/nothing"]
)
def test_a_path_that_cog_did_not_fetch_is_refused(temporary: Path, place: str) -> None:
    (temporary / "link").symlink_to(temporary.parent / "outside")
    (temporary / "folder").mkdir()
    with pytest.raises(NextSceneError, match="image is not a file that was sent"):
        fetched_file(temporary.parent / place, "image")


def test_a_link_to_a_fetched_file_is_refused_too(temporary: Path) -> None:
    (temporary / "link").symlink_to(fetched("data:image/png;base64,aGVsbG8="))
    with pytest.raises(NextSceneError, match="image is not a file that was sent"):
        fetched_file(temporary / "link", "image")


def test_of_a_list_that_cog_left_alone_the_stray_is_named() -> None:
    unfetched = CogPath.validate("data:image/png;base64,aGVsbG8=")
    with pytest.raises(NextSceneError, match="references, 2nd picture is not a file that was sent"):
        fetched_files([unfetched, "/etc/hostname"], "references")
