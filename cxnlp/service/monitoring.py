"""What is watched from outside: how the work stands, and how customers feel."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cxnlp.filters import Filter
from cxnlp.service.view import View
from cxnlp.store import Gauges, Store

LABELS: Final = ("negative", "neutral", "positive")


@dataclass(frozen=True, slots=True)
class Watched:
    """What is watched.

    Attributes:
        records: Analysed records by (channel, label); empty where this process has no index.
        gauges: What the store counts.
        messages: By (webhook id, `pending` or `dead`), messages that wait or were given up.
    """

    records: Mapping[tuple[str, str], int]
    gauges: Gauges
    messages: Mapping[tuple[str, str], int]


def watch(store: Store, view: View | None) -> Watched:
    """Return how things stand; nothing is counted row by row but what is recent or open."""
    found: Counter[tuple[str, str]] = Counter()
    if view is not None and view.n_indexed:
        index = view.fresh()
        for label in LABELS:
            found.update({(channel, label): n for channel, n in index.facets(Filter(label=(label,)), "channel").items()})
    return Watched(found, store.gauges.read(), store.deliveries.counts())
