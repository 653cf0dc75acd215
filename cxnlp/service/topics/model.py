"""Fitting topics: vectors and texts out of the store, a fit in a process of its own, permanent ids, a new version into the store."""

import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from cxnlp.errors import InvalidInput, InvalidQuery
from cxnlp.filters import Filter, filter_line
from cxnlp.jobs import OnProgress
from cxnlp.service.topics.fitting import to_version
from cxnlp.service.topics.items import Items, read_items
from cxnlp.service.topics.jobs import Watch, watched
from cxnlp.service.topics.naming import Naming
from cxnlp.service.topics.splits import SplitRequest, check_split, split_topic
from cxnlp.service.topics.versions import TopicVersions
from cxnlp.service.topics.work import EXCHANGE, Work, work_of
from cxnlp.store import Store, StoredTopic, TopicFit
from cxnlp.store.topics.fits import DOCUMENTS, KINDS
from cxnlp.topics.fit import FitConfig
from cxnlp.topics.job import run_in_subprocess

LEAST_TEXTS: Final = 20
_READ_SHARE: Final = 0.15
_FITTED_SHARE: Final = 0.9


@dataclass(frozen=True, slots=True)
class FitRequest:
    """What to fit, and how.

    Attributes:
        kind: `documents`, `problems` or `strengths`.
        filter: Which records.
        n_topics: Exactly so many; None finds as many as there are dense regions.
        min_topic_size: Fewest texts of a topic; None derives it from their number.
        outlier_share: Largest share of them left without a topic, in [0, 1].
        seed: The same seed and records give the same topics.
        activate: Whether records are to have these topics, or the fit is only kept.
    """

    kind: str = DOCUMENTS
    filter: Filter = field(default_factory=Filter)
    n_topics: int | None = None
    min_topic_size: int | None = None
    outlier_share: float = 0.1
    seed: int = 7
    activate: bool = True

    def parameters(self) -> dict[str, Any]:
        """Return it as a version keeps it."""
        names = ("n_topics", "min_topic_size", "outlier_share", "seed", "activate")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class FitReport:
    """What a fit found.

    Attributes:
        fit: The version that it became.
        topics: Of the active fit of its kind, the largest first.
    """

    fit: TopicFit
    topics: tuple[StoredTopic, ...]

    @property
    def outlier_share(self) -> float:
        """Share in [0, 1] of records or clauses without a topic."""
        return self.fit.counts["outliers"] / max(1, self.fit.counts["items"])


