"""The files that a client sends before the prediction that is to read them, and the form in which they come."""

import base64
import hashlib
import json
import mimetypes
import secrets
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from pathlib import Path

from nextscene import NextSceneError
from nextscene.replicate_api import Json, now

UNKNOWN = "application/octet-stream"


@dataclass(frozen=True)
class Upload:
    """One file, and what its sender said of it."""

    path: Path
    name: str
    content_type: str
    metadata: Json
    id: str = field(default_factory=lambda: secrets.token_hex(13))
    created_at: str = field(default_factory=now)

    def address(self, base: str) -> str:
        return f"{base}/v1/files/{self.id}"

    def described(self, base: str) -> Json:
        data = self.path.read_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        return {
            "id": self.id,
            "name": self.name,
            "content_type": self.content_type,
            "size": len(data),
            "etag": sha256,
            "checksums": {"sha256": sha256},
            "metadata": self.metadata,
            "created_at": self.created_at,
            "expires_at": None,
            "urls": {"get": self.address(base)},
        }

    def data_uri(self) -> str:
        return f"data:{self.content_type};base64,{base64.b64encode(self.path.read_bytes()).decode()}"


class Uploads:
    """All files that were sent and not deleted again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._uploads: dict[str, Upload] = {}

    def add(self, content_type: str, body: bytes) -> Upload:
        """The file in a form as Replicate's clients send it: `content`, and perhaps `metadata`."""
        parts = _parts(content_type, body)
        if "content" not in parts:
            raise NextSceneError("There is no file in this form: send it as its field `content`.")
        head, data = parts["content"]
        name, kind = head.get_filename() or "file", head.get_content_type()
        if kind in (UNKNOWN, "text/plain"):  # the latter is what a part without a type counts as
            kind = mimetypes.guess_type(name)[0] or kind
        try:
            metadata = json.loads(parts["metadata"][1]) if "metadata" in parts else {}
        except ValueError as error:
            raise NextSceneError(f"The file's metadata is not JSON: {error}.") from error
        upload = Upload(self._folder / secrets.token_hex(13), name, kind, metadata)
        upload.path.write_bytes(data)
        self._uploads[upload.id] = upload
        return upload

    def all(self) -> list[Upload]:
        return list(self._uploads.values())[::-1]

    def find(self, name: str) -> Upload | None:
        return self._uploads.get(name)

    def delete(self, upload: Upload) -> None:
        del self._uploads[upload.id]
        upload.path.unlink()

    def in_place(self, value: object, base: str) -> object:
        """An input, with the contents of a file in the place of its address."""
        if isinstance(value, list):
            return [self.in_place(each, base) for each in value]
        named = isinstance(value, str) and self.find(value.removeprefix(f"{base}/v1/files/"))
        return named.data_uri() if named else value


def _parts(content_type: str, body: bytes) -> dict[str, tuple[Message, bytes]]:
    """A multipart form's fields by their names: each one's head and its contents."""
    kind = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode())
    if kind.get_content_type() != "multipart/form-data" or not (boundary := kind.get_boundary()):
        raise NextSceneError("A file is sent as multipart/form-data.")
    parts = {}
    for part in (b"\r\n" + body).split(f"\r\n--{boundary}".encode())[1:-1]:
        head, _, data = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        message = message_from_bytes(head + b"\r\n\r\n")
        parts[str(message.get_param("name", header="content-disposition"))] = message, data
    return parts
