import base64
import hashlib
import hmac
import json
import socket
import socketserver
import threading
import time
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from urllib.parse import parse_qs, urlsplit

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from cxnlp.errors import InvalidInput, NotFound
from cxnlp.feeds.mail import parse_mail_server
from cxnlp.privacy import Masker
from cxnlp.service import Curation
from cxnlp.service.delivery import Delivery
from cxnlp.service.sending import Sender
from cxnlp.service.webhooks import ALONG, WantedWebhook, Webhooks
from cxnlp.store import open_store
from cxnlp.taxonomy import load_taxonomy
from tests.service.receivers import run_receiver
from tests.service.test_delivery import add, enrich, feedback, settle
from tests.service.topics import groupings
from tests.service.topics.groupings import SUBJECTS, fit, texts_about, told_subjects, topic_of

SAID = "等了两个星期 <@all> [x](https://evil.example) & nobody answers"


@pytest.fixture
def store(tmp_path):
    opened = open_store(f"sqlite:///{tmp_path}/cxnlp.db")
    yield opened
    opened.close()


@pytest.fixture
def webhooks(store):
    return Webhooks(store, Sender(allow_private=True))


@pytest.fixture
def receiver():
    with run_receiver() as server:
        yield server


def deliver(store, sender=None):
    """Flag and deliver one negative record."""
    delivery = Delivery(store, sender or Sender(allow_private=True))
    add(store, feedback(1, words=SAID))
    enrich(store)
    settle(delivery)
    delivery.close()


def test_unknown_events_are_refused(receiver, webhooks):
    with pytest.raises(InvalidInput, match=r"flag\.raised"):
        webhooks.create(WantedWebhook(receiver.url, ["flags"]))


@pytest.mark.parametrize(
    ("filter", "message"),
    [
        ({"touchpoint": ["delivry"]}, r"filter.touchpoint is 'delivry', which no record can have; did you mean 'delivery'\?"),
        ({"cause": ["slow", "wrong-charge"]}, r"filter.cause is 'wrong-charge'.* did you mean 'wrong_charge'\?"),
        ({"stage": ["servce"]}, r"did you mean 'service'\?"),
        ({"intent": ["Complaint"]}, r"did you mean 'complaint'\?"),
        ({"risk": ["churned"]}, r"did you mean 'churn'\?"),
        ({"channel": ["tickets"]}, r"filter.channel is 'tickets'.* did you mean 'ticket'\?"),
        ({"channel": ["zzz"]}, "which no record can have; write one of"),
    ],
)
def test_a_filter_that_no_record_can_pass_is_refused_with_the_nearest_that_one_can(store, receiver, filter, message):
    webhooks = Webhooks(store, Sender(allow_private=True), load_taxonomy())
    with pytest.raises(InvalidInput, match=message):
        webhooks.create(WantedWebhook(receiver.url, ["flag.*"], filter=filter))
    with pytest.raises(InvalidInput, match=r"did you mean 'flag.raised'\?"):
        webhooks.create(WantedWebhook(receiver.url, ["flags.raised"]))
    assert webhooks.list() == []


def test_webhook_can_be_tested_and_deleted(receiver, webhooks):
    webhook = webhooks.create(WantedWebhook(receiver.url, ["flag.*"]))
    receiver.statuses = [204, 500]
    assert (webhooks.test(webhook.id).status, webhooks.test(webhook.id).error) == (204, "HTTP 500")
    content, headers = receiver.received[0]
    assert Webhook(webhook.secret).verify(content, headers)["type"] == "webhook.ping"
    assert [listed.id for listed in webhooks.list()] == [webhook.id]
    webhooks.delete(webhook.id)
    assert webhooks.list() == []
    with pytest.raises(NotFound):
        webhooks.test(webhook.id)


def test_receiver_that_is_not_there_is_reported(webhooks):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    answer = webhooks.test(webhooks.create(WantedWebhook(url, ["*"])).id)
    assert answer.status is None
    assert answer.error.startswith("ConnectError")


