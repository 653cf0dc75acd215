"""Settings to a Service: the only place that names concrete back-ends, and makes each when it is first needed.

What only some commands need is also imported only then: `cxnlp analyze` starts without the database, FAISS and HTTP.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cxnlp.encoder import ShippedEncoder
from cxnlp.errors import ArtefactError, InvalidInput, StoreError
from cxnlp.heads import Network, ShippedHeads, load_network
from cxnlp.heads.fewshot import Prototypes
from cxnlp.pipeline import Encoder, Pipeline, embed_labels
from cxnlp.privacy import Masker
from cxnlp.service.intake import Intake
from cxnlp.settings import Settings
from cxnlp.taxonomy import Taxonomy, load_taxonomy

if TYPE_CHECKING:
    from cxnlp.service import (
        Alerts,
        Curation,
        Dashboard,
        Delivery,
        Emergence,
        Enrichment,
        Figures,
        Groups,
        Movements,
        Retraining,
        Retrieval,
        SavedSearches,
        Sender,
        TopicModel,
        Versions,
        View,
        Webhooks,
    )
    from cxnlp.service.rules import Rules
    from cxnlp.store import Store


@dataclass(frozen=True)
class Service:
    """All that cxnlp does, by subject; what a command does not use is never loaded."""

    settings: Settings

    @cached_property
    def home(self) -> Path:
        """The data folder, made if need be."""
        home = self.settings.home.expanduser()
        try:
            home.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StoreError(f"{home}: cannot be made ({error.strerror}); set CXNLP_HOME to a folder that can be written") from error
        return home

    @cached_property
    def store(self) -> Store:
        """The database."""
        from cxnlp.store import open_store

        return open_store(self.settings.database_url or f"sqlite:///{self.home.resolve() / 'cxnlp.db'}")

    @cached_property
    def taxonomy(self) -> Taxonomy:
        """The default taxonomy with the user's file laid over it."""
        return load_taxonomy(self.settings.taxonomy)

    @cached_property
    def encoder(self) -> Encoder:
        """The shipped encoder, or the sentence-transformers model that the settings name."""
        if self.settings.encoder:
            from cxnlp.encoder.external import ExternalEncoder  # imports torch

            return ExternalEncoder(self.settings.encoder)
        return ShippedEncoder(self.settings.models_dir / "encoder", precision=self.settings.precision, n_threads=self.settings.threads)

    @cached_property
    def network(self) -> Network:
        """The shipped heads' network, or that of the heads which the settings name."""
        return load_network(self.settings.heads or self.settings.models_dir / "heads")

    @cached_property
    def pipeline(self) -> Pipeline:
        """Encoder and shipped heads, without a store."""
        if self.network.card["encoder_id"] != self.encoder.id:
            raise ArtefactError(
                f"the heads {self.network.card['name']!r} were trained on another encoder; train heads for this one with training/features.py and "
                "training/train_heads.py and set CXNLP_HEADS to their folder, or unset CXNLP_ENCODER"
            )
        return Pipeline(self.encoder, self._heads_of(self.network))

    @cached_property
    def active_pipeline(self) -> Pipeline:
        """Encoder and whichever version of the heads is active in the store."""
        from cxnlp.service import ActiveHeads

        return Pipeline(self.pipeline.encoder, ActiveHeads(self.versions, self._heads_of))

    @cached_property
    def versions(self) -> Versions:
        """The versions of the heads."""
        from cxnlp.service import Versions

        return Versions(self.store, self.network)

    @cached_property
    def retraining(self) -> Retraining:
        """Learning from corrections."""
        from cxnlp.service import Retraining

        return Retraining(self.versions, self.pipeline, self._heads_of)

    def reanalyze(self, on_progress: Callable[[int, int], None]) -> int:
        """Read all records anew with the active version, from their stored vectors; return how many were changed."""
        from cxnlp.service.versions import reanalyze

        active = self.versions.active()
        return reanalyze(self.store, active, self._heads_of(self.versions.network(active.id)), on_progress)

    @cached_property
    def masker(self) -> Masker:
        """What is masked."""
        return Masker(mask_orders=self.settings.mask_orders)

    @cached_property
    def intake(self) -> Intake:
        """Receiving, with the key of the data folder."""
        return self._intake(_read_key(self.settings, self.home))

    @cached_property
    def storeless_intake(self) -> Intake:
        """Receiving without a data folder: its key is used if there is one, else a random one, so that customers still join within a file."""
        home = self.settings.home.expanduser()
        known = self.settings.secret or (home / "secret").exists()
        return self._intake(_read_key(self.settings, home) if known else secrets.token_bytes(32))

    @cached_property
    def enrichment(self) -> Enrichment:
        """The worker's part."""
        from cxnlp.service import Enrichment

        return Enrichment(self.store, self.active_pipeline)

    @cached_property
    def view(self) -> View:
        """This process's index of the store."""
        from cxnlp.service import View

        return View(self.store, self.encoder, self.home / "index")

    @cached_property
    def retrieval(self) -> Retrieval:
        """Search."""
        from cxnlp.service import Retrieval

        return Retrieval(self.store, self.encoder, self.masker, self.view, self.taxonomy)

    @cached_property
    def groups(self) -> Groups:
        """Copies, and issues that become more."""
        from cxnlp.service import Groups

        return Groups(self.store, lambda: self.encoder)

    @cached_property
    def saved(self) -> SavedSearches:
        """Saved searches, and matching them."""
        from cxnlp.service import SavedSearches

        return SavedSearches(self.store, self.encoder, self.masker, self.taxonomy)

    @cached_property
    def rules(self) -> Rules:
        """The rules of flags."""
        from cxnlp.service import Rules

        return Rules(self.store, self.taxonomy)

    @cached_property
    def delivery(self) -> Delivery:
        """Flags, webhooks, events."""
        from cxnlp.service import Delivery

        return Delivery(self.store, self.sender)

    @cached_property
    def webhooks(self) -> Webhooks:
        """Whom to tell."""
        from cxnlp.service import Webhooks

        return Webhooks(self.store, self.sender, self.taxonomy)

    @cached_property
    def sender(self) -> Sender:
        """How they are told."""
        from cxnlp.feeds.mail import parse_mail_server
        from cxnlp.service import Sender

        mail = parse_mail_server(self.settings.smtp_url, self.settings.smtp_from)
        return Sender(self.settings.webhook_allow_private, self.zone, mail)

    @cached_property
    def movements(self) -> Movements:
        """The series that are watched."""
        from cxnlp.insight import load_rules
        from cxnlp.service import Movements

        return Movements(self.store, self.zone, load_rules(self.settings.alerts))

    @cached_property
    def alerts(self) -> Alerts:
        """What moves."""
        from cxnlp.service import Alerts

        return Alerts(self.movements, self.taxonomy)

    @cached_property
    def figures(self) -> Figures:
        """Measures by dimension and time, for dashboards."""
        from cxnlp.service import Expectations, Figures

        return Figures(lambda: self.view.fresh(), self.zone, lambda: Expectations(self.movements))

    @cached_property
    def dashboard(self) -> Dashboard:
        """What the dashboard and reports show."""
        from cxnlp.service import Dashboard

        return Dashboard(self.figures, self.store, self.taxonomy, self.zone)

    @cached_property
    def topics(self) -> TopicModel:
        """Fits and assignments."""
        from cxnlp.service import TopicModel
        from cxnlp.service.topics.naming import Naming
        from cxnlp.topics.naming import parse_endpoint

        asked = self.settings
        endpoint = parse_endpoint(asked.topic_names_url, asked.topic_names_model, asked.topic_names_key)
        naming = Naming(endpoint, self.masker) if endpoint else None
        return TopicModel(self.store, asked.user_dictionary, self.home / "topics", naming)

    @cached_property
    def curation(self) -> Curation:
        """What people make of topics."""
        from cxnlp.service import Curation

        return Curation(self.store, self.masker, self.taxonomy)

    @cached_property
    def emergence(self) -> Emergence:
        """Topics that emerge between fits."""
        from cxnlp.service import Emergence
        from cxnlp.service.topics.emergence import EmergenceConfig

        asked = self.settings
        config = EmergenceConfig(asked.topic_emerging_texts, asked.topic_emerging_days, asked.topic_emerging_likeness)
        return Emergence(self.store, config, asked.user_dictionary)

    @cached_property
    def _prototypes(self) -> Prototypes:
        return Prototypes(embed_labels(self.encoder, self.taxonomy.touchpoints), embed_labels(self.encoder, self.taxonomy.causes))

    def _heads_of(self, network: Network) -> ShippedHeads:
        return ShippedHeads(network, self.taxonomy, self._prototypes)

    @cached_property
    def zone(self) -> ZoneInfo:
        """The time zone of the settings."""
        try:
            return ZoneInfo(self.settings.timezone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise InvalidInput(f"CXNLP_TIMEZONE is {self.settings.timezone!r}; write a name such as Asia/Shanghai") from error

    def _intake(self, key: bytes) -> Intake:
        return Intake(self.masker, key, self.zone)


def _read_key(settings: Settings, home: Path) -> bytes:
    """Return the secret of the hashes; the first process of a data folder makes it."""
    if settings.secret:
        return settings.secret.encode()
    path = home / "secret"
    try:
        if not path.exists():
            _make_key(path)
        return bytes.fromhex(path.read_text(encoding="ascii"))
    except OSError as error:
        raise StoreError(f"{path}: cannot be read or made ({error.strerror}); give this user the right to, or set CXNLP_SECRET") from error
    except ValueError as error:
        raise StoreError(f"{path}: is damaged; restore it from a backup, since without it customers of before are not recognised") from error


def _make_key(path: Path) -> None:
    """Write a key whole, or leave the one that another process wrote at the same time."""
    fresh = path.with_name(f"secret.{secrets.token_hex(4)}")
    fresh.touch(mode=0o600)
    try:
        fresh.write_text(secrets.token_hex(32), encoding="ascii")
        os.link(fresh, path)  # fails if another process was first, whose key then holds
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
