import threading
from datetime import UTC, datetime, timedelta

import pytest

from cxnlp.errors import Conflict, InvalidFeedback, NotFound, TooLarge
from cxnlp.pipeline import Pipeline
from cxnlp.privacy import Masker
from cxnlp.records import Turn
from cxnlp.service import dialogue
from cxnlp.service.dialogue import add_turns, merge
from cxnlp.service.enrichment import Enrichment
from cxnlp.service.intake import Intake
from cxnlp.store import open_store
from tests.fakes import HashingEncoder, WordHeads

INTAKE = Intake(Masker(), b"key", UTC)
BEGIN = {"source": "desk", "external_id": "7", "channel": "chat", "turns": [{"speaker": "customer", "text": "hello, my parcel?"}]}


@pytest.fixture
def store(tmp_path):
    opened = open_store(f"sqlite:///{tmp_path}/cxnlp.db")
    yield opened
    opened.close()


@pytest.fixture
def talk(store):
    (outcome,) = INTAKE.receive(store, [BEGIN])
    return outcome.id


def said(store, record_id):
    return [turn.text for turn in store.feedback.get(record_id).feedback.turns]


def add(store, record_id, *turns):
    return add_turns(INTAKE, store, record_id, {"turns": list(turns)})


def enrich(store):
    while Enrichment(store, Pipeline(HashingEncoder(), WordHeads())).step():
        pass


def test_turns_are_added_masked_and_the_conversation_is_scored_anew(store, talk):
    enrich(store)
    assert store.feedback.get(talk).analysis.label == "positive"
    added = add(
        store, talk, {"number": 1, "speaker": "agent", "text": "one moment"}, {"number": 2, "role": "user", "text": "too slow, ring 13800138000"}
    )
    assert added.to_json() == {
        "id": talk,
        "version": 2,
        "accepted": 2,
        "duplicate": 0,
        "turns": [{"number": 1, "status": "accepted"}, {"number": 2, "status": "accepted"}],
    }
    assert said(store, talk) == ["hello, my parcel?", "one moment", "too slow, ring [PHONE]"]
    assert store.feedback.get(talk).analysis is None
    enrich(store)
    record = store.feedback.get(talk)
    assert (record.analysis.label, record.version) == ("negative", 2)
    assert [(e.type, e.data.get("reason")) for e in store.events.read(0, 10) if e.type == "record.updated"] == [("record.updated", "turns")]


def test_what_an_agent_says_is_not_what_the_customer_feels(store, talk):
    add(store, talk, {"number": 1, "speaker": "agent", "text": "terrible, broken and slow, I know"})
    enrich(store)
    assert store.feedback.get(talk).analysis.label == "positive"


def test_turns_that_are_sent_again_are_stored_once(store, talk):
    turns = [{"number": 1, "speaker": "agent", "text": "one moment"}, {"id": "m-3", "speaker": "customer", "text": "still nothing"}]
    first = add(store, talk, *turns)
    again = add(store, talk, *turns, {"id": "m-4", "speaker": "customer", "text": "hm"}, {"id": "m-4", "speaker": "customer", "text": "hm"})
    assert [again.turns[0], again.turns[1]] == [(1, "duplicate"), (2, "duplicate")]
    assert again.turns[2:] == ((3, "accepted"), (3, "duplicate"))
    same = add(store, talk, *turns)
    assert (first.version, again.version, same.version) == (2, 3, 3)
    assert len(said(store, talk)) == 4
    assert [turn.id for turn in store.feedback.get(talk).feedback.turns] == [None, None, "m-3", "m-4"]


def test_ids_of_the_beginning_are_known_and_no_part_of_the_content(store):
    with_ids = BEGIN | {"turns": [BEGIN["turns"][0] | {"id": "m-1"}]}
    assert [o.status for o in INTAKE.receive(store, [with_ids, BEGIN])] == ["accepted", "duplicate"]
    (outcome,) = INTAKE.receive(store, [with_ids])
    added = add(store, outcome.id, BEGIN["turns"][0] | {"id": "m-1"}, {"id": "m-2", "speaker": "agent", "text": "yes?"})
    assert added.turns == ((0, "duplicate"), (1, "accepted"))


def test_turns_out_of_order_and_turns_with_other_words_are_refused_whole(store, talk):
    with pytest.raises(Conflict, match="turn 2 comes after turn 1, which was not sent yet"):
        add(store, talk, {"number": 2, "speaker": "customer", "text": "x"})
    with pytest.raises(Conflict, match="turn 0 is there already with other words; number new turns from 2"):
        add(store, talk, {"number": 1, "speaker": "agent", "text": "y"}, {"number": 0, "speaker": "customer", "text": "SECRET other"})
    assert len(said(store, talk)) == 1


