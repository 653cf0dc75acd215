import json
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlalchemy import text
from standardwebhooks.webhooks import Webhook

from cxnlp.errors import Conflict, InvalidInput, InvalidQuery, NotFound
from cxnlp.filters import Filter, parse_filter
from cxnlp.likeness import to_likeness
from cxnlp.lines import to_line
from cxnlp.pipeline import Pipeline
from cxnlp.privacy import Masker
from cxnlp.service import Curation, Delivery, Enrichment, Intake, SavedSearches, Sender, WantedWebhook, Webhooks
from cxnlp.store import Wanted, open_store
from cxnlp.taxonomy import load_taxonomy
from tests.fakes import HashingEncoder, WordHeads
from tests.service.receivers import DEADLINE, run_receiver
from tests.service.topics.groupings import SUBJECTS, fit, texts_about, told_subjects, topic_of

SLOW = "快递太慢了，等了一个星期"
LIKE_SLOW = "快递太慢了，等了一个月"
OTHER = "咖啡很好喝，味道浓"
BROKEN = "The parcel was broken, terrible"


class OtherEncoder(HashingEncoder):
    """The same vectors under another id."""

    id = "hashing-2"


@pytest.fixture
def store(tmp_path):
    opened = open_store(f"sqlite:///{tmp_path}/cxnlp.db")
    yield opened
    opened.close()


def add(store, *texts, age=timedelta(minutes=1), encoder=None, **more):
    rows = [{"external_id": t, "text": t, "created_at": (datetime.now(UTC) - age).isoformat(), **more} for t in texts]
    ids = [o.id for o in Intake(Masker(), b"key", ZoneInfo("UTC")).receive(store, rows)]
    enrich(store, encoder)
    return ids


def enrich(store, encoder=None):
    Enrichment(store, Pipeline(encoder or HashingEncoder(), WordHeads())).drain(lambda done, waiting: None)


def saved_of(store, encoder=None):
    return SavedSearches(store, encoder or HashingEncoder(), Masker())


def match_all(saved):
    while saved.match():
        pass


def matched(store):
    return [(event.data["search"]["name"], event.record_id) for event in store.events.read(0, 1000, ["search.matched"])]


def test_filter_that_names_a_label_that_no_record_can_have_is_refused(store):
    saved = SavedSearches(store, HashingEncoder(), Masker(), load_taxonomy())
    for filter, message in (
        ({"touchpoint": "delivry"}, r"filter.touchpoint is 'delivry'.* did you mean 'delivery'\?"),
        ({"channel": "emial"}, "channel"),
    ):
        with pytest.raises(InvalidInput, match=message):
            saved.create(Wanted("slow", SLOW, filter=parse_filter(filter)), "ann")
    assert saved.list() == []
    search = saved.create(Wanted("slow", SLOW, filter=parse_filter({"touchpoint": "delivery", "risk": "churn"})), "ann")
    with pytest.raises(InvalidInput, match=r"filter.risk is 'chrun'.* did you mean 'churn'\?"):
        saved.change(search.id, {"filter": parse_filter({"risk": "chrun"})})
    assert saved.get(search.id).wanted.filter == search.wanted.filter


def test_search_by_a_label_that_the_taxonomy_has_lost_goes_on_and_can_be_changed(store):
    add(store, LIKE_SLOW)  # so that there are vectors of this encoder
    old = saved_of(store).create(Wanted("slow", SLOW, filter=parse_filter({"touchpoint": ["delivery", "carrier_pigeon"]})), "ann")
    saved = SavedSearches(store, HashingEncoder(), Masker(), load_taxonomy())
    (alike,) = add(store, "快递太慢了，等了两个星期")
    match_all(saved)
    assert matched(store) == [("slow", alike)]
    assert saved.change(old.id, {"name": "slower"}).wanted.name == "slower"
    narrowed = parse_filter({"touchpoint": ["carrier_pigeon"]})
    assert saved.change(old.id, {"filter": narrowed}).wanted.filter == narrowed
    with pytest.raises(InvalidInput, match="owl_post"):
        saved.change(old.id, {"filter": parse_filter({"touchpoint": ["owl_post", "carrier_pigeon"]})})


