import pytest

from cxnlp.errors import Conflict, CxnlpError, InvalidInput, NotFound
from cxnlp.filters import parse_filter
from cxnlp.lines import to_line
from cxnlp.privacy import Masker
from cxnlp.service import Question, Retrieval, TopicModel
from cxnlp.service.topics.model import FitRequest
from tests.fakes import HashingEncoder
from tests.service.topics.groupings import ENDINGS, SUBJECTS, add, fit, texts_about, told_subjects, topic_ids, topic_of


@pytest.fixture
def filled(store, tell):
    for subject in SUBJECTS:
        add(store, texts_about(subject, 15))
    return store


def test_every_record_gets_the_topic_of_its_subject_and_lines_carry_it(filled):
    report = fit(filled)
    assert len(report.topics) == len(SUBJECTS) and report.fit.is_active
    assert report.fit.counts == {"records": 60, "items": 60, "topics": 4, "outliers": 0}
    found = topic_ids(filled)
    assert all(len({found[text] for text in texts_about(subject, 15)}) == 1 for subject in SUBJECTS)
    assert len(set(found.values())) == len(SUBJECTS)
    line = to_line(next(filled.feedback.iterate(parse_filter({"topic": report.topics[0].id}))))
    assert line["topic"] == {"id": report.topics[0].id, "label": report.topics[0].label}


def test_a_fit_of_the_same_records_keeps_all_ids_and_says_so(filled):
    fit(filled)
    before = topic_ids(filled)
    report = fit(filled, seed=8)
    assert topic_ids(filled) == before
    assert report.fit.number == 2 and report.fit.parent == 1
    assert report.fit.report["kept_share"] == 1.0 and report.fit.report["new"] == report.fit.report["gone"] == []


def test_a_refit_tells_what_is_new_gone_and_grown(filled, tell):
    fit(filled)
    old = topic_of(filled, texts_about(SUBJECTS[0], 1)[0])
    add(filled, texts_about(SUBJECTS[0], 10, first=15), "more-")
    add(filled, texts_about("充电宝还不回去", 15), "power-")
    tell(*SUBJECTS, "充电宝还不回去")
    report = fit(filled, outlier_share=0.0).fit
    new = topic_of(filled, texts_about("充电宝还不回去", 1)[0])
    assert topic_of(filled, texts_about(SUBJECTS[0], 1)[0]) == old
    assert report.report["new"] == [new] and new == "t-5"


def test_a_fit_over_a_filter_reads_only_what_passes_and_covers_all(filled):
    add(filled, texts_about(SUBJECTS[0], 15, first=15), "chat-", channel="chat")
    report = fit(filled, filter=parse_filter({"channel": ["ticket"]}))
    assert report.fit.counts["items"] == 60 and report.fit.filter == {"channel": ["ticket"]}
    assert topic_of(filled, texts_about(SUBJECTS[0], 1, first=16)[0]) == topic_of(filled, texts_about(SUBJECTS[0], 1)[0])


def test_a_fit_that_is_kept_changes_nothing_until_it_is_activated(filled, tell):
    fit(filled)
    before = topic_ids(filled)
    tell(*SUBJECTS[:2])
    kept = fit(filled, activate=False, outlier_share=1.0)
    assert not kept.fit.is_active and topic_ids(filled) == before
    TopicModel(filled).versions.activate(kept.fit.number, "ann")
    assert topic_ids(filled) != before
    assert TopicModel(filled).versions.rollback("documents", "ann").number == 1
    assert topic_ids(filled) == before


def test_ids_of_a_fit_come_back_after_another_was_active_between(filled, tell):
    fit(filled)
    before = topic_ids(filled)
    tell(*SUBJECTS[:1])
    fit(filled)
    tell(*SUBJECTS)
    fit(filled)
    assert topic_ids(filled) == before


def test_search_filters_by_topic_after_a_fit_and_after_activation(filled, tell):
    retrieval = Retrieval(filled, HashingEncoder(), Masker())
    retrieval.catch_up()
    report = fit(filled)
    retrieval.catch_up()
    assert {one.id: retrieval.ask(Question("快递", k=5, filter=parse_filter({"topic": one.id}))).total for one in report.topics} == {
        one.id: 15 for one in report.topics
    }


@pytest.mark.parametrize("n", [0, 1, 19])
def test_too_few_texts_are_refused_and_leave_no_fit(store, tell, n):
    add(store, texts_about(SUBJECTS[0], n))
    with pytest.raises(InvalidInput, match=f"{n} texts, and at least 20"):
        fit(store)
    assert store.topic_fits.list() == []


def test_texts_that_are_all_the_same_are_refused_and_the_active_version_stays(filled):
    fit(filled)
    before = topic_ids(filled)
    add(filled, ["一样的话"] * 25, "same-", channel="chat")
    with pytest.raises(InvalidInput, match="all 25 texts are the same"):
        fit(filled, filter=parse_filter({"channel": ["chat"]}))
    assert filled.topic_fits.get(2).state == "failed" and "same" in filled.topic_fits.get(2).outcome
    assert filled.topic_fits.active("documents").number == 1
    assert before.items() <= topic_ids(filled).items()


