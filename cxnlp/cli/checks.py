"""What `cxnlp doctor` checks."""

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cxnlp.bootstrap import Service
from cxnlp.errors import ArtefactError, CxnlpError, StoreError
from cxnlp.service.cards import read_card
from cxnlp.text.clauses import SPLITTER_VERSION

_LEAST_FREE_BYTES: Final = 1 << 30
_PROBES: Final = (("客服态度太差了，等了一个小时没人理", -1), ("The staff were lovely and the room was spotless", 1))


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what, whether it passed, and what was found or has to be done."""

    name: str
    ok: bool
    finding: str


def check_all(service: Service) -> list[Check]:
    """Return all checks in order; a failing one does not stop the others."""
    checks: dict[str, Callable[[Service], str]] = {
        "models": _check_models, "encoder": _check_analysis, "store": _check_store, "vectors": _check_vectors, "version": _check_version,
        "queue": _check_queue, "words": _check_words, "disk": _check_disk,
    }  # fmt: skip
    return [_run(name, check, service) for name, check in checks.items()]


def _run(name: str, check: Callable[[Service], str], service: Service) -> Check:
    try:
        return Check(name, True, check(service))
    except (CxnlpError, OSError) as error:
        return Check(name, False, str(error))


def _check_models(service: Service) -> str:
    settings = service.settings
    folders = [settings.heads or settings.models_dir / "heads"]
    if not settings.encoder:
        folders.insert(0, settings.models_dir / "encoder")
    names = []
    for folder in folders:
        card = read_card(folder)
        if not card.get("files"):
            raise ArtefactError(f"{folder / 'card.json'} names no files; restore it from the repository")
        for file, expected in card["files"].items():
            if hashlib.sha256((folder / file).read_bytes()).hexdigest() != expected:
                raise ArtefactError(f"{folder / file} is not the file its card describes; restore it from the repository")
        names.append(card["name"])
    return f"{', '.join(names)} are intact"


def _check_analysis(service: Service) -> str:
    found = service.pipeline.analyze([service.storeless_intake.parse({"text": text}) for text, _ in _PROBES])
    for (text, sign), one in zip(_PROBES, found, strict=True):
        if one.analysis.sentiment * sign <= 0:
            raise ArtefactError(f"{text!r} got sentiment {one.analysis.sentiment:+.2f}; restore models/ from the repository")
    return f"{service.encoder.id} scores Chinese and English"


def _check_store(service: Service) -> str:
    statistics = service.store.feedback.statistics()
    return f"{service.store.database.place} holds {statistics.records:,} records"


def _check_vectors(service: Service) -> str:
    service.store.generations.check(service.encoder.id, SPLITTER_VERSION)
    return f"{service.encoder.id} made what is stored"


def _check_version(service: Service) -> str:
    active = service.versions.active()
    if active.warning:
        raise ArtefactError(active.warning)
    service.versions.network(active.id)
    return f"{active.id} analyses"


def _check_queue(service: Service) -> str:
    statistics = service.store.feedback.statistics()
    if statistics.failed:
        raise StoreError(f"{statistics.failed} records could not be analysed; update cxnlp, then `cxnlp reindex`, or report them")
    return f"{statistics.pending:,} records wait for analysis"


def _check_words(service: Service) -> str:
    if service.store.words.missing(1):
        return "full text does not find some records of an earlier version of cxnlp yet; a worker adds their words while nothing else waits"
    return "full text finds all analysed records"


def _check_disk(service: Service) -> str:
    free = shutil.disk_usage(service.home).free
    if free < _LEAST_FREE_BYTES:
        raise StoreError(f"only {free / 1e9:.1f} GB are free under {service.home}; make room or set CXNLP_HOME")
    return f"{free / 1e9:.0f} GB are free under {service.home}"