def test_what_is_alike_is_told_once_and_what_is_not_never(store):
    saved = saved_of(store)
    search = saved.create(Wanted("slow", SLOW), "ann")
    alike, other = add(store, LIKE_SLOW, OTHER)
    match_all(saved)
    assert matched(store) == [("slow", alike)]
    (event,) = store.events.read(0, 1000, ["search.matched"])
    assert event.data == {"search": {"id": search.id, "name": "slow"}, "score": event.data["score"]}
    assert 0.5 <= event.data["score"] <= 1
    store.analyses.requeue([alike, other])
    enrich(store)
    add(store, LIKE_SLOW + "！", OTHER)  # one more, and a duplicate
    match_all(saved)
    assert [name for name, _ in matched(store)] == ["slow", "slow"]
    match_all(saved_of(store))
    assert len(matched(store)) == 2


def test_the_score_is_the_likeness_of_the_record_or_of_its_nearest_clause(store):
    (record_id,) = add(store, "快递太慢")
    saved = saved_of(store)
    saved.create(Wanted("slow", "快递慢死了", least=0.0), "ann")
    (late,) = add(store, LIKE_SLOW)
    match_all(saved)
    ((_, found),) = matched(store)
    assert found == late != record_id
    (event,) = store.events.read(0, 1000, ["search.matched"])
    entry = store.vectors.entries_of([late])[late]
    cosines = np.vstack([entry.document, entry.clauses]) @ store.searches.list()[0].vector
    assert event.data["score"] == pytest.approx(to_likeness(cosines.max(), HashingEncoder.likeness), abs=1e-3)


def test_a_clause_that_is_alike_is_enough(store):
    saved = saved_of(store)
    saved.create(Wanted("slow", "等了一个星期", least=0.9), "ann")
    (both,) = add(store, "咖啡很好喝，味道浓，包装也漂亮，店员热情，环境安静。等了一个星期")
    match_all(saved)
    assert matched(store) == [("slow", both)]


def test_only_what_passes_the_filter_and_is_alike_enough_matches(store):
    saved = saved_of(store)
    saved.create(Wanted("north", SLOW, filter=parse_filter({"attributes": {"region": "north"}, "touchpoint": "delivery", "cause": "slow"})), "ann")
    saved.create(Wanted("happy", SLOW, filter=parse_filter({"sentiment": {"gte": 0}})), "ann")
    saved.create(Wanted("exact", SLOW, least=0.99), "ann")
    (north,) = add(store, LIKE_SLOW, attributes={"region": "north"})
    (south,) = add(store, SLOW, attributes={"region": "south"})
    match_all(saved)
    assert matched(store) == [("north", north), ("exact", south)]


def test_a_filter_by_a_topic_follows_it_where_it_is_merged_and_back(store, monkeypatch):
    told_subjects(monkeypatch)
    for subject in SUBJECTS[:2]:
        add(store, *texts_about(subject, 20))
    fit(store)
    a, b = (topic_of(store, texts_about(subject, 1)[0]) for subject in SUBJECTS[:2])
    saved = saved_of(store)
    saved.create(Wanted("of b", SUBJECTS[0], least=0.0, filter=parse_filter({"topic": b})), "ann")
    curation = Curation(store, Masker(), load_taxonomy())

    def matching(first):
        ids = [add(store, *texts_about(subject, 1, first=first))[0] for subject in SUBJECTS[:2]]
        match_all(saved)
        return [(name, record_id) in matched(store) for name, record_id in zip(["of b"] * 2, ids, strict=True)]

    assert matching(30) == [False, True]
    curation.merge([b], a, "ann")
    assert matching(31) == [True, True]
    curation.undo(a, "ann")
    assert matching(32) == [False, True]


