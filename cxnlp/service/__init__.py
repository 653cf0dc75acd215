"""The order of I/O: what happens, in which order, to rooms that do not know each other.

intake.py        receive, forget
enrichment.py    work off the queue, reindex
retrieval.py     search, similar
delivery.py      flags, webhooks, events
"""

from cxnlp.service.delivery import Delivery
from cxnlp.service.enrichment import Enrichment
from cxnlp.service.intake import Intake, Outcome, count
from cxnlp.service.retrieval import Found, Hit, Retrieval

__all__ = ["Delivery", "Enrichment", "Found", "Hit", "Intake", "Outcome", "Retrieval", "count"]
