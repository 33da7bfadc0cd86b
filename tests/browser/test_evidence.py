"""The page "Evidence" in a real browser, on the cells that are shipped."""

import re

from playwright.sync_api import expect

from benchmarks.pictures import EVIDENCE, PLACEMENTS
from tests.browser.conftest import download


def test_claims_curves_and_the_page_as_a_file(open_page):
    page = open_page("evidence", explorer=False)
    expect(page.get_by_role("heading", level=1)).to_have_text("Evidence")
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    page.get_by_role("tab", name="Table 1", exact=True).click()
    expect(page).to_have_url(re.compile(r"tab=Table\+1"))
    claim = page.get_by_text("ATR in three stages is better than ATR_sim there")
    expect(claim).to_contain_text("holds")
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    page.get_by_text("How to read this page").click()
    expect(page.get_by_text("Intervals are of 95 %")).to_be_visible()
    file = download(page, "This page as HTML")
    assert file.suggested_filename == "evidence.html"
    assert "ATR in three stages is better than ATR_sim there" in file.path().read_text()
    assert not page.get_by_test_id("stAlert").count()


def test_the_chart_that_docs_show_is_where_its_picture_is_taken(open_page):
    expect(open_page(EVIDENCE, explorer=False).locator(PLACEMENTS)).to_be_visible()
