"""The report in three formats: what is in them, that they agree, and what is refused."""
# ruff: noqa: RUF001 (typographic characters must survive in every format)

import re
import shutil
import subprocess
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest
import yaml
from pdf import needs_poppler

from movingtarget.report.prose import interval, markdown_table, verdict
from movingtarget.report.render import _typst as typeset
from movingtarget.report.render import render, render_summary

REPORT = Path(__file__).parents[2] / "report"

HEADER = """---
title: Does a moving target hurt?
subtitle: The papers' claims, judged
date: 1 March 2026
abstract: A short one.
---

"""

BODY = r"""::: contents
:::

# Verdicts

::: summary
**Asked.** Whether it moves.

**Found.** It does.
:::

::: {{.details title="How rates were chosen"}}
By a search.
:::

[](#tbl-verdicts) judges; [](#fig-second) and [the first picture](#fig-first) show; [Methods](#methods) tell.

{table}

: Claims and verdicts [@hesterberg2015]. {{#tbl-verdicts}}

::: provenance
results/tables/verdicts.csv
:::

# Methods {{#methods}}

@balduzzi2017 find $\rho = −0.5 ≈ \lvert x\rvert$, that is
$$ \rho_k = \frac{{\sum_i g_i g_{{i+k}}}}{{\sum_i g_i^2}}, \qquad \lVert g\rVert_2 \geq 0. $$
Rates go from 10^−5^ to 3 × 10^2^; widths ≥ 200; β ∈ {{0, 1}} → ∞; “it’s” 95 %.[^note]

[^note]: See @hodas2018.

![**What to see.** How it was made, $x \in [-2, 2]$.](pictures/first){{#fig-first}}

::: provenance
pictures/first.svg from results/tables/first_table.csv
:::

::: verdict
[not reproduced]{{.not-reproduced}} A sentence.
:::

![Second, with its extension.](pictures/second.svg){{#fig-second width=60%}}

| depth | loss |
|------:|-----:|
|    50 |  0.1 |

: Loss by depth. {{#tbl-loss}}
"""


def wide_table() -> str:
    frame = pd.DataFrame(
        {
            "claim": [
                "Gradients of a deep feedforward net are indistinguishable from white noise, " * 3,
                "Short $\\beta$.",
            ],
            "paper": ["@balduzzi2017, figure 2a", "@ioffe2015"],
            "estimate": [interval(-0.0123, -0.0412, 0.0182), interval(1.73, 1.21, 2.25)],
            "verdict": [verdict("not reproduced"), verdict("inconclusive")],
        }
    )
    headings = {"claim": "Claim", "paper": "Source", "estimate": "Estimate", "verdict": "Verdict"}
    return markdown_table(frame, headings)


def crowded_table() -> str:
    headings = ["Training loss", "Gradient evaluations", "Whitened correlation", "Contiguity"]
    columns = {f"{heading}{again}": f"{heading}{again}" for heading in headings for again in ("", " again")}
    return markdown_table(pd.DataFrame({name: [-1.27e-5, 4130.0] for name in columns}), columns)


SAMPLE = HEADER + BODY.format(table=wide_table())


