"""Faces and style as a stranger uses them: people enrolled and forgotten, a transfer stopped, gone on with and laid bare."""

from __future__ import annotations

import io
import zipfile

from PIL import Image
from playwright.sync_api import Page, expect

from engine.data.faces import identities
from engine.data.people import drawn as drawn_people
from engine.seeding import generator
from tests.browser.labs import drawn, metric, open_lab, says_nothing_went_wrong, settle, stop_button

PICTURE = "() => JSON.stringify([...document.querySelectorAll('.atlas-view .plot')].map((p) => p.data[0].source || ''))"

MAP = "() => JSON.stringify(document.querySelector('.atlas-view .plot').data)"


def finished(page: Page) -> None:
    expect(page.get_by_role("button", name="Run again")).to_be_visible(timeout=90_000)
    settle(page)


def packed(names: tuple[str, ...]) -> bytes:
    """A zip with a folder of two pictures for each name."""
    random, file = generator(5), io.BytesIO()
    pictures = iter(drawn_people(identities(len(names), random).repeat_interleave(2, 0), random))
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            for k in range(2):
                picture = io.BytesIO()
                Image.fromarray(next(pictures)).resize((160, 160)).save(picture, "PNG")
                archive.writestr(f"{name}/{k}.png", picture.getvalue())
    return file.getvalue()


def test_people_are_enrolled_from_a_zip_and_forgotten_by_one_button(page: Page, server: str) -> None:
    open_lab(page, server, "face_recognition?lab=face-database&seed=0")
    page.get_by_role("button", name="Use your own pictures").first.click()
    page.locator("[data-testid=stFileUploader] input[type=file]").first.set_input_files(
        {"name": "mine.zip", "mimeType": "application/zip", "buffer": packed(("Kunigunde", "Balthasar"))}
    )
    page.wait_for_url("**upload-**")
    page.keyboard.press("Escape")
    held = page.get_by_text("kept in this session only: Balthasar: 2, Kunigunde: 2")
    expect(held).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="Forget my pictures").click()
    expect(held).to_have_count(0)
    page.wait_for_function("() => !location.href.includes('upload-')")
    says_nothing_went_wrong(page)


def test_embeddings_move_while_triplets_are_learned_from(page: Page, server: str) -> None:
    open_lab(page, server, "face_recognition?lab=triplet&seed=3")
    finished(page)
    learned = page.evaluate(MAP)
    page.get_by_label("Frame of the run").fill("0")
    page.wait_for_function(f"b => ({MAP})() !== b", arg=learned)
    says_nothing_went_wrong(page)


def test_a_transfer_stops_goes_on_and_is_laid_bare(page: Page, server: str) -> None:
    open_lab(page, server, "style_transfer?lab=style-transfer&side=64&steps=2000&seed=0")
    page.wait_for_function("() => +document.querySelector('.atlas-view')?.dataset.drawn?.split('/')[1] > 3")
    stop_button(page).click()
    expect(page.get_by_text("the last frame stays")).to_be_visible()
    reached = int(metric(page, "Step").split()[0])
    assert 0 < reached < 2000
    # The slider lays the content over the picture that is there, without a new run.
    run, before = drawn(page).split("/")[0], page.evaluate(PICTURE)
    page.locator(".st-key-style-transfer-reveal input[type=range]").focus()
    page.keyboard.press("End")
    page.wait_for_function(f"b => ({PICTURE})() !== b", arg=before)
    assert drawn(page).split("/")[0] == run
    with page.expect_download() as coming:
        page.get_by_role("button", name="style-transfer.png").click()
    assert Image.open(coming.value.path()).width == 64
    page.get_by_role("button", name="Run again").click()
    page.wait_for_function(
        "r => +[...document.querySelectorAll('.atlas-view .metric dd')].map((d) => d.textContent)"
        ".find((t) => t.includes(' of 2000'))?.split(' ')[0] > r",
        arg=reached,
    )
    stop_button(page).click()
    says_nothing_went_wrong(page)
