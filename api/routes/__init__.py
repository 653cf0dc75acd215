"""The addresses, one module a noun; `ROUTERS` are those under /v1."""

from api.routes import (
    alerts,
    analysis,
    events,
    exports,
    feedback,
    figures,
    fits,
    flags,
    groups,
    intake,
    keys,
    rules,
    search,
    searches,
    status,
    topics,
    versions,
    webhooks,
)

ROUTERS = (
    intake.router,
    feedback.router,
    exports.router,
    search.router,
    searches.router,
    groups.router,
    analysis.router,
    status.router,
    fits.router,
    topics.router,
    versions.router,
    flags.router,
    rules.router,
    alerts.router,
    figures.router,
    webhooks.router,
    events.router,
    keys.router,
)

__all__ = ["ROUTERS"]