def test_examples_lead_towards_and_away(store):
    like, unlike = add(store, "快递慢，咖啡香，杯子好看", "咖啡香，杯子好看，店员热情")
    saved = saved_of(store)
    saved.create(Wanted("plain", like=(like,), least=0.3), "ann")
    saved.create(Wanted("narrow", like=(like,), unlike=(unlike,), least=0.3), "ann")
    wrong, right = add(store, "咖啡香，杯子好看，店员热情啊", "快递慢，咖啡香，杯子好看啊")
    match_all(saved)
    assert sorted(matched(store)) == sorted([("plain", wrong), ("plain", right), ("narrow", right)])


def test_what_was_there_before_is_not_told(store):
    saved = saved_of(store)
    add(store, SLOW)
    saved.create(Wanted("slow", SLOW), "ann")
    match_all(saved)
    assert matched(store) == []
    (late,) = add(store, LIKE_SLOW)
    match_all(saved)
    assert matched(store) == [("slow", late)]


def test_analyses_by_other_heads_are_no_news(store):
    saved = saved_of(store)
    (old,) = add(store, SLOW)
    saved.create(Wanted("slow", SLOW), "ann")
    record = store.feedback.get(old)
    with store.database.write() as connection:
        store.events.append(connection, "record.analyzed", [old], [{"version": record.version, "reason": "model"}])
    match_all(saved)
    assert matched(store) == []


def test_historical_records_do_not_notify(store):
    saved = saved_of(store)
    search = saved.create(Wanted("slow", SLOW), "ann")
    (old,) = add(store, LIKE_SLOW, age=timedelta(days=3))
    match_all(saved)
    assert matched(store) == []
    ((found,), cursor) = saved.matches(search.id)
    assert (found.record.feedback.id, found.match.historical, cursor) == (old, True, None)
    assert found.to_json() == {"score": round(found.match.score, 4), "historical": True, "record": to_line(store.feedback.get(old))}


def test_a_search_that_is_switched_off_misses_what_comes_meanwhile(store):
    saved = saved_of(store)
    search = saved.create(Wanted("slow", SLOW), "ann")
    assert saved.change(search.id, {"enabled": False}).disabled_at
    add(store, LIKE_SLOW)
    assert saved.change(search.id, {"enabled": True}).disabled_at is None
    (late,) = add(store, LIKE_SLOW + "。")
    match_all(saved)
    assert matched(store) == [("slow", late)]


def test_a_change_holds_from_then_on(store):
    saved = saved_of(store)
    search = saved.create(Wanted("slow", SLOW), "ann")
    changed = saved.change(search.id, {"text": OTHER, "filter": parse_filter({"channel": "review"}), "name": "coffee"})
    assert (changed.wanted.text, changed.wanted.name, changed.wanted.filter.channel) == (OTHER, "coffee", ("review",))
    add(store, LIKE_SLOW, OTHER, channel="ticket")
    (review,) = add(store, OTHER + "！", channel="review")
    match_all(saved)
    assert matched(store) == [("coffee", review)]
    saved.delete(search.id)
    assert saved.list() == []
    with pytest.raises(NotFound):
        saved.matches(search.id)


def test_name_text_and_customers_are_kept_masked(store):
    saved = saved_of(store)
    given = Wanted(" call 13800138000 ", "My number is 13800138000\x00, it was slow", filter=Filter(customer=("c-0123456789abcdef", "Jane Doe")))
    search = saved.create(given, "ann")
    assert (search.wanted.name, search.wanted.text) == ("call [PHONE]", "My number is [PHONE], it was slow")
    assert search.wanted.filter.customer == ("c-0123456789abcdef",)
    assert saved.get(search.id) == search


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (Wanted("n"), "text: is empty"),
        (Wanted("n", " \n "), "text: is empty"),
        (Wanted("n", "\u200b\u2060"), "text: is empty"),
        (Wanted("n", unlike=("r-0123456789abcdef0123",)), "text: is empty"),
        (Wanted("n", "x" * 100_000), "at most 20000"),
        (Wanted("n", "配達がとても遅くて本当に困りました"), "another language"),
        (Wanted("", SLOW), "name: has 0"),
        (Wanted("\u200b ", SLOW), "name: has 2"),
        (Wanted("n" * 201, SLOW), "name: has 201"),
        (Wanted("n", SLOW, least=1.01), "least: is 1.01"),
        (Wanted("n", SLOW, least=float("nan")), "least: is nan"),
        (Wanted("n", SLOW, least=True), "least: is True"),
        (Wanted("n", like=tuple(f"r-{i:020x}" for i in range(21))), "at most 20"),
        (Wanted("n", SLOW, ("r-0123456789abcdef0123",), ("r-0123456789abcdef0123",)), "stands in `like` too"),
        (Wanted("n", SLOW, filter=Filter(customer=("Jane Doe",))), "customer names nobody"),
    ],
)
def test_what_cannot_be_searched_for_says_why(store, given, told):
    with pytest.raises(InvalidQuery, match=told):
        saved_of(store).create(given, "ann")
    assert store.searches.list() == []


