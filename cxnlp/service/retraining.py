"""Learning from corrections: vectors and labels out of the store, a fit in a process of its own, a fair comparison, a new version into the store."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal, TypeAlias

from cxnlp.errors import Conflict, CxnlpError, InvalidInput
from cxnlp.evaluation.cases import load_cases
from cxnlp.heads import Network, Passage, ShippedHeads
from cxnlp.heads.examples import Examples, RefitConfig, gather
from cxnlp.heads.job import refit_in_subprocess
from cxnlp.jobs import OnProgress
from cxnlp.pipeline import Pipeline
from cxnlp.service.comparison import Agreement, Judged, corrected_records, is_held_out, measure
from cxnlp.service.versions import Versions
from cxnlp.store import HeadVersion, Retrain
from cxnlp.store.retrains import DONE, FAILED

Activate: TypeAlias = Literal["better", "always", "never"]
LEAST_CORRECTED: Final = 20
MOST_REPLAYED: Final = 4_000
TOLERANCE: Final = 0.01
_SIGN_OF_LIFE_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two versions, before and after, on what neither has learnt from.

    Attributes:
        a: Id of the first.
        b: Id of the second.
        corrections: Agreement of each with the held-out corrections.
        cases: Agreement of each with the regression set.
    """

    a: str
    b: str
    corrections: tuple[Agreement, Agreement]
    cases: tuple[Agreement, Agreement]

    @property
    def is_better(self) -> bool:
        """Whether the second agrees better with held-out corrections, and with the regression set at most 0.01 less."""
        (old, new), (before, after) = ((pair[0].all, pair[1].all) for pair in (self.corrections, self.cases))
        if old is None or new is None or before is None or after is None:
            return False
        return new > old and after >= before - TOLERANCE - 1e-9

    def to_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        sets = {"corrections": self.corrections, "cases": self.cases}
        told = {name: {"a": pair[0].to_json(), "b": pair[1].to_json()} for name, pair in sets.items()}
        return {"a": self.a, "b": self.b, "better": self.is_better} | told


@dataclass(frozen=True, slots=True)
class RetrainReport:
    """What a retrain made.

    Attributes:
        version: The new version.
        comparison: Its parent and itself.
        is_activated: Whether it reads now.
        outcome: The decision and its reason, in words.
    """

    version: HeadVersion
    comparison: Comparison
    is_activated: bool
    outcome: str


