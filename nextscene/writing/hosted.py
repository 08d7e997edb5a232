"""Hosted writers: OpenAI's dialect (OpenAI, Gemini, and local servers that speak it) and Anthropic's.

Only asked when somebody names them. A key comes from the environment, or is handed over, and goes into one header of a
request: it is written nowhere.
"""

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx2

from nextscene import NextSceneError
from nextscene.writing.asking import Task, TooLongError, WriterError

LONGEST_ANSWER = 8000  # tokens
PATIENCE = 120.0  # seconds for an answer
LONGEST_PAUSE = 30.0  # seconds that a busy server may ask us to wait


@dataclass(frozen=True)
class Hosted:
    """A writer at an address. key: kept out of all that is shown."""

    name: str
    dialect: Literal["openai", "anthropic"]
    address: str
    model: str
    key: str = field(repr=False)

    def answer(self, task: Task) -> str:
        """One request; a `WriterError`, where another try may help, and an error, where only the user can."""
        try:
            with httpx2.Client(timeout=PATIENCE, follow_redirects=False, trust_env=False) as client:
                answer = client.post(self.address, headers=self._headers(), json=self._body(task))
        except httpx2.HTTPError as error:
            raise WriterError(f"its server broke off ({type(error).__name__})") from None
        if answer.status_code in (400, 401, 403, 404, 422):
            raise NextSceneError(self._refusal(answer.status_code))
        if answer.status_code != 200:
            _pause(answer)
            raise WriterError(f"its server answered {answer.status_code}")
        try:
            return self._words(answer.json())
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            raise WriterError("its server answered something that is no answer") from None

    def _headers(self) -> dict[str, str]:
        if self.dialect == "anthropic":
            return {"x-api-key": self.key, "anthropic-version": "2023-06-01"}
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    def _body(self, task: Task) -> dict[str, Any]:
        told = [{"role": "user", "content": task.words}]
        if task.complaint:
            told[0]["content"] += f"\n\nYour last answer was not right: {task.complaint}. Answer again."
        if self.dialect == "anthropic":
            shape = {"format": {"type": "json_schema", "schema": task.schema}}
            return {"model": self.model, "max_tokens": LONGEST_ANSWER, "system": task.system, "messages": told} | {
                "output_config": shape
            }
        form = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": task.schema}}
        return {
            "model": self.model,
            "messages": [{"role": "system", "content": task.system}, *told],
            "response_format": form,
        }

    def _words(self, answer: Any) -> str:
        if self.dialect == "anthropic":
            said = "".join(part["text"] for part in answer["content"] if part["type"] == "text")
            why, refusal = answer["stop_reason"], answer["stop_reason"] == "refusal"
        else:
            choice = answer["choices"][0]
            said, why = choice["message"].get("content") or "", choice["finish_reason"]
            refusal = bool(choice["message"].get("refusal")) or why == "content_filter"
        if refusal:
            raise WriterError("it refused to answer")
        if why in ("length", "max_tokens"):
            raise TooLongError("its answer was cut off at its greatest length")
        return str(said)

    def _refusal(self, status: int) -> str:
        if status in (401, 403):
            better = f"set {key_name(self.name)}, or give another writer_key"
            return f"The writer {self.name} does not take the key ({status}): {better}."
        return f"The writer {self.name} does not take the question ({status}): check its address and its model."


SERVICES: Mapping[str, tuple[Literal["openai", "anthropic"], str, str, str]] = {
    "openai": ("openai", "https://api.openai.com/v1/chat/completions", "gpt-5-mini", "OPENAI_API_KEY"),
    "gemini": (
        "openai",
        "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions",
        "gemini-2.5-flash",
        "GEMINI_API_KEY",
    ),
    "anthropic": ("anthropic", "https://api.anthropic.com/v1/messages", "claude-sonnet-4-5", "ANTHROPIC_API_KEY"),
}
OWN_KEY = "NEXT_SCENE_WRITER_KEY"  # for a server that is named by its address


def find_hosted(named: str, key: str | None = None, model: str | None = None) -> Hosted:
    """A writer by its service's name, or by the address of a server that speaks OpenAI's dialect.

    key: None: the one of the environment. model: None: the service's usual one.
    """
    if service := SERVICES.get(named):
        dialect, place, usual, variable = service
        key = _plain_key(key or os.environ.get(variable, ""))
        if not key:
            raise NextSceneError(f"The writer {named} needs a key: set {variable}, or take rules, which needs none.")
        return Hosted(f"{named} {model or usual}", dialect, place, model or usual, key)
    address = httpx2.URL(named)
    if address.scheme not in ("http", "https") or not address.host:
        known = ", ".join(("rules", "local", *SERVICES))
        raise NextSceneError(f"There is no writer {named!r}: name {known}, or a server's http(s) address.")
    full = named if address.path.endswith("/chat/completions") else f"{named.rstrip('/')}/chat/completions"
    private = address.scheme == "https" or address.host in ("localhost", "127.0.0.1", "::1")
    own = (
        _plain_key(key or os.environ.get(OWN_KEY, "")) if private else ""
    )  # no key goes over a wire that others can read
    return Hosted(f"{address.host} {model or 'default'}", "openai", full, model or "default", own)


def _plain_key(key: str) -> str:
    """A key that fits into a header: what does not would be repeated by an error there."""
    if not re.fullmatch(r"[!-~]*", key.strip()):
        raise NextSceneError("The writer's key has a space or a letter in it that no key has: copy it once more.")
    return key.strip()


def key_name(writer: str) -> str:
    """The variable of the environment that a writer's key comes from."""
    service = SERVICES.get(writer.split()[0])
    return service[3] if service else OWN_KEY


def _pause(answer: httpx2.Response) -> None:
    """Waits as long as a busy server asks, within reason."""
    asked = answer.headers.get("retry-after", "0")
    time.sleep(min(float(asked) if asked.replace(".", "", 1).isdecimal() else 0, LONGEST_PAUSE))