@pytest.mark.parametrize("record_id", ["r-0123456789abcdef0123", "r-none", "\ud800\x00", ""])
def test_an_unknown_example_is_not_found(store, record_id):
    add(store, SLOW)
    with pytest.raises(NotFound, match="does not exist or is not analysed"):
        saved_of(store).create(Wanted("n", like=(record_id,)), "ann")
    search = saved_of(store).create(Wanted("n", SLOW), "ann")
    with pytest.raises(NotFound, match="does not exist or is not analysed"):
        saved_of(store).change(search.id, {"unlike": (record_id,)})


def test_an_unknown_change_is_refused(store):
    search = saved_of(store).create(Wanted("n", SLOW), "ann")
    with pytest.raises(InvalidQuery, match="known are name, text"):
        saved_of(store).change(search.id, {"colour": "red"})
    with pytest.raises(InvalidQuery, match="text: is empty"):
        saved_of(store).change(search.id, {"text": ""})
    with pytest.raises(NotFound, match="s-none"):
        saved_of(store).change("s-none", {"enabled": False})


def test_a_search_whose_examples_were_forgotten_matches_nothing_and_says_so(store):
    (example,) = add(store, SLOW)
    saved = saved_of(store)
    search = saved.create(Wanted("slow", like=(example,)), "ann")
    store.feedback.forget([example])
    (late,) = add(store, LIKE_SLOW)
    match_all(saved)
    assert matched(store) == []
    assert "warning" in saved.get(search.id).to_line()
    assert saved.change(search.id, {"enabled": False}).disabled_at
    saved.change(search.id, {"enabled": True, "text": SLOW})
    add(store, LIKE_SLOW + "。")
    match_all(saved)
    assert len(matched(store)) == 1 and matched(store)[0][1] != late


def test_another_encoder_makes_the_vector_anew(store):
    saved = saved_of(store)
    search = saved.create(Wanted("slow", SLOW), "ann")
    add(store, OTHER)
    assert saved.get(search.id).encoder == "hashing-1"
    Enrichment(store, Pipeline(OtherEncoder(), WordHeads())).reindex(lambda done, total: None)
    renewed = saved_of(store, OtherEncoder())
    (late,) = add(store, LIKE_SLOW, encoder=OtherEncoder())
    assert saved.match() == 0  # its encoder is not the present one
    match_all(renewed)
    assert matched(store) == [("slow", late)]
    assert saved.get(search.id).encoder == "hashing-2"
    with pytest.raises(Conflict, match="cxnlp reindex"):
        saved.create(Wanted("m", SLOW), "ann")


def test_many_records_and_no_search_are_passed_over_at_once(store):
    saved = saved_of(store)
    add(store, *(f"{SLOW}{i}" for i in range(30)))
    assert saved.match(limit=5) > 0
    assert saved.match(limit=5) == 0
    saved.create(Wanted("slow", SLOW), "ann")
    ids = add(store, *(f"{LIKE_SLOW}{i}" for i in range(30)))
    n_rounds = 0
    while saved.match(limit=7):
        n_rounds += 1
    assert n_rounds >= 4
    assert sorted(i for _, i in matched(store)) == sorted(ids)


