"""Questions of dashboards as requests, and how answers look in the documentation."""

from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas import FilterField

MEASURES: Final = "volume, negative_share, complaint_share, sentiment, csat, nps or satisfaction"
DIMENSIONS: Final = "all, source, channel, language, label, intent, segment, topic, touchpoint, stage, cause, pair, risk, or attributes.NAME"

Bucket = Literal["hour", "day", "week", "month"]
Compare = Literal["previous", "year"]
Order = Literal["desc", "asc"]

_SINCE: Final = "First day; by default 28 days to the last (hours 2, weeks 84, months 365)."
_UNTIL: Final = "Last day, included; today by default."
_ZONE: Final = "Whose days: an IANA name such as Asia/Shanghai; CXNLP_TIMEZONE by default."
_COMPARE: Final = "Beside each value that of the period of the same length before, or of a year before, and the change."
_VALUE: Final = "Which series, such as `chat`; the largest by default."
_EXPECTED: Final = "Also what was to be expected of each day, from up to 12 weeks before; without a filter."
_SORT: Final = "Measure to sort by; the first one by default."
_LEAST: Final = "Records that a row has; the others are taken together."

DimensionField = Annotated[str, Field(description=DIMENSIONS)]
MeasuresField = Annotated[list[str], Field(min_length=1, description=f"{MEASURES}; may be several.", examples=[["sentiment"]])]
ValuesField = Annotated[list[str], Field(max_length=50, description=_VALUE)]
BucketField = Annotated[Bucket, Field(description="Weeks begin on Monday; weeks and months are whole.")]
SinceField = Annotated[date | None, Field(description=_SINCE, examples=["2026-10-01"])]
UntilField = Annotated[date | None, Field(description=_UNTIL, examples=["2026-11-15"])]
ZoneField = Annotated[str | None, Field(description=_ZONE, examples=["Asia/Shanghai"])]
CompareField = Annotated[Compare | None, Field(description=_COMPARE)]
SeriesLimitField = Annotated[int, Field(ge=1, le=50, description="How many series.")]
ExpectedField = Annotated[bool, Field(description=_EXPECTED)]
SortField = Annotated[str | None, Field(description=_SORT)]
OrderField = Annotated[Order, Field(description="The largest first, or the smallest.")]
RowLimitField = Annotated[int, Field(ge=1, le=1000, description="How many rows.")]
LeastField = Annotated[int, Field(ge=1, description=_LEAST)]


class SeriesParameters(BaseModel):
    """Measures in time, as query parameters beside those of a filter."""

    dimension: DimensionField = "all"
    value: ValuesField = []
    measure: MeasuresField = ["volume"]
    bucket: BucketField = "day"
    since: SinceField = None
    until: UntilField = None
    timezone: ZoneField = None
    compare: CompareField = None
    limit: SeriesLimitField = 10
    expected: ExpectedField = False


class BreakdownParameters(BaseModel):
    """Measures by one dimension or two, as query parameters beside those of a filter."""

    dimension: Annotated[list[str], Field(min_length=1, max_length=2, description=f"{DIMENSIONS}; twice for a table of two.")]
    measure: MeasuresField = ["volume"]
    since: SinceField = None
    until: UntilField = None
    timezone: ZoneField = None
    compare: CompareField = None
    sort: SortField = None
    order: OrderField = "desc"
    limit: RowLimitField = 20
    least: LeastField = 1


class SeriesRequest(BaseModel):
    """Measures in time."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"dimension": "channel", "measures": ["sentiment", "volume"], "bucket": "week", "timezone": "Asia/Shanghai"},
                {"dimension": "topic", "since": "2026-10-01", "until": "2026-11-15", "compare": "previous", "filter": {"touchpoint": ["delivery"]}},
            ]
        },
    )
    dimension: DimensionField = "all"
    measures: MeasuresField = ["volume"]
    values: ValuesField = []
    bucket: BucketField = "day"
    since: SinceField = None
    until: UntilField = None
    timezone: ZoneField = None
    filter: FilterField = None
    compare: CompareField = None
    limit: SeriesLimitField = 10
    expected: ExpectedField = False


class BreakdownRequest(BaseModel):
    """Measures by one dimension or two."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"dimensions": ["touchpoint", "cause"], "measures": ["volume", "sentiment"], "since": "2026-10-01", "compare": "year"},
                {"dimensions": ["attributes.region"], "measures": ["negative_share"], "least": 30, "filter": {"channel": ["ticket"]}},
            ]
        },
    )
    dimensions: Annotated[list[str], Field(min_length=1, max_length=2, description=DIMENSIONS)]
    measures: MeasuresField = ["volume"]
    since: SinceField = None
    until: UntilField = None
    timezone: ZoneField = None
    filter: FilterField = None
    compare: CompareField = None
    sort: SortField = None
    order: OrderField = "desc"
    limit: RowLimitField = 20
    least: LeastField = 1


_BEFORE: Final = {"value": -0.31, "n": 240, "low": -0.37, "high": -0.25}
_CHANGE: Final = {"value": 0.09, "low": 0.01, "high": 0.17, "within_chance": False}
_FIGURE: Final[dict[str, Any]] = {"value": -0.22, "n": 260, "low": -0.28, "high": -0.16, "before": _BEFORE, "change": _CHANGE}
_POINT: Final = {"at": "2026-11-09", "value": -0.2, "n": 41, "low": -0.35, "high": -0.05, "before": None, "change": None}
_PERIOD: Final = {
    "timezone": "Asia/Shanghai",
    "since": "2026-11-09",
    "until": "2026-11-15",
    "compared": {"since": "2026-11-02", "until": "2026-11-08"},
}
_CHAT: Final = {"dimension": "channel", "value": "chat", "measure": "sentiment", "total": _FIGURE, "points": [_POINT]}
SERIES: Final[dict[str, Any]] = {
    "dimension": "channel", "measure": "sentiment", "measures": ["sentiment"], "bucket": "day", **_PERIOD,
    "records": 865, "values": 6, "items": [_CHAT],
}  # fmt: skip
BREAKDOWN: Final[dict[str, Any]] = {
    "dimensions": ["touchpoint", "cause"],
    "measures": ["sentiment"],
    **_PERIOD,
    "total": {"sentiment": _FIGURE},
    "others": {"values": 12, "measures": {"sentiment": _FIGURE}},
    "items": [{"values": ["delivery", "slow"], "measures": {"sentiment": _FIGURE}}],
}
