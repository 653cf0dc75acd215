from datetime import UTC, datetime, timedelta

from cxnlp.filters import parse_filter
from cxnlp.service import Emergence, TopicModel
from cxnlp.service.topics.emergence import EmergenceConfig
from tests.service.topics.groupings import ENDINGS, SUBJECTS, add, fit, texts_about, topic_of

NEW = "充电宝归还以后仍然一直在扣费"


def _about_new(n):
    return [f"{NEW}{ENDINGS[i]}" for i in range(n)]


def test_a_burst_of_alike_candidates_becomes_a_topic_that_new_records_join(fitted):
    ids = add(fitted, _about_new(8))
    assert {fitted.feedback.get(i).topic for i in ids} == {None}
    emergence = Emergence(fitted)
    assert emergence.step() == 1
    (topic,) = {fitted.feedback.get(i).topic.id for i in ids}
    stored = fitted.topics.get(topic)
    assert (stored.state, stored.n, stored.id) == ("emerging", 8, "t-4") and stored.label and fitted.topics.quoted(topic)
    (told,) = [event.data for event in fitted.events.read(0, 10_000) if event.type == "topic.emerging"]
    assert told == {"topic": {"id": topic, "label": stored.label}, "fit": 1, "records": 8}
    (later,) = add(fitted, [f"{NEW}{ENDINGS[9]}"])
    assert fitted.feedback.get(later).topic.id == topic
    assert emergence.step() == 0


def test_what_is_old_few_copied_or_far_apart_does_not_emerge(fitted):
    emergence = Emergence(fitted)
    add(fitted, _about_new(7), "few-")
    add(fitted, [_about_new(1)[0] + "！" * i for i in range(1, 6)], "copies-")
    old = (datetime.now(UTC) - timedelta(days=20)).isoformat()
    add(fitted, _about_new(12)[8:], "old-", created_at=old)
    add(fitted, [f"{word}的事情完全没有关系{n}" for n, word in enumerate(("天气", "足球", "电影", "股票", "旅行", "音乐"))], "far-")
    assert emergence.step() == 0
    add(fitted, _about_new(8)[7:])
    assert emergence.step() == 1
    assert Emergence(fitted, EmergenceConfig(n_texts=2, days=60)).step() == 0  # nothing new was analysed since


def test_what_emerged_survives_activation_and_becomes_fitted_by_a_fit_that_finds_it(fitted, tell):
    fit(fitted, seed=3)
    ids = add(fitted, _about_new(10))
    Emergence(fitted).step()
    topic = fitted.feedback.get(ids[0]).topic.id
    TopicModel(fitted).versions.activate(1, "ann")
    assert fitted.feedback.get(ids[0]).topic is None
    TopicModel(fitted).versions.rollback("documents", "ann")
    assert {fitted.feedback.get(i).topic.id for i in ids} == {topic}
    tell(*SUBJECTS[:3], NEW)
    fit(fitted)
    assert {fitted.feedback.get(i).topic.id for i in ids} == {topic} and fitted.topics.get(topic).state == "fitted"


def test_what_was_there_when_the_topics_were_fitted_does_not_emerge(store, tell):
    for subject in SUBJECTS[:3]:
        add(store, texts_about(subject, 20))
    add(store, _about_new(9), "chat-", channel="chat")
    fit(store, filter=parse_filter({"channel": ["ticket"]}))
    add(store, texts_about(SUBJECTS[0], 1, first=20))
    assert topic_of(store, _about_new(1)[0]) is None
    assert Emergence(store).step() == 0


def test_one_process_watches_at_a_time_and_without_topics_none_does(store, fitted):
    add(fitted, _about_new(8))
    assert fitted.events.lease("topics", "another", 60) is not None
    assert Emergence(fitted).step() == 0
    fitted.events.release("topics", "another")
    assert Emergence(fitted).step() == 1


def test_nothing_emerges_before_the_first_fit(store):
    add(store, _about_new(9))
    assert Emergence(store).step() == 0