def test_two_processes_tell_each_match_once(store):
    several = [saved_of(store) for _ in range(2)]
    several[0].create(Wanted("slow", SLOW), "ann")
    stop = threading.Event()
    loops = [threading.Thread(target=one.run, args=(stop,)) for one in several]
    for loop in loops:
        loop.start()
    ids = [i for n in range(8) for i in add(store, f"{LIKE_SLOW}{n}")]
    end = time.monotonic() + DEADLINE
    while len(matched(store)) < 8 and time.monotonic() < end:
        time.sleep(0.02)
    stop.set()
    for loop in loops:
        loop.join(DEADLINE)
    assert sorted(i for _, i in matched(store)) == sorted(ids)
    assert store.events.lease("searches", "a third", 60) is not None  # those that stopped have handed over


def test_work_whose_lease_was_taken_over_is_done_by_the_other(store, monkeypatch):
    saved = saved_of(store)
    saved.create(Wanted("slow", SLOW), "ann")
    add(store, LIKE_SLOW)

    def lose(*_):
        raise Conflict("taken over")

    with monkeypatch.context() as patch, pytest.raises(Conflict):
        patch.setattr(store.events, "advance", lose)
        saved.match()
    assert matched(store) == []
    match_all(saved)
    assert len(matched(store)) == 1


DYING = """
import os, signal, sys
from sqlalchemy import event
from cxnlp.privacy import Masker
from cxnlp.service import SavedSearches
from cxnlp.store import open_store
from tests.fakes import HashingEncoder
store = open_store(sys.argv[1])
@event.listens_for(store.database.engine, "before_cursor_execute")
def die(connection, cursor, statement, *_):
    if statement.startswith(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
SavedSearches(store, HashingEncoder(), Masker()).match()
"""


@pytest.mark.parametrize("statement", ["INSERT INTO events", "UPDATE cursors SET position"])
def test_killed_between_effect_and_cursor_nothing_is_lost_or_told_twice(store, statement):
    saved_of(store).create(Wanted("slow", SLOW), "ann")
    ids = add(store, LIKE_SLOW, LIKE_SLOW + "。")
    url = store.database.engine.url.render_as_string()
    dying = subprocess.run([sys.executable, "-c", DYING, url, statement], timeout=4 * DEADLINE)
    assert dying.returncode == -signal.SIGKILL
    with store.database.write() as connection:
        connection.execute(text("UPDATE cursors SET leased_until = 0"))
    match_all(saved_of(store))
    assert sorted(i for _, i in matched(store)) == sorted(ids)


def test_a_webhook_is_told_of_a_match_signed_and_once(store):
    saved, delivery = saved_of(store), Delivery(store, Sender(allow_private=True))
    with run_receiver() as receiver:
        webhook = Webhooks(store, Sender(allow_private=True)).create(WantedWebhook(receiver.url, ["search.*"]))
        search = saved.create(Wanted("slow", SLOW), "ann")
        (alike, _) = add(store, LIKE_SLOW, OTHER)
        end = time.monotonic() + DEADLINE
        while not receiver.received and time.monotonic() < end:
            match_all(saved)
            delivery.flag()
            delivery.deliver()
        match_all(saved)
        while delivery.deliver():
            pass
        ((content, headers),) = receiver.received
    body = Webhook(webhook.secret).verify(content, headers)
    assert (body["type"], set(body)) == ("search.matched", {"type", "timestamp", "data"})
    assert body["data"]["search"] == {"id": search.id, "name": "slow"}
    assert 0.5 <= body["data"]["score"] <= 1
    assert body["data"]["record"] == json.loads(json.dumps(to_line(store.feedback.get(alike))))
    (message,) = delivery.events(0, types=["search.*"]).messages
    assert json.loads(json.dumps(message.body)) == body
    store.feedback.forget([alike])
    assert delivery.events(0, types=["search.matched"]).messages == ()
    delivery.close()
