import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxnlp.errors import InvalidFeedback
from cxnlp.ingest.tally import Tally
from cxnlp.ingest.validation import Defaults, parse
from cxnlp.lines import to_line
from cxnlp.records import Customer, Rating, Record

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
KEY = b"k" * 32


def defaults(**changed):
    return Defaults(**({"source": "shop", "received_at": NOW, "key": KEY} | changed))


def nest(depth):
    value = "end"
    for _ in range(depth):
        value = {"a": value}
    return value


def test_a_full_record_keeps_every_field():
    sent = {
        "source": "zendesk",
        "external_id": "4711",
        "channel": "review",
        "text": "还不错",
        "created_at": "2026-11-01T09:30:00+08:00",
        "updated_at": "2026-11-02T09:30:00Z",
        "rating": {"scale": "nps", "value": 9},
        "customer": {"id": "c-9", "segment": "vip"},
        "attributes": {"product": "灯", "n": 2},
    }
    record = parse(sent, defaults())
    assert (record.source, record.external_id, record.channel, record.text) == ("zendesk", "4711", "review", "还不错")
    assert record.created_at == datetime(2026, 11, 1, 1, 30, tzinfo=UTC)
    assert record.updated_at == datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
    assert record.rating == Rating("nps", 9)
    assert record.attributes == {"product": "灯", "n": 2}
    assert record.customer is not None and record.customer.segment == "vip"


def test_defaults_fill_what_is_missing():
    record = parse({"text": "late"}, defaults(channel="survey"))
    assert (record.source, record.channel, record.created_at) == ("shop", "survey", NOW)
    assert record.external_id.startswith("h-")


@pytest.mark.parametrize(
    "text", ["😡", "!?!", "<p>late &amp; rude</p>", "'; DROP TABLE x; --", "a", "ภาษาไทย", "é" * 450_000, "a" * 1_000_000, "ok\u200d"]
)
def test_unusual_texts_are_accepted_unchanged(text):
    assert parse({"text": text}, defaults()).text == text


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"text": None}, "text"),
        ({"text": ""}, "text"),
        ({"text": " \t\n\u200b\ufeff"}, "text"),
        ({"text": 5}, "text"),
        ({"text": ["a"]}, "text"),
        ({"text": float("nan")}, "text"),
        ({"text": "a" * 1_000_001}, "text"),
        ({"text": "é" * 500_001}, "text"),
        ({"text": "a\x00b"}, "text"),
        ({"text": "a\ud800b"}, "text"),
        ({"text": "\x01\x02"}, "text"),
        ({"source": ""}, "source"),
        ({"source": "s" * 257}, "source"),
        ({"source": "a\x1fb"}, "source"),
        ({"external_id": " "}, "external_id"),
        ({"external_id": "x" * 257}, "external_id"),
        ({"external_id": True}, "external_id"),
        ({"external_id": 1.5}, "external_id"),
        ({"external_id": 10**100}, "external_id"),
        ({"external_id": ["1"]}, "external_id"),
        ({"channel": "fax"}, "channel"),
        ({"channel": 3}, "channel"),
        ({"created_at": "1969-12-31T23:59:59Z"}, "created_at"),
        ({"created_at": "2101-01-01T00:00:00Z"}, "created_at"),
        ({"created_at": "soon"}, "created_at"),
        ({"updated_at": "0001-01-01T00:00:00+14:00"}, "updated_at"),
        ({"rating": 4}, "rating"),
        ({"rating": {"scale": "points", "value": 4}}, "rating.scale"),
        ({"rating": {"scale": "stars", "value": float("nan")}}, "rating.value"),
        ({"rating": {"scale": "stars", "value": float("inf")}}, "rating.value"),
        ({"rating": {"scale": "stars", "value": True}}, "rating.value"),
        ({"rating": {"scale": "stars", "value": 6}}, "rating.value"),
        ({"rating": {"scale": "nps", "value": -1}}, "rating.value"),
        ({"rating": {"scale": "stars", "value": "9/10"}}, "rating.value"),
        ({"rating": {"scale": "stars", "value": "1_0"}}, "rating.value"),
        ({"rating": {"scale": "stars", "value": 10**400}}, "rating.value"),
        ({"customer": {"id": ["x"]}}, "customer.id"),
        ({"attributes": ["a"]}, "attributes"),
        ({"attributes": {str(i): i for i in range(101)}}, "attributes"),
        ({"attributes": {"a": "x" * 64_001}}, "attributes"),
        ({"attributes": nest(9)}, "attributes.a"),
        ({"attributes": {"a": "\ud800"}}, "attributes.a"),
        ({"attributes": {"a": "\x00"}}, "attributes.a"),
        ({"attributes": {"a": float("nan")}}, "attributes.a"),
    ],
)
def test_a_broken_rule_names_field_value_and_remedy(changed, field):
    with pytest.raises(InvalidFeedback) as caught:
        parse({"text": "fine"} | changed, defaults())
    assert caught.value.field == field
    assert caught.value.problem and caught.value.remedy
    caught.value.value.encode()


