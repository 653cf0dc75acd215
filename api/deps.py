"""What endpoints are given. They are coroutines because FastAPI would send plain functions through the thread pool, one by one."""

from typing import Annotated, cast

from fastapi import Depends, Request

from cxnlp.bootstrap import Service


async def service_of(request: Request) -> Service:
    """Return the service of the application that a request came to."""
    return cast(Service, request.app.state.service)


async def raw_body(request: Request) -> bytes:
    """Return the body as it was sent, whatever its content type says."""
    return await request.body()


ServiceDep = Annotated[Service, Depends(service_of)]
RawBody = Annotated[bytes, Depends(raw_body)]
