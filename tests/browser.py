"""A real headless browser, driven as its own developer tools do it: over two pipes, with no other package.

with opened(profile, "http://127.0.0.1:8420") as tab:
    tab.run("document.title")                 # what JavaScript gives; promises are waited for
    tab.until("document.querySelector('video')")
"""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe"]
UNTIL = """new Promise((done, failed) => {
  const look = () => { try { return %s } catch { return false } };
  const last = setTimeout(() => failed(document.body.innerText.slice(0, 3000)), 30000);
  (function again() { look() ? (clearTimeout(last), done(true)) : setTimeout(again, 20) })();
})"""


class Tab:
    """One page in the browser."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, os.fdopen(answers, "rb", buffering=0)
        self._number, self._left = 0, b""
        self._session: str | None = None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.ask("Page.enable")
        self.ask("Runtime.enable")

    def ask(self, method: str, **parameters: Any) -> Any:
        """One command of the developer tools, and its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            if answer.get("method") == "Page.javascriptDialogOpening":
                assert answer["params"]["type"] == "beforeunload", answer
                accept = {"id": 0, "method": "Page.handleJavaScriptDialog", "params": {"accept": True}}
                os.write(self._commands, json.dumps(accept | {"sessionId": self._session}).encode() + b"\0")
        assert "error" not in answer, answer
        return answer["result"]

    def open(self, address: str) -> None:
        self.ask("Page.navigate", url=address)
        self.until(f"location.href.startsWith({json.dumps(address)}) && document.readyState === 'complete'")

    def run(self, script: str) -> Any:
        answer = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, script: str) -> None:
        """Waits until this is true; what the page says is the failure's text."""
        self.run(UNTIL % script)

    def size(self, width: int, height: int, scale: float = 1, *, dark: bool = False) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 600}
        self.ask("Emulation.setDeviceMetricsOverride", **metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])

    def press(self, key: str, modifiers: int = 0) -> None:
        """One key; modifiers: 1 Alt, 2 Ctrl."""
        text = {"text": key} if len(key) == 1 and not modifiers else {}
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, modifiers=modifiers, **text)

    def type(self, words: str) -> None:
        self.ask("Input.insertText", text=words)

    def picture(self, file: Path, *, whole: bool = False) -> None:
        data = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        file.write_bytes(base64.b64decode(data))

    def _next(self) -> Any:
        while b"\0" not in self._left:
            piece = self._answers.read(1 << 16)
            assert piece, "the browser ended"
            self._left += piece
        message, self._left = self._left.split(b"\0", 1)
        return json.loads(message)


@contextmanager
def opened(profile: Path, address: str) -> Iterator[Tab]:
    """A browser with this page open; nothing of it is left afterwards."""
    to_browser, commands = os.pipe()
    answers, from_browser = os.pipe()

    def as_the_browser_knows_them() -> None:
        kept = os.dup(to_browser), os.dup(from_browser)
        os.dup2(kept[0], 3)
        os.dup2(kept[1], 4)

    arguments = [str(BROWSER), *FLAGS, f"--user-data-dir={profile}", "about:blank"]
    browser = subprocess.Popen(
        arguments, stderr=subprocess.DEVNULL, close_fds=False, preexec_fn=as_the_browser_knows_them
    )
    os.close(to_browser)
    os.close(from_browser)
    try:
        tab = Tab(commands, answers)
        tab.open(address)
        yield tab
    finally:
        browser.terminate()
        browser.wait()
        os.close(commands)
