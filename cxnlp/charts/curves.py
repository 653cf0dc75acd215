"""Measures over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from cxnlp.charts.data import Curve, Value
from cxnlp.charts.look import Look, compose, fade, short, write_axis, write_value

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_DASHES: Final = ("solid", "dash", "dot", "dashdot")
_MARKERS: Final = ("circle", "square", "diamond", "triangle-up", "x", "cross")
_LONG_DAYS: Final = 400


def draw_curves(curves: Sequence[Curve], measure: str, look: Look, title: str = "") -> Figure:
    """Return a measure over time.

    A single curve has its 95 % interval and the range in which chance alone would keep it; several are told apart by colour, dash and marker.

    Args:
        curves: What to draw, the most important first.
        measure: One of `MEASURES`.
        look: Language and theme.
        title: Of the figure; the name of the measure without.
    """
    from plotly.graph_objects import Bar, Scatter

    curves = [curve for curve in curves if curve.first]
    is_single = len(curves) == 1
    traces: list[Any] = []
    if is_single and curves[0].expected:
        low, high = ([values[at] for values in curves[0].expected] for at in (1, 2))
        traces += _band(curves[0], low, high, fade(look.ground["soft"], 0.18), look.say("expected"))
    if is_single and curves[0].low and measure != "volume":
        traces += _band(curves[0], curves[0].low, curves[0].high, fade(look.colour(0), 0.2), look.say("interval"))
    for number, curve in enumerate(curves):
        common = {"x": list(curve.first), "y": list(curve.values), "name": short(curve.name, 60), "hoverinfo": "text"}
        common |= {"hovertext": _hover(curve, measure, look), "customdata": [_key(curve, at) for at in range(len(curve.first))]}
        if is_single and measure == "volume":
            traces.append(Bar(marker={"color": look.colour(0)}, **common))
        else:
            line = {"color": look.colour(number), "width": 2, "dash": _DASHES[number // 8 % len(_DASHES)]}
            marker = {"symbol": _MARKERS[number % len(_MARKERS)], "size": 6}
            traces.append(Scatter(mode="lines+markers", line=line, marker=marker, connectgaps=False, **common))
    axis = {"title": {"text": look.name(measure)}, "zeroline": measure not in ("volume", "negative_share")} | write_axis(measure)
    return compose(
        traces,
        look,
        title or look.name(measure),
        _table(curves, measure, look),
        xaxis={"type": "date", "tickformat": _day_format(curves, look), "showgrid": False},
        yaxis=axis | ({"rangemode": "tozero"} if measure not in ("sentiment", "satisfaction", "nps") else {}),
        showlegend=len(traces) > 1,
        hovermode="closest",
    )


def _band(curve: Curve, low: Sequence[Value], high: Sequence[Value], colour: str, name: str) -> list[Any]:
    """Return a filled range; Plotly cannot fill over a gap, so each run of known days is a closed shape."""
    from plotly.graph_objects import Scatter

    x: list[Any] = []
    y: list[Any] = []
    run: list[int] = []
    for at in range(len(curve.first) + 1):
        if at < len(curve.first) and low[at] is not None and high[at] is not None:
            run.append(at)
        elif run:
            x += [curve.first[i] for i in run] + [curve.first[i] for i in reversed(run)] + [None]
            y += [high[i] for i in run] + [low[i] for i in reversed(run)] + [None]
            run = []
    if not x:
        return []
    return [Scatter(x=x, y=y, name=name, mode="lines", line={"width": 0}, fill="toself", fillcolor=colour, hoverinfo="skip")]


def _hover(curve: Curve, measure: str, look: Look) -> list[str]:
    found = []
    for at, (first, last, value, n) in enumerate(zip(curve.first, curve.last, curve.values, curve.counts, strict=True)):
        lines = [f"<b>{short(curve.name, 60)}</b>", first if first == last else f"{first} – {last}"]
        lines.append(f"{look.name(measure)}: {write_value(measure, value)}")
        if curve.low and curve.low[at] is not None:
            lines[-1] += f"  ({write_value(measure, curve.low[at])} … {write_value(measure, curve.high[at])})"
        if measure != "volume":
            lines.append(f"{look.say('n')}: {n:,}")
        if curve.expected and curve.expected[at][1] is not None:
            _, low, high = curve.expected[at]
            lines.append(f"{look.say('expected')}: {write_value(measure, low)} … {write_value(measure, high)}")
        found.append("<br>".join(lines))
    return found


def _key(curve: Curve, at: int) -> dict[str, str]:
    return {**curve.key, "from": curve.first[at][:10], "to": curve.last[at][:10]}


def _table(curves: Sequence[Curve], measure: str, look: Look) -> Mapping[str, Any]:
    columns = [look.say("day"), look.say("series"), look.name(measure), look.say("n")]
    places = [(curve, at) for curve in curves for at in range(len(curve.first))]
    rows = [[curve.first[at], curve.name, write_value(measure, curve.values[at]), f"{curve.counts[at]:,}"] for curve, at in places]
    if measure == "volume":
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    return {"columns": columns, "rows": rows, "keys": [_key(curve, at) for curve, at in places]}


def _day_format(curves: Sequence[Curve], look: Look) -> str:
    days = [date.fromisoformat(day[:10]) for curve in curves for day in (curve.first[0], curve.last[-1])]
    if days and (max(days) - min(days)).days > _LONG_DAYS:
        return "%Y-%m"
    return "%-m月%-d日" if look.language == "zh" else "%-d %b"
