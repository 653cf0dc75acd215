"""Records and results, written for these tests."""

from datetime import UTC, datetime, timedelta

import numpy as np

from cxnlp.records import Analysis, Customer, Feedback, Observation, Quote, Rating, Risk, Span, Turn, TurnSentiment, Vectors
from cxnlp.store import Result, said

NOW = datetime(2026, 11, 20, 12, 0, 0, 123456, UTC)
TEXT = "快递等了一个星期还没到，the courier never called."
DIM = 8


def make_feedback(n=1, text=TEXT, **fields):
    given = {
        "source": "zendesk",
        "external_id": f"t-{n}",
        "channel": "ticket",
        "created_at": NOW - timedelta(minutes=n),
        "text": text,
        "fingerprint": f"{n}:{text}",
    }
    return Feedback(**(given | fields))


def make_full(n=1):
    turns = (Turn("customer", "你好，我要退款", NOW), Turn("agent", "请稍等"), Turn("customer", "I will leave you"))
    return make_feedback(
        n,
        text="",
        channel="chat",
        turns=turns,
        updated_at=NOW,
        rating=Rating("nps", 2.5),
        customer=Customer("c-hash", "vip"),
        attributes={"region": "西南", "n": 3, "paid": True, "nested": {"a": [1, None]}},
    )


def make_quote(text=TEXT, words="一个星期"):
    return Quote(words, text.index(words), text.index(words) + len(words))


def make_analysis(sentiment=-0.8, touchpoint="delivery", cause="slow", risks=("churn",), intent="complaint", language="zh"):
    return Analysis(
        language=language,
        sentiment=sentiment,
        confidence=0.9,
        intent=intent,
        observations=(Observation(touchpoint, "service", cause, sentiment, 0.8, make_quote()),),
        risks=tuple(Risk(risk, 0.7, make_quote()) for risk in risks),
        model="test-1",
    )


def make_conversation_analysis():
    quote = Quote("退款", 5, 7, 0)
    return Analysis(
        "zh", -0.5, 0.6, "request", (Observation("refund", "after", None, 0.1, 0.5, quote),), (), "test-1", -0.25, (TurnSentiment(0, -0.5),)
    )


def make_vectors(n=1, n_clauses=2):
    rng = np.random.default_rng(n)
    rows = rng.normal(size=(n_clauses + 1, DIM)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return Vectors(rows[0], rows[1:], tuple(Span(i, i + 1) for i in range(n_clauses)))


def make_generation(store, encoder="encoder-a"):
    return store.generations.ensure(encoder, "splitter-1", DIM)


def enrich(store, analysis_of=lambda claim: make_analysis(), holder="worker"):
    """Analyse all that waits, as a worker does; return how many results applied."""
    generation = make_generation(store)
    n_applied = 0
    while claims := store.analyses.claim(holder, 100, 60):
        results = [Result(c.record_id, c.version, analysis_of(c), make_vectors(c.seq), said(c.feedback)) for c in claims]
        n_applied += store.analyses.save(results, generation.id)
    return n_applied
