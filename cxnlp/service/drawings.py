"""The figures that there are, and what measures and topics become before they are drawn."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from cxnlp import charts
from cxnlp.charts import Look
from cxnlp.service.measured import Breakdown, Figure, Line, Series
from cxnlp.service.periods import Bucket, Period
from cxnlp.store import StoredTopic

_MOST_DAILY, _MOST_WEEKLY = 100, 800
_MOST_ROWS, _MOST_COLUMNS = 14, 12
_DAY_OF_LABEL: Final = 10


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure that there is: what draws it, by which dimensions, which measure by default, and its title in English and Chinese."""

    draw: str
    dimensions: tuple[str, ...]
    measure: str
    title: tuple[str, str]

    def titled(self, look: Look) -> str:
        """Return its title in the language of a look."""
        return self.title[charts.LANGUAGES.index(look.language)]

    def by(self, measure: str) -> "Drawing":
        """Return the same figure of another measure."""
        names = charts.MEASURES.get(measure, (measure, measure))
        if measure == self.measure:
            return self
        english, chinese = (f"{title} · {name}" for title, name in zip(self.title, names, strict=True))
        return replace(self, measure=measure, title=(english, chinese))


DRAWINGS: Final[Mapping[str, Drawing]] = {
    "sentiment": Drawing("curves", ("all",), "sentiment", ("Sentiment over time", "情感走势")),
    "volume": Drawing("curves", ("all",), "volume", ("Feedback over time", "反馈量走势")),
    "negative_share": Drawing("curves", ("all",), "negative_share", ("Share negative over time", "负面占比走势")),
    "channels": Drawing("curves", ("channel",), "volume", ("By channel over time", "各渠道走势")),
    "stages": Drawing("bars", ("stage",), "sentiment", ("Sentiment by journey stage", "各旅程阶段的情感")),
    "touchpoints": Drawing("bars", ("touchpoint",), "negative_share", ("Share negative by touchpoint", "各触点的负面占比")),
    "causes": Drawing("bars", ("cause",), "volume", ("What went wrong", "问题原因")),
    "segments": Drawing("bars", ("segment",), "sentiment", ("Sentiment by customer segment", "各客户分群的情感")),
    "problems": Drawing("grid", ("touchpoint", "cause"), "volume", ("Problems: touchpoint by cause", "问题：触点与原因")),
    "topics": Drawing("shifts", ("topic",), "volume", ("Topics now and before", "主题：本期与上期")),
    "topics_over_time": Drawing("curves", ("topic",), "volume", ("Topics over time", "主题走势")),
    "topics_by_touchpoint": Drawing("grid", ("topic", "touchpoint"), "volume", ("Topics by touchpoint", "主题与触点")),
    "topics_by_cause": Drawing("grid", ("topic", "cause"), "volume", ("Topics by cause", "主题与原因")),
    "topics_by_channel": Drawing("grid", ("topic", "channel"), "volume", ("Topics by channel", "主题与渠道")),
    "topics_by_segment": Drawing("grid", ("topic", "segment"), "volume", ("Topics by customer segment", "主题与客户分群")),
    "topics_nested": Drawing("nodes", (), "volume", ("Topics by size and nesting", "主题的大小与层级")),
    "topics_alike": Drawing("joins", (), "volume", ("Which topics are alike", "相似的主题")),
    "topics_map": Drawing("map", (), "volume", ("Map of topics", "主题地图")),
}
"""The figures by name."""


def name_topic(topic: StoredTopic, language: str) -> str:
    """Return what people call a topic in a language, else in the other, else its automatic name."""
    return topic.names.get(language) or next(iter(topic.names.values()), topic.label)


def bucket_of(period: Period) -> Bucket:
    """Return how finely a period is shown: a day by the hour, up to 100 days by the day, up to 800 by the week, else by the month."""
    n_days = (period.last - period.first).days + 1
    return "hour" if n_days == 1 else "day" if n_days <= _MOST_DAILY else "week" if n_days <= _MOST_WEEKLY else "month"


def key_of(dimension: str, value: str) -> dict[str, str]:
    """Return the filter for the records of a value."""
    return {} if dimension == "all" else {dimension: value}


def now_and_before(figure: Figure) -> tuple[float, float]:
    """Return a volume and that of the period before."""
    return figure.value or 0.0, (figure.before.value if figure.before else 0.0) or 0.0


def to_curve(found: Series, line: Line, named: Callable[[str, str], str]) -> charts.Curve:
    """Return a line of a series as a curve.

    Args:
        found: The series.
        line: One of its lines.
        named: Names a value of a dimension.
    """
    labels, points = found.period.labels, line.points
    hourly = found.period.bucket == "hour"
    ends = [(date.fromisoformat(at[:_DAY_OF_LABEL]) - timedelta(0 if hourly else 1)).isoformat() for at in labels[1:]]
    curve = charts.Curve(
        named(found.dimension, line.value), labels, [*ends, found.period.last.isoformat()], [p.value for p in points], [p.n for p in points],
        [p.low for p in points], [p.high for p in points], key=key_of(found.dimension, line.value),
    )  # fmt: skip
    return replace(curve, expected=[p.expected or (None, None, None) for p in points]) if any(p.expected for p in points) else curve


def to_grid(found: Breakdown, measure: str, named: Callable[[int, str], str]) -> charts.Grid:
    """Return the cells with most records as a grid, the largest rows and columns first."""
    sizes: tuple[dict[str, int], dict[str, int]] = {}, {}
    figures: dict[tuple[str, ...], Figure] = {}
    for cell in found.cells:
        figures[cell.values] = cell.figures[measure]
        for size, value in zip(sizes, cell.values, strict=True):
            size[value] = size.get(value, 0) + cell.figures["volume"].n
    rows, columns = (sorted(size, key=lambda v: (-size[v], v))[:most] for size, most in zip(sizes, (_MOST_ROWS, _MOST_COLUMNS), strict=True))
    some = [[figures.get((row, column)) for column in columns] for row in rows]
    return charts.Grid(
        [named(0, row) for row in rows],
        [named(1, column) for column in columns],
        [[figure.value if figure else None for figure in line] for line in some],
        [[figure.n if figure else 0 for figure in line] for line in some],
        [{found.dimensions[0]: row} for row in rows],
        [{found.dimensions[1]: column} for column in columns],
    )


def to_node(topic: StoredTopic, look: Look) -> charts.Node:
    """Return a topic as a node of a hierarchy."""
    return charts.Node(topic.id, name_topic(topic, look.language), topic.n, topic.parent, {"topic": topic.id})
