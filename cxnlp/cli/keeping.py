"""Commands that change what is kept and who may see it: forget, keys."""

from typing import Annotated

import typer

from cxnlp.cli.options import customer_ids, open_service
from cxnlp.errors import InvalidInput

keys = typer.Typer(no_args_is_help=True, help="API keys of the HTTP service.")
_ROLES = "ingest, agent, analyst or admin"


def forget(
    records: Annotated[list[str] | None, typer.Argument(help="Ids of records, r-....")] = None,
    customer: Annotated[str | None, typer.Option(help="All records of this customer: the id that the source uses, or c-....")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete records for good: content, history, vectors, corrections, from the files too.

    The database file is rewritten for it, which takes about 13 seconds a GB, in which others can read but not write.
    """
    if not records and not customer:
        raise InvalidInput("say what to forget: ids of records, or --customer ID")
    if not yes:
        typer.confirm(f"Delete for good {f'all records of customer {customer}' if customer else f'{len(records or ())} records'}?", abort=True)
    service = open_service()
    n = service.store.feedback.forget(records) if records else 0
    if customer:
        n += sum(service.store.feedback.forget_customer(known) for known in customer_ids(service, customer))
    erased = service.store.database.erase_traces(whole=True)
    typer.echo(f"{n} records forgotten")
    if not erased:
        typer.echo("another process is reading the database, so its log still holds traces; run this again later to remove them", err=True)


@keys.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="Who it is for.")],
    role: Annotated[str, typer.Option(help=f"What it may do: {_ROLES}; each may all that those before it may.")] = "agent",
) -> None:
    """Make a key and print it, this once."""
    key, secret = open_service().store.keys.create(name, role)
    typer.echo(f"{secret}\n\nkey {key.id}, role {key.role}. It is not shown again; send it as `Authorization: Bearer ...`.")


@keys.command("list")
def list_keys() -> None:
    """List the keys, without their secrets."""
    for key in open_service().store.keys.list():
        state = f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else "active"
        typer.echo(f"{key.id}  {key.role:<8} {key.created_at:%Y-%m-%d}  {state:<18} {key.name}")


@keys.command("revoke")
def revoke_key(key: Annotated[str, typer.Argument(help="Id, as `cxnlp keys list` prints it.")]) -> None:
    """End a key at once."""
    open_service().store.keys.revoke(key)
    typer.echo(f"key {key} revoked")
