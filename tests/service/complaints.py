"""Complaints of customers for the tests of rules and flags, analysed as written here."""

from datetime import UTC, datetime, timedelta

import numpy as np

from cxnlp.records import Analysis, Customer, Feedback, Observation, Quote, Risk, Span, Vectors
from cxnlp.store import Result

TEXT = "快递又慢了，nobody answers me"
NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def complain(store, n, customer="c-ann", at=None, sentiment=-0.6, touchpoint="delivery", cause="slow", risks=(), text=TEXT, **fields):
    """Store and analyse one record; return its id."""
    known = Customer(customer, fields.pop("segment", None)) if customer else None
    feedback = Feedback("shop", str(n), "chat", at or datetime.now(UTC), text, customer=known, fingerprint=f"{n}{text}", **fields)
    (receipt,) = store.feedback.add([feedback], datetime.now(UTC))
    analyze(store, sentiment, touchpoint, cause, risks)
    return receipt.id


def analyze(store, sentiment=-0.6, touchpoint="delivery", cause="slow", risks=()):
    """Analyse all that waits, all alike."""
    generation = store.generations.ensure("encoder", "splitter", 4)
    vectors = Vectors(np.eye(4, dtype=np.float32)[0], np.eye(4, dtype=np.float32)[:1], (Span(0, 3),))
    quote = Quote(TEXT[:2], 0, 2)
    observed = (Observation(touchpoint, "service", cause, sentiment, 0.9, quote),)
    analysis = Analysis("zh", sentiment, 0.9, "complaint", observed, tuple(Risk(risk, 0.9, quote) for risk in risks), "test-1")
    claims = store.analyses.claim("worker", 1000, 60)
    store.analyses.save([Result(c.record_id, c.version, analysis, vectors) for c in claims], generation.id)
