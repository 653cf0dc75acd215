import json
import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cxnlp.records import Analysis, Feedback, Observation, Quote, Rating, Record, Turn, TurnSentiment
from cxnlp.service.outcomes import Outcome, Summary, outcome_of, summarise
from cxnlp.taxonomy import load_taxonomy
from tests.service.moments import NOW

CREATED = NOW - timedelta(days=10)


def record(attributes=None, turns=(), created_at=CREATED, rating=None, observed=(), felt=()):
    feedback = Feedback("shop", "1", "chat", created_at, "late", turns, rating=rating, attributes=attributes or {})
    observations = tuple(Observation(touchpoint, "service", cause, -0.5, 0.9, Quote("late", 0, 4)) for touchpoint, cause in observed)
    trajectory = tuple(TurnSentiment(turn, sentiment) for turn, sentiment in felt)
    return Record(feedback, Analysis("en", -0.5, 0.9, "complaint", observations, (), "test-1", trajectory=trajectory))


def turns(*spoken):
    """One turn a minute after the beginning."""
    return tuple(Turn(speaker, text, CREATED + timedelta(minutes=i)) for i, (speaker, text) in enumerate(spoken))


def hours(attributes=None, *spoken, **more):
    return outcome_of(record(attributes, turns(*spoken), **more)).hours


def test_what_was_ingested_is_told():
    sent = {"resolution": " Refund ", "reply": "We have sent it back.", "resolved_at": "2026-11-11T14:00:00+02:00"}
    found = outcome_of(record(sent, rating=Rating("stars", 4)))
    assert found == Outcome("Refund", "We have sent it back.", 24.0, 0.5)
    assert found.to_json() == {"resolution": "Refund", "reply": "We have sent it back.", "hours": 24.0, "rating": 0.5}
    assert outcome_of(record()).to_json() == {"resolution": None, "reply": None, "hours": None, "rating": None}


@pytest.mark.parametrize("at", ["2026-11-11T12:00:00Z", "2026-11-11 12:00", "2026-11-11T12:00:00.000+00:00", "20261111T120000Z"])
def test_any_iso_time_ends_the_matter(at):
    assert hours({"resolved_at": at}) == 24.0


def test_a_time_without_zone_is_read_in_the_zone_given():
    at = record({"resolved_at": "2026-11-11T12:00:00"})
    assert outcome_of(at, ZoneInfo("Asia/Shanghai")).hours == 16.0


@pytest.mark.parametrize(
    "at",
    [
        "9999-12-31T23:59:59-08:00", "0001-01-01T00:00:00+10:00", "1969-12-31T00:00:00Z", "2101-01-01T00:00:00Z", "2026-11-01T00:00:00Z",
        "2026-11-12", "soon", "", "T1 2", math.nan, math.inf, 1e400, 10**400, 1795176000, True, None, [], {"at": 1}, "2026-13-01T00:00:00Z",
    ],
)  # fmt: skip
def test_a_time_that_cannot_be_is_unknown(at):
    assert hours({"resolved_at": at}, ("customer", "hi"), ("agent", "done")) is None


@pytest.mark.parametrize("value", [None, 3, math.nan, True, ["refund"], {"a": 1}, "", " \n"])
def test_resolution_and_reply_that_are_no_text_are_unknown(value):
    assert outcome_of(record({"resolution": value, "reply": value})) == Outcome()


@pytest.mark.parametrize("rating", [Rating("stars", math.nan), Rating("stars", 9), Rating("csat", -1)])
def test_a_rating_off_its_scale_is_unknown(rating):
    assert outcome_of(record(rating=rating)).rating is None


def test_the_agents_last_words_are_the_reply_where_none_was_sent():
    spoken = (("customer", "hi"), ("agent", "First."), ("agent", "Second."), ("agent", "  "), ("customer", "ok"), ("system", "closed"))
    assert outcome_of(record(turns=turns(*spoken))).reply == "Second."
    assert outcome_of(record({"reply": "Mail."}, turns(*spoken))).reply == "Mail."


def test_a_long_reply_is_cut_between_graphemes_and_placeholders():
    family = "👨‍👩‍👧‍👦"
    for text in (family * 100, "x" * 495 + "[PHONE] and more words", "word " * 200, "好" * 900):
        reply = outcome_of(record({"reply": text})).reply
        assert len(reply) <= 500 and reply.endswith("…")
        assert text.startswith(reply[:-1])
    assert outcome_of(record({"reply": family * 100})).reply[:-1].replace(family, "") == ""
    assert "[" not in outcome_of(record({"reply": "x" * 495 + "[PHONE] and more words"})).reply
    assert outcome_of(record({"reply": "x" * 500})).reply == "x" * 500


def test_a_conversation_ends_with_an_agent_or_with_thanks():
    assert hours(None, ("customer", "hi"), ("agent", "done")) == pytest.approx(1 / 60)
    assert hours(None, ("customer", "hi"), ("agent", "done"), ("customer", "好的，谢谢！")) == pytest.approx(2 / 60)
    assert hours(None, ("customer", "hi"), ("agent", "done"), ("customer", "Thank you"), ("system", "closed")) == pytest.approx(2 / 60)
    assert hours(None, ("customer", "hi"), ("agent", "done"), ("customer", "This is a joke.")) is None
    assert hours(None, ("customer", "hi"), ("agent", "done"), ("customer", "Thanks for nothing.")) is None
    assert hours(None, ("system", "hello")) is None
    assert hours(None) is None
    assert outcome_of(record(turns=(Turn("customer", "hi"), Turn("agent", "done")))).hours is None


