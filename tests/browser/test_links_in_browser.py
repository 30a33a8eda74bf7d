"""Links, history and the address bar."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.labs import drawn, open_lab, parameters, press, settle, slider, wait_for_new


def test_share_shows_the_link_and_it_opens_the_same(context: BrowserContext, page: Page, server: str) -> None:
    open_lab(page, server, "foundations?lab=gradient-descent&rate=0.25&steps=7&start=11&seed=3")
    page.get_by_role("button", name="Share", exact=True).click()
    code = page.locator("[data-testid=stPopoverBody] code")
    code.wait_for()
    link = code.inner_text().strip()
    assert link.startswith(f"{server}/foundations?lab=gradient-descent")
    other = context.new_page()
    other.goto(link)
    settle(other)
    assert parameters(other) == parameters(page) | {"v": "1"}
    data = "() => document.querySelector('.atlas-view .plot').data.map(t => JSON.stringify([t.x, t.y]))"
    assert other.evaluate(data) == page.evaluate(data)


def test_back_and_forward_move_the_controls(page: Page, server: str) -> None:
    open_lab(page, server, "foundations?lab=gradient-descent&seed=0")
    steps = slider(page, "gradient-descent", "steps")
    for value in ("21", "22"):
        press(page, "gradient-descent", "steps")
        page.wait_for_url(f"**steps={value}**")
    page.wait_for_timeout(700)
    for move, value in ((page.go_back, "21"), (page.go_back, "20"), (page.go_forward, "21")):
        before = drawn(page)
        move()
        wait_for_new(page, before)
        expect(steps).to_have_value(value)


def test_rejected_values_are_named_and_stay_in_the_address(page: Page, server: str) -> None:
    where = "foundations?lab=gradient-descent&rate=99&steps=3&pace=2&seed=0"
    open_lab(page, server, where)
    alert = page.locator("[data-testid=stAlertContentWarning]")
    expect(alert).to_contain_text("rate must be a number from 0.0001 to 10, got '99'")
    expect(alert).to_contain_text("'pace' is not a parameter of this lab")
    expect(slider(page, "gradient-descent", "steps")).to_have_value("3")
    assert page.url.endswith(where)
    press(page, "gradient-descent", "steps")
    expect(alert).to_have_count(0)


def test_text_from_a_link_is_shown_as_text(page: Page, server: str) -> None:
    open_lab(page, server, "foundations?lab=gradient-descent&rate=![x](http://outside.invalid/a.png)&seed=0")
    expect(page.locator("[data-testid=stAlertContentWarning]")).to_contain_text("outside")
    expect(page.locator("[data-testid=stAlertContentWarning] img")).to_have_count(0)
    expect(page.locator("[data-testid=stAlertContentWarning] a")).to_have_count(0)


def test_unknown_lab_is_named(page: Page, server: str) -> None:
    page.goto(f"{server}/foundations?lab=perpetual-motion")
    page.get_by_text("There is no lab of this name").wait_for()


def test_home_finds_and_opens_a_lab(page: Page, server: str) -> None:
    page.goto(server)
    page.get_by_role("searchbox", name="Search all labs").fill("overlap union")
    links = page.locator(".atlas-map a:visible")
    expect(links).to_have_count(1)
    links.click()
    settle(page)
    assert parameters(page)["lab"] == "iou"
    page.go_back()
    page.get_by_role("searchbox", name="Search all labs").wait_for()


def test_presets_and_reset(page: Page, server: str) -> None:
    open_lab(page, server, "foundations?lab=gradient-descent&seed=0")
    page.get_by_role("button", name="Stretched bowl").click()
    page.wait_for_url("**surface=bowl**")
    page.get_by_role("button", name="Reset", exact=True).click()
    page.wait_for_url(lambda url: "surface" not in url and "rate" not in url)
