"""Which version of the heads reads: listing, activating, rolling back, and noticing within seconds what another process activated."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cxnlp.errors import ArtefactError, Conflict, StoreError
from cxnlp.heads import Network, Passage, ShippedHeads, read_network
from cxnlp.lines import to_iso
from cxnlp.pipeline import RECORDS_A_BATCH
from cxnlp.records import Analysis
from cxnlp.store import HeadVersion, Reading, Store

CHECK_SECONDS: Final = 1.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Active:
    """What reads now.

    Attributes:
        id: Of the version, or name of the shipped heads.
        version: None for the shipped heads.
        warning: Why the version that was activated is not used, and what to do.
    """

    id: str
    version: HeadVersion | None
    warning: str | None = None


@dataclass(frozen=True)
class Versions:
    """The shipped heads and all that corrections made of them.

    Attributes:
        store: Where versions lie.
        shipped: The heads in the models folder: the root, and what is used where nothing else can be.
    """

    store: Store
    shipped: Network

    @property
    def root(self) -> str:
        """Name of the shipped heads."""
        return str(self.shipped.card["name"])

    def active(self) -> Active:
        """Return what reads now: the version that was activated, unless it is of another encoder."""
        version = self.store.versions.active()
        if version is None:
            return Active(self.root, None)
        if version.encoder != self.shipped.card["encoder_id"]:
            remedy = "run `cxnlp retrain` to learn from the corrections anew"
            return Active(self.root, None, f"version {version.id} was made for another encoder, so {self.root} is used; {remedy}")
        return Active(version.id, version)

    def list(self) -> Sequence[dict[str, Any]]:
        """Return all versions as the API shows them, the shipped one first."""
        active = self.active().id
        return [self.describe(self.root)] + [self._line(version, active) for version in self.store.versions.list()]

    def describe(self, version_id: str) -> dict[str, Any]:
        """Return one version as the API shows it.

        Raises:
            NotFound: There is none of this id.
        """
        active = self.active().id
        if version_id != self.root:
            return self._line(self.store.versions.get(version_id), active)
        card = self.shipped.card
        line = {"id": self.root, "parent": None, "created_at": card.get("built_at"), "author": None, "corrections": 0}
        return line | {"encoder": card["encoder_id"], "usable": True, "active": active == self.root, "metrics": {}}

    def network(self, version_id: str) -> Network:
        """Return the network of a version.

        Raises:
            NotFound: There is none of this id.
            Conflict: It is of another encoder.
            ArtefactError: It is damaged.
        """
        if version_id == self.root:
            return self.shipped
        card, weights = self.store.versions.content(version_id)
        if card["encoder_id"] != self.shipped.card["encoder_id"]:
            raise Conflict(f"version {version_id} was made for another encoder than the present one; choose another, or run `cxnlp retrain`")
        if card["labels"] != self.shipped.card["labels"]:
            raise Conflict(f"version {version_id} knows other labels than {self.root}; choose another, or run `cxnlp retrain`")
        return read_network(card, weights)

    def activate(self, version_id: str, author: str) -> Active:
        """Make a version the one that reads, in all processes within seconds, and return it.

        Raises:
            NotFound: There is none of this id.
            Conflict: It is of another encoder.
            ArtefactError: It is damaged.
        """
        self.network(version_id)
        self.store.versions.activate(None if version_id == self.root else version_id, author)
        return self.active()

    def rollback(self, author: str) -> Active:
        """Undo the last activation and return what reads now.

        Raises:
            Conflict: There is none left to undo.
        """
        self.store.versions.rollback(author)
        return self.active()

    def _line(self, version: HeadVersion, active: str) -> dict[str, Any]:
        line: dict[str, Any] = {"id": version.id, "parent": version.parent, "created_at": to_iso(version.created_at), "author": version.author}
        line |= {"corrections": version.n_corrections, "encoder": version.encoder}
        usable = version.encoder == self.shipped.card["encoder_id"]
        return line | {"usable": usable, "active": version.id == active, "metrics": dict(version.metrics)}


class ActiveHeads:
    """Heads of whichever version is active; looked up in the store once a second at most, and only while something is read."""

    def __init__(self, versions: Versions, heads_of: Callable[[Network], ShippedHeads]) -> None:
        """Begin without any; the first reading loads them."""
        self._versions = versions
        self._heads_of = heads_of
        self._lock = threading.Lock()
        self._held: tuple[str, ShippedHeads] | None = None
        self._checked_at = float("-inf")

    def read(self, passages: Sequence[Passage]) -> list[Analysis]:
        """Return one analysis a passage, in order, all by the same version."""
        return self._present().read(passages)

    def _present(self) -> ShippedHeads:
        with self._lock:
            if self._held is None or time.monotonic() - self._checked_at >= CHECK_SECONDS:
                self._held = self._check(self._held)
                self._checked_at = time.monotonic()
            return self._held[1]

    def _check(self, held: tuple[str, ShippedHeads] | None) -> tuple[str, ShippedHeads]:
        try:
            active = self._versions.active().id
        except StoreError:
            if held is None:
                raise
            return held  # analysing without storing goes on while the database is away
        if held and held[0] == active:
            return held
        try:
            network = self._versions.network(active)
        except (ArtefactError, Conflict) as error:
            _log.error("%s is used: %s", self._versions.root, error)
            network = self._versions.shipped
        return active, self._heads_of(network)


def reanalyze(store: Store, active: Active, heads: ShippedHeads, on_progress: Callable[[int, int], None]) -> int:
    """Read all analysed records anew from their stored vectors, without encoding, and return how many were changed.

    Records that the version has read already are passed over, so an interrupted run goes on where it was.

    Args:
        store: Whose records.
        active: The version that `heads` are of.
        heads: What reads.
        on_progress: Called with (records done, records in all).
    """
    total = store.feedback.statistics().analyzed
    n_done = n_changed = after = 0
    while entries := store.vectors.entries(after, RECORDS_A_BATCH):
        after = entries[-1].seq
        ids = [entry.id for entry in entries]
        records, vectors = store.feedback.get_many(ids), store.vectors.get_many(ids)
        old = [(r, r.analysis, vectors[i]) for i, r in records.items() if i in vectors and r.analysis and r.analysis.model != active.id]
        passages = [Passage(r.feedback, a.language, v.document, v.clauses, v.spans) for r, a, v in old]
        readings = [Reading(r.feedback.id, r.version, made) for (r, _, _), made in zip(old, heads.read(passages), strict=True)]
        n_changed += store.analyses.reread(readings) if readings else 0
        n_done += len(entries)
        on_progress(n_done, total)
    return n_changed
