from collections import Counter

from cxnlp.evaluation.cases import KINDS, load_cases
from cxnlp.records import CHANNELS
from cxnlp.text.language import detect

CASES = load_cases()


def _said(case):
    return "\n".join(text for _, text in case.feedback.segments())


def test_the_set_is_large_and_each_text_is_there_once():
    assert len(CASES) >= 150
    assert len({case.feedback.external_id for case in CASES}) == len({_said(case) for case in CASES}) == len(CASES)


def test_every_case_is_labelled_in_full():
    assert [c.feedback.external_id for c in CASES if None in (c.labels.sentiment, c.labels.intent, c.labels.observations, c.labels.risks)] == []


def test_every_kind_channel_and_risk_and_both_languages_are_there():
    kinds = Counter(kind for case in CASES for kind in case.kinds)
    assert set(kinds) == set(KINDS) and min(kinds.values()) >= 5
    assert {case.feedback.channel for case in CASES} == set(CHANNELS)
    assert min(Counter(risk for case in CASES for risk in case.labels.risks).values()) >= 4
    languages = Counter(detect(_said(case)) for case in CASES)
    assert min(languages["zh"], languages["en"]) >= 0.35 * len(CASES)


def test_conversations_are_tagged():
    assert all(bool(case.feedback.turns) == ("conversation" in case.kinds) for case in CASES)
