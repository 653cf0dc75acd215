"""What a fit leaves when its process is killed, and whether the next one may go on from there.

Each fit has a folder, named by what is fitted and how, with the numbers of the records that it reads. The same fit begun anew takes the folder over
if all of these records are still there as they were; records that came since are left to the assignment by centroids, as they are in any fit.
"""

import hashlib
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import orjson

from cxnlp.errors import InvalidInput
from cxnlp.filters import Filter
from cxnlp.store import Store, TopicFit

_TOLD: Final = "work.json"
_SEQS: Final = "seqs.npy"
EXCHANGE: Final = "cxnlp-topics-"
"""How the names of folders begin whose content is of one process only."""
_KEPT_SECONDS: Final = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Work:
    """Where a fit keeps what it finds.

    Attributes:
        folder: Of this fit alone; None where nothing is kept.
        seqs: (n,) int64, the store's numbers of the records that it reads.
        resumes: Number of the fit that left the folder; None if it is new.
    """

    folder: Path | None
    seqs: npt.NDArray[np.int64] = field(compare=False)
    resumes: int | None = None


@contextmanager
def work_of(home: Path | None, store: Store, fit: TopicFit, filter: Filter) -> Iterator[Work]:
    """Give the folder of a fit; it stays only if the block is killed, fails by itself, or has to end with the service.

    Args:
        home: Folder of all these folders; None keeps nothing.
        store: With the records.
        fit: That was begun.
        filter: Which records it reads.
    """
    if home is None:
        yield Work(None, store.members.analyzed(filter))
        return
    _clear(home)
    work = _open(home, store, fit, filter)
    is_kept = False
    try:
        yield work
    except (InvalidInput, KeyboardInterrupt):
        raise
    except BaseException:
        is_kept = not store.topic_fits.is_cancelled(fit.number)
        raise
    finally:
        if not is_kept and work.folder:
            shutil.rmtree(work.folder, ignore_errors=True)


def _open(home: Path, store: Store, fit: TopicFit, filter: Filter) -> Work:
    asked = {name: value for name, value in fit.parameters.items() if name != "activate"}
    generation = store.generations.active()
    bound = [fit.kind, asked, dict(fit.filter), generation.id if generation else None]
    folder = home / hashlib.blake2b(orjson.dumps(bound, option=orjson.OPT_SORT_KEYS), digest_size=12).hexdigest()
    present = store.members.analyzed(filter)
    with suppress(OSError, ValueError, EOFError, KeyError):
        told = orjson.loads((folder / _TOLD).read_bytes())
        seqs = np.load(folder / _SEQS, allow_pickle=False)
        changed = store.members.received_since(told["begun_at"])
        if np.isin(seqs, present).all() and not np.isin(changed, seqs).any():
            return Work(folder, seqs, told["fit"])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    np.save(folder / _SEQS, present)
    (folder / _TOLD).write_bytes(orjson.dumps({"fit": fit.number, "begun_at": fit.started_at.timestamp()}))
    return Work(folder, present)


def _clear(home: Path) -> None:
    """Remove what is a day old, and the vectors and texts that a killed fit left: those are read anew."""
    for folder in home.iterdir() if home.is_dir() else ():
        with suppress(OSError):  # another process may clear, too
            if time.time() - folder.stat().st_mtime > _KEPT_SECONDS:
                shutil.rmtree(folder)
        for exchange in folder.glob(f"{EXCHANGE}*"):
            shutil.rmtree(exchange, ignore_errors=True)