def test_a_filter_that_matches_nothing_says_so(filled):
    with pytest.raises(InvalidInput, match="0 texts pass the filter"):
        fit(filled, filter=parse_filter({"channel": ["call"]}))


def test_numbers_out_of_range_are_refused_before_anything_is_noted(filled):
    for wrong in ({"outlier_share": 2.0}, {"n_topics": 0}, {"min_topic_size": 1}, {"kind": "words"}):
        with pytest.raises(InvalidInput):
            fit(filled, **wrong)
    assert filled.topic_fits.list() == []


def test_one_language_alone_is_fitted(store, tell):
    for subject in (SUBJECTS[0], SUBJECTS[1]):
        add(store, [text.replace("as always", "总是") for text in texts_about(subject, 15)])
    assert len(fit(store).topics) == 2


def test_a_second_fit_is_refused_by_the_name_of_the_first(filled):
    running = filled.topic_fits.begin("documents", "bob", {}, {})
    with pytest.raises(Conflict, match=f"fit {running.number} is running already .begun by 'bob'"):
        fit(filled)


def test_a_fit_whose_process_was_killed_gives_way(filled, monkeypatch):
    monkeypatch.setattr("cxnlp.store.topics.fits.LEASE_SECONDS", -1.0)
    dead = filled.topic_fits.begin("documents", "bob", {}, {})
    assert filled.topic_fits.get(dead.number).state == "interrupted"
    monkeypatch.undo()
    told_subjects(monkeypatch)
    assert fit(filled).fit.number == dead.number + 1
    assert filled.topic_fits.get(dead.number).state == "interrupted"


def test_a_cancelled_fit_ends_and_leaves_the_active_version(filled):
    fit(filled)
    before = topic_ids(filled)
    model = TopicModel(filled)

    def cancel(stage, share):
        if stage == "discover":
            filled.topic_fits.cancel(2, "bob")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.run(FitRequest(), "ann", cancel)
    assert filled.topic_fits.get(2).state == "cancelled"
    assert topic_ids(filled) == before and filled.topic_fits.active("documents").number == 1
    with pytest.raises(Conflict, match="is cancelled; only one that is running"):
        filled.topic_fits.cancel(2, "bob")


def test_a_fit_that_was_cancelled_by_another_process_cannot_be_kept(filled, monkeypatch):
    model = TopicModel(filled)
    monkeypatch.setattr("cxnlp.service.topics.jobs._SIGN_OF_LIFE_SECONDS", 0.0)

    def cancel(stage, share):
        if stage == "label" and filled.topic_fits.get(1).state == "running":
            filled.topic_fits.cancel(1, "bob")

    with pytest.raises(CxnlpError, match="cancelled"):
        model.run(FitRequest(), "ann", cancel)
    assert filled.topic_fits.get(1).state == "cancelled" and filled.topics.list() == []


def test_a_fit_in_the_background_is_told_of_in_the_store(filled):
    model = TopicModel(filled)
    begun = model.start(FitRequest(), "ann")
    assert begun.state == "running"
    for thread in model._threads:
        thread.join()
    assert filled.topic_fits.get(begun.number).state == "done"
    assert [event.type for event in filled.events.read(0, 1000) if event.type.startswith("topic.")] == ["topic.fitted", "topic.activated"]


def test_clauses_have_topics_of_their_own_beside_those_of_records(filled):
    add(filled, [f"{ending}{SUBJECTS[0]}" for ending in ENDINGS])
    fit(filled)
    before = topic_ids(filled)
    report = fit(filled, kind="problems")
    assert report.fit.kind == "problems" and report.fit.is_active and report.topics
    assert topic_ids(filled) == before
    assert not {one.id for one in report.topics} & {one.id for one in filled.topics.list()}
    of, clause = filled.topics.quoted(report.topics[0].id)[0]
    assert "慢" in filled.feedback.get(of).feedback.text and clause >= 0


def test_an_unknown_fit_is_not_found(store):
    for ask in (store.topic_fits.get, lambda number: TopicModel(store).versions.activate(number, "ann")):
        with pytest.raises(NotFound, match="no fit 99"):
            ask(99)


@pytest.mark.slow
def test_a_real_fit_in_its_own_process_keeps_ids_over_a_refit(store):
    for subject in SUBJECTS:
        add(store, texts_about(subject, 15))
    seen = []
    report = TopicModel(store).run(FitRequest(), "ann", lambda stage, share: seen.append((stage, share)))
    assert report.outlier_share <= 0.101 and report.topics
    assert all(topic.label and topic.words and filled_quotes(store, topic.id) for topic in report.topics)
    assert [share for _, share in seen] == sorted(share for _, share in seen) and seen[-1][1] <= 1
    before = topic_ids(store)
    TopicModel(store).run(FitRequest(), "ann", lambda stage, share: None)
    after = topic_ids(store)
    assert sum(before[text] == after[text] for text in before) >= 0.9 * len(before)


def filled_quotes(store, topic_id):
    return store.topics.quoted(topic_id)


@pytest.mark.slow
def test_closing_stops_a_fit_that_was_begun(store):
    for subject in SUBJECTS:
        add(store, texts_about(subject, 15))
    model = TopicModel(store)
    begun = model.start(FitRequest(), "ann")
    model.close()
    assert store.topic_fits.get(begun.number).state == "cancelled" and store.topics.list() == []
