"""The store: all that cxnlp keeps, in SQLite or PostgreSQL, and all the SQL there is.

A store is the truth; indexes, counters and deliveries are views of it that can be rebuilt. Processes share nothing else.
"""

from dataclasses import dataclass

from cxnlp.store.alerts import Alert, AlertChange, AlertPage, AlertTable, Moved
from cxnlp.store.analyses import Analyses, Reading, Result
from cxnlp.store.contacts import Contacts
from cxnlp.store.database import Database, open_database
from cxnlp.store.deliveries import DeliveryRow, DeliveryTable, Due
from cxnlp.store.events import Event, Events
from cxnlp.store.feedback import FeedbackTable, Statistics
from cxnlp.store.flags import Escalation, FlagPage, FlagTable, StoredFlag
from cxnlp.store.gauges import Gauges, GaugeTable
from cxnlp.store.generations import Generation, Generations
from cxnlp.store.keys import ApiKey, Keys
from cxnlp.store.matches import Match, MatchPage, MatchTable
from cxnlp.store.migration import upgrade
from cxnlp.store.paging import Page
from cxnlp.store.receiving import Receipt
from cxnlp.store.retrains import Retrain, Retrains
from cxnlp.store.rows import Claim
from cxnlp.store.rules import RuleTable, StoredRule
from cxnlp.store.sayings import Saying, Sayings
from cxnlp.store.searches import SavedSearch, SearchTable, Wanted
from cxnlp.store.series import Days, SeriesTable, Told
from cxnlp.store.topics.candidates import Candidate, CandidateTable
from cxnlp.store.topics.curation import CurationTable, TopicChange
from cxnlp.store.topics.fits import TopicFit, TopicFits
from cxnlp.store.topics.members import Assigned, MemberTable, Placed, Standing
from cxnlp.store.topics.renewal import RenewalTable, Renewed
from cxnlp.store.topics.results import Assignments, FittedTable, FittedTopic, NewFit, StoredModel
from cxnlp.store.topics.topics import Belonging, StoredTopic, TopicTable
from cxnlp.store.vectors import VectorTable
from cxnlp.store.verdicts import Verdict
from cxnlp.store.versions import HeadVersion, HeadVersions
from cxnlp.store.webhooks import Webhook, WebhookTable
from cxnlp.store.words import Said, WordHit, Words, said

__all__ = [
    "Alert",
    "AlertChange",
    "AlertPage",
    "AlertTable",
    "Analyses",
    "ApiKey",
    "Assigned",
    "Assignments",
    "Belonging",
    "Candidate",
    "CandidateTable",
    "Claim",
    "Contacts",
    "CurationTable",
    "Database",
    "Days",
    "DeliveryRow",
    "DeliveryTable",
    "Due",
    "Escalation",
    "Event",
    "Events",
    "FeedbackTable",
    "FittedTable",
    "FittedTopic",
    "FlagPage",
    "FlagTable",
    "GaugeTable",
    "Gauges",
    "Generation",
    "Generations",
    "HeadVersion",
    "HeadVersions",
    "Keys",
    "Match",
    "MatchPage",
    "MatchTable",
    "MemberTable",
    "Moved",
    "NewFit",
    "Page",
    "Placed",
    "Reading",
    "Receipt",
    "RenewalTable",
    "Renewed",
    "Result",
    "Retrain",
    "Retrains",
    "RuleTable",
    "Said",
    "SavedSearch",
    "Saying",
    "Sayings",
    "SearchTable",
    "SeriesTable",
    "Standing",
    "Statistics",
    "Store",
    "StoredFlag",
    "StoredModel",
    "StoredRule",
    "StoredTopic",
    "Told",
    "TopicChange",
    "TopicFit",
    "TopicFits",
    "TopicTable",
    "VectorTable",
    "Verdict",
    "Wanted",
    "Webhook",
    "WebhookTable",
    "WordHit",
    "Words",
    "open_store",
    "said",
]


@dataclass(frozen=True)
class Store:
    """Everything that is kept, by subject."""

    database: Database
    feedback: FeedbackTable
    analyses: Analyses
    generations: Generations
    vectors: VectorTable
    events: Events
    keys: Keys
    flags: FlagTable
    rules: RuleTable
    contacts: Contacts
    webhooks: WebhookTable
    deliveries: DeliveryTable
    topics: TopicTable
    topic_fits: TopicFits
    fitted: FittedTable
    members: MemberTable
    renewals: RenewalTable
    curation: CurationTable
    candidates: CandidateTable
    versions: HeadVersions
    retrains: Retrains
    searches: SearchTable
    matches: MatchTable
    words: Words
    sayings: Sayings
    alerts: AlertTable
    series: SeriesTable
    gauges: GaugeTable

    def close(self) -> None:
        """Close all connections."""
        self.database.close()


def open_store(url: str) -> Store:
    """Return the store at a URL, made or upgraded if need be.

    Args:
        url: `sqlite:////path/file.db` or `postgresql+psycopg://user@host/database`.

    Raises:
        StoreError: It cannot be opened, or a newer version of cxnlp has written it; the message says what to do.
    """
    database = open_database(url)
    try:
        upgrade(database)
    except BaseException:
        database.close()
        raise
    events = Events(database)
    return Store(
        database=database,
        feedback=FeedbackTable(database, events),
        analyses=Analyses(database, events),
        generations=Generations(database, events),
        vectors=VectorTable(database),
        events=events,
        keys=Keys(database),
        flags=FlagTable(database, events),
        rules=RuleTable(database),
        contacts=Contacts(database),
        webhooks=WebhookTable(database),
        deliveries=DeliveryTable(database, events),
        topics=TopicTable(database),
        topic_fits=TopicFits(database, events),
        fitted=FittedTable(database),
        members=MemberTable(database, events),
        renewals=RenewalTable(database),
        curation=CurationTable(database, events),
        candidates=CandidateTable(database, events),
        versions=HeadVersions(database, events),
        retrains=Retrains(database),
        searches=SearchTable(database),
        matches=MatchTable(database, events),
        words=Words(database),
        sayings=Sayings(database),
        alerts=AlertTable(database, events),
        series=SeriesTable(database),
        gauges=GaugeTable(database),
    )
