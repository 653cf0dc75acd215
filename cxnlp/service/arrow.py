"""Figures as an Arrow IPC stream, for whoever reads them into a data frame."""

from typing import Any, Final

import orjson

from cxnlp.service.measured import Breakdown, Series

MEDIA_TYPE: Final = "application/vnd.apache.arrow.stream"


def to_arrow(found: Series | Breakdown) -> bytes:
    """Return one table as a stream: a row for each point or row and measure, numbers not rounded, null where there is none.

    Columns: of series `at`, the beginning of the bucket in the zone; each dimension by its name; `measure`; value, n, low, high; before, before_n,
    change, change_low, change_high, within_chance; expected, expected_low, expected_high. The schema's metadata has the rest of the answer as JSON
    under `cxnlp`.
    """
    import pyarrow as pa  # takes a quarter of a second to import, which JSON should not wait for

    types: dict[str, Any] = {"at": pa.timestamp("us", found.period.zone.key)} if isinstance(found, Series) else {}
    dimensions = (found.dimension,) if isinstance(found, Series) else found.dimensions
    types |= dict.fromkeys((*dimensions, "measure"), pa.string())
    types |= {"value": pa.float64(), "n": pa.int64(), "low": pa.float64(), "high": pa.float64(), "before": pa.float64(), "before_n": pa.int64()}
    types |= {name: pa.float64() for name in ("change", "change_low", "change_high")} | {"within_chance": pa.bool_()}
    types |= {name: pa.float64() for name in ("expected", "expected_low", "expected_high")}
    schema = pa.schema(types.items(), {"cxnlp": orjson.dumps(found.head())})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        writer.write_table(pa.Table.from_pylist(list(found.rows()), schema))
    made: bytes = sink.getvalue().to_pybytes()
    return made