def test_replaced_secret_signs_along_for_a_day(store, receiver, webhooks):
    old = webhooks.create(WantedWebhook(receiver.url, ["flag.*"]))
    new = webhooks.rotate(old.id)
    assert new.secret != old.secret
    assert timedelta(hours=23) < new.old_secret_until - datetime.now(UTC) <= ALONG
    webhooks.test(old.id)
    content, headers = receiver.received[-1]
    assert headers["webhook-signature"].count("v1,") == 2
    for secret in (old.secret, new.secret):
        assert Webhook(secret).verify(content, headers)["type"] == "webhook.ping"
    store.webhooks.rotate(old.id, new.secret, datetime.now(UTC) - timedelta(seconds=1))
    webhooks.test(old.id)
    with pytest.raises(WebhookVerificationError):
        Webhook(old.secret).verify(*receiver.received[-1])
    with pytest.raises(NotFound):
        webhooks.rotate("w-none")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"format": "teams"}, "format is 'teams'"),
        ({"language": "fr"}, "language is 'fr'"),
        ({"secret": "mine"}, "not wanted with the format standard"),
        ({"format": "slack", "secret": "mine"}, "not wanted with the format slack"),
        ({"format": "feishu", "secret": "line\nbreak"}, "cannot be used"),
        ({"filter": {"colour": ["red"]}}, r"filter\.colour"),
        ({"filter": {"channel": ["fax"]}}, "filter.channel is 'fax'"),
        ({"filter": {"repeat_contact": {"days": 7}}}, "for rules only"),
    ],
)
def test_what_cannot_be_used_is_refused(webhooks, receiver, more, told):
    with pytest.raises(InvalidInput, match=told):
        webhooks.create(WantedWebhook(receiver.url, ["flag.*"], **more))
    assert webhooks.list() == []


def test_only_secrets_that_there_are_can_be_replaced(webhooks, receiver):
    slack = webhooks.create(WantedWebhook(receiver.url, ["flag.*"], "slack"))
    feishu = webhooks.create(WantedWebhook(receiver.url, ["flag.*"], "feishu", secret="one"))
    assert slack.secret == ""
    with pytest.raises(InvalidInput, match="has no secret"):
        webhooks.rotate(slack.id)
    with pytest.raises(InvalidInput, match="have feishu make a new one"):
        webhooks.rotate(feishu.id)
    assert webhooks.rotate(feishu.id, "two").secrets_at(datetime.now(UTC)) == ("two",)


def test_slack_gets_blocks_in_which_nothing_is_a_mention(store, receiver, webhooks):
    webhooks.create(WantedWebhook(receiver.url, ["flag.*"], "slack"))
    deliver(store)
    ((content, headers),) = receiver.received
    assert headers["content-type"].startswith("application/json")
    body = json.loads(content)
    assert body["text"] == "Flag raised, level 2"
    assert [block["type"] for block in body["blocks"]] == ["header", "section", "section", "context"]
    facts, quote = (block["text"]["text"] for block in body["blocks"][1:3])
    assert "*Why* very negative (sentiment -0.80)" in facts and "*Answer by* " in facts and "*Channel* chat" in facts
    assert quote == "> 等了两个星期 &lt;@all&gt; [x](https://evil.example) &amp; nobody answers"


def test_feishu_gets_a_card_signed_with_its_own_secret(store, webhooks):
    with run_receiver(answer=lambda _: b'{"code":0,"msg":"success","data":{}}') as receiver:
        webhooks.create(WantedWebhook(receiver.url, ["flag.*"], "feishu", "zh", secret="bot-secret"))
        deliver(store)
        ((content, _),) = receiver.received
    body = json.loads(content)
    key = f"{body['timestamp']}\nbot-secret".encode()
    assert body["sign"] == base64.b64encode(hmac.new(key, digestmod=hashlib.sha256).digest()).decode()
    assert abs(int(body["timestamp"]) - time.time()) < 60
    assert (body["msg_type"], body["card"]["header"]["title"]) == ("interactive", {"tag": "plain_text", "content": "新标记，2 级"})
    texts = [element["text"] for element in body["card"]["elements"] if element["tag"] == "div"]
    assert {text["tag"] for text in texts} == {"plain_text"}
    assert "原因 情绪非常负面" in texts[0]["content"] and "渠道 在线聊天" in texts[0]["content"]
    assert texts[1]["content"] == f"“{SAID}”"


