"""The in-memory view that searches by meaning, with filters.

It is fed entries and deletions by whoever reads the store, and knows nothing of files or SQL; it can be lost at any moment and fed again.
"""

from cxnlp.index.coalesce import Coalescer
from cxnlp.index.view import MOST_HITS, Hits, IndexView, Query

__all__ = ["MOST_HITS", "Coalescer", "Hits", "IndexView", "Query"]
