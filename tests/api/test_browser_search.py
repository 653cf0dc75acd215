"""What a support lead does on the search page, in a real browser."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import pytest
from conftest import serve

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]
SAME = [
    "My courier was slow, nine days for one parcel",
    "my COURIER was slow, nine days for one parcel 😡",
    "My courier was slow, nine days for one parcel!!",
]
THINGS = [
    "lamp",
    "kettle",
    "coat",
    "book",
    "tent",
    "chair",
    "phone",
    "drill",
    "pan",
    "desk",
    "rug",
    "clock",
    "bike",
    "scarf",
    "mirror",
    "sofa",
    "vase",
]
REPLY = "We are sorry. The money is on its way back to you."


def records():
    """Thirty records of the last days, the first of each kind the newest."""
    now = datetime.now(UTC).replace(microsecond=0)
    made = [{"channel": "social", "text": text, "attributes": {"region": "UK"}} for text in SAME]
    made += [{"channel": "review", "text": f"The {thing} came by a slow van", "attributes": {"region": "SG"}} for thing in THINGS]
    made += [{"channel": "survey", "text": f"Lovely {thing}, well made and a pleasure to look at"} for thing in THINGS[:7]]
    made.append({"channel": "ticket", "text": "快递太慢了，等了八天还没到", "attributes": {"region": "西南", "resolution": "补发"}})
    made.append({"channel": "ticket", "text": "The driver was slow and left my package in the rain", "rating": {"scale": "stars", "value": 4}})
    for number, record in enumerate(made):
        record |= {"source": "t", "external_id": str(number), "created_at": (now - timedelta(days=1, hours=number)).isoformat()}
    resolved_at = datetime.fromisoformat(made[-1]["created_at"]) + timedelta(hours=26)
    made[-1]["attributes"] = {"resolution": "refund", "reply": REPLY, "resolved_at": resolved_at.isoformat(), "product": "Fry 5L"}
    return made


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A server with these records, analysed and found."""
    with serve(tmp_path_factory.mktemp("desk")) as server, server.client() as client:
        client.post("/v1/feedback", json={"items": records()}).raise_for_status()
        server.enrich()
        server.catch_up(client)
        yield server


@pytest.fixture
def site(desk):
    return desk


def cards(page):
    page.locator("#results:not([aria-busy])").wait_for()
    return page.locator("#cards article")


def summary(page):
    page.locator("#summary:not(.waits)").wait_for()
    return page.locator("#summary").inner_text()


def times(page):
    return [time.get_attribute("datetime") for time in cards(page).locator("time").all()]


def test_a_hit_says_why_it_was_found(open_page):
    page = open_page("/#q=the drivers left packages in the rain")
    hit = cards(page).filter(has_text="left my package")
    assert re.search(r"\d+ % alike", hit.locator(".likeness").inner_text())
    assert "in common" in hit.locator(".likeness").get_attribute("title")
    assert float(hit.locator(".bar i").evaluate("bar => bar.style.width").removesuffix("%")) > 50
    assert {"driver", "package", "rain"} <= set(hit.locator(".word").all_inner_texts())
    assert "".join(hit.locator("mark").all_inner_texts()) in hit.inner_text()


def test_a_hit_says_what_was_done_and_the_reply_is_folded(open_page):
    page = open_page("/#q=the driver left my package in the rain")
    done = cards(page).filter(has_text="left my package").locator(".resolution")
    assert done.locator("p").first.inner_text().startswith("What was done refund · after 26 h · rated ★★★★")
    assert not done.get_by_text(REPLY).is_visible()
    done.locator("summary").press("Enter")
    done.get_by_text(REPLY).wait_for()


