"""What a reader does with the page, in a real browser: contents, colours, claims, data, figures, paper."""
# ruff: noqa: RUF001 (minus signs and Greek letters are what the page shows)

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from browser import DEAD_LINKS, SCREENS, assert_readable, needs_browser, opened, start_browser
from playwright.sync_api import Browser, Page, expect

from movingtarget.drawing.style import STYLE
from movingtarget.report.prose import markdown_table, verdict
from movingtarget.report.render import render

pytestmark = needs_browser
REPORT = Path(__file__).parents[2] / "report"
LOSSES = pd.DataFrame({"seed": [0, 1], "loss": [0.5, 1 / 3]})
HEADINGS = {"claim": "Claim", "estimate": "Estimate", "figure": "Shown in", "verdict": "Verdict"}
FILLER = "\n\n".join(["A layer moves while the others move. " * 20] * 8)

TEXT = f"""---
title: A page
---

# First {{#first}}

::: summary
**Asked.** Whether [it](#tbl-verdicts) moves.
:::

![**It falls.** The loss $\\ell_k$, by step.](losses){{#fig-losses}}

::: provenance
Data: [losses](#data-losses). [Claims: 2](#claim-falls). Rule `draw`
:::

{FILLER}

# Second

::: {{.details title="How"}}
By a search, [its end]{{#end}}.

$$ \\rho_k = \\frac{{\\sum_i g_i}}{{k}} $$
:::

{FILLER}

# Third {{#third}}

The search [ended](#end).

<< papers >>

: Papers. {{#tbl-verdicts}}

<< questions >>

: Questions. {{#tbl-questions}}

- []{{#data-losses}}`losses.csv`: 2 rows
"""


def claims(*rows: tuple[str, str, str, str, str]) -> str:
    """A table of claims, each a name, a statement, an estimate, a figure and a verdict."""
    columns = {
        "claim": [f"[]{{#claim-{name}}}{statement}" for name, statement, *_ in rows],
        "estimate": [row[2] for row in rows],
        "figure": [row[3] for row in rows],
        "verdict": [verdict(row[4]) for row in rows],
    }
    return markdown_table(pd.DataFrame(columns), HEADINGS)


PAPERS = claims(
    ("falls", "It falls [@balduzzi2017, p. 1].", "−0.5 [−0.6, −0.4]", "[](#fig-losses)", "reproduced"),
    ("rises", "It rises [@ioffe2015].", "10 [9, 11]", "", "not reproduced"),
    ("stays", "It stays [@ioffe2015, figure 2].", "2 [0, 4]", "[](#fig-losses)", "inconclusive"),
)
QUESTIONS = claims(("why", "It falls because of us.", "1 [0, 2]", "", "inconclusive"))


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(figsize=(6, 3))
        axes.plot([1, 2, 3], [3, 2, 1], marker="o")
        axes.set_xlabel("step")
        for ending in ("svg", "pdf"):
            figure.savefig(folder / f"losses.{ending}")
        plt.close(figure)
    render(
        TEXT.replace("<< papers >>", PAPERS).replace("<< questions >>", QUESTIONS),
        figures=folder,
        style=REPORT / "style",
        bibliography=REPORT / "references.bib",
        data={"losses": LOSSES},
        html=folder / "report.html",
        pdf=folder / "report.pdf",
        tex=folder / "report.tex",
    )
    return folder / "report.html"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with start_browser() as started:
        yield started


@pytest.fixture
def page(chromium: Browser, page_file: Path) -> Iterator[Page]:
    with opened(chromium, page_file) as shown:
        yield shown


def rows(page: Page) -> list[str]:
    return [row.split(" (")[0] for row in page.locator("tbody tr:visible td:first-child").all_inner_texts()]


@pytest.mark.parametrize(("width", "colours"), SCREENS)
def test_everything_is_there_on_a_desk_and_a_phone_by_day_and_by_night(
    chromium: Browser, page_file: Path, width: int, colours: str
):
    with opened(chromium, page_file, width, colours) as page:
        assert_readable(page)
        count, dead = page.evaluate(DEAD_LINKS)
        assert count >= 10
        assert dead == []


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        (".summary { color: #888 }", "rgb(136, 136, 136)"),
        (".plate svg { height: 90px !important }", "fig-losses"),
        ("math { font-size: 0 }", "ρ"),
        (".summary { width: 2000px }", "scrollWidth"),
    ],
)
def test_what_is_wrong_with_a_page_is_found(page: Page, fault: str, found: str):
    page.add_style_tag(content=fault)
    with pytest.raises(AssertionError, match=re.escape(found)):
        assert_readable(page)


def test_contents_follow_the_reader(page: Page):
    current = page.locator("#TOC a[aria-current]")
    expect(current).to_have_text("1 First")
    page.locator("#third").scroll_into_view_if_needed()
    page.evaluate("document.getElementById('third').scrollIntoView()")
    expect(current).to_have_text("3 Third")


def test_contents_are_a_menu_on_a_phone(chromium: Browser, page_file: Path):
    with opened(chromium, page_file, 390) as page:
        contents, button = page.locator("#TOC"), page.get_by_role("button", name="Contents")
        expect(contents).to_be_hidden()
        button.click()
        expect(button).to_have_attribute("aria-expanded", "true")
        contents.get_by_role("link", name="Third").click()
        expect(contents).to_be_hidden()
        expect(page.locator("#third")).to_be_in_viewport()