@dataclass(frozen=True)
class Retraining:
    """Retrains and comparisons.

    Attributes:
        versions: Where to start from, and where the result goes.
        pipeline: Whose encoder reads the regression set.
        heads_of: Heads of a network, with the user's taxonomy.
        config: How to learn.
    """

    versions: Versions
    pipeline: Pipeline
    heads_of: Callable[[Network], ShippedHeads]
    config: RefitConfig = field(default_factory=RefitConfig)
    _closing: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def run(self, author: str, activate: Activate, on_progress: OnProgress) -> RetrainReport:
        """Learn from all corrections, compare, keep the new version, and activate it if it is better or if told to.

        The active version stays as it is until the last step, and altogether if anything fails.

        Args:
            author: Who asks.
            activate: `better`: only if it is better; `always` or `never`: whatever the comparison says.
            on_progress: Called with (stage, share in [0, 1]).

        Raises:
            InvalidInput: Fewer than 20 records are corrected.
            Conflict: Another retrain is running, or the stored vectors are of another encoder.
            CxnlpError: The fit failed.
        """
        judged = self._check()
        return self._run(self.versions.store.retrains.begin(author), judged, activate, on_progress)

    def start(self, author: str, activate: Activate) -> Retrain:
        """Begin a retrain in the background and return it; `Store.retrains` knows how far it is.

        Raises:
            InvalidInput: Fewer than 20 records are corrected.
            Conflict: Another retrain is running, or the stored vectors are of another encoder.
        """
        judged = self._check()
        retrain = self.versions.store.retrains.begin(author)

        def work() -> None:
            with suppress(Exception):  # its outcome is kept in the store, for whoever asks
                self._run(retrain, judged, activate, lambda stage, share: None)

        thread = threading.Thread(target=work, name="retrain", daemon=True)
        self._threads.append(thread)
        thread.start()
        return retrain

    def close(self) -> None:
        """Stop what `start` began; the active version stays as it was."""
        self._closing.set()
        for thread in self._threads:
            thread.join()

    def compare(self, a: str, b: str) -> Comparison:
        """Compare two versions on the held-out corrections and the regression set.

        Raises:
            NotFound: There is none of one of the ids.
            Conflict: One is of another encoder.
        """
        held = [one for one in corrected_records(self.versions.store) if is_held_out(one.passage.feedback.id)]
        return self._compare((a, self.versions.network(a)), (b, self.versions.network(b)), held)

    def _check(self) -> list[Judged]:
        """Return the corrected records, if there are enough to learn from."""
        store = self.versions.store
        generation = store.generations.active()
        if generation and generation.encoder != self.versions.shipped.card["encoder_id"]:
            raise Conflict("the stored vectors are of another encoder; run `cxnlp reindex`, then retrain")
        judged = corrected_records(store)
        if len(judged) < LEAST_CORRECTED:
            raise InvalidInput(
                f"{len(judged)} records are corrected, and at least {LEAST_CORRECTED} are needed to learn from them; correct more, "
                "with PATCH /v1/feedback/{id}, such as those with the lowest confidence. Records whose content changed since do not count"
            )
        return judged

    def _run(self, retrain: Retrain, judged: Sequence[Judged], activate: Activate, on_progress: OnProgress) -> RetrainReport:
        retrains = self.versions.store.retrains
        try:
            report = self._learn(retrain, judged, activate, _with_signs_of_life(lambda s, x: retrains.report(retrain.id, s, x), on_progress))
        except BaseException as error:  # also Ctrl-C
            told = str(error) if isinstance(error, CxnlpError) else type(error).__name__
            retrains.end(retrain.id, FAILED, f"{told or 'stopped'}")
            raise
        retrains.end(retrain.id, DONE, report.outcome, report.version.id)
        return report

    def _learn(self, retrain: Retrain, judged: Sequence[Judged], activate: Activate, on_progress: OnProgress) -> RetrainReport:
        store = self.versions.store
        parent = self.versions.active().id
        old = self.versions.network(parent)
        held = [one for one in judged if is_held_out(one.passage.feedback.id)]
        learnt = [one for one in judged if not is_held_out(one.passage.feedback.id)]
        weights = refit_in_subprocess(
            old, self._examples(learnt, old), self._replay(old), self.config, lambda s, x: on_progress(s, 0.9 * x), self._closing.is_set
        )
        on_progress("compare", 0.9)
        new = Network(weights, dict(old.card))
        found = self._compare((parent, old), ("", new), held)
        sets = {"corrections": found.corrections, "cases": found.cases}
        metrics = {name: {"parent": pair[0].to_json(), "own": pair[1].to_json()} for name, pair in sets.items()}
        made = {"n_corrections": len(learnt), "metrics": metrics, "author": retrain.author}
        version = store.versions.add(self.versions.root, parent, new.card, new.to_bytes(), made)
        comparison = Comparison(parent, version.id, found.corrections, found.cases)
        outcome, is_wanted = _decide(comparison, activate)
        if is_wanted and self.versions.active().id != parent:
            outcome, is_wanted = f"{version.id} was not activated: another version was, while this one was made", False
        if is_wanted:
            self.versions.activate(version.id, retrain.author)
        return RetrainReport(version, comparison, is_wanted, outcome)

    def _examples(self, judged: Sequence[Judged], network: Network) -> Examples:
        labels = [_learnable(one, network) for one in judged]
        return gather([one.passage for one in judged], _dim(network), labels)

    def _replay(self, network: Network) -> Examples:
        vectors = self.versions.store.vectors
        return gather(list(vectors.get_many(vectors.sample(MOST_REPLAYED, self.config.seed)).values()), _dim(network))

    def _compare(self, a: tuple[str, Network], b: tuple[str, Network], held: Sequence[Judged]) -> Comparison:
        pair = self.heads_of(a[1]), self.heads_of(b[1])
        of_corrections, of_cases = (tuple(measure(heads, judged) for heads in pair) for judged in (held, self._cases))
        return Comparison(a[0], b[0], (of_corrections[0], of_corrections[1]), (of_cases[0], of_cases[1]))

    @cached_property
    def _cases(self) -> list[Judged]:
        """The regression set, encoded once."""
        cases = load_cases()
        read = self.pipeline.analyze([case.feedback for case in cases])
        return [
            Judged(Passage(r.feedback, r.analysis.language, r.vectors.document, r.vectors.clauses, r.vectors.spans), case.labels)
            for case, r in zip(cases, read, strict=True)
        ]


def _decide(found: Comparison, activate: Activate) -> tuple[str, bool]:
    """Return the decision in words, and whether to activate."""
    if activate == "always":
        return f"{found.b} was activated, as told", True
    if activate == "never":
        return f"{found.b} was kept and not activated, as told", False
    if found.is_better:
        return f"{found.b} was activated: it agrees better with held-out corrections, and no worse with the regression set", True
    if not found.corrections[0].n:
        return f"{found.b} was not activated: no corrected record is held out yet, so nothing shows that it is better", False
    if (found.corrections[1].all or 0) <= (found.corrections[0].all or 0):
        return f"{found.b} was not activated: it does not agree better with held-out corrections", False
    return f"{found.b} was not activated: it agrees by more than {TOLERANCE} less with the regression set", False


def _learnable(one: Judged, network: Network) -> dict[str, Any]:
    """Return labels as `cxnlp.heads.examples` takes them.

    A touchpoint or cause that a user added has no trained head; observations with one teach nothing.
    """
    known, labels = network.card["labels"], one.labels
    observations = labels.observations
    if observations is not None and not all(t in known["touchpoints"] and c in known["causes"] for t, c, _ in observations):
        observations = None
    told = {"sentiment": labels.sentiment, "intent": labels.intent, "risks": None if labels.risks is None else list(labels.risks)}
    return told | {"observations": None if observations is None else [list(entry) for entry in observations]}


def _dim(network: Network) -> int:
    return int(network.weights["document.weight"].shape[1])


def _with_signs_of_life(report: OnProgress, on_progress: OnProgress) -> OnProgress:
    """Return what tells of progress, and every two seconds the store, too, so that the retrain keeps its lease."""
    last = float("-inf")

    def tell(stage: str, share: float) -> None:
        nonlocal last
        on_progress(stage, share)
        if time.monotonic() - last >= _SIGN_OF_LIFE_SECONDS:
            report(stage, share)
            last = time.monotonic()

    return tell
