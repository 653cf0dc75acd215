"""The order of I/O: what happens, in which order, to rooms that do not know each other.

intake.py        receive, forget
dialogue.py      go on with a conversation
enrichment.py    work off the queue, reindex
view.py          this process's index of the store
retrieval.py     search: questions.py what may be asked, fusion.py rankings made one, examples.py, hits.py what was found, outcomes.py what was done
groups.py        copies (copies.py), issues and their growth (issues.py)
topics/          fits as versions, what people make of topics, records that come between fits
correction.py    what people say of a record
versions.py      which version of the heads reads
retraining.py    learn from corrections
comparison.py    how well versions agree with people
rules.py         the rules of flags, and what one would have raised
flagging.py      raise flags by them, and escalate what is overdue
delivery.py      flags, messages to webhooks (sending.py), events
webhooks.py      whom to tell
streaming.py     events into another log
alerts.py        what moves (movements.py), followed from day to day (tracking.py)
series.py        what was to be expected of each day
figures.py       measures by dimension and time, for dashboards: figure_questions.py what may be asked, periods.py when, measured.py answers
dashboard.py     headline numbers and figures: drawings.py which there are, report.py them in one page
monitoring.py    what is watched from outside
exporting.py     copies that follow, as files (tables.py)
saved.py         saved searches, and matching them
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cxnlp.service.alerts import Alerts, Checked
    from cxnlp.service.copies import Copies, CopyGroup
    from cxnlp.service.dashboard import Dashboard
    from cxnlp.service.delivery import Delivery
    from cxnlp.service.enrichment import Enrichment
    from cxnlp.service.expectations import Expectations
    from cxnlp.service.figure_questions import BreakdownQuestion, SeriesQuestion
    from cxnlp.service.figures import Figures
    from cxnlp.service.groups import Groups, Issues
    from cxnlp.service.hits import Found, Hit
    from cxnlp.service.intake import Intake, Outcome, count
    from cxnlp.service.issues import Issue
    from cxnlp.service.measured import Breakdown, Series
    from cxnlp.service.movements import Movements
    from cxnlp.service.questions import Question
    from cxnlp.service.retraining import Comparison, Retraining, RetrainReport
    from cxnlp.service.retrieval import Retrieval
    from cxnlp.service.rules import KnownRule, Rules, Trial
    from cxnlp.service.saved import Matched, SavedSearches
    from cxnlp.service.sending import Sender
    from cxnlp.service.streaming import Stream
    from cxnlp.service.topics.curation import Curation
    from cxnlp.service.topics.emergence import Emergence
    from cxnlp.service.topics.model import FitReport, TopicModel
    from cxnlp.service.versions import ActiveHeads, Versions
    from cxnlp.service.view import View
    from cxnlp.service.webhooks import WantedWebhook, Webhooks

_MODULES = {"Delivery": "delivery", "Enrichment": "enrichment", "Retrieval": "retrieval", "Found": "hits", "Hit": "hits"}
_MODULES |= {"Intake": "intake", "Outcome": "intake", "count": "intake", "TopicModel": "topics.model", "FitReport": "topics.model"}
_MODULES |= {"ActiveHeads": "versions", "Versions": "versions", "Comparison": "retraining", "Retraining": "retraining", "RetrainReport": "retraining"}
_MODULES |= {"Question": "questions", "View": "view"}
_MODULES |= {"Copies": "copies", "CopyGroup": "copies", "Groups": "groups", "Issue": "issues", "Issues": "groups"}
_MODULES |= {"Curation": "topics.curation", "Emergence": "topics.emergence", "Matched": "saved", "SavedSearches": "saved"}
_MODULES |= {"Sender": "sending", "Stream": "streaming", "WantedWebhook": "webhooks", "Webhooks": "webhooks"}
_MODULES |= {"KnownRule": "rules", "Rules": "rules", "Trial": "rules"}
_MODULES |= {"Alerts": "alerts", "Checked": "alerts", "Movements": "movements", "Series": "measured", "Expectations": "expectations"}
_MODULES |= {"Breakdown": "measured", "BreakdownQuestion": "figure_questions", "Figures": "figures", "SeriesQuestion": "figure_questions"}
_MODULES |= {"Dashboard": "dashboard"}
__all__ = [
    "ActiveHeads",
    "Alerts",
    "Breakdown",
    "BreakdownQuestion",
    "Checked",
    "Comparison",
    "Copies",
    "CopyGroup",
    "Curation",
    "Dashboard",
    "Delivery",
    "Emergence",
    "Enrichment",
    "Expectations",
    "Figures",
    "FitReport",
    "Found",
    "Groups",
    "Hit",
    "Intake",
    "Issue",
    "Issues",
    "KnownRule",
    "Matched",
    "Movements",
    "Outcome",
    "Question",
    "RetrainReport",
    "Retraining",
    "Retrieval",
    "Rules",
    "SavedSearches",
    "Sender",
    "Series",
    "SeriesQuestion",
    "Stream",
    "TopicModel",
    "Trial",
    "Versions",
    "View",
    "WantedWebhook",
    "Webhooks",
    "count",
]


def __getattr__(name: str) -> Any:
    # Each is imported when it is first asked for (PEP 562): together they take a second, and `analyze` needs one of them.
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