def test_all_of_a_claim_is_seen_on_a_phone_and_a_figure_is_enlarged_beyond_it(
    chromium: Browser, page_file: Path
):
    with opened(chromium, page_file, 390) as page:
        for cell in page.locator("tbody tr:visible").nth(1).locator("td:not(:empty)").all():
            cell.scroll_into_view_if_needed()
            place = cell.bounding_box()
            assert place
            assert place["x"] >= 0
            assert place["x"] + place["width"] <= 390
        page.locator(".plate").press("Enter")
        large = page.locator("#enlarged svg").bounding_box()
        assert large
        assert large["width"] > 390


def test_letters_of_figures_can_be_read_on_a_phone(chromium: Browser, page_file: Path):
    with opened(chromium, page_file, 390) as page:
        plate = page.locator(".plate").evaluate("plate => [plate.clientWidth, plate.scrollWidth]")
        assert plate[0] <= 390
        assert plate[1] >= 500


def test_figures_are_dark_by_night_but_not_on_paper(page: Page):
    def changed() -> str:
        return str(page.locator(".plate svg").evaluate("drawing => getComputedStyle(drawing).filter"))

    assert changed() == "none"
    page.emulate_media(color_scheme="dark")
    assert changed().startswith("invert")
    page.get_by_role("button", name="Light").click()
    assert changed() == "none"
    page.emulate_media(color_scheme="light")
    page.get_by_role("button", name="Dark").click()
    assert changed().startswith("invert")
    page.emulate_media(media="print")
    assert changed() == "none"


def test_the_choice_of_colours_is_kept(page: Page):
    def ground() -> str:
        colour: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return colour

    by_day = ground()
    page.get_by_role("button", name="Dark").click()
    by_night = ground()
    assert by_day != by_night
    page.evaluate("location.reload()")
    expect(page.get_by_role("button", name="Light")).to_be_visible()
    assert ground() == by_night


def test_claims_are_filtered_by_paper_kind_and_verdict_and_counted(page: Page):
    shown = page.locator("#claims-shown")
    expect(shown).to_have_text("4 of 4 claims")
    page.locator("#filter-paper").select_option(index=2)
    assert rows(page) == ["It rises", "It stays"]
    page.locator("#filter-verdict").select_option("inconclusive")
    assert rows(page) == ["It stays"]
    expect(shown).to_have_text("1 of 4 claims")
    page.locator("#filter-paper").select_option("all")
    page.locator("#filter-kind").select_option("our questions")
    assert rows(page) == ["It falls because of us."]


def test_claims_are_sorted_by_number_both_ways(page: Page):
    estimate = page.locator("#tbl-verdicts, table").first.get_by_role("button", name="Estimate")
    estimate.click()
    assert rows(page)[:3] == ["It falls", "It stays", "It rises"]
    estimate.press("Enter")
    assert rows(page)[:3] == ["It rises", "It stays", "It falls"]


def test_a_figure_leads_to_its_claims_and_back(page: Page):
    page.get_by_role("link", name="Claims: 2").click()
    assert rows(page) == ["It falls", "It stays"]
    expect(page.locator("#claim-falls")).to_be_in_viewport()
    page.locator("tbody tr:visible a[href='#fig-losses']").first.click()
    expect(page.locator("#fig-losses")).to_be_in_viewport()


def test_data_come_as_csv(page: Page):
    with page.expect_download() as waiting:
        page.locator(".provenance").get_by_role("link", name="losses").click()
    assert waiting.value.suggested_filename == "losses.csv"
    with Path(waiting.value.path()).open(encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["seed", "loss"], ["0", "0.5"], ["1", "0.3333"]]


def test_a_figure_is_enlarged_by_enter_and_closed_by_escape(page: Page):
    plate, dialog = page.locator(".plate"), page.get_by_role("dialog")
    small = plate.locator("svg").bounding_box()
    plate.press("Enter")
    expect(dialog).to_be_visible()
    large = dialog.locator("svg").bounding_box()
    assert small
    assert large
    assert large["width"] > 1.5 * small["width"]
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(plate).to_be_focused()
    plate.click()
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()


def test_a_link_into_details_opens_them(page: Page):
    expect(page.locator("#end")).to_be_hidden()
    page.get_by_role("link", name="ended").click()
    expect(page.locator("#end")).to_be_in_viewport()


def test_on_paper_all_is_open_and_light_and_no_more_than_text(chromium: Browser, page_file: Path):
    with opened(chromium, page_file, colours="dark") as page:
        page.locator("#filter-verdict").select_option("inconclusive")
        page.emulate_media(media="print")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        for gone in ["#TOC", "#menu", "#colours", "#claims-filter"]:
            expect(page.locator(gone)).to_be_hidden()
        expect(page.locator("#end")).to_be_visible()
        assert len(rows(page)) == 4


def test_without_scripts_all_is_there(chromium: Browser, page_file: Path):
    with opened(chromium, page_file, java_script_enabled=False) as page:
        expect(page.locator("#TOC")).to_be_visible()
        expect(page.locator(".plate svg")).to_be_visible()
        page.locator("details summary").click()
        expect(page.locator("#end")).to_be_visible()
        assert page.locator("a.data").get_attribute("download") == "losses.csv.gz"
        assert len(rows(page)) == 4


def test_parts_of_the_page_have_names(page: Page):
    for role in ("main", "navigation", "banner"):
        expect(page.get_by_role(role)).to_have_count(1)  # type: ignore[arg-type]
    nameless = page.evaluate(
        "[...document.querySelectorAll('button, select, [role=button]')].filter((part) =>"
        " !(part.textContent.trim() || part.getAttribute('aria-label') || part.labels?.length)).length"
    )
    assert nameless == 0
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="To the text")).to_be_focused()
