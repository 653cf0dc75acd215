"""A fit in a process of its own, see `cxnlp.jobs`.

    python -m cxnlp.topics.job FOLDER [--max-memory-gib GIB] [--work FOLDER]

FOLDER holds documents.npy, texts.jsonl (one JSON string a line) and config.json. The result is left in FOLDER as fit.npz and labels.json.
"""

import dataclasses
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import orjson

from cxnlp.errors import CxnlpError
from cxnlp.jobs import Job, run_job, serve_job
from cxnlp.records import Matrix
from cxnlp.text.spacy_tokens import cutter
from cxnlp.topics.fit import Fit, FitConfig, OnProgress, fit_topics
from cxnlp.topics.labels import TopicLabel
from cxnlp.topics.space import Space

_GIB: Final = 1 << 30
_JOB: Final = Job("cxnlp.topics.job", "the topic fit", "the topics stay as they were", "if memory was short, lower `sample`")


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
        folder: Where the files of the exchange lie meanwhile, 1.6 kB a record of 384 dimensions, and what is found on the way stays, for the same fit
            begun anew; default is the system's folder for temporary files, where nothing stays.

    Raises:
        InvalidInput: As `fit_topics`.
        CxnlpError: The fit was cancelled, ran out of memory, or failed; the message says which.
    """
    with tempfile.TemporaryDirectory(prefix="cxnlp-topics-", dir=folder) as exchange:
        place = Path(exchange)
        _write(place, documents, texts, config)
        work = ["--work", str(folder.resolve())] if folder else []
        run_job(_JOB, place, on_progress, is_cancelled, ["--max-memory-gib", str(max_memory_gib), *work])
        return _read(place)


def main(arguments: Sequence[str]) -> int:
    """Fit what lies in the folder named first; return the exit code."""
    options = dict(zip(arguments[1::2], arguments[2::2], strict=True))
    limit = float(options["--max-memory-gib"]) if "--max-memory-gib" in options else None
    work = Path(options["--work"]) if "--work" in options else None
    return serve_job(lambda on_progress: _fit(Path(arguments[0]), limit, work, on_progress))


def _fit(folder: Path, limit: float | None, work: Path | None, on_progress: OnProgress) -> None:
    try:
        if limit:
            _bound_memory(limit)
        config = orjson.loads((folder / "config.json").read_bytes())
        config["user_dictionary"] = Path(config["user_dictionary"]) if config["user_dictionary"] else None
        texts = [orjson.loads(line) for line in (folder / "texts.jsonl").read_bytes().splitlines()]
        documents = np.load(folder / "documents.npy", mmap_mode="r")
        made = fit_topics(documents, texts, FitConfig(**config), on_progress, work, cutter(config["user_dictionary"]))
        _save(folder, made)
    except ImportError as error:
        raise CxnlpError(f"topics need the libraries of the extra `topics` ({error}); install it with: pip install 'cxnlp[topics]'") from error
    except MemoryError:
        raise CxnlpError(f"the topic fit needs more than {limit} GiB of memory; lower `sample` or raise the limit") from None


def _bound_memory(limit_gib: float) -> None:
    if sys.platform != "linux":
        return
    import resource

    # RLIMIT_DATA counts what the process has written or could write, not the mapped vectors or libraries.
    resource.setrlimit(resource.RLIMIT_DATA, (int(limit_gib * _GIB), resource.getrlimit(resource.RLIMIT_DATA)[1]))


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
        positions=fit.positions,
    )
    (folder / "labels.json").write_bytes(orjson.dumps([dataclasses.asdict(label) for label in fit.labels]))


def _read(folder: Path) -> Fit:
    labels = tuple(
        TopicLabel(tuple(line["words"]), line["name"], tuple(line["quotes"])) for line in orjson.loads((folder / "labels.json").read_bytes())
    )
    with np.load(folder / "fit.npz") as arrays:
        space = Space(arrays["origin"], arrays["axes"])
        threshold, positions = float(arrays["threshold"]), arrays["positions"]
        return Fit(arrays["assignments"], arrays["similarities"], arrays["centroids"], labels, space, threshold, positions)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