@dataclass(frozen=True)
class TopicModel:
    """Fits of topics over what a store holds.

    Attributes:
        store: Where the records lie.
        user_dictionary: Words that jieba keeps whole in labels.
        home: Folder for what fits find on their way, so that one whose process was killed goes on from there; None keeps nothing.
        naming: Asks an endpoint of the user's for names; None leaves the automatic ones.
    """

    store: Store
    user_dictionary: Path | None = None
    home: Path | None = None
    naming: Naming | None = None
    _closing: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    @property
    def versions(self) -> TopicVersions:
        """The fits that are done."""
        return TopicVersions(self.store)

    def run(self, request: FitRequest, author: str, on_progress: OnProgress) -> FitReport:
        """Fit anew and make the result the active version; topics that are found again keep their id, whatever people made of them.

        The active version stays as it is until the last step, and altogether if anything fails.

        Args:
            request: What to fit.
            author: Who asks.
            on_progress: Called with (stage, share in [0, 1]).

        Raises:
            InvalidInput: There are too few records or different texts, or a number is out of its range.
            Conflict: Another fit is running.
            CxnlpError: It failed or was cancelled.
        """
        self._check(request)
        return self._run(self._begin(request, author), request, on_progress)

    def start(self, request: FitRequest, author: str) -> TopicFit:
        """Begin a fit in the background and return it; `Store.topic_fits` knows how far it is.

        Raises:
            InvalidInput: There are too few records, or a number is out of its range.
            Conflict: Another fit is running.
        """
        self._check(request)
        fit = self._begin(request, author)
        self._in_background(lambda: self._run(fit, request, lambda stage, share: None))
        return fit

    def split(self, request: SplitRequest, author: str, on_progress: OnProgress) -> FitReport:
        """Group the records of one topic anew by themselves; the largest part keeps the id, and the parts are topics like others.

        Args:
            request: What to split.
            author: Who asks.
            on_progress: Called with (stage, share in [0, 1]).

        Raises:
            NotFound: There is no such topic.
            InvalidInput: It has too few records, or no parts can be told apart.
            Conflict: Another fit is running, or the topic is not part of the active version.
            CxnlpError: It failed or was cancelled.
        """
        return self._split(self._begin_split(request, author), request, on_progress)

    def start_split(self, request: SplitRequest, author: str) -> TopicFit:
        """Begin a split in the background and return the fit that it is; raises as `split` does before it begins."""
        fit = self._begin_split(request, author)
        self._in_background(lambda: self._split(fit, request, lambda stage, share: None))
        return fit

    def _in_background(self, work: Callable[[], object]) -> None:
        def quietly() -> None:
            with suppress(Exception):  # its outcome is kept in the store, for whoever asks
                work()

        thread = threading.Thread(target=quietly, name="topics", daemon=True)
        self._threads.append(thread)
        thread.start()

    def close(self) -> None:
        """Stop what `start` began; the active version stays as it was."""
        self._closing.set()
        for thread in self._threads:
            thread.join()

    def config(self, request: FitRequest) -> FitConfig:
        """Return the request as `cxnlp.topics` takes it.

        Raises:
            InvalidInput: A number is out of its range.
        """
        return FitConfig(
            seed=request.seed,
            n_topics=request.n_topics,
            min_topic_size=request.min_topic_size,
            outlier_share=request.outlier_share,
            user_dictionary=self.user_dictionary,
        )

    def _check(self, request: FitRequest) -> None:
        if request.kind not in KINDS:
            raise InvalidQuery(f"kind is {request.kind!r}; write one of {', '.join(KINDS)}")
        self.config(request)
        n = self.store.feedback.count(request.filter)
        if n < LEAST_TEXTS:
            raise _too_few(n, replace(request, kind=DOCUMENTS))

    def _begin(self, request: FitRequest, author: str) -> TopicFit:
        return self.store.topic_fits.begin(request.kind, author, request.parameters(), filter_line(request.filter))

    def _run(self, fit: TopicFit, request: FitRequest, on_progress: OnProgress) -> FitReport:
        with (
            watched(self.store, fit.number, self._closing, on_progress) as watch,
            work_of(self.home, self.store, fit, request.filter) as work,
        ):
            return self._fit(fit, request, watch, work)

    def _begin_split(self, request: SplitRequest, author: str) -> TopicFit:
        topic = check_split(self.store, request)
        return self.store.topic_fits.begin(topic.kind, author, request.parameters(), {})

    def _split(self, fit: TopicFit, request: SplitRequest, on_progress: OnProgress) -> FitReport:
        with watched(self.store, fit.number, self._closing, on_progress) as watch:
            found, parts = split_topic(self.store, fit, replace(request, user_dictionary=self.user_dictionary), watch)
            self.store.topic_fits.keep(fit.number, found, is_ended=False)
            self.versions.activate(fit.number, fit.author)
            self.store.curation.note_split(request.topic_id, parts, fit.number, fit.author)
            return self._report(fit)

    def _report(self, fit: TopicFit) -> FitReport:
        return FitReport(self.store.topic_fits.get(fit.number), tuple(self.store.topics.list(fit.kind)))

    def _fit(self, fit: TopicFit, request: FitRequest, watch: Watch, work: Work) -> FitReport:
        began = time.monotonic()
        is_resumed = False

        def tell(stage: str, share: float) -> None:
            nonlocal is_resumed
            is_resumed = is_resumed or stage == "resume"
            watch.tell(stage, _READ_SHARE + (_FITTED_SHARE - _READ_SHARE) * share)

        with tempfile.TemporaryDirectory(prefix=EXCHANGE, dir=work.folder) as folder:
            vectors = Path(folder) / "vectors"
            items = read_items(self.store, request.kind, work.seqs, vectors, lambda share: watch.tell("read", _READ_SHARE * share))
            _check_items(items, request)
            made = run_in_subprocess(items.vectors, items.texts, self.config(request), tell, is_cancelled=watch.is_ending, folder=work.folder)
            watch.tell("match", _FITTED_SHARE)
            told = {"seconds": round(time.monotonic() - began, 1)} | ({"resumes": work.resumes} if is_resumed else {})
            found = to_version(self.store, fit, made, items, told)
            if self.naming:
                found = self.naming.name(self.store, fit, found, items, lambda: watch.tell("name", _FITTED_SHARE))
        self.store.topic_fits.keep(fit.number, found, is_ended=not request.activate)
        if request.activate:
            self.versions.activate(fit.number, fit.author)
        return self._report(fit)


def _too_few(n: int, request: FitRequest) -> InvalidInput:
    what = "texts" if request.kind == DOCUMENTS else f"clauses that speak of {request.kind}"
    passing, remedy = ("", "ingest more") if request.filter.is_empty else (" pass the filter", "widen it")
    return InvalidInput(f"{n} {what}{passing}, and at least {LEAST_TEXTS} are needed to find topics; {remedy}")


def _check_items(items: Items, request: FitRequest) -> None:
    if items.n < LEAST_TEXTS:
        raise _too_few(items.n, request)
    if len(set(items.texts)) == 1:
        raise InvalidInput(f"all {items.n} texts are the same, so there is nothing to group; choose other records")