def test_dingtalk_gets_markdown_signed_in_the_url(store, webhooks):
    with run_receiver(answer=lambda _: b'{"errcode":0,"errmsg":"ok"}') as receiver:
        webhooks.create(WantedWebhook(f"{receiver.url}?access_token=t", ["flag.*"], "dingtalk", "zh", secret="SEC0"))
        deliver(store)
        ((content, _),), (path,) = receiver.received, receiver.paths
    asked = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
    signed = hmac.new(b"SEC0", f"{asked['timestamp']}\nSEC0".encode(), hashlib.sha256).digest()
    assert (asked["access_token"], asked["sign"]) == ("t", base64.b64encode(signed).decode())
    assert abs(int(asked["timestamp"]) / 1000 - time.time()) < 60
    body = json.loads(content)
    assert (body["msgtype"], body["markdown"]["title"]) == ("markdown", "新标记，2 级")
    assert "> 等了两个星期 ＜@all＞ ［x］(https://evil.example) & nobody answers" in body["markdown"]["text"]


def test_wecom_gets_markdown_without_a_mention(store, webhooks):
    with run_receiver(answer=lambda _: b'{"errcode":0,"errmsg":"ok"}') as receiver:
        webhooks.create(WantedWebhook(receiver.url, ["flag.*"], "wecom", "zh"))
        deliver(store)
        ((content, _),) = receiver.received
    body = json.loads(content)
    assert set(body) == {"msgtype", "markdown"}
    assert "新标记" in body["markdown"]["content"] and "<" not in body["markdown"]["content"]


def test_bot_that_refuses_with_200_has_not_been_told(store, webhooks, monkeypatch):
    monkeypatch.setattr("cxnlp.service.delivery.random.random", lambda: 1.0)
    with run_receiver(answer=lambda _: b'{"errcode":130101,"errmsg":"send too fast"}') as receiver:
        webhook = webhooks.create(WantedWebhook(receiver.url, ["flag.*"], "dingtalk"))
        deliver(store)
    (row,) = store.deliveries.list(webhook.id)
    assert (row.status, row.attempts, row.last_error) == ("pending", 1, "dingtalk answered 130101: send too fast")