def render_into(folder: Path, markdown: str) -> None:
    render(
        markdown,
        figures=folder / "figures",
        style=REPORT / "style",
        bibliography=REPORT / "references.bib",
        data={"first_table": pd.DataFrame({"loss": [0.5]})},
        html=folder / "report" / "report.html",
        pdf=folder / "report" / "report.pdf",
        tex=folder / "report" / "report.tex",
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results with a space")
    (folder / "report").mkdir()
    (folder / "figures" / "pictures").mkdir(parents=True)
    for name in ("first", "second"):
        figure, axes = plt.subplots(figsize=(4, 2))
        axes.plot([0, 1], [1, 0])
        for suffix in ("svg", "pdf"):
            figure.savefig(folder / "figures" / "pictures" / f"{name}.{suffix}")
        plt.close(figure)
    return folder


@pytest.fixture
def fresh(folder, tmp_path):
    shutil.copytree(folder / "figures", tmp_path / "figures")
    (tmp_path / "report").mkdir()
    return tmp_path


@pytest.fixture(scope="module")
def rendered(folder):
    render_into(folder, SAMPLE)
    return folder / "report"


@pytest.fixture(scope="module")
def html(rendered):
    return (rendered / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def tex(rendered):
    return (rendered / "report.tex").read_text(encoding="utf-8")


def test_the_page_loads_nothing(html):
    assert not re.findall(r"""<(?:img|script|link|iframe|source)\b[^>]*?(?:src|href)=["\']([^"\']*)""", html)
    assert "@import" not in html
    assert all(
        place.startswith(("#", "data:font/woff;base64,")) for place in re.findall(r"url\(([^)]*)\)", html)
    )
    assert html.count('<svg role="img"') == 2


def test_the_page_has_maths_contents_and_references(html):
    assert html.count("<math display=") == 4
    contents = re.search("<nav.*?</nav>", html, re.DOTALL)
    assert contents is not None
    assert 'href="#methods"' in contents[0]
    assert "‘The Shattered Gradients Problem" in html.replace("\n", " ")
    assert 'class="not-reproduced"' in html
    assert 'class="provenance"' in html
    assert "--not-reproduced:" in html


def test_the_page_numbers_figures_and_tables_and_links_to_them(html):
    captions = re.findall(r"<(?:fig)?caption[^>]*>\s*<strong>(\w+)\s(\d)\.</strong>", html)
    assert captions == [("Table", "1"), ("Figure", "1"), ("Figure", "2"), ("Table", "2")]
    links = dict(re.findall(r'<a\s+href="#((?:fig|tbl)-\w+)">([^<]+)</a>', html))
    assert {key: " ".join(text.split()) for key, text in links.items()} == {
        "tbl-verdicts": "Table 1",
        "fig-second": "Figure 2",
        "fig-first": "the first picture",
    }


def test_a_summary_and_details_stand_in_every_format(rendered, html, tex):
    assert re.search(r'<div class="summary">\s*<p><strong>Asked\.</strong>', html)
    folded = re.search(
        r"<details>\s*<summary>\s*<strong>How rates were chosen</strong>\s*</summary>(.*?)</det",
        html,
        re.DOTALL,
    )
    assert folded
    assert "By a search." in folded[1]
    assert re.search(r"\\begin\{summary\}\s*\\textbf\{Asked\.\}", tex)
    assert re.search(r"\\textbf\{How rates were chosen\}\s*By a search\.", tex)
    assert tex.count(r"\tableofcontents") == 1


def test_latex_numbers_and_links_by_itself(tex):
    assert re.findall(r"\\label\{((?:fig|tbl)-\w+)\}", tex) == [
        "tbl-verdicts",
        "fig-first",
        "fig-second",
        "tbl-loss",
    ]
    assert r"\hyperref[fig-second]{Figure~\ref*{fig-second}}" in tex


def test_latex_finds_the_pdf_figures_from_its_own_folder(rendered, tex):
    (graphics,) = re.findall(r"\\graphicspath\{\{(.*?)\}\}", tex)
    pictures = re.findall(r"\\includegraphics\[.*?\]\{(.*?)\}", tex)
    assert pictures == ["pictures/first.pdf", "pictures/second.pdf"]
    assert all((rendered / graphics / picture).is_file() for picture in pictures)


def test_the_pdf_is_whole(rendered):
    pdf = (rendered / "report.pdf").read_bytes()
    assert pdf.startswith(b"%PDF-")
    assert pdf.rstrip().endswith(b"%%EOF")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) in (2, 3, 4)


@needs_poppler
def test_the_pdf_says_the_same(rendered):
    text = subprocess.run(
        ["pdftotext", "-layout", rendered / "report.pdf", "-"], capture_output=True, check=True
    ).stdout.decode()
    text = " ".join(text.split())
    assert re.findall(r"(Figure|Table) (\d)\. ", text) == [
        ("Table", "1"),
        ("Figure", "1"),
        ("Figure", "2"),
        ("Table", "2"),
    ]
    assert "Table 1 judges; Figure 2 and the first picture show; Methods tell." in text
    assert "✗ not reproduced" in text
    assert "Contents 1 Verdicts" in text
    assert "How rates were chosen By a search." in text
    assert "[−0.041, 0.018]" in text
    assert "; widths ≥ 200; β ∈ {0, 1} → ∞; “it’s” 95 %." in text


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="needs LaTeX")
@pytest.mark.parametrize(
    "markdown",
    [SAMPLE, f"{HEADER}Words only.", f"{HEADER}{crowded_table()}"],
    ids=["sample", "words only", "eight columns"],
)
def test_latex_compiles_without_an_overfull_line(fresh, markdown):
    render_into(fresh, markdown)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "report.tex"]
    for _ in range(2):
        subprocess.run(command, cwd=fresh / "report", check=True, capture_output=True)
    log = (fresh / "report" / "report.log").read_text(encoding="utf-8", errors="replace")
    assert "Overfull" not in log
    assert "undefined" not in log


