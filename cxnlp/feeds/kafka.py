"""Messages to a topic of Kafka, by the client of Confluent (librdkafka), which is an extra: `pip install 'cxnlp[kafka]'`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from cxnlp.errors import CxnlpError, InvalidInput, shorten
from cxnlp.feeds.webhooks import Message

SECONDS: Final = 30.0
"""How long a message may take to be acknowledged."""
_MOST_BYTES: Final = 900_000
"""Brokers take 1 MiB unless told otherwise; a longer message comes without what the customer said."""


class KafkaTopic:
    """A topic that messages are written to, by the key of their record, so that what is told of one record stays in one partition, in order."""

    def __init__(self, bootstrap: str, topic: str, options: Mapping[str, str] | None = None) -> None:
        """Connect.

        Args:
            bootstrap: `host:port`, several divided by commas.
            topic: Its name.
            options: Further settings of librdkafka, such as those for TLS and passwords.

        Raises:
            InvalidInput: The client is not installed, a setting is wrong, or no broker answers.
        """
        try:
            from confluent_kafka import KafkaException, Producer
        except ImportError:
            raise InvalidInput("the Kafka client is not installed; run pip install 'cxnlp[kafka]'") from None
        self.topic = topic
        own: dict[str, Any] = {"bootstrap.servers": bootstrap, "client.id": "cxnlp", "enable.idempotence": True, "log_level": 0}
        try:
            self._producer = Producer({**own, "message.timeout.ms": int(SECONDS * 1000), **(options or {})})
            self._producer.list_topics(timeout=SECONDS / 3)
        except (KafkaException, TypeError, ValueError) as error:
            raise InvalidInput(f"Kafka at {shorten(bootstrap)!r} cannot be used ({shorten(_explain(error))}); check address and settings") from None

    def publish(self, messages: Sequence[Message]) -> None:
        """Write messages and wait until all are acknowledged by all replicas.

        Raises:
            CxnlpError: Some are not; they may be there or not, so that all have to be written again.
        """
        from confluent_kafka import KafkaException

        failures: list[str] = []

        def note(error: object, _: object) -> None:
            if error is not None:
                failures.append(str(error))

        try:
            for message in messages:
                headers: list[tuple[str, str | bytes | None]] = [("id", f"evt_{message.seq}".encode()), ("type", message.type.encode())]
                self._producer.produce(self.topic, value=content_of(message), key=key_of(message), headers=headers, on_delivery=note)
            n_waiting = self._producer.flush(SECONDS + 5)
        except (KafkaException, BufferError) as error:
            raise CxnlpError(f"Kafka took no messages: {_explain(error)}") from None
        if failures or n_waiting:
            raise CxnlpError(
                f"Kafka did not acknowledge {len(failures) + n_waiting} of {len(messages)} messages: {failures[0] if failures else 'late'}"
            )


def key_of(message: Message) -> bytes | None:
    """Return the id of the record that a message is about, or None."""
    record = message.body["data"].get("record")
    return str(record["id"]).encode() if record else None


def content_of(message: Message) -> bytes:
    """Return a message as JSON; one that is too long for a broker names its record only, with `left_out`."""
    content = orjson.dumps(message.body)
    if len(content) <= _MOST_BYTES:
        return content
    data = dict(message.body["data"])
    if record := data.get("record"):
        data |= {"record": {"id": record["id"]}, "left_out": ["record"]}
    return orjson.dumps({**message.body, "data": data})


def read_options(path: Path) -> dict[str, str]:
    """Return the settings of a file with `name=value` lines, as Kafka's own tools read it.

    Raises:
        InvalidInput: It cannot be read, or a line is of another form; the message does not show it.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError):
        raise InvalidInput(f"{path}: cannot be read; write lines such as security.protocol=SASL_SSL") from None
    pairs = [line.partition("=") for line in lines if line and not line.startswith("#")]
    if wrong := next((n for n, pair in enumerate(pairs, 1) if not pair[1]), None):
        raise InvalidInput(f"{path}: setting {wrong} has no =; write lines such as security.protocol=SASL_SSL")
    return {name.strip(): value.strip() for name, _, value in pairs}


def _explain(error: BaseException) -> str:
    first = error.args[0] if error.args else error
    return first.str() if hasattr(first, "str") else str(first)
