"""Commands that learn from corrections: retrain, models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cxnlp.bootstrap import Service
from cxnlp.cli.options import Author, author_of, open_service
from cxnlp.cli.progress import show_progress

if TYPE_CHECKING:
    from cxnlp.service import Comparison
    from cxnlp.service.retraining import Activate

models = typer.Typer(
    no_args_is_help=True,
    help="Versions of the heads: list, compare, activate, roll back. The shipped heads are the first version; `cxnlp retrain` makes others.",
)
VersionId = Annotated[str, typer.Argument(help="Id of a version, as `cxnlp models list` prints it, such as cxnlp-zh-en-2+1.")]
_NAMES = {"n": "texts", "agreement": "agreement", "sentiment": "sentiment", "intent": "intent", "observations": "observations", "risks": "risks"}


def retrain(
    activate: Annotated[
        bool | None,
        typer.Option(
            "--activate/--no-activate", help="Use the new version or only keep it, whatever the comparison says. Default: use it if better."
        ),
    ] = None,
    author: Author = None,
) -> None:
    """Learn from people's corrections: make a new version of the heads, compare it with the present one, use it if it is better.

    Corrections are what PATCH /v1/feedback/ID stored: sentiment, intent, observations, risks. At least 20 corrected records are needed. A fifth of
    them is held out for the comparison and never learnt from; which ones hangs on their ids alone.

    The new version starts from the weights of the present one. It learns the corrected fields, and is held to the present version's own scores on
    up to 4,000 other stored records, so that it forgets nothing. These are stored vectors: no text is read, nothing is encoded, the encoder stays.

    It is used only if it agrees better with the held-out corrections, and with the shipped regression set by at most 0.01 less. Running services
    notice within seconds. Takes a minute or so. Interrupted at any moment (Ctrl-C), everything stays as it was. `cxnlp models rollback` undoes it.
    """
    service = open_service()
    told: Activate = "better" if activate is None else "always" if activate else "never"
    with show_progress("retraining", counted=False) as bar:
        try:
            report = service.retraining.run(author_of(author), told, lambda stage, share: bar.update(int(100 * share), 100))
        except KeyboardInterrupt:
            typer.echo(f"stopped; {service.versions.active().id} is active, as before", err=True)
            raise typer.Exit(130) from None
    typer.echo(f"{report.version.id} learnt from {report.version.n_corrections} corrected records, going on from {report.version.parent}\n")
    _print_comparison(report.comparison)
    typer.echo(f"\n{report.outcome}")
    if report.is_activated:
        typer.echo(f"records analysed before keep their analysis; `cxnlp models activate {report.version.id} --reanalyze` reads them anew")


@models.command("list")
def list_versions() -> None:
    """List all versions, the shipped one first; a star marks the one that reads."""
    versions = open_service().versions
    for line in versions.list():
        shown = f"{'*' if line['active'] else ' '} {line['id']:<24} {str(line['created_at'])[:10]:<11} {line['corrections']:>6,} corrections"
        typer.echo(shown + _agreements(line["metrics"]) + ("" if line["usable"] else "   (of another encoder, cannot be used)"))
    if warning := versions.active().warning:
        typer.secho(warning, fg="yellow", err=True)


@models.command("compare")
def compare_versions(
    a: VersionId,
    b: Annotated[str, typer.Argument(help="Id of the other version.")],
) -> None:
    """Compare two versions on the held-out corrections and the shipped regression set; both ways of counting are in docs/corrections.md."""
    _print_comparison(open_service().retraining.compare(a, b))


@models.command("activate")
def activate_version(
    version: VersionId,
    reanalyze: Annotated[
        bool, typer.Option("--reanalyze", help="Also read all stored records anew, from their stored vectors; interrupted, it goes on where it was.")
    ] = False,
    author: Author = None,
) -> None:
    """Use a version from now on, in all processes of this store within seconds; the shipped heads have an id, too.

    Records that are analysed already keep their analysis, and name the version that made it, unless --reanalyze is given. Corrections always win.
    """
    service = open_service()
    typer.echo(f"{service.versions.activate(version, author_of(author)).id} is active")
    if reanalyze:
        _reanalyze(service)


@models.command("rollback")
def rollback_version(
    reanalyze: Annotated[bool, typer.Option("--reanalyze", help="Also read all stored records anew, from their stored vectors.")] = False,
    author: Author = None,
) -> None:
    """Undo the last activation: the version that was used before is used again; repeated, it goes back further, at last to the shipped heads."""
    service = open_service()
    typer.echo(f"{service.versions.rollback(author_of(author)).id} is active again")
    if reanalyze:
        _reanalyze(service)


def _reanalyze(service: Service) -> None:
    with show_progress("reading") as bar:
        n = service.reanalyze(bar.update)
    typer.echo(f"{n:,} records read anew")


def _print_comparison(found: Comparison) -> None:
    line = found.to_json()
    for title, name in (("held-out corrections", "corrections"), ("regression set", "cases")):
        a, b = line[name]["a"], line[name]["b"]
        head = f"{title}, {a['n']} texts"
        typer.echo(f"{head:<32} {found.a:>20} {found.b:>20}")
        for key in (k for k in _NAMES if k != "n" and a.get(k) is not None):
            typer.echo(f"  {_NAMES[key]:<30} {a[key]:>20.4f} {b[key]:>20.4f}")


def _agreements(metrics: dict[str, Any]) -> str:
    shown = ""
    for title, name in (("held out", "corrections"), ("cases", "cases")):
        found = metrics.get(name)
        if found and found["own"]["agreement"] is not None:
            shown += f"   {title} {found['parent']['agreement']:.3f} -> {found['own']['agreement']:.3f}"
    return shown
