"""A fit in a process of its own: the caller keeps its memory and its imports, and can stop the fit at any moment.

    python -m cxnlp.topics.job FOLDER

FOLDER holds documents.npy, texts.jsonl (one JSON string a line) and config.json. Progress goes to stdout, one JSON object a line,
`{"stage": "discover", "share": 0.05}`; the last one is `{"stage": "done", ...}` or `{"error": "...", "kind": "InvalidInput"}`. The result is left in
FOLDER as fit.npz and labels.json.
"""

import contextlib
import dataclasses
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import orjson

from cxnlp.errors import CxnlpError, InvalidInput
from cxnlp.records import Matrix
from cxnlp.topics.fit import Fit, FitConfig, OnProgress, fit_topics
from cxnlp.topics.labels import TopicLabel
from cxnlp.topics.space import Space

_POLL_SECONDS: Final = 0.2
_GRACE_SECONDS: Final = 5.0
_GIB: Final = 1 << 30


def run_in_subprocess(
    documents: Matrix,
    texts: Sequence[str],
    config: FitConfig,
    on_progress: OnProgress = lambda stage, share: None,
    *,
    is_cancelled: Callable[[], bool] = lambda: False,
    max_memory_gib: float = 6.0,
    folder: Path | None = None,
) -> Fit:
    """Return what `fit_topics` returns, computed in a process of its own.

    Args:
        documents: (n, dim) float32; written to disk once and mapped by the process.
        texts: n texts.
        config: How to fit.
        on_progress: Called in the caller's thread; if it raises, the fit is stopped.
        is_cancelled: Asked five times a second; True stops the fit.
        max_memory_gib: Memory of its own that the process may use, where the system can bound it (Linux).
        folder: Where the files of the exchange lie meanwhile, 1.6 kB a record of 384 dimensions; default is the system's folder for temporary files.

    Raises:
        InvalidInput: As `fit_topics`.
        CxnlpError: The fit was cancelled, ran out of memory, or failed; the message says which.
    """
    with tempfile.TemporaryDirectory(prefix="cxnlp-topics-", dir=folder) as exchange:
        place = Path(exchange)
        _write(place, documents, texts, config)
        command = [sys.executable, "-m", "cxnlp.topics.job", str(place), "--max-memory-gib", str(max_memory_gib)]
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONWARNINGS"}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), environment.get("PYTHONPATH")]))
        with (place / "stderr").open("wb") as errors:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, env=environment)
            try:
                failure = _follow(process, on_progress, is_cancelled)
            finally:
                _stop(process)
        if failure is not None or process.returncode:
            raise failure or CxnlpError(f"the topic fit ended unexpectedly: {_reason(process.returncode, place / 'stderr')}")
        return _read(place)


def main(arguments: Sequence[str]) -> int:
    """Fit what lies in the folder named first; return the exit code."""
    folder = Path(arguments[0])
    limit = float(arguments[arguments.index("--max-memory-gib") + 1]) if "--max-memory-gib" in arguments else None
    output = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        try:
            if limit:
                _bound_memory(limit)
            config = orjson.loads((folder / "config.json").read_bytes())
            config["user_dictionary"] = Path(config["user_dictionary"]) if config["user_dictionary"] else None
            texts = [orjson.loads(line) for line in (folder / "texts.jsonl").read_bytes().splitlines()]
            documents = np.load(folder / "documents.npy", mmap_mode="r")
            _save(folder, fit_topics(documents, texts, FitConfig(**config), lambda stage, share: _say(output, {"stage": stage, "share": share})))
        except CxnlpError as error:
            _say(output, {"error": str(error), "kind": type(error).__name__})
            return 1
        except MemoryError:
            _say(output, {"error": f"the topic fit needs more than {limit} GiB of memory; lower `sample` or raise the limit", "kind": "CxnlpError"})
            return 1
    return 0


def _say(output: IO[str], line: dict[str, Any]) -> None:
    output.write(orjson.dumps(line).decode() + "\n")
    output.flush()


def _bound_memory(limit_gib: float) -> None:
    if sys.platform != "linux":
        return
    import resource

    # RLIMIT_DATA counts what the process has written or could write, not the mapped vectors or libraries.
    resource.setrlimit(resource.RLIMIT_DATA, (int(limit_gib * _GIB), resource.getrlimit(resource.RLIMIT_DATA)[1]))


def _follow(process: "subprocess.Popen[bytes]", on_progress: OnProgress, is_cancelled: Callable[[], bool]) -> CxnlpError | None:
    """Report progress until the process ends; return the error that it told of."""
    failure = None
    for line in _lines(process, is_cancelled):
        said = orjson.loads(line)
        if "error" in said:
            failure = (InvalidInput if said["kind"] == "InvalidInput" else CxnlpError)(said["error"])
        else:
            on_progress(said["stage"], said["share"])
    process.wait()
    return failure


def _lines(process: "subprocess.Popen[bytes]", is_cancelled: Callable[[], bool]) -> Iterator[bytes]:
    """Yield the lines that the process prints.

    Raises:
        CxnlpError: `is_cancelled` said so.
    """
    lines = queue.SimpleQueue[bytes | None]()
    threading.Thread(target=_read_lines, args=(process.stdout, lines), daemon=True).start()
    while True:
        if is_cancelled():
            raise CxnlpError("the topic fit was cancelled; the topics stay as they were")
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


def _reason(code: int, stderr: Path) -> str:
    lines = stderr.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return f"{how}; {lines[-1]}" if lines else f"{how}; if memory was short, lower `sample`"


def _write(folder: Path, documents: Matrix, texts: Sequence[str], config: FitConfig) -> None:
    np.save(folder / "documents.npy", np.asarray(documents, np.float32))
    with (folder / "texts.jsonl").open("wb") as lines:
        lines.writelines(orjson.dumps(text) + b"\n" for text in texts)
    (folder / "config.json").write_bytes(orjson.dumps(dataclasses.asdict(config), default=str))


def _save(folder: Path, fit: Fit) -> None:
    np.savez(
        folder / "fit.npz",
        assignments=fit.assignments,
        similarities=fit.similarities,
        centroids=fit.centroids,
        origin=fit.space.origin,
        axes=fit.space.axes,
        threshold=np.float64(fit.threshold),
    )
    (folder / "labels.json").write_bytes(orjson.dumps([dataclasses.asdict(label) for label in fit.labels]))


def _read(folder: Path) -> Fit:
    labels = tuple(TopicLabel(tuple(line["words"]), line["name"]) for line in orjson.loads((folder / "labels.json").read_bytes()))
    with np.load(folder / "fit.npz") as arrays:
        space = Space(arrays["origin"], arrays["axes"])
        return Fit(arrays["assignments"], arrays["similarities"], arrays["centroids"], labels, space, float(arrays["threshold"]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
