"""The in-memory view that searches by meaning, with filters.

It is fed entries and deletions by whoever reads the store, and knows nothing of SQL; it can be lost at any moment, and restored from a snapshot or
fed again.
"""

from cxnlp.index.coalesce import Coalescer
from cxnlp.index.facts import Facts
from cxnlp.index.measures import SUMS, sum_facts
from cxnlp.index.passing import DIMENSIONS, Passing, check_dimensions
from cxnlp.index.snapshot import Origin, Snapshot, read_snapshot, write_snapshot
from cxnlp.index.view import MOST_HITS, Hits, IndexView, Query

__all__ = [
    "DIMENSIONS",
    "MOST_HITS",
    "SUMS",
    "Coalescer",
    "Facts",
    "Hits",
    "IndexView",
    "Origin",
    "Passing",
    "Query",
    "Snapshot",
    "check_dimensions",
    "read_snapshot",
    "sum_facts",
    "write_snapshot",
]
