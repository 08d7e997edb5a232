"""The manifest as a table, by pyarrow: a row for each scene, and one for each story that has none."""

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from io import BytesIO

from nextscene import NextSceneError

COLUMNS = ("story", "state", "reason", "scene", "prompt", "file", "sha256", "seed", "seconds", "noticed")


def refuse_without_pyarrow() -> None:
    if not find_spec("pyarrow"):
        raise NextSceneError(
            "--parquet needs the package pyarrow, which is not here: install what requirements-fleet.txt lists."
        )


def as_table(stories: Mapping[str, Mapping[str, object]]) -> bytes:
    """The stories of a manifest as a Parquet file. file: a scene's path below the batch's folder."""
    import pyarrow as arrow
    from pyarrow import parquet

    kinds = dict.fromkeys(COLUMNS, arrow.string())
    kinds |= {"seed": arrow.int64(), "seconds": arrow.float64(), "noticed": arrow.list_(arrow.string())}
    table = arrow.Table.from_pylist(list(_rows(stories)), schema=arrow.schema(list(kinds.items())))
    out = BytesIO()
    parquet.write_table(table, out)
    return out.getvalue()


def _rows(stories: Mapping[str, Mapping[str, object]]) -> Iterator[dict[str, object]]:
    for name, story in stories.items():
        said = {"story": name, "state": story["state"], "reason": story.get("reason")}
        scenes = story.get("scenes")
        for scene in scenes if isinstance(scenes, list) and scenes else [None]:
            yield said | (scene | {"file": f"{name}/{scene['file']}"} if scene else {})
