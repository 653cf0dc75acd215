"""The addresses, one module a noun; `ROUTERS` are those under /v1."""

from api.routes import (
    alerts,
    analysis,
    charts,
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
    topic_views,
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
    topic_views.router,
    topics.router,
    versions.router,
    flags.router,
    rules.router,
    alerts.router,
    figures.router,
    charts.router,
    webhooks.router,
    events.router,
    keys.router,
)

__all__ = ["ROUTERS"]