class Mailbox(socketserver.ThreadingTCPServer):
    """A mail server (RFC 5321) that keeps what it is handed; refuses the recipient `refuses`."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Session)
        self.received, self.refuses, self.logins = [], None, []
        self.url = f"smtp://127.0.0.1:{self.server_address[1]}"


class _Session(socketserver.StreamRequestHandler):
    def handle(self):
        self.say("220 mailbox")
        while line := self.rfile.readline().decode().strip():
            verb = line.upper().split()[0]
            if verb == "EHLO":
                self.say("250-mailbox\r\n250 AUTH PLAIN")
            elif verb == "AUTH":
                self.server.logins.append(base64.b64decode(line.split()[2]).split(b"\0")[1:])
                self.say("235 welcome")
            elif verb == "RCPT" and self.server.refuses and self.server.refuses in line:
                self.say("550 no such mailbox")
            elif verb == "DATA":
                self.say("354 go on")
                self.server.received.append(self.read())
                self.say("250 kept")
            elif verb == "QUIT":
                self.say("221 bye")
                break
            else:
                self.say("250 ok")

    def read(self):
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line)
        return message_from_bytes(b"".join(lines), policy=policy.default)

    def say(self, line):
        self.wfile.write(f"{line}\r\n".encode())


@pytest.fixture
def mailbox():
    with Mailbox() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


def mailing(url):
    return Sender(mail=parse_mail_server(url, "cxnlp@shop.example"))


@pytest.mark.parametrize(("language", "title"), [("en", "Flag raised, level 2"), ("zh", "新标记，2 级")])
def test_mailbox_is_told_in_plain_text_and_html(store, mailbox, language, title):
    sender = mailing(mailbox.url)
    webhook = Webhooks(store, sender).create(WantedWebhook("mailto:lead@shop.example", ["flag.*"], language=language))
    assert (webhook.format, webhook.secret) == ("email", "")
    deliver(store, sender)
    (mail,) = mailbox.received
    assert (mail["To"], mail["From"], mail["Subject"]) == ("lead@shop.example", "cxnlp@shop.example", f"[cxnlp] {title}")
    assert mail["Message-ID"] == f"<evt_{webhook.id}_{store.events.read(0, 9, ['flag.raised'])[0].seq}@cxnlp.invalid>"
    plain, page = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert title in plain and f"> {SAID}" in plain
    assert title in page and "&lt;@all&gt;" in page and "<@all>" not in page
    assert [row.status for row in store.deliveries.list(webhook.id)] == ["delivered"]


def test_mail_is_sent_with_the_password_of_the_setting(store, mailbox):
    sender = mailing(mailbox.url.replace("//", "//me:p%40ss@"))
    webhooks = Webhooks(store, sender)
    assert webhooks.test(webhooks.create(WantedWebhook("mailto:lead@shop.example", ["flag.*"])).id).error is None
    assert mailbox.logins == [[b"me", b"p@ss"]]


def test_mail_that_is_refused_is_tried_again(store, mailbox, monkeypatch):
    monkeypatch.setattr("cxnlp.service.delivery.random.random", lambda: 1.0)
    mailbox.refuses = "lead@"
    webhook = Webhooks(store, mailing(mailbox.url)).create(WantedWebhook("mailto:lead@shop.example", ["flag.*"]))
    deliver(store, mailing(mailbox.url))
    (row,) = store.deliveries.list(webhook.id)
    assert (row.status, row.response_status, row.last_error) == ("pending", 550, "SMTP 550: no such mailbox")


def test_mail_needs_a_server_and_one_plain_address(store, mailbox, webhooks):
    with pytest.raises(InvalidInput, match="CXNLP_SMTP_URL"):
        webhooks.create(WantedWebhook("mailto:lead@shop.example", ["flag.*"]))
    able = Webhooks(store, mailing(mailbox.url))
    for url in ("mailto:", "mailto:a@b,c@d", "mailto:a@b%0d%0aBcc:c@d", "mailto:a@b?bcc=c@d"):
        with pytest.raises(InvalidInput, match="one address"):
            able.create(WantedWebhook(url, ["flag.*"]))
    with pytest.raises(InvalidInput, match="is a mailbox"):
        able.create(WantedWebhook("mailto:a@b.example", ["flag.*"], "slack"))
    webhook = able.create(WantedWebhook("mailto:a@b.example", ["flag.*"]))
    assert "CXNLP_SMTP_URL" in webhooks.test(webhook.id).error


def test_filter_by_a_topic_follows_it_where_it_is_merged_and_back(store, receiver, webhooks, monkeypatch):
    delivery = Delivery(store, Sender(allow_private=True))
    told_subjects(monkeypatch)
    for subject in SUBJECTS[:2]:
        groupings.add(store, texts_about(subject, 20))
    fit(store)
    a, b = (topic_of(store, texts_about(subject, 1)[0]) for subject in SUBJECTS[:2])
    settle(delivery)
    webhooks.create(WantedWebhook(receiver.url, ["record.analyzed"], filter={"topic": [b]}))
    curation = Curation(store, Masker(), load_taxonomy())

    def told_of(first):
        ids = [groupings.add(store, texts_about(subject, 1, first=first))[0] for subject in SUBJECTS[:2]]
        settle(delivery)
        told = [json.loads(content)["data"]["record"]["id"] for content, _ in receiver.received]
        return [record_id in told for record_id in ids]

    assert told_of(30) == [False, True]
    curation.merge([b], a, "ann")
    assert told_of(31) == [True, True]
    curation.undo(a, "ann")
    assert told_of(32) == [False, True]
    delivery.close()
