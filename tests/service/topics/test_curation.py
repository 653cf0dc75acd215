from zoneinfo import ZoneInfo

import pytest

from cxnlp.errors import Conflict, InvalidInput, InvalidQuery, NotFound
from cxnlp.filters import parse_filter
from cxnlp.pipeline import Pipeline
from cxnlp.privacy import Masker
from cxnlp.service import Curation, Enrichment, Intake, Question, Retrieval, TopicModel
from cxnlp.service.topics.splits import SplitRequest
from cxnlp.taxonomy import load_taxonomy
from tests.fakes import HashingEncoder, WordHeads
from tests.service.topics.groupings import ENDINGS, SUBJECTS, add, fit, texts_about, topic_ids, topic_of

FIRST, SECOND, THIRD = (texts_about(subject, 1)[0] for subject in SUBJECTS[:3])


@pytest.fixture
def curation(fitted):
    return Curation(fitted, Masker(), load_taxonomy())


def _split(store, topic_id, n_parts=2):
    return TopicModel(store).split(SplitRequest(topic_id, n_parts), "ann", lambda stage, share: None)


def test_a_name_is_shown_in_the_language_of_the_record_and_survives_a_refit(fitted, curation):
    delivery, coffee = topic_of(fitted, FIRST), topic_of(fitted, THIRD)
    curation.change(delivery, {"names": {"zh": "物流 延误", "en": "Late deliveries"}}, "ann")
    curation.change(coffee, {"names": {"en": "Good coffee"}}, "ann")
    (english,) = add(fitted, ["快递送货太慢了 the parcel came far too late and nobody called me about it"])
    for _ in range(2):
        shown = {record.feedback.text: record.topic.label for record in fitted.feedback.iterate(parse_filter({})) if record.topic}
        assert shown[FIRST] == "物流 延误"
        assert shown[THIRD] == "Good coffee"
        assert fitted.topics.get(delivery).names == {"zh": "物流 延误", "en": "Late deliveries"}
        fit(fitted)
    language = fitted.feedback.get(english).analysis.language
    topic = fitted.feedback.get(english).topic
    assert topic is not None and topic.label == {"en": "Late deliveries"}.get(language, "物流 延误")


def test_names_are_masked_and_an_empty_one_is_refused(fitted, curation):
    topic = topic_of(fitted, FIRST)
    assert "13912345678" not in curation.change(topic, {"names": {"zh": "找 13912345678"}}, "ann").names["zh"]
    for wrong in ({}, {"zh": " "}, {"fr": "x"}, {"zh": "x" * 101}, "x"):
        with pytest.raises(InvalidQuery, match="names"):
            curation.change(topic, {"names": wrong}, "ann")
    assert curation.change(topic, {"names": {"zh": None}}, "ann").names == {}


def test_merged_topics_stay_together_over_refits_and_for_new_records(fitted, curation):
    a, b = topic_of(fitted, FIRST), topic_of(fitted, SECOND)
    merged = curation.merge([b], a, "ann")
    assert merged.n == 40
    assert topic_of(fitted, SECOND) == a
    (new,) = add(fitted, [SECOND + "。再催一次"])
    assert fitted.feedback.get(new).topic.id == a
    report = fit(fitted, seed=9)
    assert topic_of(fitted, SECOND) == topic_of(fitted, FIRST) == a and b not in {topic.id for topic in report.topics}
    assert report.fit.report["kept_share"] == 1.0


def test_a_merge_is_undone_by_the_survivor_or_the_merged_one_also_after_a_refit(fitted, curation):
    before = topic_ids(fitted)
    a, b = topic_of(fitted, FIRST), topic_of(fitted, SECOND)
    for undone in (a, b):
        curation.merge([b], a, "ann")
        fit(fitted)
        (change,) = curation.undo(undone, "bob")
        assert (change.action, change.topic_id, change.other_id, change.undone_by) == ("merge", b, a, "bob")
        assert topic_ids(fitted) == before
    with pytest.raises(Conflict, match="left to undo"):
        curation.undo(a, "bob")