def test_bitter_thanks_end_nothing():
    spoken = (("customer", "hi"), ("agent", "no"), ("customer", "谢谢你们毁了我的一天"))
    assert hours(None, *spoken, felt=[(2, -0.7)]) is None
    assert hours(None, *spoken, felt=[(0, -0.7), (2, 0.1)]) is not None


@pytest.mark.parametrize("resolution", ["pending", "Unresolved", "no_action", "refund pending", "换货中", "未解决", "escalated to tier 2", "open"])
def test_what_is_still_open_took_no_time_to_resolve(resolution):
    assert hours({"resolution": resolution}, ("customer", "hi"), ("agent", "we will see")) is None
    assert hours({"resolution": resolution, "resolved_at": "2026-11-11T12:00:00Z"}) == 24.0


@pytest.mark.parametrize("resolution", ["refund", "opened box replaced", "已解决", "退款一半", "resolved"])
def test_what_is_done_ended_with_the_conversation(resolution):
    assert hours({"resolution": resolution}, ("customer", "hi"), ("agent", "done")) is not None


def alike():
    """43 records of 30 days: 35 about slow delivery, 10 in the earlier half, 20 refunds, one resolved after 26 hours."""
    made = []
    for i in range(43):
        created_at = NOW - timedelta(days=29 if i < 10 else 5)
        attributes = {"resolution": "  Refund " if i % 2 else "refund"} if i < 20 else {"resolution": "voucher"} if i < 25 else {}
        if i < 3:
            attributes["resolved_at"] = (created_at + timedelta(hours=(2, 26, 300)[i])).isoformat()
        observed = [("delivery", "slow"), ("delivery", "slow")] if i < 35 else [("store", None)]
        made.append((0.4 + i / 100, record(attributes, created_at=created_at, observed=observed)))
    return made


def test_the_summary_says_how_many_about_what_and_what_was_done():
    found = summarise([*alike(), (0.39, record()), (math.nan, record())], NOW, days=30)
    assert found.line("en") == "43 alike in 30 days, 81 % about delivery/slow, mostly resolved by refund, median 26 h"
    assert found.line("zh") == "30 天内 43 条相似，81% 关于 delivery/slow，多数以 refund 解决，用时中位数 26 小时"
    assert found.line("zh", load_taxonomy()).startswith("30 天内 43 条相似，81% 关于 物流与配送/等待与时效，")
    assert found.line("en", load_taxonomy()).startswith("43 alike in 30 days, 81 % about Delivery and logistics/Slow or late, ")
    assert json.loads(json.dumps(found.to_json())) == {
        "n": 43,
        "days": 30,
        "about": {"touchpoint": "delivery", "cause": "slow", "share": 0.814},
        "resolution": {"text": "refund", "share": 0.8},
        "median_hours": 26.0,
        "first_at": "2026-10-22T12:00:00Z",
        "last_at": "2026-11-15T12:00:00Z",
        "growth": 2.3,
    }


def test_without_a_window_it_reaches_back_to_the_first():
    assert summarise(alike(), NOW).days == 29
    assert summarise(alike(), NOW, days=7).n == 33
    assert summarise(alike(), NOW, days=12).growth is None
    assert summarise([(1.0, record(created_at=NOW + timedelta(days=3)))], NOW).line("en") == "1 alike in 1 day"


def test_what_is_not_known_is_left_out():
    assert summarise([], NOW) == Summary(0, 1)
    assert summarise([], NOW, days=30).line("en") == "none alike in 30 days"
    assert summarise([], NOW, days=30).line("zh") == "30 天内没有相似的反馈"
    assert summarise([(0.9, record())], NOW).line("fr") == "1 alike in 10 days"
    assert summarise([(0.9, Record(record().feedback))], NOW).to_json()["about"] is None
    rare = [(0.9, record(observed=[("store", f"cause{i}")])) for i in range(11)]
    assert summarise(rare, NOW).line("en") == "11 alike in 10 days"


@pytest.mark.parametrize(
    ("resolution", "english", "chinese"),
    [
        ("Resolved", "mostly resolved", "多数已解决"),
        ("no_action", "mostly not resolved (no action)", "多数未解决（no action）"),
        ("退款", "mostly resolved by 退款", "多数以 退款 解决"),
    ],
)
def test_the_line_never_calls_resolved_what_is_not(resolution, english, chinese):
    found = summarise([(0.9, record({"resolution": resolution}))], NOW)
    assert found.line("en").split(", ")[1] == english
    assert found.line("zh").split("，")[1] == chinese


def test_the_commonest_of_many_is_not_called_most():
    several = [(0.9, record({"resolution": r})) for r in ("refund", "refund", "voucher", "repair", "explained")]
    assert summarise(several, NOW).line("en").endswith("most often resolved by refund")
    assert summarise(several, NOW).line("zh").endswith("最常见：以 refund 解决")


def test_minutes_are_shown_as_minutes():
    talk = record(turns=turns(("customer", "hi"), *[("agent", "…")] * 12), created_at=CREATED)
    assert summarise([(0.9, talk)], NOW).line("en").endswith("median 12 min")
    assert summarise([(0.9, talk)], NOW).line("zh").endswith("用时中位数 12 分钟")


def test_growth_compares_the_halves_of_the_window():
    def at(days):
        return (0.9, record(created_at=datetime(2026, 11, 20, tzinfo=UTC) - timedelta(days=days)))

    now = datetime(2026, 11, 20, tzinfo=UTC)
    assert summarise([at(9), at(8), at(7), at(1)], now, days=10).growth == pytest.approx(-2 / 3)
    assert summarise([at(9), at(1)], now, days=10).growth == 0
    assert summarise([at(10), at(2), at(1)], now).growth == 1
