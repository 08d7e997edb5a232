"""Runs `python ...` as a process of its own, forked from one that has imported already: without seconds of importing.

    run = warm.run("-m", "nextscene.cli", "sequence", "a|b", cwd=folder)          # as subprocess.run
    process = warm.start("-m", "nextscene.cli", "sequence", "a|b", cwd=folder)    # as subprocess.Popen

What runs is a real process: arguments, folder, environment, input and output, signals, threads and exit code are its
own. Only the modules of `IMPORTED` are there before it begins. A test of what is imported, or of variables that are
read at import, starts Python itself.

The process that is forked from, the nursery, is this file run as a program. It starts with the first command that a
test runs, and ends when the tests do.
"""

import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import IO, NoReturn

ROOT = Path(__file__).resolve().parent.parent
IMPORTED = (
    *("nextscene.cli", "nextscene.model.loading", "nextscene.model.speed", "nextscene.shooting.studio"),
    *("diffusers.pipelines.onnx_utils", "peft.tuners.lora.bnb"),  # which a model's loading imports
)
READ_AT_IMPORT = ("CUDA", "HF_", "KMP_", "MKL_", "OMP_", "OPENBLAS_", "PYTHON", "PYTORCH_", "TORCH", "TRANSFORMERS_")
ENVIRONMENT = os.environ | {"CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)}
LARGEST_ORDER = 150_000  # bytes of one message between processes

Stream = IO[str] | IO[bytes] | int


class Process:
    """A command that runs, with what tests need of subprocess.Popen."""

    def __init__(self, args: tuple[str, ...], keeper: socket.socket) -> None:
        self.args = args
        self.returncode: int | None = None
        self._keeper = keeper
        self.pid = self._hear(timeout=None)

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, or the negative number of the signal that ended it."""
        if self.returncode is None:
            self.returncode = self._hear(timeout)
            self._keeper.close()
        return self.returncode

    def poll(self) -> int | None:
        try:
            return self.wait(timeout=0)
        except subprocess.TimeoutExpired:
            return None

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def _hear(self, timeout: float | None) -> int:
        self._keeper.settimeout(timeout)
        try:
            answer = self._keeper.recv(32)
        except (TimeoutError, BlockingIOError) as late:
            raise subprocess.TimeoutExpired(self.args, timeout or 0) from late
        if not answer:
            raise ChildProcessError(f"The nursery of tests/warm.py ended before {self.args}: see its errors above.")
        return int(answer)


def start(
    *args: str,
    cwd: Path,
    env: Mapping[str, str] = ENVIRONMENT,
    stdin: Stream | None = None,
    stdout: Stream = 1,
    stderr: Stream = 2,
) -> Process:
    """Starts `python ARGS`, where ARGS are `-m MODULE ...` or `FILE ...`; without `stdin` there is nothing to read."""
    for name in {*env, *ENVIRONMENT}:
        if name.startswith(READ_AT_IMPORT) and env.get(name) != ENVIRONMENT.get(name):
            raise ValueError(
                f"{name} may be read at import, which was done without it: start Python itself for {args}."
            )
    order = json.dumps({"args": args, "cwd": str(cwd), "env": dict(env)}).encode()
    ours, keepers = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with keepers, Path(os.devnull).open("rb") as nothing:
        streams = (stdin or nothing, stdout, stderr)
        numbers = [stream if isinstance(stream, int) else stream.fileno() for stream in streams]
        socket.send_fds(_nursery(), [order], [keepers.fileno(), *numbers])
    return Process(args, ours)


def run(
    *args: str, cwd: Path, env: Mapping[str, str] = ENVIRONMENT, timeout: float | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs `python ARGS` to its end, with nothing to read; what it wrote comes back as text."""
    with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
        code = start(*args, cwd=cwd, env=env, stdout=stdout, stderr=stderr).wait(timeout)
        for stream in (stdout, stderr):
            stream.seek(0)
        return subprocess.CompletedProcess(args, code, stdout.read(), stderr.read())


@cache
def _nursery() -> socket.socket:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        command = [sys.executable, __file__, str(theirs.fileno())]
        subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])
    return ours


def _wait_for_orders(orders: socket.socket) -> tuple[list[str], socket.socket]:
    """Forks for each order, and returns in the fork alone: with the arguments, and who is to be answered."""
    while True:
        message, numbers, _, _ = socket.recv_fds(orders, LARGEST_ORDER, 4)
        if not message:
            sys.exit()
        if os.fork() == 0:
            break
        for number in numbers:
            os.close(number)
    orders.close()
    order = json.loads(message)
    for standard, number in enumerate(numbers[1:]):
        os.dup2(number, standard)
        os.close(number)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    return order["args"], socket.socket(fileno=numbers[0])


def _keep(child: int, tests: socket.socket) -> NoReturn:
    """Tells the tests a process' number and how it ended. They may send signals to the number until they know that."""
    for standard in range(3):
        os.close(standard)
    tests.send(str(child).encode())
    if end := os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT):
        tests.send(str(end.si_status if end.si_code == os.CLD_EXITED else -end.si_status).encode())
    tests.recv(1)  # nothing: they have closed it
    os.waitpid(child, 0)
    os._exit(0)


def main() -> None:
    for module in IMPORTED:
        importlib.import_module(module)
    gc.freeze()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is for the tests and for what they started
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    args, tests = _wait_for_orders(socket.socket(fileno=int(sys.argv[1])))
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child:
        _keep(child, tests)
    tests.close()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if args[0] == "-m":
        sys.argv, sys.path[0] = args[1:], str(Path.cwd())
        runpy.run_module(args[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv, sys.path[0] = args, str(Path(args[0]).resolve().parent)
        runpy.run_path(args[0], run_name="__main__")


if __name__ == "__main__":
    main()
