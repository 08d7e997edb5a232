"""A film's edit for programs that read no OpenTimelineIO: an EDL, or Final Cut's XML, old or new.

    check_edits([Path("film.edl")])                 # refused here, if it cannot be made
    write_edit(timeline, pictures, title, Path("film.edl"))

OpenTimelineIO's own adapters write them, in a process of their own: in a server's, the library's binding locks up.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from nextscene import NextSceneError
from nextscene.files import write_whole
from nextscene.film.otio import write_otio
from nextscene.film.timeline import Timeline


class _Adapter(NamedTuple):
    name: str
    module: str
    package: str


ADAPTERS = {
    ".edl": _Adapter("cmx_3600", "otio_cmx3600_adapter", "otio-cmx3600-adapter"),
    ".xml": _Adapter("fcp_xml", "otio_fcp_adapter", "otio-fcp-adapter"),
    ".fcpxml": _Adapter("fcpx_xml", "otio_fcpx_xml_adapter", "otio-fcpx-xml-adapter"),
}
LIMIT = 60  # seconds that the adapter may take
_CONVERT = "import sys, opentimelineio.adapters as a; a.write_to_file(a.read_from_file(sys.argv[1]), *sys.argv[2:])"


def check_edits(paths: Iterable[Path]) -> None:
    """Refuses names of no known kind, and kinds whose adapter is not installed."""
    for path in paths:
        adapter = ADAPTERS.get(path.suffix.lower())
        if not adapter:
            kinds = ".edl (CMX 3600), .xml (Final Cut Pro 7, Premiere) or .fcpxml (Final Cut Pro)"
            raise NextSceneError(f"{path.name} has no known format of an edit: name it {kinds}.")
        if not (find_spec("opentimelineio") and find_spec(adapter.module)):
            raise NextSceneError(f"{path.name} needs an adapter: pip install opentimelineio {adapter.package}.")


def write_edit(timeline: Timeline, pictures: Sequence[Path | None], title: str, path: Path) -> None:
    """Writes the timeline as the path's suffix says; the pictures, one for each scene, by their whole addresses."""
    adapter = ADAPTERS[path.suffix.lower()]
    with tempfile.TemporaryDirectory() as folder:
        otio, edit = Path(folder, "film.otio"), Path(folder, f"film{path.suffix.lower()}")
        write_otio(timeline, pictures, title, otio, absolute=True)
        code = [sys.executable, "-c", _CONVERT, str(otio), str(edit), adapter.name]
        done = subprocess.run(code, capture_output=True, text=True, timeout=LIMIT)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise NextSceneError(
                f"{path.name} could not be made by its adapter ({reason}): take the OTIO file instead."
            )
        write_whole(path, edit.read_bytes())
