"""Request bodies with examples that can be run as they are, and how answers look in the documentation.

Records have no class here: `cxnlp.ingest` is their only validator, and what leaves is not validated again.
"""

from typing import Annotated, Any, Final, Literal

from fastapi import Path
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from cxnlp.records import record_id

RECORD: Final[dict[str, Any]] = {
    "source": "zendesk",
    "external_id": "4711",
    "channel": "ticket",
    "text": "等了一个星期还没到，客服也没人理，我要退款！",
    "created_at": "2026-11-01T09:30:00+08:00",
    "rating": {"scale": "csat", "value": 1},
    "customer": {"id": "c-9", "segment": "returning"},
    "attributes": {"product": "咖啡豆", "region": "华东"},
}
RECORD_EN: Final[dict[str, Any]] = {
    "source": "app-store",
    "external_id": "r-88",
    "channel": "review",
    "text": "The app keeps crashing when I pay, but the courier was lovely.",
    "rating": {"scale": "stars", "value": 2},
}
CONVERSATION: Final[dict[str, Any]] = {
    "source": "chat",
    "external_id": "c-17",
    "channel": "chat",
    "turns": [
        {"speaker": "customer", "text": "My refund has not arrived."},
        {"speaker": "agent", "text": "It was sent yesterday."},
        {"speaker": "customer", "text": "Great, thank you!"},
    ],
}


# Of RECORD: who has sent that example can run those that name it.
RECORD_ID: Final = record_id(RECORD["source"], RECORD["external_id"])
RecordId = Annotated[str, Path(description="Public id of the record.", examples=[RECORD_ID])]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


FilterField = Annotated[
    dict[str, Any] | None,
    Field(description="Which records: a list means any of, fields are combined by and, touchpoint and cause match within one observation."),
]
KField = Annotated[int, Field(ge=1, le=1000, description="How many hits.")]


SortField = Annotated[Literal["nearest", "newest"], Field(description="The nearest first, or of the nearest the newest first.")]
CollapseField = Annotated[bool, Field(description="Whether copies, such as templates and retweets, are one hit with a count, `copies`.")]
FacetsField = Annotated[
    list[str],
    Field(max_length=20, description="Count the records that pass the filter by the values of these fields: those of a filter, `attributes.<name>`."),
]
DaysField = Annotated[int | None, Field(ge=1, le=3650, description="Also sum up what is alike in so many last days.")]
CursorField = Annotated[str | None, Field(description="`next_cursor` of the part before, with the same question.")]


class SearchRequest(_Body):
    """What to look for."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"text": "快递太慢", "k": 5, "filter": {"channel": ["ticket", "review"], "sentiment": {"lte": -0.3}}},
                {"text": '"Fry 5L" basket peels', "days": 30, "collapse": True, "facets": ["channel", "attributes.region"]},
            ]
        }
    )
    text: Annotated[str, Field(description='Words, a sentence or a whole complaint, in Chinese or English; "in quotation marks" word for word.')] = ""
    like: Annotated[list[str], Field(max_length=20, description="Ids of records whose like is wanted, instead of a text or beside it.")] = []
    unlike: Annotated[list[str], Field(max_length=20, description="Ids of records that lead the wrong way.")] = []
    k: KField = 10
    filter: FilterField = None
    by: Annotated[Literal["both", "meaning", "words"], Field(description="Ranked by meaning and words together, or by one alone.")] = "both"
    sort: SortField = "nearest"
    collapse: CollapseField = False
    facets: FacetsField = []
    days: DaysField = None
    cursor: CursorField = None


class SimilarRequest(_Body):
    """A stored record whose like is wanted."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": RECORD_ID, "k": 5, "filter": {"language": ["zh"]}, "days": 30}]})
    id: Annotated[str, Field(description="Its public id.")]
    k: KField = 10
    filter: FilterField = None
    sort: SortField = "nearest"
    collapse: CollapseField = False
    facets: FacetsField = []
    days: DaysField = None
    cursor: CursorField = None


class WebhookRequest(_Body):
    """Whom to tell of what."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"url": "https://example.com/hooks/cxnlp", "events": ["flag.*"]}]})
    url: Annotated[str, Field(description="Where to post, https or http; or `mailto:someone@example.com`.")]
    events: Annotated[list[str], Field(description="Names of events; `flag.*` means all that begin so.")] = ["flag.*"]
    format: Annotated[
        Literal["standard", "slack", "feishu", "dingtalk", "wecom"], Field(description="Standard Webhooks, or the chat whose bot the URL calls.")
    ] = "standard"
    language: Annotated[Literal["en", "zh"], Field(description="Of messages to chats and mailboxes.")] = "en"
    filter: Annotated[
        dict[str, Any] | None, Field(description="A condition as rules of flags have it; events of records that do not fulfil it are not sent.")
    ] = None
    secret: Annotated[str | None, Field(description="That Feishu or DingTalk shows for the bot; cxnlp makes that of `standard`.")] = None


class RotationRequest(_Body):
    """A new secret that a chat has made."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}]})
    secret: Annotated[str | None, Field(description="For Feishu and DingTalk; cxnlp makes that of `standard`.")] = None


