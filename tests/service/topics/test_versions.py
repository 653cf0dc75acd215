import pytest

from cxnlp.errors import Conflict, InvalidQuery
from cxnlp.service import Enrichment, TopicModel
from cxnlp.service.topics.changes import find_changes
from cxnlp.service.topics.versions import kind_of
from tests.service.topics.groupings import SUBJECTS, add, fit, texts_about, topic_ids, topic_of

FIRST, SECOND = (texts_about(subject, 1)[0] for subject in SUBJECTS[:2])


def test_comparison_lists_the_texts_that_moved_in_parts(fitted, tell):
    tell(SUBJECTS[0], "优惠券领取不了", "nothing")
    fit(fitted, activate=False)
    versions = TopicModel(fitted).versions
    whole = versions.compare(1, 2).to_json()
    (gone,) = whole["gone"]
    assert whole["compared"] == 60 and whole["moved"]["total"] == 20 == round(60 * (1 - whole["kept_share"]))
    seen, cursor = [], None
    while True:
        part = versions.compare(1, 2, cursor, 6)
        seen += part.moved
        cursor = part.next_cursor
        if cursor is None:
            break
    assert seen == list(whole["moved"]["items"]) and {line["text"] for line in seen} == {text for text, i in topic_ids(fitted).items() if i == gone}
    assert all(line["before"]["id"] == gone != line["after"]["id"] for line in seen)
    assert versions.compare(1, 1).n_moved == 0


def test_versions_that_cannot_be_compared_or_activated_say_why(fitted):
    versions = TopicModel(fitted).versions
    failed = fitted.topic_fits.begin("documents", "ann", {}, {})
    fitted.topic_fits.end(failed.number, "failed", "for a test")
    for ask in (lambda: versions.compare(1, failed.number), lambda: versions.activate(failed.number, "ann")):
        with pytest.raises(Conflict, match="is failed"):
            ask()
    for cursor in ("x", "-1", "²"):
        with pytest.raises(InvalidQuery, match="cursor"):
            versions.compare(1, 1, cursor)
    with pytest.raises(Conflict, match="left to undo"):
        versions.rollback("documents", "ann")
    assert fitted.topic_fits.active("documents").number == 1


def test_records_that_came_after_a_fit_belong_to_it_when_it_becomes_active_again(fitted, tell):
    tell(SUBJECTS[0])
    fit(fitted)
    later = [f"{text}啊" for text in texts_about(SUBJECTS[1], 5)]
    add(fitted, later, "later-")
    TopicModel(fitted).versions.activate(1, "ann")
    assert {topic_of(fitted, text) for text in later} == {topic_of(fitted, SECOND)}


def test_a_record_analysed_while_another_version_becomes_active_is_not_lost(fitted, tell, monkeypatch):
    """It is saved after the activation has read what there is, and before it writes."""
    fit(fitted, seed=2)
    versions = TopicModel(fitted).versions
    activate = type(fitted.members).activate
    late = texts_about(SUBJECTS[0], 1, first=30)

    def slowly(self, *arguments, **named):
        add(fitted, late, "late-")
        return activate(self, *arguments, **named)

    monkeypatch.setattr(type(fitted.members), "activate", slowly)
    versions.activate(1, "ann")
    assert topic_of(fitted, late[0]) == topic_of(fitted, FIRST)


def test_a_record_whose_topics_changed_while_it_was_analysed_gets_those_that_are_active(fitted, monkeypatch):
    fit(fitted, seed=2, activate=False)
    place = Enrichment._save

    def save(self, analyzed, generation_id):
        self._placement.place([(claim.record_id, found.analysis, found.vectors) for claim, found in analyzed])
        current = type(fitted.topic_fits).current
        answers = iter([{"documents": (1, 0)}])
        monkeypatch.setattr(type(fitted.topic_fits), "current", lambda table: next(answers, None) or current(table))
        TopicModel(fitted).versions.activate(2, "ann")
        place(self, analyzed, generation_id)

    monkeypatch.setattr(Enrichment, "_save", save)
    (new,) = add(fitted, texts_about(SUBJECTS[0], 1, first=31))
    assert fitted.feedback.get(new).topic.id == topic_of(fitted, FIRST)


def test_copies_have_one_topic_whenever_they_come(fitted):
    for n, text in enumerate((FIRST.upper(), FIRST + "！！！", f" {FIRST} ", "快遞送貨太慢了" + FIRST.removeprefix(SUBJECTS[0]))):
        (copy,) = add(fitted, [text], f"copy-{n}-")
        topic = fitted.feedback.get(copy).topic
        assert topic is not None and topic.id == topic_of(fitted, FIRST), text
    far = "今天的天气和足球比赛都很精彩"
    ids = [*add(fitted, [far], "far-1-"), *add(fitted, [far + "。"], "far-2-")]
    assert {fitted.feedback.get(i).topic for i in ids} == {None}
    fit(fitted)
    assert len({topic_ids(fitted)[text] for text in (FIRST, FIRST + "！！！")}) == 1


def test_changes_tell_new_gone_grown_shrunk_split_and_merged():
    before = ["t-1"] * 20 + ["t-2"] * 10 + ["t-3"] * 10 + [None] * 5 + ["t-4"] * 10
    after = ["t-1"] * 12 + ["t-5"] * 8 + ["t-2"] * 20 + [None] * 5 + ["t-4"] * 10
    found = find_changes(before, after)
    assert (found.new, found.gone) == (["t-5"], ["t-3"])
    assert found.split == {"t-1": ["t-1", "t-5"]} and found.merged == {"t-2": ["t-2", "t-3"]}
    assert found.sizes == {"t-1": (20, 12), "t-2": (10, 20)}
    assert found.kept_share == (12 + 10 + 5 + 10) / 55


def test_no_records_in_common_are_no_change():
    assert find_changes([], []).to_json()["kept_share"] == 1.0


def test_words_that_do_not_go_together_name_no_kind():
    assert [kind_of("records", None), kind_of("clauses", "problems")] == ["documents", "problems"]
    for on, about in (("records", "problems"), ("clauses", None), ("words", None)):
        with pytest.raises(InvalidQuery):
            kind_of(on, about)