def test_merges_into_a_merged_topic_follow_it_and_are_undone_last_first(fitted, curation):
    a, b, c = (topic_of(fitted, text) for text in (FIRST, SECOND, THIRD))
    curation.merge([a], b, "ann")
    curation.merge([b], c, "ann")
    assert topic_of(fitted, FIRST) == c and fitted.topics.get(a).merged_into == c
    with pytest.raises(Conflict, match="a later merge"):
        curation.undo(a, "ann")
    curation.undo(b, "ann")
    assert (topic_of(fitted, FIRST), topic_of(fitted, THIRD)) == (b, c)
    curation.undo(a, "ann")
    assert topic_of(fitted, FIRST) == a


def test_what_cannot_be_merged_is_refused_and_changes_nothing(fitted, curation):
    before = topic_ids(fitted)
    a, b, c = (topic_of(fitted, text) for text in (FIRST, SECOND, THIRD))
    with pytest.raises(InvalidQuery, match="different topics"):
        curation.merge([b, a], a, "ann")
    with pytest.raises(NotFound, match="t-99"):
        curation.merge(["t-99"], a, "ann")
    assert topic_ids(fitted) == before
    curation.merge([b], a, "ann")
    with pytest.raises(Conflict, match=f"{b} was merged into {a}"):
        curation.merge([b], c, "ann")
    with pytest.raises(Conflict, match=f"{b} was merged into {a}"):
        curation.change(b, {"muted": True}, "ann")


def test_a_moved_record_takes_its_copies_along_and_stays_over_a_refit(fitted, curation):
    a, b = topic_of(fitted, FIRST), topic_of(fitted, SECOND)
    (copy,) = add(fitted, [FIRST + "！！"], "copy-")
    (moved,) = [record.feedback.id for record in fitted.feedback.iterate(parse_filter({})) if record.feedback.text == FIRST]
    assert curation.move([(moved, None)], b, "ann") == 2
    assert {fitted.feedback.get(i).topic.id for i in (moved, copy)} == {b}
    (later,) = add(fitted, [FIRST + "~"], "later-")
    assert fitted.feedback.get(later).topic.id == b
    fit(fitted)
    assert {fitted.feedback.get(i).topic.id for i in (moved, copy, later)} == {b}
    assert topic_of(fitted, texts_about(SUBJECTS[0], 2)[1]) == a
    curation.undo(b, "ann")
    assert {fitted.feedback.get(i).topic.id for i in (moved, copy, later)} == {a}


def test_a_record_is_moved_out_of_all_topics_and_back_and_moves_are_undone_one_by_one(fitted, curation):
    a, b = topic_of(fitted, FIRST), topic_of(fitted, SECOND)
    (moved,) = [record.feedback.id for record in fitted.feedback.iterate(parse_filter({})) if record.feedback.text == FIRST]
    curation.move([(moved, None)], b, "ann")
    curation.move([(moved, None)], None, "ann")
    assert fitted.feedback.get(moved).topic is None
    curation.undo(b, "ann")
    assert fitted.feedback.get(moved).topic.id == b
    curation.undo(b, "ann")
    assert fitted.feedback.get(moved).topic.id == a


def test_new_content_ends_a_move(fitted, curation):
    b = topic_of(fitted, SECOND)
    (moved,) = add(fitted, [FIRST + "，急急急"], "x", source="desk")
    curation.move([(moved, None)], b, "ann")
    record = fitted.feedback.get(moved).feedback
    row = {"source": "desk", "external_id": record.external_id, "text": THIRD + " indeed"}
    Intake(Masker(), b"key", ZoneInfo("UTC")).receive(fitted, [row])
    assert fitted.feedback.get(moved).topic is None
    Enrichment(fitted, Pipeline(HashingEncoder(), WordHeads())).drain(lambda done, waiting: None)
    assert fitted.feedback.get(moved).topic.id == topic_of(fitted, THIRD)


