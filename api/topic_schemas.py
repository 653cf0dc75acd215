"""Bodies of requests about topics, and how answers look in the documentation."""

from typing import Annotated, Any, Final, Literal

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field

from api.schemas import LINE, RECORD_ID, FilterField

TopicId = Annotated[str, Path(description="Id of the topic.", examples=["t-17"])]
FitNumber = Annotated[int, Path(description="Number of the fit.", examples=[3])]
OnQuery = Annotated[Literal["records", "clauses"], Query(description="Topics of whole records, or of clauses.")]
AboutQuery = Annotated[Literal["problems", "strengths"] | None, Query(description="Of clauses: those with a problem or suggestion, or with praise.")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FitBody(_Body):
    """What to fit, and how."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}, {"on": "clauses", "about": "problems", "filter": {"language": ["zh"]}}]})
    on: Annotated[Literal["records", "clauses"], Field(description="Whole records, or their clauses.")] = "records"
    about: Annotated[Literal["problems", "strengths"] | None, Field(description="Of clauses: with a problem or suggestion, or with praise.")] = None
    filter: FilterField = None
    n_topics: Annotated[int | None, Field(ge=1, description="Exactly so many; as many as there are dense groups without.")] = None
    min_topic_size: Annotated[int | None, Field(ge=2, description="Fewest texts of a topic; grows with their number without.")] = None
    outlier_share: Annotated[float, Field(ge=0, le=1, description="Largest share of texts left without a topic.")] = 0.1
    seed: Annotated[int, Field(ge=0, description="The same seed and records give the same topics.")] = 7
    activate: Annotated[bool, Field(description="Use the topics when the fit is done, or only keep them as a version.")] = True


class Names(_Body):
    """What people call a topic; null takes a name back."""

    zh: Annotated[str | None, Field(max_length=100)] = None
    en: Annotated[str | None, Field(max_length=100)] = None


class Pinned(_Body):
    """What a topic is about, in the words of the taxonomy."""

    touchpoint: Annotated[str, Field(description="Id of a touchpoint.")]
    cause: Annotated[str | None, Field(description="Id of a cause.")] = None


class TopicChangeBody(_Body):
    """What to change of a topic; what is left out stays."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"names": {"zh": "物流延误", "en": "Late deliveries"}, "pinned": {"touchpoint": "delivery"}}]}
    )
    names: Names | None = None
    muted: bool = False
    parent: Annotated[str | None, Field(description="Id of the topic that it stands under; null for none.")] = None
    pinned: Pinned | None = None


class MergeBody(_Body):
    """What goes into a topic."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"topics": ["t-4", "t-9"]}]})
    topics: Annotated[list[str], Field(min_length=1, max_length=200, description="Ids of topics of the same kind.")]


class SplitBody(_Body):
    """How to split a topic."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"parts": 2}]})
    parts: Annotated[int | None, Field(ge=2, le=100, description="Exactly so many; as many as there are dense groups without.")] = None
    seed: Annotated[int, Field(ge=0)] = 7


class Moved(_Body):
    """A record, or one clause of it."""

    record_id: Annotated[str, Field(description="Public id of the record.")]
    clause: Annotated[int | None, Field(ge=0, description="Number of the clause, for topics of clauses.")] = None


class MoveBody(_Body):
    """What to move where."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [{"record_id": RECORD_ID}], "to": "t-17"}]})
    items: Annotated[list[Moved], Field(min_length=1, max_length=1000)]
    to: Annotated[str | None, Field(description="Id of the topic; null for none.")] = None
    about: Annotated[Literal["problems", "strengths"] | None, Field(description="With `to` null, of which topics of clauses.")] = None


TOPIC: Final[dict[str, Any]] = {
    "id": "t-17", "kind": "documents", "state": "fitted", "label": "快递 延误", "words": ["快递", "延误", "物流"], "n": 41,
    "names": {"zh": "物流延误", "en": "Late deliveries"}, "muted": False, "parent": None, "pinned": {"touchpoint": "delivery", "cause": "slow"},
    "merged_into": None, "active": True, "position": [0.31, -0.2],
}  # fmt: skip
QUOTE: Final[dict[str, Any]] = {"record_id": RECORD_ID, "clause": None, "text": LINE["text"]}
MEMBER: Final[dict[str, Any]] = QUOTE | {"similarity": 0.83, "record": LINE}
CHANGE: Final[dict[str, Any]] = {
    "number": 12, "action": "merge", "topic": "t-4", "other": "t-17", "record_id": None, "before": {}, "after": {"merged_into": "t-17"},
    "author": "ann", "at": "2026-11-22T09:30:00Z", "undone_by": None, "undone_at": None,
}  # fmt: skip
CHANGES: Final[dict[str, Any]] = {
    "compared": 9214, "kept_share": 0.968, "new": ["t-31"], "gone": ["t-8"], "grown": [{"id": "t-17", "before": 41, "after": 63}], "shrunk": [],
    "split": [{"id": "t-2", "into": ["t-2", "t-31"]}], "merged": [],
}  # fmt: skip
FIT: Final[dict[str, Any]] = {
    "number": 3, "kind": "documents", "state": "running", "stage": "discover", "share": 0.31, "active": False, "author": "ann", "parent": 2,
    "parameters": {"n_topics": None, "min_topic_size": None, "outlier_share": 0.1, "seed": 7, "activate": True}, "filter": {}, "counts": {},
    "window": None, "metrics": {}, "report": None, "outcome": None, "encoder": None, "started_at": "2026-11-22T09:29:10Z", "ended_at": None,
}  # fmt: skip
FIT_DONE: Final[dict[str, Any]] = FIT | {
    "state": "done", "stage": "done", "share": 1.0, "active": True, "counts": {"records": 9250, "items": 9250, "topics": 30, "outliers": 512},
    "window": ["2026-08-01T00:00:00Z", "2026-11-22T09:00:00Z"], "metrics": {"outlier_share": 0.0554, "mean_similarity": 0.61, "seconds": 48.2},
    "report": CHANGES, "encoder": "529a644525a20180", "ended_at": "2026-11-22T09:30:00Z",
}  # fmt: skip
_MOVED: Final[dict[str, Any]] = QUOTE | {"before": {"id": "t-8", "label": "物流 慢"}, "after": {"id": "t-17", "label": "快递 延误"}}
COMPARISON: Final[dict[str, Any]] = {"a": 2, "b": 3} | CHANGES | {"moved": {"total": 295, "items": [_MOVED], "next_cursor": "50"}}