def test_numbers_serve_as_ids_and_attributes_may_be_deep():
    record = parse({"text": "x", "external_id": 4711, "attributes": nest(8)}, defaults())
    assert record.external_id == "4711"
    assert record.attributes == nest(8)
    assert parse({"text": "x", "id": 4711.0}, defaults()).external_id == "4711"


@pytest.mark.parametrize(("sent", "value"), [("4", 4), ("4.0", 4), ("4/5", 4), (4.5, 4.5), (1, 1), (" 3 ", 3)])
def test_plain_ratings_are_read(sent, value):
    assert parse({"text": "x", "rating": {"scale": "stars", "value": sent}}, defaults()).rating == Rating("stars", value)


def test_an_empty_rating_is_none():
    assert parse({"text": "x", "rating": {"scale": "stars", "value": None}}, defaults()).rating is None


def test_unknown_names_become_attributes_and_a_written_line_reads_back_as_itself():
    record = parse({"text": "x", "shop": "北京", "attributes": {"shop": "上海", "b": 1}, "model": "S3", "external_id": "1"}, defaults())
    assert record.attributes == {"shop": "上海", "b": 1, "model": "S3"}
    line = to_line(Record(record)) | {"sentiment": 0.1, "observations": [], "model": "m", "label": "neutral"}
    assert parse(line, defaults()).attributes == {"shop": "上海", "b": 1, "model": "S3"}


def test_turns_replace_the_text_and_only_a_conversation_is_a_chat():
    said = [{"role": "user", "content": "还没到"}, {"role": "assistant", "content": "稍等"}, {"speaker": "system", "text": ""}]
    chat = parse({"conversation": said, "text": 5}, defaults())
    assert [(t.speaker, t.text) for t in chat.turns] == [("customer", "还没到"), ("agent", "稍等"), ("system", "")]
    assert (chat.text, chat.channel) == ("", "chat")
    assert parse({"turns": said}, defaults()).channel == "ticket"
    assert parse({"conversation": said}, defaults(channel="call")).channel == "call"
    assert parse({"turns": [], "text": "x"}, defaults()).text == "x"


@pytest.mark.parametrize(
    ("turns", "field"),
    [
        ("Agent: hi", "turns"),
        ([], "text"),
        (["hi"], "turns[0]"),
        ([{"speaker": "customer"}], "turns[0].text"),
        ([{"speaker": "customer", "text": 4}], "turns[0].text"),
        ([{"speaker": "martian", "text": "x"}], "turns[0].speaker"),
        ([{"text": "x"}], "turns[0].speaker"),
        ([{"speaker": "customer", "text": "x", "at": "soon"}], "turns[0].at"),
        ([{"speaker": "customer", "text": "ok"}, {"speaker": "agent", "text": "a\x00"}], "turns[1].text"),
        ([{"speaker": "agent", "text": "hello"}], "turns"),
        ([{"speaker": "customer", "text": " "}, {"speaker": "agent", "text": "hello"}], "turns"),
        ([{"speaker": "customer", "text": "x"}] * 10_001, "turns"),
        ([{"speaker": "customer", "text": "x" * 600_000}] * 2, "turns"),
    ],
)
def test_broken_turns_are_named(turns, field):
    with pytest.raises(InvalidFeedback) as caught:
        parse({"turns": turns}, defaults())
    assert caught.value.field == field


def test_ten_thousand_turns_are_accepted():
    assert len(parse({"turns": [{"speaker": "customer", "text": "x"}] * 10_000}, defaults()).turns) == 10_000


def test_times_of_turns_may_count_from_the_start():
    said = [{"speaker": "customer", "text": "x", "at": "00:12:05"}, {"speaker": "agent", "text": "y", "at": "2026-11-01T10:00:00Z"}]
    record = parse({"turns": said, "created_at": "2026-11-01T09:00:00Z"}, defaults())
    assert [t.at for t in record.turns] == [datetime(2026, 11, 1, 9, 12, 5, tzinfo=UTC), datetime(2026, 11, 1, 10, tzinfo=UTC)]


def test_a_time_without_zone_is_read_in_the_zone_with_one_warning():
    held = defaults(timezone=ZoneInfo("Asia/Shanghai"))
    for _ in range(3):
        assert parse({"text": "x", "created_at": "2026-11-01 09:30"}, held).created_at == datetime(2026, 11, 1, 1, 30, tzinfo=UTC)
    assert len(held.tally.warnings) == 1 and "Asia/Shanghai" in held.tally.warnings[0]
    parse({"text": "x", "created_at": "2026-11-01T09:30Z"}, fresh := defaults())
    assert fresh.tally.warnings == []