def test_a_turn_with_neither_number_nor_id_is_the_next_one(store, talk):
    add(store, talk, {"speaker": "agent", "text": "one moment"}, {"speaker": "customer", "text": "ok"})
    added = add_turns(INTAKE, store, talk, {"speaker": "customer", "text": "ok"})
    assert added.turns == ((3, "accepted"),)
    assert said(store, talk) == ["hello, my parcel?", "one moment", "ok", "ok"]


@pytest.mark.parametrize(
    ("body", "field", "problem"),
    [
        ({}, "turns[0].text", "is missing"),
        ({"turns": "hello"}, "turns", "is no list"),
        ({"turns": []}, "turns", "is empty"),
        ({"turns": [{"speaker": "customer", "text": "x", "number": "1"}]}, "turns[0].number", "is no number of a turn"),
        ({"turns": [{"speaker": "customer", "text": "x", "number": -1}]}, "turns[0].number", "is no number of a turn"),
        ({"turns": [{"speaker": "customer", "text": "x", "number": True}]}, "turns[0].number", "is no number of a turn"),
        ({"turns": [{"speaker": "the cat", "text": "x", "number": 1}]}, "turns[0].speaker", "is no speaker"),
        ({"turns": [{"speaker": "customer", "number": 1}]}, "turns[0].text", "is missing"),
        ({"turns": [{"speaker": "customer", "text": "x", "id": "", "at": "soon"}]}, "turns[0].at", ""),
    ],
)
def test_turns_that_cannot_be_used_are_refused_with_field_and_remedy(store, talk, body, field, problem):
    with pytest.raises(InvalidFeedback) as caught:
        add_turns(INTAKE, store, talk, body)
    assert caught.value.field == field and problem in caught.value.problem and caught.value.remedy


def test_records_that_are_no_conversation_or_not_there_are_told(store):
    turn = {"number": 1, "speaker": "customer", "text": "x"}
    with pytest.raises(NotFound, match="POST /v1/feedback"):
        add(store, "r-none", turn)
    (outcome,) = INTAKE.receive(store, [{"text": "no turns"}])
    with pytest.raises(Conflict, match="has a text and no turns"):
        add(store, outcome.id, turn)


def test_a_conversation_has_a_limit(monkeypatch):
    monkeypatch.setattr(dialogue, "MOST_TURNS", 2)
    with pytest.raises(TooLarge, match="another record"):
        merge([Turn("customer", "a")], [(1, Turn("customer", "b")), (2, Turn("customer", "c"))])
    monkeypatch.setattr(dialogue, "MOST_TEXT_BYTES", 5)
    with pytest.raises(TooLarge):
        merge([Turn("customer", "好")], [(1, Turn("customer", "好"))])


def test_many_who_add_at_once_lose_nothing(store, talk):
    def send(name):
        for n in range(5):
            add(store, talk, {"id": f"{name}-{n}", "speaker": "customer", "text": f"{name} {n}"})

    threads = [threading.Thread(target=send, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    heard = said(store, talk)[1:]
    assert sorted(heard) == [f"{name} {n}" for name in "abc" for n in range(5)]
    assert [text for text in heard if text.startswith("a")] == [f"a {n}" for n in range(5)]
    assert store.feedback.get(talk).version == 16


def test_a_conversation_that_is_sent_turn_by_turn_takes_the_room_of_one(store, talk):
    for n in range(1, 30):
        add(store, talk, {"number": n, "speaker": "customer", "text": f"and another thing, number {n}"})
    assert store.feedback.history(talk) == []
    assert store.feedback.statistics().pending == 1
    (whole,) = INTAKE.receive(store, [BEGIN | {"turns": [{"speaker": "customer", "text": "something else"}], "updated_at": "2099-01-01T00:00:00Z"}])
    assert whole.status == "updated"
    assert [past.version for past in store.feedback.history(talk)] == [30]


def test_the_time_of_the_newest_turn_is_that_of_the_last_change(store, talk):
    at = datetime.now(UTC) + timedelta(minutes=5)
    add(store, talk, {"number": 1, "speaker": "customer", "text": "x", "at": at.isoformat()})
    add(store, talk, {"number": 2, "speaker": "customer", "text": "y", "at": (at - timedelta(days=1)).isoformat()})
    assert store.feedback.get(talk).feedback.updated_at == at
    received_at = store.feedback.get(talk).received_at
    add(store, talk, {"number": 3, "speaker": "customer", "text": "z", "at": "00:10:00"})
    turn = store.feedback.get(talk).feedback.turns[3]
    assert turn.at - store.feedback.get(talk).feedback.created_at == timedelta(minutes=10)
    assert store.feedback.get(talk).received_at == received_at
