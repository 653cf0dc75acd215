"""Topics: fit, look, compare versions, activate, roll back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from cxnlp.bootstrap import Service
from cxnlp.cli import curating
from cxnlp.cli.options import Author, Where, author_of, display_language, open_service, to_filter
from cxnlp.cli.progress import show_progress

if TYPE_CHECKING:
    from cxnlp.service.topics.model import FitReport
    from cxnlp.store import StoredTopic

topics = typer.Typer(
    no_args_is_help=True,
    help="Topics: groups of records, or of clauses, that speak of the same. Fit them, put them in order, compare versions; docs/topics.md tells how.",
)
Number = Annotated[int, typer.Argument(help="Number of a fit, as `cxnlp topics versions` prints it.")]
On = Annotated[Literal["records", "clauses"], typer.Option(help="Whole records, or their clauses.")]
About = Annotated[Literal["problems", "strengths"] | None, typer.Option(help="Of clauses: those with a problem or suggestion, or those with praise.")]
_QUOTED: Final = 70
_SHOWN: Final = 20


def fit_topics(
    on: On = "records",
    about: About = None,
    where: Where = None,
    since: Annotated[str | None, typer.Option(help="Records created from this day on, such as 2026-11-01.")] = None,
    until: Annotated[str | None, typer.Option(help="Records created before this day.")] = None,
    n_topics: Annotated[int | None, typer.Option(help="Exactly so many topics; default is as many as there are dense groups.")] = None,
    min_size: Annotated[int | None, typer.Option(help="Fewest texts of a topic; default grows with their number.")] = None,
    outliers: Annotated[float, typer.Option(help="Largest share of texts left without a topic, 0 to 1.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Of the random numbers; the same seed and records give the same topics.")] = 7,
    activate: Annotated[bool, typer.Option("--activate/--no-activate", help="Use the new topics at once, or only keep them as a version.")] = True,
    author: Author = None,
) -> None:
    """Group every record by its document vector; exported lines then carry their topic.

    Topics that were there before keep their ids, names and merges. Nothing is encoded again. Interrupted at any moment (Ctrl-C), all stays as it was;
    after its process was killed, the same fit goes on where it was. At least 20 texts are needed. Problems and strengths have topics of their own,
    beside those of whole records.
    """
    from cxnlp.service.topics.model import FitRequest
    from cxnlp.service.topics.versions import kind_of

    service = open_service()
    conditions = [*(where or ()), *([f"created_at>={since}"] if since else ()), *([f"created_at<{until}"] if until else ())]
    request = FitRequest(kind_of(on, about), to_filter(service, conditions), n_topics, min_size, outliers, seed, activate)
    with show_progress("fitting", counted=False) as bar:

        def tell(stage: str, share: float) -> None:
            if stage == "resume":
                typer.echo("goes on from what a fit had found that was interrupted", err=True)
            bar.update(int(share * 100), 100)

        try:
            report = service.topics.run(request, author_of(author), tell)
        except KeyboardInterrupt:
            typer.echo("stopped; the topics are as they were", err=True)
            raise typer.Exit(130) from None
    _print_report(report)


def list_topics(
    on: On = "records",
    about: About = None,
    all: Annotated[bool, typer.Option("--all", help="Also those that are muted, merged, or not in the active version.")] = False,
) -> None:
    """List the topics of the active version, the largest first."""
    from cxnlp.service.topics.versions import kind_of

    for topic in open_service().curation.list(kind_of(on, about), muted=all, inactive=all):
        typer.echo(_line(topic))


def show_topic(topic: curating.TopicId, members: Annotated[int, typer.Option(help="How many of its texts to print.")] = 5) -> None:
    """Show a topic: its names, words, what customers said that speaks for it, and its most typical texts."""
    service = open_service()
    found = service.curation.describe(topic)
    typer.echo(_line(service.store.topics.get(topic)))
    typer.echo(f"  words: {', '.join(found['words'])}")
    for quote in found["quotes"]:
        typer.echo(f"  “{_short(quote['text'])}”  {quote['record_id']}")
    if members > 0:
        for line in service.curation.members(topic, limit=members)[0]:
            clause = "" if line["clause"] is None else f"#{line['clause']}"
            typer.echo(f"  {line['similarity']:.2f}  {line['record_id']}{clause}  {_short(line['text'])}")


def list_versions(on: On = "records", about: About = None) -> None:
    """List the fits, newest first; a star marks the one that is active."""
    from cxnlp.service.topics.versions import kind_of

    for fit in open_service().store.topic_fits.list(kind_of(on, about)):
        counts = f"{fit.counts['topics']:>4} topics {fit.counts['items']:>9,} texts" if fit.counts else fit.outcome or f"{fit.share:.0%} {fit.stage}"
        kept = f"   kept {fit.report['kept_share']:.1%}" if fit.report else ""
        split = f"   split of {fit.parameters['split']}" if "split" in fit.parameters else ""
        typer.echo(f"{'*' if fit.is_active else ' '} {fit.number:>4}  {fit.started_at:%Y-%m-%d %H:%M}  {fit.state:<11} {counts}{kept}{split}")


def compare_versions(
    a: Number,
    b: Annotated[int, typer.Argument(help="Number of another fit of the same kind.")],
    limit: Annotated[int, typer.Option(help="How many of the moved texts to print.")] = _SHOWN,
    cursor: Annotated[str | None, typer.Option(help="Where to go on, as the last line of a list says.")] = None,
) -> None:
    """Compare two fits: what is new, gone, grown, split, merged, and which texts moved."""
    found = open_service().topics.versions.compare(a, b, cursor, limit).to_json()
    _print_changes(found)
    moved = found["moved"]
    typer.echo(f"{moved['total']:,} texts moved")
    for line in moved["items"]:
        before, after = (line[side]["id"] if line[side] else "-" for side in ("before", "after"))
        typer.echo(f"  {before:>6} -> {after:<6} {line['record_id']}  {_short(line['text'])}")
    if moved["next_cursor"]:
        typer.echo(f"more: --cursor {moved['next_cursor']}")


def activate_version(number: Number, author: Author = None) -> None:
    """Use the topics of a fit from now on, in all processes: every record, new ones too, belongs to one of them or to none."""
    fit = open_service().topics.versions.activate(number, author_of(author))
    typer.echo(f"fit {fit.number} is active for {fit.kind}")


def rollback_version(on: On = "records", about: About = None, author: Author = None) -> None:
    """Undo the last activation: the fit that was used before is used again; repeated, it goes back further."""
    from cxnlp.service.topics.versions import kind_of

    fit = open_service().topics.versions.rollback(kind_of(on, about), author_of(author))
    typer.echo(f"fit {fit.number} is active again for {fit.kind}")


def cancel_fit(number: Number, author: Author = None) -> None:
    """Ask for the end of a fit that runs, here or in a service; its process notices within seconds."""
    service = open_service()
    typer.echo(f"fit {service.store.topic_fits.cancel(number, author_of(author)).number} is asked to end")


def split_topic(
    topic: curating.TopicId,
    parts: Annotated[int | None, typer.Option(help="Exactly so many parts; default is as many as there are dense groups.")] = None,
    seed: Annotated[int, typer.Option(help="Of the random numbers.")] = 7,
    author: Author = None,
) -> None:
    """Group the texts of one topic anew by themselves; the largest part keeps the id, the others are new topics, and refits keep them apart.

    This makes a version of its own and activates it: `cxnlp topics rollback` or `cxnlp topics undo` brings the whole topic back.
    """
    from cxnlp.service.topics.splits import SplitRequest

    service = open_service()
    with show_progress("splitting", counted=False) as bar:
        report = service.topics.split(SplitRequest(topic, parts, seed), author_of(author), lambda stage, share: bar.update(int(share * 100), 100))
    split = [one for one in report.topics if one.id == topic or one.id in _parts_of(service, topic, report.fit.number)]
    for one in split:
        typer.echo(_line(one))


def _parts_of(service: Service, topic: str, fit: int) -> set[str]:
    return {change.after["part"] for change in service.curation.history(topic) if change.action == "split" and change.after["fit"] == fit}


def _print_report(report: FitReport) -> None:
    if not report.fit.is_active:
        typer.echo(f"fit {report.fit.number} is kept, not active; `cxnlp topics activate {report.fit.number}` uses it")
    else:
        for topic in (one for one in report.topics if not one.muted):
            typer.echo(_line(topic))
    counts = report.fit.counts
    typer.echo(f"fit {report.fit.number}: {counts['topics']} topics over {counts['items']:,} texts, {report.outlier_share:.1%} without one")
    _print_names(report.fit.metrics.get("names", {}))
    if report.fit.report:
        _print_changes(report.fit.report)


def _print_names(names: Any) -> None:
    if names:
        typer.echo(f"{len(names['named']):,} topics are named by {names['model']}")
    if names.get("problem"):
        typer.echo(f"{names['failed']:,} keep the automatic name: {names['problem']}", err=True)


def _print_changes(found: Any) -> None:
    typer.echo(f"{found['kept_share']:.1%} of {found['compared']:,} texts have the same topic as before")
    for name in ("new", "gone"):
        if found[name]:
            typer.echo(f"  {name}: {', '.join(found[name])}")
    for name in ("grown", "shrunk"):
        if found[name]:
            sizes = [f"{one['id']} {one['before']:,} -> {one['after']:,}" for one in found[name]]
            typer.echo(f"  {name}: {', '.join(sizes)}")
    for one in found["split"]:
        typer.echo(f"  split: {one['id']} into {', '.join(one['into'])}")
    for one in found["merged"]:
        typer.echo(f"  merged: {', '.join(one['from'])} into {one['id']}")


def _line(topic: StoredTopic) -> str:
    language = display_language()
    name = topic.names.get(language) or next(iter(topic.names.values()), topic.label)
    notes = ["emerging"] if topic.state == "emerging" else []
    notes += [f"merged into {topic.merged_into}"] if topic.merged_into else []
    notes += ["muted"] if topic.muted else []
    notes += [f"under {topic.parent}"] if topic.parent else []
    notes += [f"is {' / '.join(filter(None, topic.pinned))}"] if topic.pinned else []
    notes += ["not active"] if not topic.is_active and not topic.merged_into else []
    noted = f"   ({', '.join(notes)})" if notes else ""
    return f"{topic.id:<6} {topic.n:>7,}  {name}{noted}"


def _short(text: str) -> str:
    said = " ".join(text.split())
    return said if len(said) <= _QUOTED else said[: _QUOTED - 1] + "…"


for _name, _command in (
    ("fit", fit_topics),
    ("list", list_topics),
    ("show", show_topic),
    ("versions", list_versions),
    ("compare", compare_versions),
    ("activate", activate_version),
    ("rollback", rollback_version),
    ("cancel", cancel_fit),
    ("split", split_topic),
    *curating.COMMANDS,
):
    topics.command(_name)(_command)