def test_what_cannot_be_moved_is_refused(fitted, curation):
    a = topic_of(fitted, FIRST)
    (record_id,) = [record.feedback.id for record in fitted.feedback.iterate(parse_filter({})) if record.feedback.text == SECOND]
    with pytest.raises(NotFound, match="r-none"):
        curation.move([(record_id, None), ("r-none", None)], a, "ann")
    assert topic_of(fitted, SECOND) != a
    with pytest.raises(NotFound, match="t-99"):
        curation.move([(record_id, None)], "t-99", "ann")
    with pytest.raises(InvalidQuery, match="no clause"):
        curation.move([(record_id, 0)], a, "ann")
    with pytest.raises(InvalidQuery, match="at least one"):
        curation.move([], a, "ann")


def test_a_split_makes_parts_that_refits_keep_apart_and_undo_joins(fitted, curation, tell):
    whole = topic_of(fitted, FIRST)
    add(fitted, texts_about("快递送货太慢了，包装破损", 10), "broken-")
    fit(fitted)
    before = topic_ids(fitted)
    curation.change(whole, {"names": {"zh": "物流"}}, "ann")
    tell("包装破损", SUBJECTS[0])
    report = _split(fitted, whole)
    part = topic_of(fitted, texts_about("快递送货太慢了，包装破损", 1)[0])
    assert part != whole == topic_of(fitted, FIRST) and report.fit.parameters["split"] == whole
    after = topic_ids(fitted)
    changed = {text for text in before if before[text] != after[text]}
    assert changed >= set(texts_about("快递送货太慢了，包装破损", 10)) and len(changed) <= 13
    tell(*SUBJECTS)  # a refit finds the whole again, not the parts
    fit(fitted)
    assert topic_ids(fitted) == after and fitted.topics.get(whole).names == {"zh": "物流"}
    (new,) = add(fitted, ["快递送货太慢了，包装破损，谢谢谢谢急"])
    assert fitted.feedback.get(new).topic.id == part
    assert [change.action for change in curation.history(part)] == ["split"]
    curation.undo(part, "ann")
    assert {text: i for text, i in topic_ids(fitted).items() if text in before} == before
    fit(fitted)
    assert {text: i for text, i in topic_ids(fitted).items() if text in before} == before


def test_a_split_can_be_rolled_back(fitted, tell):
    whole, before = topic_of(fitted, FIRST), topic_ids(fitted)
    tell("急", "慢")
    _split(fitted, whole)
    assert topic_ids(fitted) != before
    TopicModel(fitted).versions.rollback("documents", "ann")
    assert topic_ids(fitted) == before


def test_what_cannot_be_split_is_refused_and_the_active_version_stays(fitted, curation, tell):
    whole = topic_of(fitted, FIRST)
    with pytest.raises(InvalidInput, match="2 or more"):
        _split(fitted, whole, 1)
    with pytest.raises(NotFound):
        _split(fitted, "t-99")
    add(fitted, texts_about("充电宝还不回去", 6), "power-")
    tell(*SUBJECTS, "充电宝还不回去")
    fit(fitted)
    with pytest.raises(InvalidInput, match="6 texts; at least 20"):
        _split(fitted, topic_of(fitted, texts_about("充电宝还不回去", 1)[0]))
    number = fitted.topic_fits.active("documents").number
    tell(SUBJECTS[0])
    with pytest.raises(InvalidInput, match="no parts"):
        _split(fitted, whole)
    assert fitted.topic_fits.active("documents").number == number
    curation.merge([whole], topic_of(fitted, SECOND), "ann")
    with pytest.raises(Conflict, match="not part of the active version"):
        _split(fitted, whole)


def test_muting_nesting_and_pinning_are_kept_listed_and_undone_each_by_itself(fitted, curation):
    a, b = topic_of(fitted, FIRST), topic_of(fitted, SECOND)
    curation.change(a, {"muted": True, "parent": b, "pinned": {"touchpoint": "delivery", "cause": "slow"}}, "ann")
    fit(fitted)
    topic = fitted.topics.get(a)
    assert (topic.muted, topic.parent, topic.pinned) == (True, b, ("delivery", "slow"))
    assert a not in {one.id for one in curation.list()} and a in {one.id for one in curation.list(muted=True)}
    assert topic_of(fitted, FIRST) == a
    assert [(change.action, change.author) for change in curation.history(a)] == [("pin", "ann"), ("nest", "ann"), ("mute", "ann")]
    curation.undo(a, "bob")
    assert fitted.topics.get(a).pinned is None and fitted.topics.get(a).parent == b
    curation.undo(a, "bob")
    curation.undo(a, "bob")
    assert fitted.topics.get(a).parent is None and not fitted.topics.get(a).muted


