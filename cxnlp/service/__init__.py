"""The order of I/O: what happens, in which order, to rooms that do not know each other.

intake.py        receive, forget
enrichment.py    work off the queue, reindex
retrieval.py     search, similar
topics.py        fit topics
delivery.py      flags, webhooks, events
"""

from cxnlp.service.delivery import Delivery
from cxnlp.service.enrichment import Enrichment
from cxnlp.service.intake import Intake, Outcome, count
from cxnlp.service.retrieval import Found, Hit, Retrieval
from cxnlp.service.topics import FitReport, TopicModel

__all__ = ["Delivery", "Enrichment", "FitReport", "Found", "Hit", "Intake", "Outcome", "Retrieval", "TopicModel", "count"]
