"""How fast the index takes records in and answers, and what it finds, beside an exact float32 scan by FAISS in the same run.

    python -m benchmarks.bench_index [--records 100000] [--queries 40] [--peers]

Vectors are a mixture of clusters around one common direction with a falling spectrum, so that cosines lie as those of sentence encoders do:
0.8 between strangers, 0.93 between neighbours. Times are medians of one query on one thread; CPU time is what the query costs whatever else
the machine does. `IndexFlatIP` is the limit for a scan without loss; under a filter it gets the same mask as an IDSelector.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from benchmarks.figures import Figure
from cxnlp.filters import Filter
from cxnlp.index import Hits, IndexView
from cxnlp.records import Entry, Matrix

DIM = 384
K = 10
SHARES = (1.0, 0.1, 0.01, 0.001)
_faiss: Any = faiss


@dataclass(frozen=True, slots=True)
class Found:
    """Milliseconds of one query in the index and in a flat scan, and the share of the true hits that the index found."""

    cpu: float
    wall: float
    flat_cpu: float
    flat_wall: float
    recall: float


def measure_index(*, quick: bool) -> list[Figure]:
    """Return CPU milliseconds a search by the share of records that pass a filter."""
    n = 5_000 if quick else 100_000
    made = make_vectors(n + 40)
    stored, queries = made[:n], made[n:]
    faiss.omp_set_num_threads(1)
    flat = faiss.IndexFlatIP(DIM)
    flat.add(stored)
    view = fill(stored)
    return [to_figure(share, measure_share(view, flat, stored, queries, share)) for share in SHARES]


def to_figure(share: float, found: Found) -> Figure:
    """Return what was measured at one selectivity as a figure."""
    beside = f"IndexFlatIP {found.flat_cpu:.2f} ms; recall@{K} {found.recall:.4f}"
    return Figure("index", f"search, {share:.1%} of the records pass", found.cpu, "ms CPU", beside, "recall >= 0.99", found.recall >= 0.99)


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=40)
    parser.add_argument("--peers", action="store_true", help="also measure the alternatives that were not taken")
    args = parser.parse_args()
    made = make_vectors(args.records + args.queries)
    stored, queries = made[: args.records], made[args.records :]
    faiss.omp_set_num_threads(1)
    flat = faiss.IndexFlatIP(DIM)
    flat.add(stored)
    view = fill(stored)
    print(f"\n{args.records:,} records, {DIM} dimensions, k = {K}, {args.queries} queries, one thread\n")
    print("| records that pass | index, ms CPU | index, ms | recall@10 | IndexFlatIP, ms CPU | IndexFlatIP, ms | CPU, times less |")
    print("|---|---|---|---|---|---|---|")
    for share in SHARES:
        f = measure_share(view, flat, stored, queries, share)
        print(
            f"| {share:.1%} | {f.cpu:.2f} | {f.wall:.2f} | {f.recall:.4f} | {f.flat_cpu:.2f} | {f.flat_wall:.2f} | {f.flat_cpu / f.cpu:.1f} |",
            flush=True,
        )
    print_batch(view, queries)
    if args.peers:
        print_peers(stored, queries)


def make_vectors(n: int, n_clusters: int = 400, seed: int = 0) -> Matrix:
    """Return (n, DIM) unit vectors: a common direction, clusters of unequal size, and a spectrum that falls as a power."""
    random = np.random.default_rng(seed)
    spread = (np.arange(1, DIM + 1, dtype=np.float32) + 3) ** -0.6
    spread *= np.float32(0.48 / np.linalg.norm(spread))
    sizes = np.arange(1, n_clusters + 1) ** -0.7
    rotation = np.linalg.qr(random.standard_normal((DIM, DIM)))[0].astype(np.float32)
    centres = random.standard_normal((n_clusters, DIM), dtype=np.float32)
    members = random.choice(n_clusters, n, p=sizes / sizes.sum())
    vectors = (0.7 * centres[members] + 0.7 * random.standard_normal((n, DIM), dtype=np.float32)) * spread @ rotation
    vectors += rotation[0]
    unit: Matrix = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def segment_of(row: int) -> dict[str, str]:
    """Return attributes by which 10 %, 1 % and 0.1 % of the records can be chosen."""
    place = (row * 7_919) % 1_000
    return {str(share): "in" for share in SHARES[1:] if place < share * 1_000}


def fill(stored: Matrix) -> IndexView:
    """Return an index of the vectors, and print how fast it took them in."""
    entries = [
        Entry(
            seq=row,
            id=f"r-{row:020x}",
            document=vector,
            created_at=float(row),
            received_at=float(row),
            choices={"channel": "chat", "language": ("zh", "en")[row % 2], "label": "negative", "source": "zendesk", "customer": f"c-{row % 9_999}"},
            numbers={"sentiment": -0.4, "confidence": 0.9},
            observations=(("delivery", "service", "slow"), ("product", "use", None)),
            risks=(),
            attributes=segment_of(row),
        )
        for row, vector in enumerate(stored)
    ]
    view = IndexView(DIM, (20.0, -14.0))
    wall, cpu = time.perf_counter(), time.process_time()
    for start in range(0, len(entries), 1_000):
        view.put(entries[start : start + 1_000])
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"put: {len(entries) / cpu:,.0f} records/s of CPU, {len(entries) / wall:,.0f}/s by the clock, in batches of 1,000")
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


def measure_share(view: IndexView, flat: Any, stored: Matrix, queries: Matrix, share: float) -> Found:
    """Measure one selectivity."""
    filter = Filter() if share == 1 else Filter(attributes={str(share): ("in",)})
    mask = np.array([share == 1 or str(share) in segment_of(row) for row in range(len(stored))])
    bits = np.packbits(mask, bitorder="little")
    chosen = None if share == 1 else _faiss.SearchParameters(sel=_faiss.IDSelectorBitmap(bits))
    cpu, wall = measure(lambda query: view.search(query, K, filter), queries)
    flat_cpu, flat_wall = measure(lambda query: flat.search(query, K, params=chosen), queries)
    truth = flat.search(queries, K, params=chosen)[1]
    found = recall([rows_of(hits) for hits in view.search(queries, K, filter)], truth)
    return Found(cpu, wall, flat_cpu, flat_wall, found)


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


def rows_of(hits: Hits) -> npt.NDArray[np.int64]:
    """Return the rows that the ids were made from."""
    return np.array([int(record_id[2:], 16) for record_id in hits.ids])


def recall(found: Any, truth: npt.NDArray[np.int64]) -> float:
    """Return the share of the true hits that were found."""
    return float(np.mean([len(set(f.tolist()) & set(t.tolist())) / np.count_nonzero(t >= 0) for f, t in zip(found, truth, strict=True)]))


def print_peers(stored: Matrix, queries: Matrix) -> None:
    """Measure the alternatives without a filter, and under the filter of 1 %; the compressed ones are re-ranked from float32."""
    scalar = faiss.ScalarQuantizer
    peers = {
        "SQ8": faiss.IndexScalarQuantizer(DIM, scalar.QT_8bit, faiss.METRIC_INNER_PRODUCT),
        "SQfp16": faiss.IndexScalarQuantizer(DIM, scalar.QT_fp16, faiss.METRIC_INNER_PRODUCT),
        "IVF512,SQ8, 32 probes": faiss.index_factory(DIM, "IVF512,SQ8", faiss.METRIC_INNER_PRODUCT),
        "HNSW32, efSearch 64": faiss.index_factory(DIM, "HNSW32,Flat", faiss.METRIC_INNER_PRODUCT),
    }
    faiss.omp_set_num_threads(2)
    mask = np.array([str(0.01) in segment_of(row) for row in range(len(stored))])
    bits = np.packbits(mask, bitorder="little")
    rows = np.flatnonzero(mask)
    truth = np.argsort(-(queries @ stored.T), axis=1)[:, :K]
    truth_1 = rows[np.argsort(-(queries @ stored[rows].T), axis=1)[:, :K]]
    print("\n| alternative | built, s | ms CPU | recall@10 | ms CPU at 1 % | recall@10 at 1 % |\n|---|---|---|---|---|---|")
    for name, peer in peers.items():
        before = time.perf_counter()
        peer.train(stored[:20_000])
        peer.add(stored)
        built = time.perf_counter() - before
        faiss.omp_set_num_threads(1)
        selector = _faiss.IDSelectorBitmap(bits)
        plain, narrow = parameters_of(name, None), parameters_of(name, selector)
        cells = []
        for params, target in ((plain, truth), (narrow, truth_1)):
            cpu, _ = measure(lambda query, peer=peer, params=params: peer.search(query, 4 * K, params=params), queries)  # type: ignore[misc]
            found = peer.search(queries, 4 * K, params=params)[1]
            best = [f[f >= 0][np.argsort(-(stored[f[f >= 0]] @ q))[:K]] for f, q in zip(found, queries, strict=True)]
            cells.append(f"{cpu:.2f} | {recall(best, target):.4f}")
        print(f"| {name} | {built:.1f} | {' | '.join(cells)} |", flush=True)


def parameters_of(name: str, selector: Any) -> Any:
    """Return the search parameters of an alternative."""
    chosen = {"sel": selector} if selector else {}
    if name.startswith("IVF"):
        return _faiss.SearchParametersIVF(nprobe=32, **chosen)
    if name.startswith("HNSW"):
        return _faiss.SearchParametersHNSW(efSearch=64, **chosen)
    return _faiss.SearchParameters(**chosen)


if __name__ == "__main__":
    main()
