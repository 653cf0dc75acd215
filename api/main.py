"""The application: opened and closed with its service."""

import logging
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool

from api.endings import watch_endings
from api.errors import handle_errors
from api.headers import Guard
from api.limits import BodyLimit
from api.metrics import Measure, Metrics
from api.routes import ROUTERS, health, pages
from api.routes.status import count_records, watch_all
from api.schemas import PROBLEM
from cxnlp import __version__
from cxnlp.bootstrap import Service
from cxnlp.errors import ArtefactError, CxnlpError
from cxnlp.settings import Settings

_CATCH_UP_SECONDS: Final = 0.4  # less than the age at which a search catches up by itself
_SAVED_SECONDS: Final = 600
_STATIC: Final = Path(__file__).with_name("static")
_DESCRIPTION: Final = """Feedback mining for Chinese and English, whole on one machine.

Send feedback to `/v1/feedback`; within seconds it has a sentiment, an intent, touchpoints with causes and quotes, and risks, and is found by
meaning at `/v1/search`. On this machine no key is needed; from elsewhere send `Authorization: Bearer cxk_...`. Errors are problem details (RFC 9457).
"""
_log = logging.getLogger(__name__)


def create_app() -> FastAPI:
    """Return the application for the settings in the environment.

    Raises:
        InvalidInput: A setting cannot be used.
    """
    service = Service(Settings())
    app = FastAPI(
        title="cxnlp",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    app.state.service = service
    app.state.metrics = Metrics(lambda: count_records(service), lambda: watch_all(service))
    app.state.stopping = threading.Event()
    _add_routes(app)
    handle_errors(app)
    for middleware in (BodyLimit, Guard):  # the last one added is the outermost
        app.add_middleware(middleware)
    app.add_middleware(Measure, metrics=app.state.metrics)
    return app


def _add_routes(app: FastAPI) -> None:
    for router in ROUTERS:
        app.include_router(router, responses={status: PROBLEM for status in (401, 403, 422)})
    app.include_router(health.router)
    app.include_router(pages.router)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    app.mount("/plotly", StaticFiles(packages=[("plotly", "package_data")]), name="plotly")
    app.mount("/documentation", StaticFiles(packages=[("fastapi_offline", "static")]), name="documentation")


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open what requests need before the first one, since two threads must not both make it, and follow the store until the end."""
    service: Service = app.state.service
    stopping: threading.Event = app.state.stopping
    await run_in_threadpool(_open, service)
    follower = threading.Thread(target=_follow, args=(service, stopping), name="catch-up", daemon=True)
    follower.start()
    with watch_endings(stopping):
        yield
    stopping.set()
    await run_in_threadpool(follower.join, 10)
    await run_in_threadpool(_save_view, service)
    await run_in_threadpool(_stop_learning, service)
    service.store.close()


def _open(service: Service) -> None:
    service.store  # noqa: B018  (made or upgraded)
    service.intake  # noqa: B018
    service.delivery  # noqa: B018
    try:
        service.retrieval  # noqa: B018
        service.active_pipeline  # noqa: B018
        service.saved  # noqa: B018
    except ArtefactError as error:
        _log.error("search and analysis do not work: %s", error)


def _stop_learning(service: Service) -> None:
    for name in ("retraining", "topics"):  # most processes never make one
        if name in vars(service):
            getattr(service, name).close()


def _save_view(service: Service) -> None:
    if "view" in vars(service):
        try:
            service.view.save_snapshot()
        except CxnlpError as error:
            _log.warning("the next start reads the whole store: %s", error)


def _follow(service: Service, stopping: threading.Event) -> None:
    """Keep this process's index at the store's heels and its snapshot young; a failure is logged once and tried again."""
    failing = False
    saved_at = time.monotonic()
    while not stopping.is_set():
        try:
            service.retrieval.catch_up()
            if time.monotonic() - saved_at > _SAVED_SECONDS:
                saved_at = time.monotonic()
                service.view.save_snapshot(only_if_due=True)
            failing = False
        except CxnlpError as error:
            if not failing:
                _log.warning("the index waits: %s", error)
            failing = True
        except Exception as error:  # its message may quote a text
            if not failing:
                _log.error("the index waits: %s", type(error).__name__)
            failing = True
        stopping.wait(_CATCH_UP_SECONDS)