def test_copies_are_one_hit_with_their_number_unless_each_is_wanted(open_page):
    page = open_page("/#q=courier nine days for one parcel&channel=social")
    assert cards(page).count() == 1
    assert cards(page).locator(".copies").inner_text() == "× 3"
    assert "3 records say the same" in cards(page).locator(".copies").get_attribute("aria-label")
    page.get_by_label("One of each").press("Space")
    cards(page).nth(2).wait_for()
    assert page.locator(".copies").count() == 0
    assert "copies=all" in page.url


def test_facets_count_and_narrow_and_chips_widen_again(open_page):
    page = open_page("/#q=slow")
    summary(page)
    region = page.locator("#facets section", has_text="Region")
    assert region.locator("button").all_inner_texts() == ["SG\n17", "UK\n3", "西南\n1"]
    assert page.locator("#facets section", has_text="Product").locator("button").all_inner_texts() == ["Fry 5L\n1"]
    region.get_by_role("button", name="UK 3").press("Enter")
    page.locator("#facets [aria-pressed=true]").wait_for()
    assert "attributes.region=UK" in page.url
    assert page.evaluate("document.activeElement.dataset.key") == "attributes.region=UK"
    assert cards(page).count() == 1
    page.locator("#facets section", has_text="Sentiment").get_by_role("button").press("Enter")
    page.locator("#chips li").nth(1).wait_for()
    page.get_by_role("button", name="Sentiment: Negative").press("Enter")
    assert page.evaluate("document.activeElement.textContent").startswith("Region: UK")
    page.get_by_role("button", name="Region: UK").press("Enter")
    cards(page).nth(19).wait_for()
    assert page.locator("#chips").is_hidden()


def test_the_newest_come_first_if_they_shall(open_page):
    page = open_page("/#q=the tent came by a slow van&channel=review")
    by_likeness = times(page)
    page.get_by_text("Newest").click()
    page.wait_for_url("**&sort=newest")
    assert times(page) == sorted(by_likeness, reverse=True) != by_likeness


def test_more_and_less_like_this_search_again_with_examples(open_page):
    page = open_page("/#q=slow")
    cards(page).filter(has_text="The bike came").get_by_role("button", name="More like this").press("Enter")
    page.get_by_role("button", name="Like: The bike came by a slow van").wait_for()
    assert page.evaluate("document.activeElement.id") == "results"
    assert cards(page).filter(has_text="The bike came").count() == 0
    cards(page).filter(has_text="快递太慢了").get_by_role("button", name="Less like this").press("Enter")
    page.get_by_role("button", name="Unlike: 快递太慢了").wait_for()
    assert cards(page).filter(has_text="快递太慢了").count() == 0
    shared_link = page.url.split("/", 3)[3]
    page.get_by_role("button", name="Like: The bike").first.press("Enter")
    cards(page).filter(has_text="The bike came").wait_for()
    colleague = open_page("/" + shared_link)
    colleague.get_by_role("button", name="Like: The bike came by a slow van").wait_for()
    colleague.get_by_role("button", name="Unlike: 快递太慢了").wait_for()
    assert colleague.locator("#text").input_value() == "slow"


def test_examples_of_a_similar_search_begin_with_its_record(open_page):
    page = open_page("/#q=slow")
    cards(page).filter(has_text="The bike came").get_by_role("button", name="Similar").press("Enter")
    page.locator("#subject", has_text="The bike came").wait_for()
    page.get_by_role("button", name="More like this").first.press("Enter")
    page.get_by_role("button", name="Like: The bike came by a slow van").wait_for()
    assert page.locator("#chips li").count() == 2
    assert page.locator("#subject").is_hidden()
    page.get_by_role("button", name="Back").wait_for(state="hidden")


def test_the_next_part_follows_without_repeating(open_page):
    page = open_page("/#q=slow&copies=all")
    first = cards(page).all_inner_texts()
    assert len(first) == 20
    page.get_by_role("button", name="Show more").press("Enter")
    cards(page).nth(28).wait_for()
    assert page.evaluate("document.activeElement.textContent") == cards(page).nth(20).evaluate("card => card.textContent")
    assert page.locator("#more").is_hidden()
    assert page.locator("#count").inner_text() == "29 shown, 29 pass the filters"
    assert len(set(times(page))) == 29


