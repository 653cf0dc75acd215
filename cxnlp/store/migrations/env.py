"""Runs migrations within the transaction that `cxnlp.store.migration` has begun."""

from alembic import context

from cxnlp.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
