import re
from html.parser import HTMLParser
from urllib.parse import urljoin

import pytest

from api.routes.pages import preferred
from api.wording import WORDS


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("fr, zh-TW;q=0.4, en;q=0.2", "zh"),
        ("zh;q=0, en;q=0.1", "en"),
        ("de", "en"),
        ("zh;q=much", "en"),
        ("*", "en"),
    ],
)
def test_the_language_is_the_one_that_is_accepted_best(accepted, language):
    assert preferred(accepted) == language


def test_every_word_is_there_in_both_languages():
    assert all(english and chinese for english, chinese in zip(WORDS["en"].values(), WORDS["zh"].values(), strict=True))
    for name, text in WORDS["en"].items():
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", WORDS["zh"][name])), name


class References(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []
        self.inline = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "script" and "src" not in given:
            self.inline.append(tag)
        self.inline += [name for name in given if name.startswith("on") or name == "style"]
        self.found += [given[name] for name in ("src", "href") if name in given]


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/", "/?lang=zh", "/dashboard", "/docs"])
def test_all_that_a_page_loads_comes_from_here(client, path):
    page = References()
    page.feed(client.get(path).text)
    assert page.inline == []
    for reference in page.found:
        assert reference.startswith(("/", "#", "?")), reference
        assert not reference.startswith("//")
        if not reference.startswith("#"):
            assert client.get(urljoin(path, reference)).status_code == 200, reference


@pytest.mark.slow
def test_the_page_speaks_the_language_asked_for(client):
    assert '<html lang="en">' in client.get("/", headers={"accept-language": "en"}).text
    assert '<html lang="zh-CN">' in client.get("/", headers={"accept-language": "zh-HK"}).text
    assert WORDS["zh"]["placeholder"] in client.get("/?lang=zh").text  # and it is remembered from now on
    assert '<html lang="zh-CN">' in client.get("/", headers={"accept-language": "en"}).text
    assert '<html lang="en">' in client.get("/?lang=klingon", headers={"accept-language": "en", "cookie": ""}).text
