"""Feedback on a few subjects, and fits that take milliseconds: all is real but the search for dense groups, which is told the subjects."""

from zoneinfo import ZoneInfo

import numpy as np

from cxnlp.filters import parse_filter
from cxnlp.pipeline import Pipeline
from cxnlp.privacy import Masker
from cxnlp.service import Enrichment, Intake, TopicModel
from cxnlp.service.topics.model import FitRequest
from tests.fakes import HashingEncoder, WordHeads

SUBJECTS = ("快递送货太慢了", "优惠券领取不了", "coffee tastes great", "门店排队时间长")
ENDINGS = (
    "急",
    "唉",
    "真的",
    "不开心",
    "又来了",
    "as always",
    "想问问",
    "再说一次",
    "怎么办",
    "谢谢",
    "请处理",
    "气死我了",
    "算了吧",
    "哈哈",
    "第二次了",
)


def texts_about(subject, n, first=0):
    """Return n texts that differ in more than digits."""
    size = len(ENDINGS)
    return [f"{subject}，{ENDINGS[i % size]}{ENDINGS[(i // size + i % size * 7 + 3) % size]}" for i in range(first, first + n)]


def add(store, texts, prefix="", **fields):
    """Receive and analyse texts; return the ids of their records."""
    rows = [{"external_id": f"{prefix}{i}-{text}", "text": text} | fields for i, text in enumerate(texts)]
    outcomes = Intake(Masker(), b"key", ZoneInfo("UTC")).receive(store, rows)
    Enrichment(store, Pipeline(HashingEncoder(), WordHeads())).drain(lambda done, waiting: None)
    return [outcome.id for outcome in outcomes]


def told_subjects(monkeypatch, subjects=SUBJECTS):
    """Let fits run in this process and find these subjects, by the first that a text begins with; a function changes them later."""
    known = list(subjects)

    def discover(points, texts, *, seed, n_topics=None, **_):
        groups = [next((i for i, subject in enumerate(known) if subject in text), -1) for text in texts]
        found = sorted(set(groups) - {-1})
        return np.array([found.index(group) if group >= 0 else -1 for group in groups], np.int64)

    def run(documents, texts, config, on_progress=lambda stage, share: None, *, is_cancelled=lambda: False, folder=None):
        from cxnlp.topics.fit import fit_topics

        return fit_topics(np.asarray(documents), texts, config, on_progress)

    monkeypatch.setattr("cxnlp.topics.fit.discover", discover)
    monkeypatch.setattr("cxnlp.service.topics.model.run_in_subprocess", run)
    monkeypatch.setattr("cxnlp.service.topics.splits.run_in_subprocess", run)

    def tell(*others):
        known[:] = others

    return tell


def fit(store, **request):
    return TopicModel(store).run(FitRequest(**{"outlier_share": 0.0} | request), "ann", lambda stage, share: None)


def topic_ids(store):
    """Return the topic's id, or None, of each record by its text."""
    records = store.feedback.iterate(parse_filter({}))
    return {record.feedback.text: record.topic and record.topic.id for record in records}


def topic_of(store, text):
    return topic_ids(store)[text]
