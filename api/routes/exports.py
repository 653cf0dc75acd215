"""All records in parts, and what changes, for copies elsewhere."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from api.bodies import MEDIA_TYPES
from api.deps import ServiceDep
from api.schemas import LINE
from api.security import Agent
from cxnlp.service.exporting import MOST_AT_ONCE, read_part

router = APIRouter(prefix="/v1", tags=["feedback"])
_HEADERS: Final = {
    "Cxnlp-Next-After": {"description": "`after` of the next call", "schema": {"type": "string"}},
    "Cxnlp-More": {"description": "Whether there is more already", "schema": {"type": "string", "enum": ["true", "false"]}},
}
_CONTENT: Final = {"application/x-ndjson": {"example": LINE}, "text/csv": {}, "application/vnd.apache.parquet": {}}


@router.get(
    "/export",
    summary="Copy all records, then what changes",
    response_class=StreamingResponse,
    responses={200: {"description": "The file", "headers": _HEADERS, "content": _CONTENT}},
)
def get_export(
    service: ServiceDep,
    _: Agent,
    format: Annotated[Literal["jsonl", "csv", "parquet"], Query(description="Lines in full, or a flat table.")] = "jsonl",
    after: Annotated[str | None, Query(description="`Cxnlp-Next-After` of the call before; without it, from the beginning.")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_AT_ONCE, description="Records in this part, at most.")] = 10_000,
) -> StreamingResponse:
    """Stream records as they are now; a record that is gone is `{"id": ..., "deleted": true}`. If the stream breaks, send the same `after` again."""
    from cxnlp.service.tables import FORMATS  # imports pyarrow, which other requests should not wait for

    part = read_part(service.store, after, limit)
    headers = {
        "Cxnlp-Next-After": part.next_after,
        "Cxnlp-More": str(part.has_more).lower(),
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="cxnlp.{format}"',
    }
    return StreamingResponse(FORMATS[format](part.lines, True), media_type=MEDIA_TYPES[format], headers=headers)
