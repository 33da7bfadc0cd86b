"""Texts of others in a real browser, which makes links of what looks like one."""

from urllib.parse import quote

from playwright.sync_api import expect

MARKUP = (
    "https://example.org/a www.example.org me@example.org ![i](https://example.org/i.png) _a_ **b** `c` "
    ":material/info: :dog: :red[x] &copy; <b>d</b> $e$"
)
RENDERED = "p a, p img, p em, p strong, p code, p b, p span, h1, h2, ul, ol, table"


def test_a_text_that_looks_like_markup_is_shown_as_it_is(open_page):
    page = open_page(f"?clip=val-000000&checkpoint={quote(MARKUP)}")
    text = page.get_by_test_id("stAlert").get_by_test_id("stMarkdownContainer")
    expect(text).to_contain_text("The link asks for checkpoint")
    assert MARKUP in text.inner_text().replace("\u2060", "")
    expect(text.locator(RENDERED)).to_have_count(0)
