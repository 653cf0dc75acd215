"""The columns and rows by which analyses are filtered: always with corrections applied, so that lists and reads agree."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, insert, update

from cxnlp.lines import analysis_line
from cxnlp.records import Analysis
from cxnlp.store.rows import chunks
from cxnlp.store.schema import analyses, observations, risks

_COLUMNS: Final = ("language", "sentiment", "label", "confidence", "intent", "satisfaction")


def label_columns(analysis: Analysis) -> dict[str, Any]:
    """Return the columns of `analyses` that are filtered by, rounded as the line shows them."""
    line = analysis_line(analysis)
    return {name: line.get(name) for name in _COLUMNS}


def replace_labels(connection: Connection, by_seq: Mapping[int, Analysis]) -> None:
    """Write the observations and risks of these records in place of the earlier ones."""
    for part in chunks(by_seq):
        connection.execute(delete(observations).where(observations.c.seq.in_(part)))
        connection.execute(delete(risks).where(risks.c.seq.in_(part)))
    observed = [
        {"seq": seq, "position": i, "touchpoint": o.touchpoint, "stage": o.stage, "cause": o.cause, "sentiment": round(o.sentiment, 4)}
        for seq, analysis in by_seq.items()
        for i, o in enumerate(analysis.observations)
    ]
    signals = [{"seq": seq, "risk": risk} for seq, analysis in by_seq.items() for risk in dict.fromkeys(r.id for r in analysis.risks)]
    if observed:
        connection.execute(insert(observations), observed)
    if signals:
        connection.execute(insert(risks), signals)


def relabel(connection: Connection, seq: int, analysis: Analysis) -> None:
    """Write all by which one analysed record is filtered."""
    connection.execute(update(analyses).where(analyses.c.seq == bindparam("of")), {"of": seq} | label_columns(analysis))
    replace_labels(connection, {seq: analysis})
