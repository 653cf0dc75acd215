from zoneinfo import ZoneInfo

import pytest

from cxnlp.errors import InvalidInput
from cxnlp.filters import parse_filter
from cxnlp.lines import to_line
from cxnlp.pipeline import Pipeline
from cxnlp.privacy import Masker
from cxnlp.service import Enrichment, Intake, Question, Retrieval, TopicModel
from cxnlp.store import open_store
from tests.fakes import HashingEncoder, WordHeads

SUBJECTS = ("快递送货太慢", "优惠券领取不了", "咖啡味道很好喝")


@pytest.fixture
def store(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'cxnlp.db'}")
    yield store
    store.close()


def _add(store, n):
    rows = [{"external_id": f"{i}-{subject}", "text": f"{subject}，第{i}天{'急' * (i % 3)}"} for i in range(n) for subject in SUBJECTS]
    Intake(Masker(), b"key", ZoneInfo("UTC")).receive(store, rows)
    Enrichment(store, Pipeline(HashingEncoder(), WordHeads())).drain(lambda done, waiting: None)


@pytest.mark.slow
def test_records_carry_the_topic_of_the_fit_and_keep_its_id_over_a_refit(store):
    _add(store, 30)
    model = TopicModel(store)
    seen = []
    report = model.fit(7, lambda stage, share: seen.append(share))
    assert report.n_records == 90 and report.outlier_share <= 0.101
    assert seen and 0 <= min(seen) <= max(seen) <= 1
    assert all(topic.label and topic.words for topic in report.topics)
    before = {r.feedback.id: r.topic for r in store.feedback.iterate(parse_filter({}))}
    assert to_line(next(store.feedback.iterate(parse_filter({"topic": report.topics[0].id}))))["topic"]["id"] == report.topics[0].id
    model.fit(7, lambda stage, share: None)
    after = {r.feedback.id: r.topic for r in store.feedback.iterate(parse_filter({}))}
    kept = [i for i in before if (before[i] and before[i].id) == (after[i] and after[i].id)]
    assert len(kept) >= 0.9 * len(before)


@pytest.mark.slow
def test_search_filters_by_topic_after_a_fit(store):
    _add(store, 20)
    retrieval = Retrieval(store, HashingEncoder(), Masker())
    retrieval.catch_up()
    report = TopicModel(store).fit(7, lambda stage, share: None)
    retrieval.catch_up()
    topic = report.topics[0]
    assert retrieval.ask(Question("快递", k=5, filter=parse_filter({"topic": topic.id}))).total == topic.n > 0


def test_a_fit_of_nothing_says_so(store):
    with pytest.raises(InvalidInput):
        TopicModel(store).fit(7, lambda stage, share: None)
