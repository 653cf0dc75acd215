"""A retrain in a process of its own, see `cxnlp.jobs`: torch stays out of the caller.

    python -m cxnlp.heads.job FOLDER

FOLDER holds start.safetensors, corrected.npz, replay.npz and job.json (card, labels, configuration). The result is left there as
model.safetensors.
"""

import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import numpy as np
import orjson
from safetensors.numpy import load_file, save_file

from cxnlp.errors import CxnlpError
from cxnlp.heads.examples import Examples, RefitConfig
from cxnlp.heads.network import Network
from cxnlp.jobs import Job, OnProgress, run_job, serve_job
from cxnlp.records import Matrix

_JOB: Final = Job("cxnlp.heads.job", "the retrain", "the active version stays as it was", "if memory was short, close other programs")


def refit_in_subprocess(
    start: Network,
    corrected: Examples,
    replay: Examples,
    config: RefitConfig,
    on_progress: OnProgress = lambda stage, share: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> dict[str, Matrix]:
    """Return what `cxnlp.heads.retraining.refit` returns, computed in a process of its own.

    Args:
        start: The network to go on from.
        corrected: Records with people's labels.
        replay: Other records.
        config: How to learn.
        on_progress: Called with (`fit`, share in [0, 1]) in the caller's thread; if it raises, the process is stopped.
        is_cancelled: Asked five times a second; True stops the process.

    Raises:
        CxnlpError: It was cancelled, lacks torch, or failed; the message says which.
    """
    with tempfile.TemporaryDirectory(prefix="cxnlp-retrain-") as exchange:
        folder = Path(exchange)
        save_file({name: np.ascontiguousarray(value) for name, value in start.weights.items()}, folder / "start.safetensors")
        for name, examples in (("corrected", corrected), ("replay", replay)):
            np.savez(folder / f"{name}.npz", documents=examples.documents, clauses=examples.clauses, counts=examples.counts)
        job = {"card": dict(start.card), "labels": list(corrected.labels), "config": asdict(config)}
        (folder / "job.json").write_bytes(orjson.dumps(job))
        run_job(_JOB, folder, on_progress, is_cancelled)
        return dict(load_file(folder / "model.safetensors"))


def main(arguments: Sequence[str]) -> int:
    """Refit what lies in the folder named first; return the exit code."""
    return serve_job(lambda on_progress: _work(Path(arguments[0]), on_progress))


def _work(folder: Path, on_progress: OnProgress) -> None:
    on_progress("start", 0.0)
    try:
        import torch

        from cxnlp.heads.retraining import refit
    except ImportError as error:
        raise CxnlpError(f"retraining needs torch ({error}); install it with: pip install 'cxnlp[retraining]'") from error
    torch.set_num_threads(1)  # the network is small: more threads would mostly wait for each other
    job = orjson.loads((folder / "job.json").read_bytes())
    corrected, replay = _read(folder / "corrected.npz", job["labels"]), _read(folder / "replay.npz", ())
    weights = refit(load_file(folder / "start.safetensors"), job["card"], corrected, replay, RefitConfig(**job["config"]), on_progress)
    save_file(weights, folder / "model.safetensors")


def _read(path: Path, labels: Sequence[dict[str, object]]) -> Examples:
    with np.load(path) as arrays:
        return Examples(arrays["documents"], arrays["clauses"], arrays["counts"], labels)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