@needs_poppler
def test_the_pdf_has_no_word_upon_another_where_a_table_is_crowded(fresh):
    render_into(fresh, f"{HEADER}{crowded_table()}")
    command = ["pdftotext", "-bbox", str(fresh / "report" / "report.pdf"), "-"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    boxes = re.findall(r'<word xMin="(.+?)" yMin="(.+?)" xMax="(.+?)" yMax="(.+?)"', text)
    lines = defaultdict(list)
    for left, top, right, _ in boxes:
        lines[round(float(top))].append((float(left), float(right)))
    assert max(len(line) for line in lines.values()) >= 8
    assert all(first[1] <= second[0] for line in lines.values() for first, second in pairwise(sorted(line)))


def test_the_same_report_gives_the_same_bytes(folder, rendered):
    first = {path.name: path.read_bytes() for path in rendered.iterdir()}
    assert sorted(first) == ["report.html", "report.pdf", "report.tex"]
    render_into(folder, SAMPLE)
    assert {path.name: path.read_bytes() for path in rendered.iterdir()} == first


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        ("![Gone.](pictures/gone)", "Could not fetch resource pictures/gone.svg"),
        ("As @nobody2000 says.", "Citeproc: citation nobody2000 not found"),
        (
            r"Bad maths: $\frac{a$.",
            r"Could not convert TeX math \frac{a, rendering as TeX: \frac{a ^ unexpected eof",
        ),
        ("A snowman ☃.", "character ☃ is not in preamble.tex"),
        ("See [](#fig-none).", "link to unknown #fig-none"),
        ("See [](#methods).", "link to #methods needs a text: no numbered figure or table"),
        ("# Again {#fig-first}", "identifier #fig-first is used twice"),
        (
            "A <b>bold</b>",
            "raw html is lost in the other formats: <b>; raw html is lost in the other formats: </b>",
        ),
        (r"A stray \alpha.", r"raw tex is lost in the other formats: \alpha"),
        (
            "![Far.](https://example.invalid/far.svg)",
            "image https://example.invalid/far.svg is not a file of the report",
        ),
    ],
)
def test_a_fault_is_one_clear_line_and_nothing_is_written(fresh, fault, complaint):
    with pytest.raises(ValueError, match=rf"^the report cannot be rendered: {re.escape(complaint)}") as error:
        render_into(fresh, f"{SAMPLE}\n\n{fault}\n")
    assert "\n" not in str(error.value)
    assert not list((fresh / "report").iterdir())


def test_maths_that_only_typst_refuses_is_shown(fresh):
    with pytest.raises(
        ValueError, match=r"^the report cannot be typeset: error: expected expression \d+ A lone \$√\$"
    ):
        render_into(fresh, f"{SAMPLE}\n\nA lone $√$.\n")
    assert not list((fresh / "report").iterdir())


def test_what_typst_cannot_tag_while_it_floats_is_typeset_without_floats(tmp_path):
    untagged = '#if "floats" in sys.inputs { panic("internal error: parent group") }'
    assert typeset(untagged, tmp_path).startswith(b"%PDF")
    for broken in ('#if "floats" in sys.inputs { panic("of its own") }', '#panic("internal error")'):
        with pytest.raises(ValueError, match=r"^the report cannot be typeset: error: panicked"):
            typeset(broken, tmp_path)


def test_a_figure_without_its_pdf_is_a_fault(fresh):
    (fresh / "figures" / "pictures" / "second.pdf").unlink()
    with pytest.raises(ValueError, match=r"Could not fetch resource pictures/second\.pdf$"):
        render_into(fresh, SAMPLE)


def test_every_reference_can_be_cited(fresh):
    keys = re.findall(r"^@\w+\{(\w+),", (REPORT / "references.bib").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(keys) == len(set(keys)) == 51
    render_into(fresh, f"{HEADER}All: {'; '.join(f'@{key}' for key in keys)}.\n")
    html = (fresh / "report" / "report.html").read_text(encoding="utf-8")
    assert set(re.findall(r'<div\s+id="ref-(\w+)"', html)) == set(keys)


@pytest.mark.parametrize("name", ["common", "html", "typst", "latex"])
def test_styles_are_yaml_with_files_that_exist(name):
    text = (REPORT / "style" / f"{name}.yaml").read_text(encoding="utf-8")
    assert isinstance(yaml.safe_load(text), dict)
    assert all((REPORT / "style" / file).is_file() for file in re.findall(r"\$\{\.\}/(\S+)", text))


def test_a_summary_is_markdown_that_github_reads(tmp_path):
    text = "**Why?** It is so (@balduzzi2017).\n\n| Paper | Held |\n|:--|--:|\n| @hodas2018 | 3 |\n"
    bibliography = REPORT / "references.bib"
    render_summary(text, bibliography=bibliography, summary=tmp_path / "summary.md")
    lines = (tmp_path / "summary.md").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "**Why?** It is so (Balduzzi et al. (2017))."
    assert re.fullmatch(r"\| Hodas and Stinis \(2018\) \| +3 \|", lines[-1])
    with pytest.raises(ValueError, match="nobody2000"):
        render_summary("@nobody2000", bibliography=bibliography, summary=tmp_path / "summary.md")
