"""A computation in a process of its own: the caller keeps its memory and its imports, and can stop it at any moment.

The process is `python -m MODULE FOLDER`; what it needs and what it leaves lies in FOLDER. It tells of its progress on stdout, one JSON object a
line, `{"stage": "discover", "share": 0.05}`; one that refuses ends with `{"error": "...", "kind": "InvalidInput"}`. It ends with its caller, however
that ends, since its stdin is a pipe that the caller holds open.
"""

import contextlib
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, TypeAlias

import orjson

from cxnlp.errors import CxnlpError, InvalidInput

OnProgress: TypeAlias = Callable[[str, float], None]
_POLL_SECONDS: Final = 0.2
_GRACE_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Job:
    """What runs, and how its end is told.

    Attributes:
        module: With the process's side, such as `cxnlp.topics.job`.
        name: As messages call it, such as `the topic fit`.
        unharmed: What is as it was before, if it is cancelled.
        remedy: What to do if it ends without a word.
    """

    module: str
    name: str
    unharmed: str
    remedy: str


def run_job(job: Job, folder: Path, on_progress: OnProgress, is_cancelled: Callable[[], bool], arguments: Sequence[str] = ()) -> None:
    """Run a job on what lies in `folder` and return when it is done.

    Args:
        job: What to run.
        folder: Of the exchange.
        on_progress: Called with (stage, share in [0, 1]) in the caller's thread; if it raises, the process is stopped.
        is_cancelled: Asked five times a second; True stops the process.
        arguments: Further ones of the process.

    Raises:
        InvalidInput: The process refused its input.
        CxnlpError: It was cancelled or failed; the message says which.
    """
    command = [sys.executable, "-m", job.module, str(folder), *arguments]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONWARNINGS"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(Path(__file__).parents[1]), environment.get("PYTHONPATH")]))
    with (folder / "stderr").open("wb") as errors:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=environment)
        try:
            failure = _follow(process, job, on_progress, is_cancelled)
        finally:
            _stop(process)
            if process.stdin:
                process.stdin.close()
    if failure is not None or process.returncode:
        raise failure or CxnlpError(f"{job.name} ended unexpectedly: {_reason(process.returncode, folder / 'stderr', job.remedy)}")


def serve_job(work: Callable[[OnProgress], None]) -> int:
    """Do the process's side: run `work`, tell of its progress and of an expected error; return the exit code."""
    threading.Thread(target=_end_with_caller, daemon=True).start()
    output = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        try:
            work(lambda stage, share: _say(output, {"stage": stage, "share": share}))
        except CxnlpError as error:
            _say(output, {"error": str(error), "kind": type(error).__name__})
            return 1
    return 0


def _end_with_caller() -> None:
    while os.read(0, 1):  # not sys.stdin, whose lock a thread may not hold when the interpreter ends
        pass
    os._exit(1)


def _say(output: IO[str], line: dict[str, Any]) -> None:
    output.write(orjson.dumps(line).decode() + "\n")
    output.flush()


def _follow(process: "subprocess.Popen[bytes]", job: Job, on_progress: OnProgress, is_cancelled: Callable[[], bool]) -> CxnlpError | None:
    """Report progress until the process ends; return the error that it told of."""
    failure = None
    for line in _lines(process, job, is_cancelled):
        said = orjson.loads(line)
        if "error" in said:
            failure = (InvalidInput if said["kind"] == "InvalidInput" else CxnlpError)(said["error"])
        else:
            on_progress(said["stage"], said["share"])
    process.wait()
    return failure


def _lines(process: "subprocess.Popen[bytes]", job: Job, is_cancelled: Callable[[], bool]) -> Iterator[bytes]:
    lines = queue.SimpleQueue[bytes | None]()
    threading.Thread(target=_read_lines, args=(process.stdout, lines), daemon=True).start()
    while True:
        if is_cancelled():
            raise CxnlpError(f"{job.name} was cancelled; {job.unharmed}")
        try:
            line = lines.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            continue
        if line is None:
            return
        yield line


def _read_lines(stream: IO[bytes], lines: "queue.SimpleQueue[bytes | None]") -> None:
    with stream:
        for line in stream:
            lines.put(line)
    lines.put(None)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _reason(code: int, stderr: Path, remedy: str) -> str:
    lines = stderr.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return f"{how}; {lines[-1]}" if lines else f"{how}; {remedy}"
