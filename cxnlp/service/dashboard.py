"""What the dashboard, reports and notebooks show: headline numbers and figures, from the measures of the store."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from cxnlp import charts
from cxnlp.charts import Look
from cxnlp.errors import NotFound, shorten
from cxnlp.filters import Filter, Range
from cxnlp.insight import difference, estimate
from cxnlp.service.drawings import DRAWINGS, Drawing, bucket_of, key_of, name_topic, now_and_before, to_curve, to_grid, to_node
from cxnlp.service.figure_questions import BreakdownQuestion, SeriesQuestion
from cxnlp.service.figures import Figures
from cxnlp.service.measured import Figure
from cxnlp.service.periods import Period, make_period, zone_named
from cxnlp.service.topics.views import TopicViews
from cxnlp.store import Store
from cxnlp.taxonomy import Taxonomy

if TYPE_CHECKING:
    from plotly.graph_objects import Figure as PlotlyFigure

HEADLINE: Final = ("volume", "negative_share", "sentiment", "csat", "nps")
_MOST_CURVES, _MOST_BARS, _MOST_SHIFTS = 6, 12, 20
_MOST_CELLS: Final = 1_000
_BETTER: Final = {"negative_share": -1, "sentiment": 1, "csat": 1, "nps": 1}
_KINDS: Final = {"stage": "stages", "touchpoint": "touchpoints", "cause": "causes", "intent": "intents", "risk": "risks"}


@dataclass(frozen=True, slots=True)
class DashboardQuestion:
    """What is shown.

    Attributes:
        since: First day; 28 days before the last by default.
        until: Last day, included; today by default.
        timezone: Whose days, an IANA name; that of the settings by default.
        filter: Which records; their time is told by `since` and `until`.
    """

    since: date | None = None
    until: date | None = None
    timezone: str | None = None
    filter: Filter = field(default_factory=Filter)


@dataclass(frozen=True, slots=True)
class Headline:
    """A number at the top: a measure now, with its change against the period before; `better` is None where neither way is."""

    measure: str
    figure: Figure

    @property
    def better(self) -> bool | None:
        """Whether the change is for the better; None where it is not known, within chance, or neither."""
        change, way = self.figure.change, _BETTER.get(self.measure)
        if change is None or way is None or change.within_chance is not False:
            return None
        return change.value * way > 0

    def to_json(self, look: Look) -> dict[str, Any]:
        """Return it as the API shows it, with what people read in a language."""
        before = self.figure.before.value if self.figure.before else None
        shown = {"value": charts.write_value(self.measure, self.figure.value), "before": charts.write_value(self.measure, before)}
        shown["change"] = charts.write_change(self.measure, self.figure.value, before, look)
        return {"measure": self.measure, "name": look.name(self.measure)} | self.figure.to_json() | {"better": self.better, "shown": shown}


@dataclass(frozen=True)
class Dashboard:
    """Figures of a store.

    Attributes:
        figures: Its measures.
        store: Where its topics lie.
        taxonomy: Names touchpoints, causes and the like.
        zone: Whose days are meant unless a question names another.
    """

    figures: Figures
    store: Store
    taxonomy: Taxonomy
    zone: ZoneInfo

    @property
    def views(self) -> TopicViews:
        """Its topics, to look at."""
        return TopicViews(self.store)

    def period(self, question: DashboardQuestion) -> Period:
        """Return the days that a question is about.

        Raises:
            InvalidQuery: They are in the wrong order, or the zone is unknown.
        """
        zone = zone_named(question.timezone) if question.timezone else self.zone
        return make_period(question.since, question.until, zone, None, self.figures.today(zone))

    def headline(self, question: DashboardQuestion) -> list[Headline]:
        """Return the numbers at the top, compared with the period before; those without any answer in both are left out.

        Raises:
            InvalidQuery: Something of the question is unknown.
        """
        found = self.figures.breakdown(self._broken(question, ("all",), HEADLINE, 1)).total.figures
        told = [Headline(measure, found[measure]) for measure in HEADLINE]
        return [one for one in told if one.figure.n or (one.figure.before and one.figure.before.n) or one.measure == "volume"]

    def draw(self, name: str, question: DashboardQuestion, look: Look, measure: str | None = None) -> "PlotlyFigure":
        """Return one of `DRAWINGS`.

        Args:
            name: Of the figure.
            question: What it is about.
            look: Language and theme.
            measure: Another measure than that of the figure; figures of topics' places and growth have one only.

        Raises:
            NotFound: There is no such figure.
            InvalidQuery: Something of the question is unknown.
        """
        drawing = DRAWINGS.get(name)
        if drawing is None:
            raise NotFound(f"there is no figure {shorten(name)!r}; there are {', '.join(DRAWINGS)}")
        drawing = drawing.by(measure) if measure else drawing
        how: dict[str, Callable[[Drawing, DashboardQuestion, Look], PlotlyFigure]] = {
            "curves": self._curves, "bars": self._bars, "grid": self._grid, "shifts": self._shifts,
            "nodes": self._nodes, "joins": self._joins, "map": self._map,
        }  # fmt: skip
        return how[drawing.draw](drawing, question, look)

    def shifts(self, question: DashboardQuestion, language: str = "en", limit: int = 1_000) -> list[charts.Shift]:
        """Return the share of each topic now and in the period before, those that grew most first.

        Shares are of all records that pass the filter; the interval of the difference is Newcombe's (1998).

        Raises:
            InvalidQuery: Something of the question is unknown.
        """
        found = self.figures.breakdown(self._broken(question, ("topic",), ("volume",), limit))
        if not found.cells:
            return []
        totals = now_and_before(found.total.figures["volume"])
        hits = np.array([now_and_before(cell.figures["volume"]) for cell in found.cells])
        now, before = (estimate("negative_share", {"negative": hits[:, at], "n": np.full(len(hits), totals[at])}) for at in (0, 1))
        change, low, high = difference(now, before)
        named = self._names(("topic",), language)
        beyond = (low > 0) | (high < 0)
        shifts = []
        for at, (topic_id,) in enumerate(cell.values for cell in found.cells):
            shares = float(np.nan_to_num(before.value[at])), float(np.nan_to_num(now.value[at]))
            counts = int(hits[at, 1]), int(hits[at, 0])
            shifts.append(charts.Shift(named("topic", topic_id), *shares, *counts, bool(beyond[at]), {"topic": topic_id}))
        order = np.argsort(-np.nan_to_num(change), kind="stable")
        return [shifts[at] for at in order.tolist()]

    def _broken(self, question: DashboardQuestion, dimensions: tuple[str, ...], measures: tuple[str, ...], limit: int) -> BreakdownQuestion:
        asked = BreakdownQuestion(dimensions, measures, question.since, question.until, question.timezone, question.filter, "previous")
        return replace(asked, sort="volume", limit=limit)

    def _curves(self, drawing: Drawing, question: DashboardQuestion, look: Look) -> "PlotlyFigure":
        (dimension,) = drawing.dimensions
        bucket = bucket_of(self.period(question))
        asked = SeriesQuestion(dimension, (drawing.measure,), (), bucket, question.since, question.until, question.timezone, question.filter)
        can_expect = dimension == "all" and bucket == "day" and question.filter.is_empty and question.timezone in (None, self.zone.key)
        can_expect = can_expect and drawing.measure != "satisfaction"
        found = self.figures.series(replace(asked, limit=_MOST_CURVES, expected=can_expect))
        named = self._names((dimension,), look.language)
        curves = [to_curve(found, line, named) for line in found.lines]
        if not found.n:
            curves = []
        return charts.draw_curves(curves, drawing.measure, look, drawing.titled(look))

    def _bars(self, drawing: Drawing, question: DashboardQuestion, look: Look) -> "PlotlyFigure":
        (dimension,) = drawing.dimensions
        found = self.figures.breakdown(self._broken(question, (dimension,), tuple({drawing.measure: 0, "volume": 0}), _MOST_BARS))
        named = self._names((dimension,), look.language)
        bars = []
        for cell in found.cells:
            figure = cell.figures[drawing.measure]
            before = figure.before.value if figure.before else None
            name = named(dimension, cell.values[0])
            bars.append(charts.Bar(name, figure.value, figure.n, figure.low, figure.high, before, key_of(dimension, cell.values[0])))
        return charts.draw_bars(bars, drawing.measure, look, drawing.titled(look), charts.name_dimension(dimension, look.language))

    def _grid(self, drawing: Drawing, question: DashboardQuestion, look: Look) -> "PlotlyFigure":
        asked = replace(self._broken(question, drawing.dimensions, tuple({drawing.measure: 0, "volume": 0}), _MOST_CELLS), compare=None)
        found = self.figures.breakdown(asked)
        named = self._names(drawing.dimensions, look.language)
        grid = to_grid(found, drawing.measure, lambda at, value: named(drawing.dimensions[at], value))
        first, second = (charts.name_dimension(dimension, look.language) for dimension in drawing.dimensions)
        return charts.draw_grid(grid, drawing.measure, look, drawing.titled(look), (first, second))

    def _shifts(self, drawing: Drawing, question: DashboardQuestion, look: Look) -> "PlotlyFigure":
        shifts = self.shifts(question, look.language, _MOST_SHIFTS)
        return charts.draw_shifts(shifts, look, drawing.titled(look), charts.name_dimension("topic", look.language))

    def _nodes(self, drawing: Drawing, question: DashboardQuestion, look: Look) -> "PlotlyFigure":
        topics, _ = self.views.hierarchy()
        return charts.draw_nodes([to_node(topic, look) for topic in topics], look, drawing.titled(look))

    def _joins(self, drawing: Drawing, question: DashboardQuestion, look: Look) -> "PlotlyFigure":
        topics, joins = self.views.hierarchy()
        return charts.draw_joins([to_node(topic, look) for topic in topics], joins, look, drawing.titled(look))

    def _map(self, drawing: Drawing, question: DashboardQuestion, look: Look) -> "PlotlyFigure":
        topics, points = self.views.map(self._timed(question))
        names = {topic.id: name_topic(topic, look.language) for topic in topics}
        quotes = self.views.quotes(topics)
        marks = [
            charts.Mark(*topic.position, names[topic.id], next(iter(quotes[topic.id]), ""), max(1, topic.n), {"topic": topic.id})
            for topic in topics
            if topic.position is not None
        ]
        marks += [charts.Mark(p.x, p.y, names.get(p.topic_id or ""), p.text, 0, {"topic": p.topic_id} if p.topic_id else {}) for p in points]
        return charts.draw_map(marks, look, drawing.titled(look))

    def _timed(self, question: DashboardQuestion) -> Filter:
        if question.filter.created_at is not None:
            return question.filter
        first, end = self.period(question).edges.tolist()
        return replace(question.filter, created_at=Range(gte=first, lt=end))

    def _names(self, dimensions: Sequence[str], language: str) -> Callable[[str, str], str]:
        """Return what names the values of these dimensions."""
        known: dict[str, dict[str, str]] = {}
        for dimension in dimensions:
            if kind := _KINDS.get(dimension):
                known[dimension] = {label.id: getattr(label, language) or label.id for label in getattr(self.taxonomy, kind)}
            elif dimension == "topic":
                known[dimension] = {topic.id: name_topic(topic, language) for topic in self.store.topics.list()}

        def name(dimension: str, value: str) -> str:
            if dimension == "all":
                return charts.name_dimension("all", language)
            return known.get(dimension, {}).get(value) or charts.name_value(dimension, value, language)

        return name
