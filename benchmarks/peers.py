"""Search of the same vectors by this index and by what else one would take, in one run: how long eight clients wait, and what is found.

    nice python -m benchmarks.peers [--records 1000000]        (needs txtai: pip install txtai; without it that peer is left out)

- FAISS `IndexFlatIP`: exact, float32, the filter as a selector.
- FAISS `HNSW32` (efConstruction 80, efSearch 128), float32, post-filter: 100 hits are asked for and those that pass are kept.
- txtai with its defaults: FAISS inverted lists of float32 chosen by itself, SQLite for fields, `similar() AND field = 1`.
- This index: 8-bit codes, re-ranked by the exact vectors (here from a file, in the product from the store).

Vectors and filters are those of `benchmarks.bench_index`. Each system answers the same queries from 8 threads, one query a call.
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from benchmarks.bench_index import BLOCK, DIM, SHARES, K, Made, fill, make, recall, resident, rows_of, segment_of
from cxnlp.filters import Filter

_CLIENTS = 8
_ROUNDS = 5
_POST_FILTERED = 100
_faiss: Any = faiss

Rows = npt.NDArray[np.int64]
Search = Callable[[int, float], Rows]
"""From the number of a query and the share of records that pass to the rows found."""


@dataclass(frozen=True, slots=True)
class System:
    """One that was built: `search`, seconds by the clock that it took, and MB that it holds."""

    name: str
    search: Search
    seconds: float
    megabytes: float


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=40)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = make(arguments.records, arguments.queries, Path(folder))
        made.flat and made.flat.reset()
        masks = {share: np.array([share == 1 or str(share) in segment_of(row) for row in range(arguments.records)]) for share in SHARES}
        truth = {share: _truth(made, mask) for share, mask in masks.items()}
        print(f"{arguments.records:,} records, k = {K}, {_CLIENTS} clients, {_ROUNDS * arguments.queries} queries each cell\n")
        print("| | built, s | MB | pass | p50 ms | p95 ms | CPU ms | recall@10 |\n|---|---|---|---|---|---|---|---|")
        for build in (_own, _flat, _hnsw, _txtai):
            before, began = resident(), time.perf_counter()
            search = build(made, masks)
            if search is None:
                continue
            system = System(build.__name__.removeprefix("_"), search, time.perf_counter() - began, (resident() - before) / 1e6)
            for share in SHARES:
                print(_line(system, share, truth[share]), flush=True)
            del search, system


def _line(system: System, share: float, truth: Rows) -> str:
    faiss.omp_set_num_threads(1)
    found = [system.search(number, share) for number in range(len(truth))]
    numbers, times, lock = count(), [], threading.Lock()

    def ask() -> None:
        while (number := next(numbers)) < _ROUNDS * len(truth):
            began = time.perf_counter()
            system.search(number % len(truth), share)
            with lock:
                times.append(time.perf_counter() - began)

    cpu = time.process_time()
    clients = [threading.Thread(target=ask) for _ in range(_CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    cpu = (time.process_time() - cpu) / len(times)
    p50, p95 = np.quantile(times, [0.5, 0.95])
    cells = [system.name, f"{system.seconds:,.0f}", f"{system.megabytes:,.0f}", f"{100 * share:.4g} %", f"{1e3 * p50:.1f}", f"{1e3 * p95:.1f}"]
    return f"| {' | '.join([*cells, f'{1e3 * cpu:.1f}', f'{recall(found, truth):.3f}'])} |"


def _truth(made: Made, mask: npt.NDArray[np.bool_]) -> Rows:
    rows = np.flatnonzero(mask)
    allowed = made.cosines[:, rows]
    best: Rows = rows[np.argpartition(-allowed, min(K, len(rows)) - 1, axis=1)[:, :K]]
    return best


def _own(made: Made, masks: dict[float, npt.NDArray[np.bool_]]) -> Search:
    view = fill(made, 0)
    filters = {share: Filter() if share == 1 else Filter(attributes={str(share): ("in",)}) for share in masks}
    n = len(made.stored)
    return lambda number, share: rows_of(view.search(made.queries[number][None], K, filters[share])[0], n)


def _flat(made: Made, masks: dict[float, npt.NDArray[np.bool_]]) -> Search:
    index = _faiss.IndexFlatIP(DIM)
    for block in _blocks(made):
        index.add(block)
    chosen = _selectors(masks)
    return lambda number, share: index.search(made.queries[number][None], K, params=chosen[share])[1][0]


def _hnsw(made: Made, masks: dict[float, npt.NDArray[np.bool_]]) -> Search:
    faiss.omp_set_num_threads(2)
    index = _faiss.IndexHNSWFlat(DIM, 32, _faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction, index.hnsw.efSearch = 80, 128
    for block in _blocks(made):
        index.add(block)

    def search(number: int, share: float) -> Rows:
        rows: Rows = index.search(made.queries[number][None], K if share == 1 else _POST_FILTERED)[1][0]
        rows = rows[rows >= 0]
        return rows[masks[share][rows]][:K]

    return search


def _txtai(made: Made, masks: dict[float, npt.NDArray[np.bool_]]) -> Search | None:
    try:
        from txtai import Embeddings
    except ImportError as error:
        print(f"txtai is left out: {error}")
        return None

    def vectors_of(texts: Sequence[str]) -> npt.NDArray[np.float32]:
        return np.stack([made.queries[int(text[1:])] if text.startswith("q") else made.stored[int(text)].astype(np.float32) for text in texts])

    def rows() -> Iterator[tuple[int, dict[str, Any], None]]:
        for row in range(len(made.stored)):
            yield row, {"text": str(row)} | {name: 1 for name in map(_column, segment_of(row))}, None

    embeddings = Embeddings(method="external", transform=vectors_of, content=True)
    embeddings.index(rows())
    asking = threading.Lock()  # its SQLite connection is not for several threads at once

    def search(number: int, share: float) -> Rows:
        also = "" if share == 1 else f" and {_column(str(share))} = 1"
        with asking:
            found = embeddings.search(f"select id, score from txtai where similar('q{number}'){also}", K)
        return np.array([int(hit["id"]) for hit in found], np.int64)

    return search


def _column(share: str) -> str:
    return "share_" + share.replace(".", "_").replace("-", "_")


def _blocks(made: Made) -> Iterator[npt.NDArray[np.float32]]:
    for start in range(0, len(made.stored), BLOCK):
        block = made.stored[start : start + BLOCK].astype(np.float32)
        yield block / np.linalg.norm(block, axis=1, keepdims=True)


def _selectors(masks: dict[float, npt.NDArray[np.bool_]]) -> dict[float, Any]:
    made = {}
    for share, mask in masks.items():
        bits = np.packbits(mask, bitorder="little")
        made[share] = None if share == 1 else _faiss.SearchParameters(sel=_faiss.IDSelectorBitmap(bits))
    return made


if __name__ == "__main__":
    main()
