"""Measures by one dimension and by two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from cxnlp.charts.data import Bar, Grid
from cxnlp.charts.look import SIGNED, Look, apart, compose, short, write_axis, write_value

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_ROW_PIXELS: Final = 27


def draw_bars(bars: Sequence[Bar], measure: str, look: Look, title: str, dimension: str = "") -> Figure:
    """Return a measure of some parts, the first on top, with 95 % intervals, and a hollow mark where each was before.

    Args:
        bars: In the order to show.
        measure: One of `MEASURES`.
        look: Language and theme.
        title: Of the figure.
        dimension: What the parts are, for people; heads their column in the table.
    """
    from plotly.graph_objects import Bar as BarTrace
    from plotly.graph_objects import Scatter

    names = apart([bar.name for bar in bars])
    signed = measure in (*SIGNED, "nps")
    values = [bar.value for bar in bars]
    colours = [look.colour(1 if signed and (value or 0) < 0 else 0) for value in values]
    hover = [_hover(bar, measure, look) for bar in bars]
    keys = [dict(bar.key) for bar in bars]
    errors = {}
    if any(bar.low is not None for bar in bars) and measure != "volume":
        ends = [(bar.value, bar.low, bar.high) for bar in bars]
        up = [0 if v is None or h is None else h - v for v, _, h in ends]
        down = [0 if v is None or lo is None else v - lo for v, lo, _ in ends]
        errors = {"error_x": {"type": "data", "symmetric": False, "array": up, "arrayminus": down, "color": look.ground["soft"], "thickness": 1.2}}
    marker = {"color": colours}
    traces: list[Any] = [
        BarTrace(
            x=values, y=names, orientation="h", marker=marker, hoverinfo="text", hovertext=hover, customdata=keys, name=look.say("after"), **errors
        )
    ]
    befores = [bar.before for bar in bars]
    if any(before is not None for before in befores):
        hollow = {"symbol": "line-ns-open", "size": 14, "color": look.ground["ink"], "line": {"width": 2}}
        traces.append(Scatter(x=befores, y=names, mode="markers", marker=hollow, name=look.say("before"), hoverinfo="skip"))
    return compose(
        traces if bars else [],
        look,
        title,
        _bar_table(bars, measure, look, dimension),
        xaxis=write_axis(measure) | {"title": {"text": look.name(measure)}},
        yaxis={"autorange": "reversed", "showgrid": False, "type": "category"},
        height=120 + _ROW_PIXELS * max(4, len(bars)),
        showlegend=len(traces) > 1,
        bargap=0.3,
    )


def draw_grid(grid: Grid, measure: str, look: Look, title: str, dimensions: tuple[str, str] = ("", "")) -> Figure:
    """Return a heat map of a measure by two dimensions.

    Args:
        grid: Rows from top to bottom, columns from left to right.
        measure: One of `MEASURES`.
        look: Language and theme.
        title: Of the figure.
        dimensions: What rows and columns are, for people.
    """
    from plotly.graph_objects import Heatmap

    rows, columns = apart(grid.rows), apart(grid.columns)
    hover = [
        [f"<b>{rows[r]}</b><br>{columns[c]}<br>{look.name(measure)}: {write_value(measure, value)}" + _count(measure, grid.counts[r][c], look)
         for c, value in enumerate(line)]
        for r, line in enumerate(grid.values)
    ]  # fmt: skip
    keys = [[{**_at(grid.row_keys, r), **_at(grid.column_keys, c)} for c in range(len(columns))] for r in range(len(rows))]
    written = [[write_value(measure, value) if value else "" for value in line] for line in grid.values]
    span: dict[str, Any] = {"zmid": 0} if measure in (*SIGNED, "nps") else {"zmin": 0}
    bar = {"thickness": 12, "outlinewidth": 0, **write_axis(measure)}
    trace = Heatmap(
        z=[list(line) for line in grid.values], x=columns, y=rows, customdata=keys, hoverinfo="text", hovertext=hover, text=written,
        texttemplate="%{text}", textfont={"size": 11}, colorscale=look.scale(measure), colorbar=bar, xgap=2, ygap=2, hoverongaps=False, **span,
    )  # fmt: skip
    return compose(
        [trace] if rows and columns else [],
        look,
        title,
        _grid_table(grid, measure, look, dimensions),
        xaxis={"showgrid": False, "type": "category", "side": "top", "tickangle": -35},
        yaxis={"showgrid": False, "autorange": "reversed", "type": "category"},
        height=190 + _ROW_PIXELS * max(4, len(rows)),
        margin={"t": 100, "r": 16, "b": 24, "l": 16},
    )


def _hover(bar: Bar, measure: str, look: Look) -> str:
    line = f"<b>{short(bar.name, 80)}</b><br>{look.name(measure)}: {write_value(measure, bar.value)}"
    if bar.low is not None and measure != "volume":
        line += f"  ({write_value(measure, bar.low)} … {write_value(measure, bar.high)})"
    if bar.before is not None:
        line += f"<br>{look.say('before')}: {write_value(measure, bar.before)}"
    return line + _count(measure, bar.n, look)


def _count(measure: str, n: int, look: Look) -> str:
    return "" if measure == "volume" else f"<br>{look.say('n')}: {n:,}"


def _at(keys: Sequence[Mapping[str, str]], place: int) -> Mapping[str, str]:
    return keys[place] if keys else {}


def _bar_table(bars: Sequence[Bar], measure: str, look: Look, dimension: str) -> Mapping[str, Any]:
    columns = [dimension, look.name(measure), look.say("before"), look.say("n")]
    rows = [[bar.name, write_value(measure, bar.value), write_value(measure, bar.before), f"{bar.n:,}"] for bar in bars]
    shown = [0, 1, *([2] if any(bar.before is not None for bar in bars) else ()), *([3] if measure != "volume" else ())]
    return {"columns": [columns[i] for i in shown], "rows": [[row[i] for i in shown] for row in rows], "keys": [dict(bar.key) for bar in bars]}


def _grid_table(grid: Grid, measure: str, look: Look, dimensions: tuple[str, str]) -> Mapping[str, Any]:
    rows = [[name, *(write_value(measure, value) for value in line)] for name, line in zip(grid.rows, grid.values, strict=True)]
    return {"columns": [" / ".join(filter(None, dimensions)), *grid.columns], "rows": rows, "keys": [dict(key) for key in grid.row_keys]}
