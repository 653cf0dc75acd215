from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from cxnlp.lines import analysis_from_line, analysis_line, to_iso, to_line
from cxnlp.records import (
    Analysis,
    Conversation,
    Customer,
    Feedback,
    Observation,
    Quote,
    Rating,
    Record,
    Risk,
    Topic,
    Turn,
    TurnSentiment,
    Vectors,
    is_historical,
    label_of,
    record_id,
)

AT = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)
TEXT = Feedback("zendesk", "4711", "ticket", AT, "等了一个星期还没到")
TALK = Feedback("desk", "1", "chat", AT, turns=(Turn("agent", "Hello", AT), Turn("customer", "still broken"), Turn("system", "")))
QUOTE = Quote("一个星期", 2, 6)
ANALYSIS = Analysis("zh", -0.81999999, 0.94004, "complaint", (Observation("delivery", "service", "slow", -0.9, 0.88, QUOTE),), (), "m-1")


def test_the_id_of_an_identity_never_changes():
    assert record_id("zendesk", "4711") == TEXT.id == "r-bf2709c06c379f096615"
    assert record_id("a", "bc") != record_id("ab", "c")


def test_only_customers_are_heard():
    assert TEXT.segments() == [(None, "等了一个星期还没到")]
    assert TALK.segments() == [(1, "still broken")]


@pytest.mark.parametrize(
    ("scale", "value", "expected"), [("nps", 0, -1), ("nps", 10, 1), ("csat", 3, 0), ("ces", 7, 1), ("stars", 1, -1), ("stars", 4, 0.5)]
)
def test_a_rating_is_mapped_to_its_range(scale, value, expected):
    assert Rating(scale, value).satisfaction == expected


@pytest.mark.parametrize(
    ("sentiment", "label"), [(-1, "negative"), (-0.25, "negative"), (-0.2499, "neutral"), (0.2499, "neutral"), (0.25, "positive"), (1, "positive")]
)
def test_the_label_turns_at_a_quarter(sentiment, label):
    assert label_of(sentiment) == label


def test_the_label_goes_by_the_number_that_is_shown():
    assert replace(ANALYSIS, sentiment=-0.24999).label == "negative"


def test_a_time_is_written_in_utc_with_milliseconds_only_where_there_are_any():
    assert to_iso(datetime(2026, 11, 1, 17, 30, tzinfo=timezone(timedelta(hours=8)))) == "2026-11-01T09:30:00Z"
    assert to_iso(AT.replace(microsecond=250_000)) == "2026-11-01T09:30:00.250Z"


def test_two_days_make_a_record_historical():
    assert not is_historical(AT, AT + timedelta(hours=48))
    assert is_historical(AT, AT + timedelta(hours=48, seconds=1))


def test_a_line_has_only_what_is_known():
    assert to_line(Record(TEXT)) == {
        "id": TEXT.id,
        "source": "zendesk",
        "external_id": "4711",
        "channel": "ticket",
        "text": "等了一个星期还没到",
        "created_at": "2026-11-01T09:30:00Z",
    }


def test_a_line_has_all_that_is_known():
    feedback = replace(
        TEXT, updated_at=AT, rating=Rating("nps", 3.0), customer=Customer("c-1", None), attributes={"region": "华东"}, fingerprint="never shown"
    )
    line = to_line(Record(feedback, ANALYSIS, Topic("t-1", "快递"), corrected=("intent",), stale=("intent",)))
    assert line["updated_at"] == "2026-11-01T09:30:00Z"
    assert (line["rating"], line["customer"], line["attributes"]) == ({"scale": "nps", "value": 3.0}, {"id": "c-1"}, {"region": "华东"})
    assert (line["sentiment"], line["confidence"], line["label"]) == (-0.82, 0.94, "negative")
    assert line["observations"][0]["quote"] == {"text": "一个星期", "turn": None, "start": 2, "end": 6}
    assert TEXT.text[2:6] == "一个星期"
    assert (line["topic"], line["corrected"], line["stale"]) == ({"id": "t-1", "label": "快递"}, ["intent"], ["intent"])
    assert "never shown" not in str(line)
    assert "satisfaction" not in line and "trajectory" not in line


def test_a_conversation_has_turns_instead_of_a_text_and_a_course():
    analysis = replace(ANALYSIS, satisfaction=-0.4, trajectory=(TurnSentiment(1, -0.5),))
    line = to_line(Record(TALK, analysis))
    assert "text" not in line
    assert line["turns"][0] == {"speaker": "agent", "text": "Hello", "at": "2026-11-01T09:30:00Z"}
    assert line["turns"][2] == {"speaker": "system", "text": ""}
    assert (line["satisfaction"], line["trajectory"]) == (-0.4, [{"turn": 1, "sentiment": -0.5}])


def test_an_analysis_comes_back_from_its_line():
    analysis = replace(
        ANALYSIS,
        sentiment=-0.82,
        confidence=0.94,
        risks=(Risk("churn", 0.9, QUOTE),),
        satisfaction=-0.4,
        trajectory=(TurnSentiment(0, -0.5),),
        conversation=Conversation(-0.5, -0.5, 0, -0.5, 0.0, None, False, True, 1),
    )
    assert analysis_line(analysis)["conversation"]["lowest_turn"] == 0
    assert analysis_from_line(analysis_line(analysis)) == analysis


def test_vectors_can_be_compared():
    assert Vectors(np.zeros(3, np.float32), np.zeros((1, 3), np.float32)) == Vectors(np.ones(3, np.float32), np.ones((1, 3), np.float32))