class FlagRequest(_Body):
    """What a person did about a flag."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"state": "acknowledged", "reason": "called back"}]})
    state: Annotated[Literal["acknowledged", "resolved", "dismissed"] | None, Field(description="May be left out where only the owner changes.")] = (
        None
    )
    reason: Annotated[str | None, Field(max_length=2000, description="Why; needed to dismiss.")] = None
    owner: Annotated[str | None, Field(min_length=1, max_length=200, description="Who is to answer from now on.")] = None


class RuleTrialRequest(_Body):
    """A rule to try on stored records."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"rule": {"level": 2, "when": {"sentiment": {"lte": -0.5}}}, "days": 30}, {"rule": "default"}]}
    )
    rule: Annotated[dict[str, Any] | str, Field(description="The whole rule, or the name of one.")]
    days: Annotated[int, Field(ge=1, le=3660, description="How far back, by created_at.")] = 30
    samples: Annotated[int, Field(ge=0, le=20, description="Newest records to show of each level.")] = 3


class AlertRequest(_Body):
    """What a person did about an alert."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"state": "acknowledged", "reason": "the courier is told"}]})
    state: Literal["open", "acknowledged", "snoozed", "resolved"]
    reason: Annotated[str | None, Field(max_length=2000, description="Why.")] = None
    until: Annotated[AwareDatetime | None, Field(description="When a snoozed alert comes back, such as 2026-12-01T08:00:00Z.")] = None


class KeyRequest(_Body):
    """A new API key."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "dashboard", "role": "agent"}]})
    name: Annotated[str, Field(min_length=1, max_length=200, description="What the key is for.")]
    role: Literal["ingest", "agent", "analyst", "admin"]


def json_body(description: str, examples: dict[str, Any], required: bool = True) -> dict[str, Any]:
    """Return the documentation of a JSON body that the endpoint reads itself.

    Args:
        description: What to send.
        examples: By name.
        required: Whether there must be one.
    """
    content = {"schema": {"type": "object", "description": description}, "examples": {name: {"value": value} for name, value in examples.items()}}
    return {"requestBody": {"required": required, "content": {"application/json": content}}}


def answer(example: Any, description: str = "Done", media_type: str = "application/json") -> dict[int | str, dict[str, Any]]:
    """Return the documentation of a successful answer."""
    return {200: {"description": description, "content": {media_type: {"example": example}}}}


COUNTS: Final = {"accepted": 1, "duplicate": 0, "updated": 0, "rejected": 0}
LINE: Final = RECORD | {
    "id": RECORD_ID,
    "language": "zh",
    "sentiment": -0.82,
    "label": "negative",
    "confidence": 0.94,
    "intent": "complaint",
    "observations": [
        {
            "touchpoint": "delivery",
            "stage": "service",
            "cause": "slow",
            "sentiment": -0.9,
            "confidence": 0.88,
            "quote": {"text": "等了一个星期还没到", "turn": None, "start": 0, "end": 9},
        }
    ],
    "risks": [],
    "model": "cxnlp-zh-en-2",
}
PROBLEM: Final[dict[str, Any]] = {
    "description": "A problem (RFC 9457)",
    "content": {
        "application/problem+json": {
            "schema": {
                "type": "object",
                "required": ["type", "title", "status", "detail"],
                "properties": {
                    "type": {"type": "string"},
                    "title": {"type": "string"},
                    "status": {"type": "integer"},
                    "detail": {"type": "string", "description": "What happened and what to do."},
                    "field": {"type": "string"},
                    "value": {"type": "string", "description": "Masked."},
                    "problem": {"type": "string"},
                    "remedy": {"type": "string"},
                },
            }
        }
    },
}


SearchName = Annotated[str, Field(min_length=1, max_length=200, description="As people will know it.")]
SearchText = Annotated[str, Field(description="Words, a sentence or a whole complaint, in Chinese or English.")]
LikeField = Annotated[list[str], Field(max_length=20, description="Ids of records whose like is wanted, instead of a text or beside it.")]
UnlikeField = Annotated[list[str], Field(max_length=20, description="Ids of records that lead the wrong way.")]
LeastField = Annotated[float, Field(ge=0, le=1, description="Likeness from which a record matches.")]


class SavedSearchRequest(_Body):
    """What to be told of."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "slow delivery", "text": "快递太慢", "filter": {"sentiment": {"lte": -0.3}}, "least": 0.6}]}
    )
    name: SearchName
    text: SearchText = ""
    like: LikeField = []
    unlike: UnlikeField = []
    filter: FilterField = None
    least: LeastField = 0.5


class SavedSearchChange(_Body):
    """What to change of a saved search; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"least": 0.7, "enabled": False}]})
    name: SearchName = ""
    text: SearchText = ""
    like: LikeField = []
    unlike: UnlikeField = []
    filter: FilterField = None
    least: LeastField = 0.5
    enabled: Annotated[bool, Field(description="False ends the matching, true resumes it with what comes from now on.")] = True