def test_records_without_id_are_told_apart_by_their_occurrence_and_come_out_the_same_again():
    sent = [{"text": "好评"}, {"text": "好评"}, {"text": "差评"}, {"text": "好评", "created_at": "2026-11-01T00:00:00Z"}]
    first, second = ([parse(v, held).external_id for v in sent] for held in (defaults(), defaults(received_at=NOW.replace(hour=9))))
    assert first == second
    assert len(set(first)) == 4
    assert parse(sent[0], defaults(key=b"other")).external_id != first[0]


def test_the_fingerprint_tells_content_and_not_its_spelling():
    def fingerprint(**changed):
        return parse({"text": "late", "external_id": "1"} | changed, defaults()).fingerprint

    same = fingerprint(rating={"scale": "stars", "value": "4"}, created_at="2026-11-01T09:30:00+08:00")
    assert same == fingerprint(rating={"scale": "stars", "value": 4.0}, created_at="2026-11-01T01:30:00Z")
    base = fingerprint()
    assert base == fingerprint(updated_at="2026-11-01T01:30:00Z") == fingerprint(external_id="2")
    others = [
        {"text": "later"},
        {"channel": "review"},
        {"customer": {"id": "a"}},
        {"attributes": {"a": 1}},
        {"turns": [{"role": "user", "text": "late"}]},
    ]
    assert len({base, same, *(fingerprint(**other) for other in others)}) == 7
    assert parse({"text": "late"}, defaults(key=b"other")).fingerprint != base


def test_the_fingerprint_is_of_the_text_before_repair():
    broken, sound = (parse({"text": text, "external_id": "1"}, defaults()) for text in ("cafÃ©", "café"))
    assert broken.text == sound.text == "café"
    assert broken.fingerprint != sound.fingerprint


def test_the_fingerprint_of_a_conversation_does_not_depend_on_when_it_came():
    said = {"turns": [{"speaker": "customer", "text": "x", "at": "00:00:05"}]}
    assert parse(said, defaults()).fingerprint == parse(said, defaults(received_at=NOW.replace(hour=9))).fingerprint


def test_customers_are_pseudonymous_and_join():
    first, second = (parse({"text": t, "customer": {"id": i}}, defaults()).customer for t, i in (("a", "Ann"), ("b", "Ann")))
    assert first == second == Customer(first.id)
    assert first.id.startswith("c-") and len(first.id) == 18 and "Ann" not in first.id
    assert parse({"text": "a", "customer": 9}, defaults()).customer != first


@pytest.mark.parametrize(
    ("sent", "repaired"),
    [
        ("schÃ¶n\x07 &amp; <b>gut</b>\r\n“ﬁne” ＡＢ", "schön &amp; <b>gut</b>\n“ﬁne” ＡＢ"),
        ("e\u0301", "é"),
        ("质量差\x0b，退货", "质量差，退货"),
    ],
)
def test_unicode_is_repaired_and_nothing_else(sent, repaired):
    record = parse({"text": sent, "attributes": {"a": [sent]}}, defaults())
    assert record.text == repaired
    assert record.attributes == {"a": [repaired]}
    assert parse({"turns": [{"speaker": "customer", "text": sent}]}, defaults()).turns[0].text == repaired


def test_the_tally_counts_like_a_dictionary():
    tally, seen = Tally(), {}
    for i in range(20_000):
        key = (i * 2654435761) % 7000 + 1
        assert tally.count(key) == seen.get(key, 0)
        seen[key] = seen.get(key, 0) + 1


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=()), max_size=30)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4), max_leaves=12)
turns = st.lists(
    st.fixed_dictionaries({}, optional={n: values | st.sampled_from(["customer", "agent", "x"]) for n in ("speaker", "text", "at")}), max_size=3
)
names = (
    "source",
    "external_id",
    "id",
    "channel",
    "text",
    "turns",
    "conversation",
    "created_at",
    "updated_at",
    "rating",
    "customer",
    "attributes",
    "x",
)
ratings = st.fixed_dictionaries({"scale": st.sampled_from(["nps", "stars"]), "value": scalars})
records = st.fixed_dictionaries({}, optional={n: values | {"turns": turns, "rating": ratings, "text": st.text()}.get(n, st.text()) for n in names})


@settings(max_examples=120, deadline=None, derandomize=True)
@given(records)
def test_anything_is_a_record_or_refused(sent):
    try:
        record = parse(sent, defaults())
    except InvalidFeedback as error:
        str(error).encode()
        error.value.encode()
    else:
        json.dumps(to_line(Record(record)), ensure_ascii=False, allow_nan=False).encode()
        assert any(text for _, text in record.segments())
