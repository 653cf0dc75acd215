"""Figures: from plain data to Plotly, the same in notebooks, reports and on the dashboard.

look.py      language, light or dark, colours that colour-blind people tell apart, how numbers are written
names.py     what dimensions and their values are called
data.py      what the figures take
curves.py    measures over time
parts.py     measures by one dimension (bars) and by two (a heat map)
report.py    figures as one page
topics.py    topics: growth, which lie near which, nesting, a map

Every figure carries what it shows as a table too, at `layout.meta`: `columns`, `rows`, and `keys`, a filter for the records of each row, or null.
Plotly is imported when the first figure is drawn.
"""

from cxnlp.charts.curves import draw_curves
from cxnlp.charts.data import Bar, Curve, Grid, Join, Mark, Node, Shift
from cxnlp.charts.look import LANGUAGES, MEASURES, THEMES, Look, write_change, write_value
from cxnlp.charts.names import name_dimension, name_value
from cxnlp.charts.parts import draw_bars, draw_grid
from cxnlp.charts.report import Report, write_report
from cxnlp.charts.topics import draw_joins, draw_map, draw_nodes, draw_shifts

__all__ = [
    "LANGUAGES",
    "MEASURES",
    "THEMES",
    "Bar",
    "Curve",
    "Grid",
    "Join",
    "Look",
    "Mark",
    "Node",
    "Report",
    "Shift",
    "draw_bars",
    "draw_curves",
    "draw_grid",
    "draw_joins",
    "draw_map",
    "draw_nodes",
    "draw_shifts",
    "name_dimension",
    "name_value",
    "write_change",
    "write_report",
    "write_value",
]