def test_a_part_that_fails_leaves_what_is_there(browser, desk):
    page = browser.new_page()
    page.goto(f"{desk.url}/#q=slow&copies=all")
    summary(page)
    page.route("**/v1/search", lambda route: route.fulfill(status=503, body='{"detail": "the store is away"}'))
    page.get_by_role("button", name="Show more").click()
    page.get_by_role("alert").filter(has_text="the store is away").wait_for()
    assert cards(page).count() == 20
    page.unroute("**/v1/search")
    page.get_by_role("button", name="Show more").click()
    cards(page).nth(20).wait_for()
    assert page.locator("#trouble").is_hidden()
    page.close()


def test_a_summary_stands_above_the_hits(open_page):
    page = open_page("/#q=slow van&channel=review")
    line = summary(page)
    assert re.match(r"17 alike in 30 days, 100 % about Delivery and logistics · Slow or late, first on \d+ \w+ 20\d\d$", line), line
    page.locator(".switch").click()
    page.locator("html[lang=zh-CN]").wait_for()
    line = summary(page)
    assert re.match(r"30 天内 17 条相似，100% 关于 物流与配送 · 等待与时效，最早 20\d\d年", line), line


def test_the_page_is_chinese_for_who_reads_chinese(open_page):
    page = open_page("/#q=快递太慢了&attributes.region=西南", locale="zh-CN", width=390)
    assert page.locator("#summary").get_attribute("role") == "status"
    hit = cards(page)
    assert re.search(r"相似度 \d+%", hit.inner_text())
    assert hit.locator(".resolution").inner_text() == "处理结果 补发"
    assert "快递" in hit.locator(".word").all_inner_texts()
    page.get_by_role("button", name=re.compile(r"地区：\s*西南")).wait_for()
    summary(page)
    page.locator("#narrow > summary").click()
    page.locator("#facets").get_by_role("button", name="工单").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    hit.get_by_role("button", name="多找这类").click()
    page.get_by_role("button", name=re.compile(r"类似：\s*快递太慢了")).wait_for()


def test_of_several_questions_the_last_one_wins(open_page):
    page = open_page("/#q=lovely")
    held = []
    page.route("**/v1/search", lambda route: held.append(route) if "overtaken" in route.request.post_data else route.continue_())
    for text in ("overtaken", "lovely sofa"):
        page.locator("#text").fill(text)
        page.keyboard.press("Enter")
    summary(page)
    texts = cards(page).all_inner_texts()
    assert len(held) == 1
    count = page.locator("#count").inner_text()
    held[0].fulfill(json={"hits": [], "total": 7, "next_cursor": None})
    page.wait_for_timeout(300)
    assert cards(page).all_inner_texts() == texts
    assert page.locator("#count").inner_text() == count
    assert page.locator("#notice").is_hidden()


def test_a_question_that_cannot_be_answered_shows_why(browser, desk):
    page = browser.new_page()
    page.goto(f"{desk.url}/#q=le livreur est arrivé avec trois jours de retard")
    page.get_by_role("alert").filter(has_text="ask in Chinese or English").wait_for()
    page.locator("#text").fill('"no such words at all"')
    page.keyboard.press("Enter")
    page.get_by_role("alert").filter(has_text="quotation marks").wait_for()
    page.close()


def test_a_question_stays_out_of_addresses_that_are_sent(open_page):
    page = open_page()
    asked = []
    page.on("request", lambda request: asked.append(unquote(request.url)))
    page.locator("#text").fill("a secret complaint\nin two lines")
    page.keyboard.press("Enter")
    summary(page)
    assert page.locator("#text").evaluate("box => box.offsetHeight") > 60
    assert asked
    assert not any("secret" in url for url in asked)
    assert "secret" in page.url
