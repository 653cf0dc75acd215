"""Commands for what people want to be told of: searches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from cxnlp.cli.options import Where, author_of, open_service, to_day, to_filter

if TYPE_CHECKING:
    from cxnlp.store import SavedSearch

searches = typer.Typer(
    no_args_is_help=True,
    help="Saved searches: each tells, once, of every record that is alike, as soon as it is analysed: by webhooks, by events, and by its matches.",
)
SearchId = Annotated[str, typer.Argument(help="Id of a saved search, as `cxnlp searches list` prints it, such as s-0a1b2c3d4e5f6071.")]
_MATCHES_SHOWN = 20


@searches.command("add")
def add_search(
    name: Annotated[str, typer.Argument(help="As people will know it.")],
    text: Annotated[str, typer.Option("--text", help="Words, a sentence or a whole complaint.")] = "",
    like: Annotated[list[str] | None, typer.Option("--like", help="Id of a record whose like is wanted; may be repeated.")] = None,
    unlike: Annotated[list[str] | None, typer.Option("--unlike", help="Id of a record that leads the wrong way; may be repeated.")] = None,
    where: Where = None,
    least: Annotated[float, typer.Option("--least", help="Likeness from which a record matches, 0 to 1.")] = 0.5,
    author: Annotated[str | None, typer.Option(help="Who asks; kept with the search. Default is the user of this machine.")] = None,
) -> None:
    """Save a search; it is matched with what is analysed from now on."""
    from cxnlp.store import Wanted

    service = open_service()
    wanted = Wanted(name, text, tuple(like or ()), tuple(unlike or ()), to_filter(service, where), least)
    saved = service.saved.create(wanted, author_of(author))
    typer.echo(f"{saved.id}  {saved.wanted.name}")


@searches.command("list")
def list_searches() -> None:
    """List all saved searches with the number of their matches."""
    for search in open_service().store.searches.list():
        typer.echo(_describe(search))


@searches.command("show")
def show_search(search: SearchId) -> None:
    """Print a saved search and its newest matches as JSON lines, the search first."""
    service = open_service()
    found = service.store.searches.get(search)
    typer.echo(orjson.dumps(found.to_line()).decode())
    for matched in service.saved.matches(search, limit=_MATCHES_SHOWN)[0]:
        typer.echo(orjson.dumps(matched.to_json()).decode())


@searches.command("remove")
def remove_search(search: SearchId) -> None:
    """Delete a saved search with its matches."""
    open_service().store.searches.delete(search)
    typer.echo(f"{search} removed")


def _describe(search: SavedSearch) -> str:
    state = f"disabled {to_day(search.disabled_at)}" if search.disabled_at else "empty" if search.is_empty else "active"
    return f"{search.id}  {to_day(search.created_at)}  {state:<19} {search.n_matches:>7,} matches  {search.wanted.name}"