def test_what_cannot_be_said_of_a_topic_is_refused_as_a_whole(fitted, curation):
    a, b, c = (topic_of(fitted, text) for text in (FIRST, SECOND, THIRD))
    curation.change(b, {"parent": a}, "ann")
    curation.change(c, {"parent": b}, "ann")
    for wrong in ({"parent": c}, {"parent": a}, {"pinned": {"touchpoint": "nowhere"}}, {"pinned": {"cause": "slow"}}, {"colour": "red"}):
        with pytest.raises(InvalidQuery):
            curation.change(a, {"names": {"zh": "新名"}} | wrong, "ann")
    with pytest.raises(NotFound):
        curation.change(a, {"names": {"zh": "新名"}, "parent": "t-99"}, "ann")
    assert fitted.topics.get(a).names == {} and fitted.topics.get(a).parent is None


def test_changes_are_told_of_and_search_follows_them(fitted, curation):
    retrieval = Retrieval(fitted, HashingEncoder(), Masker())
    retrieval.catch_up()
    a, b = topic_of(fitted, FIRST), topic_of(fitted, SECOND)
    curation.merge([b], a, "ann")
    retrieval.catch_up()
    assert retrieval.ask(Question("快递", k=5, filter=parse_filter({"topic": a}))).total == 40
    assert retrieval.ask(Question("快递", k=5, filter=parse_filter({"topic": b}))).total == 0
    told = [event.data for event in fitted.events.read(0, 10_000) if event.type == "topic.changed"]
    assert told == [{"topic": b, "action": "merge", "author": "ann", "undone": False}]


def test_a_filter_by_a_merged_topic_is_one_by_what_it_became(fitted, curation):
    a, b, c = (topic_of(fitted, text) for text in (FIRST, SECOND, THIRD))
    curation.merge([b], a, "ann")
    curation.merge([a], c, "ann")
    assert curation.settle(parse_filter({"topic": [b, a, c], "channel": ["ticket"]})) == parse_filter({"topic": c, "channel": ["ticket"]})
    assert fitted.feedback.count(curation.settle(parse_filter({"topic": b}))) == 60
    curation.undo(c, "ann")
    assert curation.settle(parse_filter({"topic": b})).topic == (a,) and curation.settle(parse_filter({})).is_empty


def test_a_filter_by_a_topic_that_no_record_can_have_says_so(fitted, curation):
    add(fitted, [f"{ending}{SUBJECTS[0]}" for ending in ENDINGS])
    clauses = fit(fitted, kind="problems").topics[0].id
    with pytest.raises(InvalidQuery, match=f"{clauses} groups clauses.*/v1/topics/{clauses}/members"):
        curation.settle(parse_filter({"topic": clauses}))
    with pytest.raises(InvalidQuery, match="filter: there is no topic 't-99'"):
        curation.settle(parse_filter({"topic": ["t-1", "t-99"]}))


def test_forgetting_a_record_takes_its_moves_quotes_and_history_along(fitted, curation):
    a, b = topic_of(fitted, FIRST), topic_of(fitted, SECOND)
    quoted = curation.describe(a)["quotes"]
    assert quoted and all(quote["text"] for quote in quoted)
    curation.move([(quoted[0]["record_id"], None)], b, "ann")
    fitted.feedback.forget([quote["record_id"] for quote in quoted])
    assert curation.describe(a)["quotes"] == [] and curation.history(b) == []


def test_members_are_listed_in_parts_the_most_typical_first(fitted, curation):
    a = topic_of(fitted, FIRST)
    seen, cursor = [], None
    while True:
        lines, cursor = curation.members(a, cursor, 7)
        seen += lines
        if cursor is None:
            break
    assert len(seen) == len({line["record_id"] for line in seen}) == 20
    assert [line["similarity"] for line in seen] == sorted((line["similarity"] for line in seen), reverse=True)
    assert all(line["record"]["topic"]["id"] == a for line in seen)
