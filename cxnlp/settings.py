"""All settings, read once from the environment (prefix `CXNLP_`) and frozen; docs/settings.md explains each."""

import os
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from cxnlp.errors import InvalidInput

_CHECKOUT = Path(__file__).resolve().parent.parent
_TEST_PREFIX = "CXNLP_TEST_"
_TRAINING = {"CXNLP_CORPORA", "CXNLP_GOLD"}


class Settings(BaseSettings):
    """Everything that can be set; a variable that is empty counts as not set.

    Raises:
        InvalidInput: A variable is unknown, or has a value that cannot be used.
    """

    model_config = SettingsConfigDict(env_prefix="CXNLP_", frozen=True, extra="forbid", env_ignore_empty=True)

    home: Path = Field(default=Path("~/.cxnlp"), description="Folder of the database, the index snapshots and the secret key.")
    database_url: str | None = Field(
        default=None, description="SQLAlchemy URL, such as postgresql+psycopg://user@host/db; default is SQLite in `home`."
    )
    models_dir: Path = Field(default=_CHECKOUT / "models", description="Folder of the shipped models.")
    encoder: str | None = Field(default=None, description="A sentence-transformers folder or name to use instead of the shipped encoder.")
    heads: Path | None = Field(default=None, description="Folder of heads trained on another encoder.")
    precision: Literal["auto", "bf16", "int8", "f32"] = Field(
        default="auto", description="Arithmetic of the encoder; auto picks the fastest this CPU has."
    )
    threads: int = Field(default=0, ge=0, description="Threads of the encoder; 0 means all cores.")
    taxonomy: Path | None = Field(default=None, description="YAML file laid over the default taxonomy.")
    user_dictionary: Path | None = Field(default=None, description="Words that jieba must keep whole, one a line.")
    topic_emerging_texts: int = Field(default=8, ge=2, description="So many alike records with different texts become a topic by themselves.")
    topic_emerging_days: int = Field(default=14, ge=1, le=366, description="Within so many days.")
    topic_emerging_likeness: float | None = Field(
        default=None, gt=0, le=1, description="Cosine from which two of them count as alike; default is that of two records of one topic."
    )
    topic_names_url: str | None = Field(
        default=None,
        repr=False,
        description="Base of an OpenAI-compatible API that names topics, such as http://127.0.0.1:11434/v1; default is none.",
    )
    topic_names_model: str | None = Field(default=None, description="The model that it is asked for.")
    topic_names_key: str | None = Field(default=None, repr=False, description="Its API key.")
    timezone: str = Field(default="UTC", description="Zone in which a time without zone is read, and of the days of series and alerts.")
    alerts: Path | None = Field(default=None, description="YAML file laid over the default of what is watched for movement.")
    mask_orders: bool = Field(default=False, description="Also mask order and tracking numbers.")
    secret: str | None = Field(default=None, description="Key of the hashes; default is a random one kept in `home`/secret.")
    auth: Literal["auto", "required"] = Field(default="auto", description="auto: no API key while bound to loopback and called by a loopback Host.")
    webhook_allow_private: bool = Field(default=False, description="Let webhooks call loopback and private addresses.")
    smtp_url: str | None = Field(default=None, repr=False, description="Mail server, smtp://user:password@host:587; without one there is no mail.")
    smtp_from: str | None = Field(default=None, description="Address that mail comes from.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="What is logged; customers' texts never are.")

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:  # its own message would show the value, which may be a secret
            found = "; ".join(f"CXNLP_{'.'.join(str(part) for part in e['loc']).upper()}: {e['msg']}" for e in error.errors())
            raise InvalidInput(f"{found}; docs/settings.md says what each takes") from None

    @model_validator(mode="after")
    def _reject_mistyped_variables(self) -> Self:
        known = {f"CXNLP_{name.upper()}" for name in type(self).model_fields} | _TRAINING
        unknown = sorted(k for k in os.environ if k.startswith("CXNLP_") and k not in known and not k.startswith(_TEST_PREFIX))
        if unknown:
            raise InvalidInput(f"unknown setting {', '.join(unknown)}; known are {', '.join(sorted(known))}")
        return self
