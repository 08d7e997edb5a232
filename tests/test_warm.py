"""A process that is forked from one with its imports done is as one that Python was started for."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import warm

FACTS = """
import os, signal, sys, threading

print(__name__, sys.argv, os.getcwd(), sys.path[0], sorted(os.environ.items()))
print(repr(sys.stdin.read()), [stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)])
print([signal.getsignal(number) for number in (signal.SIGINT, signal.SIGCHLD)])
print(threading.active_count(), sorted(os.listdir("/proc/self/fd"))[:3])
print("This goes elsewhere.", file=sys.stderr)
"""


@pytest.fixture(autouse=True)
def ctrl_c_is_not_ignored() -> None:
    """It is in what a shell runs in the background, and in what that starts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def program(folder: Path, end: str) -> Path:
    file = folder / "program.py"
    file.write_text(FACTS + end)
    return file


@pytest.mark.parametrize(
    "end", ["", "sys.exit(3)", "sys.exit('a sentence')", "os._exit(4)", "os.kill(os.getpid(), signal.SIGKILL)"]
)
@pytest.mark.parametrize("way", ["a file", "a module"])
def test_all_that_a_program_can_tell_of_itself_is_the_same(end: str, way: str, tmp_path: Path) -> None:
    file = program(tmp_path, end)
    words = ["-m", "program"] if way == "a module" else [str(file)]
    words += ["an argument", "--flag"]
    environment = {name: value for name, value in warm.ENVIRONMENT.items() if name != "PATH"} | {"MINE": "1"}
    cold = subprocess.run(
        [sys.executable, *words],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    forked = warm.run(*words, cwd=tmp_path, env=environment)
    assert (forked.returncode, forked.stdout, forked.stderr) == (cold.returncode, cold.stdout, cold.stderr)


def test_an_error_that_nobody_catches_is_printed_and_fails(tmp_path: Path) -> None:
    done = warm.run(str(program(tmp_path, "1 / 0")), cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.endswith("ZeroDivisionError: division by zero\n")


def test_what_was_to_be_done_at_the_end_is_done(tmp_path: Path) -> None:
    end = "import atexit, time; atexit.register(print, 'last')\n"
    end += "threading.Thread(target=lambda: (time.sleep(0.2), print('thread'))).start()"
    assert warm.run(str(program(tmp_path, end)), cwd=tmp_path).stdout.split()[-2:] == ["thread", "last"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_what_runs(number: signal.Signals, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    file = program(tmp_path, "print('ready', flush=True); signal.pause()")
    with Path(os.devnull).open("w") as nothing:
        process = warm.start(str(file), cwd=tmp_path, stdout=writer, stderr=nothing)
    os.close(writer)
    with os.fdopen(reader) as said:
        while said.readline() != "ready\n":
            assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.01)
        process.send_signal(number)
        assert process.wait() == process.poll() == -number
        process.send_signal(number)  # to nobody
        assert said.read() == ""


def test_many_run_at_once_and_each_is_its_own(tmp_path: Path) -> None:
    file = program(tmp_path, "sys.exit(int(os.environ['MINE']))")
    with Path(os.devnull).open("w") as nothing:
        many = [
            warm.start(
                str(file), cwd=tmp_path, env={**warm.ENVIRONMENT, "MINE": str(n)}, stdout=nothing, stderr=nothing
            )
            for n in range(8)
        ]
    assert len({each.pid for each in many}) == 8
    assert [each.wait() for each in reversed(many)] == list(reversed(range(8)))


def test_a_variable_that_was_read_at_import_is_not_changed_in_silence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="HF_ENDPOINT may be read at import"):
        warm.run("-m", "nextscene.cli", cwd=tmp_path, env={**warm.ENVIRONMENT, "HF_ENDPOINT": "http://localhost:1"})
