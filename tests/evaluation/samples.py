"""Analyses made by hand."""

from cxnlp.evaluation.labelled import Labels
from cxnlp.records import Analysis, Observation, Quote, Risk
from cxnlp.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy()
QUOTE = Quote("slow", 0, 4)


def labels(sentiment=None, intent=None, observations=None, risks=None, satisfaction=None, label=None):
    return Labels(sentiment, intent, observations, risks, satisfaction, label)


def analysis(sentiment=0.0, intent="other", observations=(), risks=(), confidence=0.9, satisfaction=None, quote=QUOTE):
    found = tuple(Observation(t, TAXONOMY.stage_of[t], None if c == "none" else c, s, 0.8, quote) for t, c, s in observations)
    return Analysis("en", sentiment, confidence, intent, found, tuple(Risk(r, 0.8, quote) for r in risks), "test-1", satisfaction)
