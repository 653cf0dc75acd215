"""Records made up for figures, and the plainest possible way to count them: record by record, in whole numbers and fractions."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import numpy as np

from cxnlp.records import Analysis, Customer, Observation, Rating, Risk, TurnSentiment
from tests.store.samples import make_feedback, make_quote

TOUCHPOINTS = {"delivery": "service", "price": "conversion", "app": "use"}
RATINGS = (None, Rating("csat", 3), Rating("csat", 4), Rating("csat", 5), Rating("nps", 6), Rating("nps", 8), Rating("nps", 9), Rating("stars", 1))


def make_many(random, n, start, days, first=0):
    """Return n records at random times, whole hours often among them."""
    made = []
    for i in range(first, first + n):
        seconds = random.integers(0, days * 86_400)
        at = start + timedelta(seconds=int(seconds - seconds % 3_600 if random.random() < 0.5 else seconds))
        segment = (None, "new", "vip")[random.integers(0, 3)]
        fields = {
            "customer": Customer(f"c-{i}", segment),
            "rating": RATINGS[random.integers(0, len(RATINGS))],
            "fingerprint": str(random.integers(1 << 40)),
        }
        attributes = {} if random.random() < 0.3 else {"region": "东西南"[random.integers(0, 3)], "floor": int(random.integers(0, 3))}
        made.append(make_feedback(i, channel=("chat", "ticket", "call")[random.integers(0, 3)], created_at=at, attributes=attributes, **fields))
    return made


def make_reading(random):
    """Return an analysis at random, with the same touchpoint several times in some."""
    quote, seen = make_quote(), []
    for _ in range(random.integers(0, 6)):
        touchpoint = list(TOUCHPOINTS)[random.integers(0, 3)]
        sentiment = (-0.25, -0.2499, -0.15, -0.35, 0.5, round(float(random.uniform(-1, 1)), 4))[random.integers(0, 6)]
        cause = ("slow", "dear", "rude")[random.integers(0, 3)] if sentiment < 0 else None
        seen.append(Observation(touchpoint, TOUCHPOINTS[touchpoint], cause, sentiment, 0.9, quote))
    risks = tuple(Risk(risk, 0.9, quote) for risk in ("churn", "legal") if random.random() < 0.3)
    sentiment = (-0.25, -0.2499, round(float(random.uniform(-1, 1)), 4))[random.integers(0, 3)]
    intent = ("complaint", "praise", "inquiry")[random.integers(0, 3)]
    satisfaction = round(float(random.uniform(-1, 1)), 4) if random.random() < 0.5 else None
    turns = () if satisfaction is None else (TurnSentiment(0, sentiment),)
    return Analysis(("zh", "en")[random.integers(0, 2)], sentiment, 0.9, intent, tuple(seen), risks, "test-1", satisfaction, turns)


def values_of(record, dimensions, touchpoints=()):
    """Return {values: sentiments} of a record: those of its observations where a dimension is theirs, else its own."""
    analysis, feedback = record.analysis, record.feedback
    seen = [o for o in analysis.observations if not touchpoints or o.touchpoint in touchpoints]
    observed = [name for name in dimensions if name in ("touchpoint", "stage", "cause", "pair")]

    def of(name, observation):
        if name == "pair":
            return f"{observation.touchpoint}/{observation.cause}" if observation.cause else None
        if observation is not None and name in observed:
            return getattr(observation, name)
        if name.startswith("attributes."):
            value = feedback.attributes.get(name.removeprefix("attributes."))
            return None if value is None else str(value)
        plain = {"all": "", "source": feedback.source, "channel": feedback.channel, "segment": feedback.customer.segment}
        plain |= {"language": analysis.language, "label": analysis.label, "intent": analysis.intent, "topic": record.topic and record.topic.id}
        return plain[name]

    found = {}
    for risk in [risk.id for risk in analysis.risks] if "risk" in dimensions else [None]:
        for observation in seen if observed else [None]:
            values = tuple(risk if name == "risk" else of(name, observation) for name in dimensions)
            if None not in values:
                found.setdefault(values, []).append(Fraction(str(round((observation or analysis).sentiment, 4))))
    return found


def count(measure, told):
    """Return (value, n) of a measure of records given as (record, sentiments)."""
    records = [record for record, _ in told]
    means = [sum(sentiments) / len(sentiments) for _, sentiments in told]
    rated = {scale: [r.feedback.rating.value for r in records if r.feedback.rating and r.feedback.rating.scale == scale] for scale in ("csat", "nps")}
    hits = {
        "volume": means,
        "negative_share": [mean <= Fraction("-0.25") for mean in means],
        "complaint_share": [record.analysis.intent == "complaint" for record in records],
        "sentiment": means,
        "satisfaction": [round(r.analysis.satisfaction, 4) for r in records if r.analysis.satisfaction is not None],
        "csat": [value >= 4 for value in rated["csat"]],
        "nps": [100 * ((value >= 9) - (value <= 6)) for value in rated["nps"]],
    }[measure]
    if measure == "volume":
        return len(records), len(records)
    return (float(sum(hits) / len(hits)) if hits else None), len(hits)


def grouped(records, dimensions, touchpoints=()):
    """Return {values: [(record, sentiments)]}."""
    found = {}
    for record in records:
        for values, sentiments in values_of(record, dimensions, touchpoints).items():
            found.setdefault(values, []).append((record, sentiments))
    return found


def seeded(seed):
    return np.random.default_rng(seed)


UTC_START = datetime(2026, 10, 20, tzinfo=UTC)
