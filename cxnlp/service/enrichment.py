"""Working off the queue: claim, analyse, save; and building a new generation of vectors beside the old."""

import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from cxnlp.errors import Conflict, CxnlpError
from cxnlp.pipeline import RECORDS_A_BATCH, Analyzed, Pipeline
from cxnlp.service.leases import LEASE_SECONDS, keep
from cxnlp.service.topics.placement import Placement
from cxnlp.service.topics.renewal import renew_topics
from cxnlp.store import Claim, Generation, Result, Store, said
from cxnlp.text.clauses import SPLITTER_VERSION

_RECORDS_A_STEP: Final = 64
_IDLE_SECONDS: Final = 0.25
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Enrichment:
    """One worker.

    Attributes:
        store: Whose queue.
        pipeline: What analyses.
        holder: Name of this worker, unique among processes.
    """

    store: Store
    pipeline: Pipeline
    holder: str = field(default_factory=lambda: f"{os.getpid()}-{uuid.uuid4().hex[:8]}")

    def step(self, limit: int = RECORDS_A_BATCH) -> int:
        """Analyse and save at most `limit` waiting records; return how many were claimed."""
        begun = time.monotonic()
        claims = self.store.analyses.claim(self.holder, limit, LEASE_SECONDS)
        if claims:
            with keep(lambda: self.store.analyses.renew(claims, self.holder, LEASE_SECONDS), begun):
                generation = self._generation()
                self._save(self._analyze(claims), generation.id)
        return len(claims)

    def add_words(self, after_seq: int) -> int | None:
        """Give words to the next analysed records that have none, as those of earlier versions of cxnlp.

        Returns:
            Where to go on, or None if there are no more.
        """
        claims = self.store.words.missing(_RECORDS_A_STEP, after_seq)
        self.store.words.save([(claim.record_id, claim.version, said(claim.feedback)) for claim in claims])
        return claims[-1].seq if claims else None

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; a failure of the store is logged and tried again."""
        wordless: int | None = 0
        try:
            while not stop.is_set():
                try:
                    if self.step(_RECORDS_A_STEP) > 0:
                        continue
                    if wordless is not None:
                        wordless = self.add_words(wordless)
                    else:
                        stop.wait(_IDLE_SECONDS)
                except CxnlpError as error:
                    _log.warning("enrichment waits: %s", error)
                    stop.wait(4 * _IDLE_SECONDS)
        finally:
            self.store.analyses.release(self.holder)

    def drain(self, on_progress: Callable[[int, int], None]) -> None:
        """Work until nothing waits, other workers' records included.

        Args:
            on_progress: Called with (records analysed, records waiting).
        """
        while True:
            n = self.step()
            statistics = self.store.feedback.statistics()
            on_progress(statistics.analyzed, statistics.pending)
            if statistics.pending == 0:
                return
            if n == 0:
                time.sleep(_IDLE_SECONDS)

    def reindex(self, on_progress: Callable[[int, int], None]) -> Generation:
        """Build the vectors of this pipeline's encoder beside the active ones and switch; an interrupted run goes on where it was.

        The active topics are moved to the new vectors right after, with all that belongs to them.

        Args:
            on_progress: Called with (records done, records in all).

        Raises:
            Conflict: The active vectors are of this encoder and splitter already.
        """
        renew_topics(self.store)  # what a run left that was interrupted after it had switched
        generation = self.store.generations.begin(self.pipeline.encoder.id, SPLITTER_VERSION, self.pipeline.encoder.dim)
        n_done = 0
        while True:
            while claims := self.store.vectors.missing(generation.id, RECORDS_A_BATCH):
                analyzed = self._analyze(claims)
                self.store.vectors.save(generation.id, [(claim.record_id, claim.version, found.vectors) for claim, found in analyzed])
                n_done += len(claims)
                on_progress(n_done, self.store.feedback.statistics().analyzed)
            try:
                self.store.generations.activate(generation.id)
            except Conflict:  # more were analysed with the old encoder meanwhile
                continue
            renew_topics(self.store)
            return generation

    def _save(self, analyzed: Sequence[tuple[Claim, Analyzed]], generation_id: int) -> None:
        """Save results with their topics; where other topics became active meanwhile, those."""
        results = [_result(claim, found) for claim, found in analyzed]
        for is_last in (False, True):
            placed = self._placement.place([(claim.record_id, found.analysis, found.vectors) for claim, found in analyzed]) if analyzed else None
            try:
                self.store.analyses.save(results, generation_id, placed)
                return
            except Conflict:
                if is_last or placed is None or self.store.topic_fits.current() == placed.fits:
                    raise

    @cached_property
    def _placement(self) -> Placement:
        return Placement(self.store, self.pipeline.encoder.id)

    def _generation(self) -> Generation:
        return self.store.generations.ensure(self.pipeline.encoder.id, SPLITTER_VERSION, self.pipeline.encoder.dim)

    def _analyze(self, claims: Sequence[Claim]) -> list[tuple[Claim, Analyzed]]:
        """Return the results; a record that breaks the pass is taken out and noted, the others are kept."""
        try:
            return list(zip(claims, self.pipeline.analyze([claim.feedback for claim in claims]), strict=True))
        except Exception as error:  # whatever one record provokes must not hold up the others
            if len(claims) > 1:
                return [pair for claim in claims for pair in self._analyze([claim])]
            # The message of a foreign library may quote the text, so only its type is kept.
            _log.error("record %s cannot be analysed: %s", claims[0].record_id, type(error).__name__)
            self.store.analyses.fail(claims[0].record_id, claims[0].version, type(error).__name__)
            return []


def _result(claim: Claim, found: Analyzed) -> Result:
    return Result(claim.record_id, claim.version, found.analysis, found.vectors, said(claim.feedback))
