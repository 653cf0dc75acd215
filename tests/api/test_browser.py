"""The search page in a real browser."""

import re

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]


def cards(page):
    page.wait_for_selector("#results:not([aria-busy])")
    return page.locator("#cards article")


def has_cards(page, n):
    """Wait until the page shows so many cards; its own security policy forbids to wait for a script."""
    page.locator("#cards article").nth(n - 1).wait_for()
    page.locator("#cards article").nth(n).wait_for(state="detached")


def test_the_latest_negative_records_come_first(open_page):
    page = open_page()
    assert page.locator("#heading").inner_text() == "Latest negative feedback"
    assert cards(page).count() == 4
    page.get_by_text("6 records · 6 analysed · 6 searchable").wait_for()
    first = cards(page).last
    assert "−0.80" in first.inner_text()
    assert "Delivery and logistics · Slow or late" in first.inner_text()
    assert "Escalation" in first.locator(".risk").inner_text()
    assert "已补偿运费券" in first.locator(".resolution").inner_text()


def test_what_a_customer_wrote_is_shown_and_not_run(open_page):
    page = open_page()
    assert "<script>document.title='hacked'</script> slow & <b>bold</b>" in cards(page).first.inner_text()
    assert "hacked" not in page.title()


def test_a_search_by_keyboard_marks_the_words_that_are_nearest(open_page):
    page = open_page("/", locale="zh-CN")
    assert page.locator("#heading").inner_text() == "最新负面反馈"
    page.locator("#text").focus()
    page.keyboard.type("courier was slow and rude")
    page.keyboard.press("Enter")
    page.wait_for_selector("mark")
    assert page.locator("#heading").inner_text() == "搜索结果"
    texts = cards(page).all_inner_texts()
    assert "物流与配送 · 等待与时效" in next(text for text in texts if "😡" in text)
    marks = page.locator("mark").all_inner_texts()
    assert len(texts) == 6
    assert all(mark and any(mark in text for text in texts) for mark in marks)
    assert "courier" not in page.evaluate("performance.getEntriesByType('resource').map(e => e.name).join()")


def test_marks_count_code_points_as_the_service_does(open_page):
    page = open_page()
    page.evaluate(
        """async () => {
            const { card } = await import("/static/card.js");
            const record = { id: "r-1", text: "😡😡 so slow 😡", source: "s", channel: "chat", created_at: "2026-11-01T00:00:00Z", language: "en",
                sentiment: -1, label: "negative", intent: "complaint", risks: [],
                observations: [{ touchpoint: "delivery", cause: null, sentiment: -1, quote: { start: 6, end: 10, turn: null } }] };
            const page = { words: { whole: "", likeness: "{percent}" }, language: "en", name: (kind, id) => id, onSimilar: () => {} };
            document.getElementById("cards").replaceChildren(card({ record, quote: { start: 3, end: 10, turn: null }, score: 0.5 }, page));
        }"""
    )
    assert "".join(page.locator("mark").all_inner_texts()) == "so slow"
    assert page.locator(".read").inner_text() == "slow"


def test_filters_similar_records_and_the_way_back(open_page):
    page = open_page()
    page.locator("select[name=channel]").select_option("review")
    has_cards(page, 1)
    assert "channel=review" in page.url
    assert page.locator("#n-filters").inner_text() == "1"
    page.get_by_role("button", name="Clear filters").press("Enter")
    has_cards(page, 4)
    cards(page).last.get_by_role("button", name="Similar").press("Enter")
    page.wait_for_selector("#subject:not([hidden])")
    page.wait_for_selector("mark")
    assert "快递太慢了" in page.locator("#subject").inner_text()
    assert cards(page).count() == 5
    page.get_by_role("button", name="Back").press("Enter")
    page.wait_for_selector("#subject", state="hidden")
    assert cards(page).count() == 4


def test_nothing_found_says_what_to_do(open_page):
    page = open_page("/#q=anything&channel=call")
    assert page.locator("#notice").inner_text().startswith("Nothing found")


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_it_fits_the_screen(open_page, width):
    page = open_page("/#q=slow", width=width)
    cards(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator(".switch").click()
    page.wait_for_selector("html[lang=zh-CN] #cards article")
    assert re.search(r"#q=slow$", page.url)


def test_a_failure_can_be_tried_again(browser, shared):
    page = browser.new_page()
    page.route("**/v1/feedback?*", lambda route: route.fulfill(status=503, body='{"detail": "the store is away"}'))
    page.goto(shared.url)
    page.wait_for_selector("#notice:not([hidden])")
    assert "the store is away" in page.locator("#notice").inner_text()
    page.unroute("**/v1/feedback?*")
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector("#cards article")
    page.close()


def test_where_a_key_is_needed_it_is_asked_for(browser, bare):
    secret = bare.service.store.keys.create("browser", "agent")[1]
    page = browser.new_page(locale="en-GB")
    page.goto(bare.url)
    page.wait_for_selector("#key-form:not([hidden])")
    page.keyboard.type(secret)
    page.keyboard.press("Enter")
    page.wait_for_selector("#notice:not([hidden])")
    assert "feedback" in page.locator("#notice").inner_text()
    page.close()


def test_the_documentation_lists_every_route(open_page, browser, shared):
    context = browser.new_context()
    page = context.new_page()
    others = []
    page.on("request", lambda request: None if request.url.startswith((shared.url, "data:")) else others.append(request.url))
    page.goto(f"{shared.url}/docs")
    page.locator(".opblock").first.wait_for()
    assert page.locator(".opblock").count() >= 25
    assert others == []
    context.close()
