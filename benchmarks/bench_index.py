"""How fast the index takes records in and answers, what it finds and what it needs, beside an exact float32 scan by FAISS in the same run.

    nice python -m benchmarks.bench_index [--records 1000000] [--queries 40]

Vectors are a mixture of clusters around one common direction with a falling spectrum, so that cosines lie as those of sentence encoders do:
0.8 between strangers, 0.93 between neighbours. Times are medians of one query on one thread; CPU time is what the query costs whatever else
the machine does. Hits are ranked by the exact vectors, which here lie in memory; from a store that is a statement more. `IndexFlatIP` is the limit
for a scan without loss; under a filter it gets the same mask as an IDSelector. It is measured up to 200,000 records only. `benchmarks.peers` compares
with what else users would take.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from benchmarks.figures import Figure
from cxnlp.filters import Filter
from cxnlp.index import Hits, IndexView, Origin, read_snapshot, write_snapshot
from cxnlp.records import Entry, Matrix

DIM = 384
K = 10
SHARES = (1.0, 0.1, 0.01, 0.001, 0.0001)
LIKENESS = (2.3, -5.8)
MOST_FLAT = 200_000
BLOCK = 20_000
_faiss: Any = faiss


@dataclass(frozen=True, slots=True)
class Found:
    """Milliseconds of one query in the index and in a flat scan (0 if there is none), and the share of the true hits that the index found."""

    cpu: float
    wall: float
    flat_cpu: float
    flat_wall: float
    recall: float


@dataclass(frozen=True, slots=True)
class Made:
    """What is searched.

    Attributes:
        stored: (n, DIM) float16 in a file, as a store keeps them.
        queries: (q, DIM) float32.
        cosines: (q, n) float32, the truth.
        flat: FAISS's exact scan of the same, or None beyond 200,000.
    """

    stored: npt.NDArray[np.float16]
    queries: Matrix
    cosines: Matrix
    flat: Any

    def fetch(self, seqs: Sequence[int]) -> Matrix:
        """Return exact vectors, as the store does."""
        return self.stored[np.asarray(seqs, np.int64)].astype(np.float32)


def measure_index(*, quick: bool) -> list[Figure]:
    """Return CPU milliseconds a search by the share of records that pass a filter."""
    faiss.omp_set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        made = make(5_000 if quick else 100_000, 40, Path(folder))
        view = fill(made, 0)
        return [to_figure(share, measure_share(view, made, share)) for share in SHARES]


def to_figure(share: float, found: Found) -> Figure:
    """Return what was measured at one selectivity as a figure."""
    beside = f"IndexFlatIP {found.flat_cpu:.2f} ms; recall@{K} {found.recall:.4f}"
    return Figure("index", f"search, {share:.4g} of the records pass", found.cpu, "ms CPU", beside, "recall >= 0.97", found.recall >= 0.97)


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=40)
    parser.add_argument("--clauses", type=int, default=0, help="clauses a record")
    args = parser.parse_args()
    faiss.omp_set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        made = make(args.records, args.queries, Path(folder))
        before = resident()
        view = fill(made, args.clauses)
        print(f"resident memory of the index: {(resident() - before) / 1e6:,.0f} MB")
        print(f"\n{args.records:,} records, {DIM} dimensions, k = {K}, {args.queries} queries, one thread\n")
        print("| records that pass | index, ms CPU | index, ms | recall@10 | IndexFlatIP, ms CPU | IndexFlatIP, ms |\n|---|---|---|---|---|---|")
        for share in SHARES:
            f = measure_share(view, made, share)
            print(f"| {100 * share:.4g} % | {f.cpu:.2f} | {f.wall:.2f} | {f.recall:.4f} | {f.flat_cpu:.2f} | {f.flat_wall:.2f} |", flush=True)
        print_batch(view, made.queries)
        if args.clauses:
            cpu, wall = measure(lambda query: view.search_clauses(query, K), made.queries)
            print(f"a search by clause: {cpu:.2f} ms CPU, {wall:.2f} ms by the clock")
        print_snapshot(view, made, Path(folder) / "snapshots")


def make(n: int, n_queries: int, folder: Path) -> Made:
    """Return vectors in a file of the folder, queries of the same kind, and the truth."""
    stored = np.lib.format.open_memmap(folder / "vectors.npy", "w+", np.float16, (n, DIM))
    queries = make_vectors(n_queries, seed=-1)
    cosines = np.empty((n_queries, n), np.float32)
    flat = _faiss.IndexFlatIP(DIM) if n <= MOST_FLAT else None
    for block, start in enumerate(range(0, n, BLOCK)):
        end = min(n, start + BLOCK)
        stored[start:end] = make_vectors(end - start, seed=block)
        exact = stored[start:end].astype(np.float32)
        exact /= np.linalg.norm(exact, axis=1, keepdims=True)
        np.matmul(queries, exact.T, out=cosines[:, start:end])
        if flat:
            flat.add(exact)
    return Made(stored, queries, cosines, flat)


def make_vectors(n: int, n_clusters: int = 400, seed: int = 0) -> Matrix:
    """Return (n, DIM) unit vectors: a common direction, clusters of unequal size, and a spectrum that falls as a power.

    The clusters are the same for every seed, the members are not.
    """
    random, members_of = np.random.default_rng(0), np.random.default_rng(seed + 2)
    spread = (np.arange(1, DIM + 1, dtype=np.float32) + 3) ** -0.6
    spread *= np.float32(0.48 / np.linalg.norm(spread))
    sizes = np.arange(1, n_clusters + 1) ** -0.7
    rotation = np.linalg.qr(random.standard_normal((DIM, DIM)))[0].astype(np.float32)
    centres = random.standard_normal((n_clusters, DIM), dtype=np.float32)
    members = members_of.choice(n_clusters, n, p=sizes / sizes.sum())
    vectors = (0.7 * centres[members] + 0.7 * members_of.standard_normal((n, DIM), dtype=np.float32)) * spread @ rotation
    vectors += rotation[0]
    unit: Matrix = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def segment_of(row: int) -> dict[str, str]:
    """Return attributes by which 10 %, 1 %, 0.1 % and 0.01 % of the records can be chosen."""
    place = (row * 7_919) % 10_000
    return {str(share): "in" for share in SHARES[1:] if place < share * 10_000}


def resident() -> int:
    """Return the bytes of memory of this process that are not of files."""
    status = Path("/proc/self/status").read_text()
    return 1_024 * int(next(line for line in status.splitlines() if line.startswith("RssAnon")).split()[1])


def entries_of(made: Made, n_clauses: int) -> Iterator[list[Entry]]:
    """Give a thousand records at a time; clauses lie about their document."""
    random = np.random.default_rng(3)
    for start in range(0, len(made.stored), 1_000):
        documents = made.fetch(range(start, min(start + 1_000, len(made.stored))))
        clauses = documents[:, None] + np.float32(0.02) * random.standard_normal((len(documents), n_clauses, DIM), dtype=np.float32)
        clauses /= np.linalg.norm(clauses, axis=2, keepdims=True)
        yield [
            Entry(
                seq=row,
                id=f"r-{row * 0x9E3779B97F4A7C15F39D & 2**80 - 1:020x}",
                document=vector,
                created_at=float(row),
                received_at=float(row),
                choices={"channel": "chat" if row % 3 else "call", "language": ("zh", "en")[row % 2], "label": "negative", "source": "zendesk"}
                | {"customer": f"c-{row % 99_999}"},
                numbers={"sentiment": -0.4, "confidence": 0.9},
                observations=(("delivery", "service", "slow"), ("product", "use", None)),
                risks=(),
                attributes=segment_of(row),
                clauses=clauses[i],
                copy_key=row % 900_001,
            )
            for i, (row, vector) in enumerate(enumerate(documents, start))
        ]


def fill(made: Made, n_clauses: int) -> IndexView:
    """Return an index of the vectors, and print how fast it took them in."""
    view = IndexView(DIM, LIKENESS, made.fetch)
    wall = cpu = 0.0
    for entries in entries_of(made, n_clauses):
        before, before_cpu = time.perf_counter(), time.process_time()
        view.put(entries)
        wall, cpu = wall + time.perf_counter() - before, cpu + time.process_time() - before_cpu
    print(f"put: {cpu:,.0f} s of CPU, {wall:,.0f} s by the clock, in batches of 1,000")
    return view


def measure(search: Callable[[Matrix], object], queries: Matrix) -> tuple[float, float]:
    """Return the median CPU and clock milliseconds of one query."""
    cpu, wall = [], []
    for query in queries:
        before, before_cpu = time.perf_counter(), time.thread_time()
        search(query[None])
        cpu.append(time.thread_time() - before_cpu)
        wall.append(time.perf_counter() - before)
    return 1e3 * float(np.median(cpu)), 1e3 * float(np.median(wall))


def measure_share(view: IndexView, made: Made, share: float) -> Found:
    """Measure one selectivity."""
    filter = Filter() if share == 1 else Filter(attributes={str(share): ("in",)})
    mask = np.array([share == 1 or str(share) in segment_of(row) for row in range(len(made.stored))])
    cpu, wall = measure(lambda query: view.search(query, K, filter), made.queries)
    flat_cpu = flat_wall = 0.0
    if made.flat:
        bits = np.packbits(mask, bitorder="little")
        chosen = None if share == 1 else _faiss.SearchParameters(sel=_faiss.IDSelectorBitmap(bits))
        flat_cpu, flat_wall = measure(lambda query: made.flat.search(query, K, params=chosen), made.queries)
    rows = np.flatnonzero(mask)
    allowed = made.cosines[:, rows]
    truth = rows[np.argpartition(-allowed, min(K, len(rows)) - 1, axis=1)[:, :K]]
    return Found(cpu, wall, flat_cpu, flat_wall, recall([rows_of(hits, len(mask)) for hits in view.search(made.queries, K, filter)], truth))


def print_snapshot(view: IndexView, made: Made, folder: Path) -> None:
    """Write the index to the disk, read it and compare the answers."""
    origin, before = Origin("made-up", 1, DIM), time.perf_counter()
    with view.still() as parts:
        whole = write_snapshot(folder, parts, origin, 1, "none")
    written, size = time.perf_counter() - before, sum(path.stat().st_size for path in whole.iterdir())
    before = time.perf_counter()
    restored = IndexView(DIM, LIKENESS, made.fetch, next(iter(read_snapshot(folder, origin))).parts)
    read = time.perf_counter() - before
    same = restored.search(made.queries, K) == view.search(made.queries, K)
    print(f"snapshot of {size / 1e6:,.0f} MB: written in {written:.1f} s, read in {read:.1f} s, {'the same answers' if same else 'OTHER ANSWERS'}")


def print_batch(view: IndexView, queries: Matrix) -> None:
    """Measure eight queries in one call."""
    batches = [queries[i : i + 8] for i in range(0, len(queries) - 7, 8)]
    wall, cpu = [], []
    for batch in batches:
        before, before_cpu = time.perf_counter(), time.process_time()
        view.search(batch, K)
        cpu.append(time.process_time() - before_cpu)
        wall.append(time.perf_counter() - before)
    print(f"\neight queries in one call: {1e3 * np.median(cpu):.1f} ms CPU, {1e3 * np.median(wall):.1f} ms by the clock (all cores)")


def rows_of(hits: Hits, n: int) -> npt.NDArray[np.int64]:
    """Return the rows that the ids were made from."""
    back = pow(0x9E3779B97F4A7C15F39D, -1, 2**80)
    rows = [int(record_id[2:], 16) * back & 2**80 - 1 for record_id in hits.ids]
    assert max(rows, default=0) < n
    return np.array(rows, np.int64)


def recall(found: Any, truth: npt.NDArray[np.int64]) -> float:
    """Return the share of the true hits that were found."""
    return float(np.mean([len(set(f.tolist()) & set(t.tolist())) / np.count_nonzero(t >= 0) for f, t in zip(found, truth, strict=True)]))


if __name__ == "__main__":
    main()
