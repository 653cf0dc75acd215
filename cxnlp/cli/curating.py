"""Putting topics in order: rename, merge, move, mute, nest, pin, and the way back."""

from typing import Annotated, Final

import typer

from cxnlp.cli.options import Author, author_of, open_service, to_day
from cxnlp.errors import InvalidInput

TopicId = Annotated[str, typer.Argument(help="Id of a topic, as `cxnlp topics list` prints it, such as t-17.")]


def rename_topic(
    topic: TopicId,
    zh: Annotated[str | None, typer.Option(help="Its name in Chinese; an empty one takes it back.")] = None,
    en: Annotated[str | None, typer.Option(help="Its name in English; an empty one takes it back.")] = None,
    author: Author = None,
) -> None:
    """Name a topic; the id stays, and refits keep the name. Records show the name in their language."""
    names = {language: name or None for language, name in (("zh", zh), ("en", en)) if name is not None}
    if not names:
        raise InvalidInput("write --zh or --en with the name")
    _tell(open_service().curation.change(topic, {"names": names}, author_of(author)).id, "renamed")


def merge_topics(
    into: TopicId,
    topics: Annotated[list[str], typer.Argument(help="Ids of the topics that go into it.")],
    author: Author = None,
) -> None:
    """Let the records of some topics belong to another, which keeps its id and name; refits keep them together."""
    merged = open_service().curation.merge(topics, into, author_of(author))
    typer.echo(f"{', '.join(topics)} went into {merged.id}, which has {merged.n:,} texts now")


def move_records(
    to: Annotated[str, typer.Argument(help="Id of the topic, or `none`.")],
    records: Annotated[list[str], typer.Argument(help="Ids of records; of clauses, id#number as `cxnlp topics show` prints them.")],
    about: Annotated[str | None, typer.Option(help="For `none`: problems or strengths, where clauses are meant.")] = None,
    author: Author = None,
) -> None:
    """Put records, with all their copies, or clauses into another topic; refits leave them there until their content changes."""
    service = open_service()
    n = service.curation.move([_place(one) for one in records], None if to == "none" else to, author_of(author), about)
    typer.echo(f"{n:,} moved")


def mute_topic(
    topic: TopicId,
    off: Annotated[bool, typer.Option("--off", help="Show it again.")] = False,
    author: Author = None,
) -> None:
    """Leave a topic out of lists; its records stay in it."""
    _tell(open_service().curation.change(topic, {"muted": not off}, author_of(author)).id, "shown again" if off else "muted")


def nest_topic(
    topic: TopicId,
    parent: Annotated[str, typer.Argument(help="Id of the topic that it stands under, or `none`.")],
    author: Author = None,
) -> None:
    """Put a topic under another."""
    changed = open_service().curation.change(topic, {"parent": None if parent == "none" else parent}, author_of(author))
    _tell(changed.id, f"under {changed.parent}" if changed.parent else "on top")


def pin_topic(
    topic: TopicId,
    touchpoint: Annotated[str, typer.Argument(help="Id of a touchpoint of the taxonomy, or `none`.")],
    cause: Annotated[str | None, typer.Argument(help="Id of a cause.")] = None,
    author: Author = None,
) -> None:
    """Say which touchpoint, and which cause, a topic is about."""
    pinned = None if touchpoint == "none" else {"touchpoint": touchpoint, "cause": cause}
    _tell(open_service().curation.change(topic, {"pinned": pinned}, author_of(author)).id, f"pinned to {touchpoint} {cause or ''}".rstrip())


def undo_change(topic: TopicId, author: Author = None) -> None:
    """Undo the last change of a topic by a person; repeated, it goes back further."""
    for change in open_service().curation.undo(topic, author_of(author)):
        typer.echo(f"undone: {change.action} of {change.topic_id} by {change.author}")


def show_history(topic: TopicId) -> None:
    """Show who changed what about a topic, newest first."""
    for change in open_service().curation.history(topic):
        what = change.record_id or ", ".join(f"{name}={value}" for name, value in change.after.items())
        undone = f"   (undone by {change.undone_by})" if change.undone_at else ""
        other = f" {change.other_id}" if change.other_id else ""
        typer.echo(f"{to_day(change.at)}  {change.author:<12} {change.action:<7} {change.topic_id}{other}  {what}{undone}")


COMMANDS: Final = (
    ("rename", rename_topic),
    ("merge", merge_topics),
    ("move", move_records),
    ("mute", mute_topic),
    ("nest", nest_topic),
    ("pin", pin_topic),
    ("undo", undo_change),
    ("history", show_history),
)


def _place(named: str) -> tuple[str, int | None]:
    record_id, mark, clause = named.partition("#")
    if mark and not (clause.isascii() and clause.isdigit()):
        raise InvalidInput(f"{named[:80]!r}: write the id of a record, or id#number for one of its clauses")
    return record_id, int(clause) if mark else None


def _tell(topic_id: str, what: str) -> None:
    typer.echo(f"{topic_id} is {what}")
