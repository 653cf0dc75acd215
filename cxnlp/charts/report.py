"""Figures as one page that needs nothing else: Plotly itself is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment

from cxnlp.charts.look import Look

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_TEMPLATE: Final = Environment(autoescape=True).from_string(Path(__file__).with_name("report.html").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Report:
    """What a report says.

    Attributes:
        title: Of the page.
        lead: A line below it.
        tiles: Numbers at the top: `name`, and `shown` with `value`, `change` and `before` as people read them.
        figures: In their order.
    """

    title: str
    lead: str
    tiles: Sequence[Mapping[str, Any]]
    figures: Sequence[Figure] = field(repr=False)


def write_report(report: Report, look: Look) -> str:
    """Return a report as one HTML page of some 5 MB, which opens in a browser without any network."""
    from plotly.offline import get_plotlyjs

    figures = [{"meta": figure.layout.meta} for figure in report.figures]
    # A text that ends the script element would end it; JSON may write its slash as `\/`.
    json = "[" + ",".join(figure.to_json() for figure in report.figures).replace("</", "<\\/") + "]"
    return _TEMPLATE.render(
        language=look.language,
        ground=look.ground,
        title=report.title,
        lead=report.lead,
        tiles=report.tiles,
        figures=figures,
        before=look.say("before"),
        as_table=look.say("table"),
        plotly=get_plotlyjs(),
        json=json,
    )
