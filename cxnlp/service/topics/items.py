"""What topics group, read from the store in flat memory: records by their document vectors, or clauses by theirs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from cxnlp.records import Matrix
from cxnlp.service.topics.clauses import clause_text, clauses_about
from cxnlp.store import Generation, Store
from cxnlp.store.topics.fits import DOCUMENTS, WHOLE
from cxnlp.text.cleaning import clean

_RECORDS_AT_ONCE: Final = 2_000


@dataclass(frozen=True, slots=True)
class Items:
    """Records or clauses, in the order of first receipt.

    Attributes:
        seqs: (n,) int64, the store's numbers of the records.
        clauses: (n,) int32, number of the clause in its record; -1 for a whole record.
        texts: n texts, masked and cleaned.
        vectors: (n, dim) float32 of unit length; mapped from a file where one was given.
        window: created_at of the oldest and the newest record in POSIX seconds; None where there is none.
    """

    seqs: npt.NDArray[np.int64] = field(compare=False)
    clauses: npt.NDArray[np.int32] = field(compare=False)
    texts: Sequence[str] = field(repr=False)
    vectors: Matrix = field(compare=False, repr=False)
    window: tuple[float, float] | None = None

    @property
    def n(self) -> int:
        """How many there are."""
        return len(self.seqs)


def read_items(store: Store, kind: str, seqs: npt.NDArray[np.int64], path: Path, on_progress: Callable[[float], None]) -> Items:
    """Return the analysed records of these numbers, or their clauses.

    Args:
        store: Where they lie.
        kind: One of `cxnlp.store.topics.fits.KINDS`.
        seqs: (n,) the store's numbers of the records.
        path: Of a file that the vectors are written to, 1.5 kB for each of 384 numbers.
        on_progress: Called with the share of the records that are read, in [0, 1].
    """
    parts: list[Items] = []
    with path.open("wb") as file:
        for part in batches(store, kind, seqs):
            part.vectors.tofile(file)
            parts.append(Items(part.seqs, part.clauses, part.texts, part.vectors[:0], part.window))
            on_progress(min(1.0, len(parts) * _RECORDS_AT_ONCE / max(1, len(seqs))))
    joined = join(parts)
    dim = parts[0].vectors.shape[1] if parts else 0
    if not joined.n:
        return joined
    return Items(joined.seqs, joined.clauses, joined.texts, np.memmap(path, np.float32, "r", shape=(joined.n, dim)), joined.window)


def batches(store: Store, kind: str, seqs: npt.NDArray[np.int64]) -> Iterator[Items]:
    """Yield the records of these numbers, or their clauses, some at a time; those that are not analysed are left out."""
    generation = store.generations.active()
    if generation is None:
        return
    for first in range(0, len(seqs), _RECORDS_AT_ONCE):
        part: list[int] = seqs[first : first + _RECORDS_AT_ONCE].tolist()
        yield _documents(store, generation, part) if kind == DOCUMENTS else _clauses(store, kind, generation, part)


def join(parts: Sequence[Items]) -> Items:
    """Return parts as one."""
    if not parts:
        return Items(np.zeros(0, np.int64), np.zeros(0, np.int32), [], np.zeros((0, 0), np.float32))
    windows = [part.window for part in parts if part.window]
    window = (min(w[0] for w in windows), max(w[1] for w in windows)) if windows else None
    texts = [text for part in parts for text in part.texts]
    seqs, clauses, vectors = (np.concatenate([getattr(part, name) for part in parts]) for name in ("seqs", "clauses", "vectors"))
    return Items(seqs, clauses, texts, vectors, window)


def _documents(store: Store, generation: Generation, seqs: Sequence[int]) -> Items:
    said = store.sayings.of(seqs)
    vectors = store.vectors.documents(seqs, generation.id, generation.dim)
    rows = [row for row, seq in enumerate(seqs) if seq in said and not np.isnan(vectors[row, 0])]
    found = [said[seqs[row]] for row in rows]
    times = [one.created_at for one in found]
    return Items(
        seqs=np.array([one.seq for one in found], np.int64),
        clauses=np.full(len(found), WHOLE, np.int32),
        texts=[clean(one.text).text for one in found],
        vectors=vectors[rows],
        window=(min(times), max(times)) if times else None,
    )


def _clauses(store: Store, kind: str, generation: Generation, seqs: Sequence[int]) -> Items:
    ids = store.sayings.ids(seqs)
    records, vectors = store.feedback.get_many(list(ids.values())), store.vectors.get_many(list(ids.values()), generation.id)
    places: list[tuple[int, int]] = []
    texts: list[str] = []
    rows: list[Matrix] = [np.zeros((0, generation.dim), np.float32)]
    times: list[float] = []
    for seq, record_id in sorted(ids.items()):
        record, made = records.get(record_id), vectors.get(record_id)
        if record is None or record.analysis is None or made is None:
            continue
        wanted = clauses_about(kind, record.analysis, made.spans)
        places += [(seq, clause) for clause in wanted]
        texts += [clean(clause_text(record.feedback, made.spans[clause])).text for clause in wanted]
        rows.append(made.clauses[wanted])
        times += [record.feedback.created_at.timestamp()] if wanted else []
    of = np.array(places, np.int64).reshape(-1, 2)
    return Items(of[:, 0], of[:, 1].astype(np.int32), texts, np.concatenate(rows), (min(times), max(times)) if times else None)
