"""What moves: series of daily counts, what to expect of them, what is more than chance, and what explains it. Pure.

series.py      what a series is; daily counts as one array
tails.py       tails of distributions, and the control of false discoveries
baseline.py    what to expect of a day from a series' own history
findings.py    what was found
detection.py   what is more than chance, over all series and measures of a day
intervals.py   how sure a measure or a difference is
drift.py       slow drifts, and since when something moves
thresholds.py  plain limits, as people set them
grouping.py    many findings, few incidents
explain.py     what a movement consists of
words.py       what moved, in a sentence, in English and Chinese
rules.py       how sensitive all this is, from YAML
"""

from cxnlp.insight.detection import Baseline, detect, sums_over
from cxnlp.insight.explain import Part, decompose, leading_parts
from cxnlp.insight.findings import Finding
from cxnlp.insight.grouping import Incident, Member, group, make_member
from cxnlp.insight.intervals import MEASURED, Estimates, difference, estimate, sums_for
from cxnlp.insight.rules import AlertRules, Threshold, load_rules
from cxnlp.insight.series import COUNTS, DIMENSIONS, MEASURES, Key, Panel, make_panel
from cxnlp.insight.thresholds import Breach, check_thresholds
from cxnlp.insight.words import describe_breach, describe_movement, name_series

__all__ = [
    "COUNTS",
    "DIMENSIONS",
    "MEASURED",
    "MEASURES",
    "AlertRules",
    "Baseline",
    "Breach",
    "Estimates",
    "Finding",
    "Incident",
    "Key",
    "Member",
    "Panel",
    "Part",
    "Threshold",
    "check_thresholds",
    "decompose",
    "describe_breach",
    "describe_movement",
    "detect",
    "difference",
    "estimate",
    "group",
    "leading_parts",
    "load_rules",
    "make_member",
    "make_panel",
    "name_series",
    "sums_for",
    "sums_over",
]
