"""Numbers as prose writes them, and templates filled with them."""
# ruff: noqa: RUF001 (typographic minus and multiplication signs are what is tested)

import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pypandoc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from movingtarget.report.prose import (
    fill,
    interval,
    markdown_table,
    mebibytes,
    number,
    percent,
    seconds,
    verdict,
)


def plain(text: str) -> str:
    """`text` with ordinary spaces for no-break ones, which every filter uses within a number."""
    return text.replace("\N{NO-BREAK SPACE}", " ")


def value_of(text: str) -> float:
    """The number that `number` wrote."""
    text = plain(text).replace(",", "").replace("\N{MINUS SIGN}", "-")
    return float(re.sub(r" × 10\^(-?\d+)\^", r"e\1", text))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.1234, "0.123"),
        (0.5, "0.500"),
        (-0.0123, "−0.0123"),
        (0.99951, "1.00"),
        (12345.6, "12,300"),
        (999_999.0, "1.00 × 10^6^"),
        (0.0000123, "1.23 × 10^−5^"),
        (-4.56e-12, "−4.56 × 10^−12^"),
        (0.0, "0"),
        (-0.0, "0"),
        (60_000, "60,000"),
        (-7, "−7"),
        (np.int64(1234567), "1,234,567"),
        (np.float32(0.25), "0.250"),
        (math.nan, "undefined"),
        (math.inf, "∞ (diverged)"),
        (-math.inf, "−∞ (diverged)"),
    ],
)
def test_number(value, expected):
    assert plain(number(value)) == expected


def test_number_takes_the_digits_asked_for():
    assert number(0.123456, digits=2) == "0.12"
    assert number(0.123456, digits=5) == "0.12346"


@given(st.floats(-1e300, 1e300, allow_subnormal=False))
def test_number_keeps_three_significant_digits(value):
    assert value_of(number(value)) == pytest.approx(value, rel=0.5001e-2, abs=0)


@given(st.integers(-(10**12), 10**12))
def test_whole_numbers_are_written_in_full(value):
    assert value_of(number(value)) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.123, "12.3 %"), (1, "100 %"), (0, "0 %"), (-0.05, "−5.00 %"), (math.nan, "undefined")],
)
def test_percent(value, expected):
    assert plain(percent(value)) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((0.1234, 0.0812, 0.1734), "0.123 [0.081, 0.173]"),
        ((-0.5, -1.25, 0.25), "−0.5 [−1.2, 0.2]"),
        ((0.001, -0.04, 0.041), "0.001 [−0.040, 0.041]"),
        ((-0.0001, -0.04, 0.041), "0.000 [−0.040, 0.041]"),
        ((12345.0, 11000.0, 14000.0), "12,345 [11,000, 14,000]"),
        ((1e-9, 0.5e-9, 2e-9), "1.00 × 10^−9^ [5.00 × 10^−10^, 2.00 × 10^−9^]"),
        ((0.25, 0.25, 0.25), "0.250 [0.250, 0.250]"),
        ((1.5, 1.0, math.inf), "1.50 [1.00, ∞]"),
        ((1.5, math.nan, math.nan), "1.50 [undefined, undefined]"),
        ((math.nan, 0.0, 1.0), "undefined"),
    ],
)
def test_interval(values, expected):
    assert plain(interval(*values)) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0123, "0.0123 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 0 s"),
        (130, "2 min 10 s"),
        (3599.6, "1 h 0 min"),
        (3900, "1 h 5 min"),
        (360_000, "100 h 0 min"),
        (math.nan, "undefined"),
    ],
)
def test_seconds(value, expected):
    assert plain(seconds(value)) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(512, "512 MiB"), (0.5, "0.500 MiB"), (1536, "1.50 GiB"), (math.nan, "undefined")],
)
def test_mebibytes(value, expected):
    assert plain(mebibytes(value)) == expected


def test_verdict_is_a_marked_span():
    assert plain(verdict("not reproduced")) == "[not reproduced]{.not-reproduced}"
    with pytest.raises(ValueError, match="'maybe' is none of reproduced, not reproduced, inconclusive"):
        verdict("maybe")


def test_table_reads_back_cell_by_cell():
    frame = pd.DataFrame(
        {
            "claim": ["a | b", "$|x| < p(a|b)$ and `c|d`", "two\nlines", None],
            "value": [0.1234, 1e-5, math.nan, math.inf],
            "seeds": [20, 3, 1, 0],
            "held": [True, False, True, False],
            "hidden": [0, 0, 0, 0],
        }
    )
    text = markdown_table(
        frame, {"seeds": "Seeds", "claim": "What | is claimed", "value": "Value", "held": "Held"}
    )
    html = pypandoc.convert_text(text, "html", format="markdown", extra_args=["--mathml", "--wrap=none"])
    html = re.sub(r'<annotation encoding="application/x-tex">(.*?)</annotation>', r"\1", html)
    rows = [re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row) for row in html.split("<tr>")[1:]]
    cells = [[plain(re.sub("<.*?>", "", cell)) for cell in row] for row in rows]
    assert [row[0] for row in cells] == ["Seeds", "20", "3", "1", "0"]
    assert [row[1] for row in cells][::4] == ["What | is claimed", "undefined"]
    assert cells[1][1] == "a | b"
    assert "|x| &lt; p(a|b)" in cells[2][1]
    assert cells[2][1].endswith("and c|d")
    assert cells[3][1] == "two lines"
    assert [row[2] for row in cells[1:]] == ["0.123", "1.00 × 10−5", "undefined", "∞ (diverged)"]
    assert [row[3] for row in cells[1:]] == ["yes", "no", "yes", "no"]
    assert html.count("text-align: right") == 2 * len(rows)


def test_only_an_interval_with_powers_of_ten_may_be_broken():
    assert " " not in interval(0.123, 0.081, 0.173)
    words = interval(7.75e-6, 7.69e-6, 7.82e-6).split(" ")
    assert [word[0] for word in words] == ["7", "[", "7"]


def test_in_a_table_a_line_may_be_broken_before_an_interval():
    text = markdown_table(pd.DataFrame({"loss": [interval(0.123, 0.081, 0.173)]}), {"loss": "Loss"})
    assert "0.123 [0.081,\N{NO-BREAK SPACE}0.173]" in text


def test_table_names_the_unknown_column():
    with pytest.raises(ValueError, match="column 'dept' is not in the table, which has depth, loss"):
        markdown_table(pd.DataFrame({"depth": [1], "loss": [0.5]}), {"dept": "Depth"})


def test_fill_writes_values_and_leaves_maths_and_attributes_alone():
    template = "$\\frac{{a}}{b} = {#c}$ ![x](y){#fig-z} << run.rho | number >>, << share | percent >>.\n"
    filled = fill(template, {"run": {"rho": -0.1234}, "share": 0.5})
    assert plain(filled) == "$\\frac{{a}}{b} = {#c}$ ![x](y){#fig-z} −0.123, 50.0 %.\n"


def test_fill_knows_every_filter_and_leaves_no_trace_of_blocks():
    template = (
        "<# for authors #>\n"
        "<% for time in times %>\n"
        "- << time | seconds >>\n"
        "<% endfor %>\n"
        "<< 3 | mebibytes >>, << 0.12 | interval(0.08, 0.17) >>, << 'reproduced' | verdict >>\n\n"
        "<< table | markdown_table({'a': 'A'}) >>\n"
    )
    filled = fill(template, {"times": [1.5, 70], "table": pd.DataFrame({"a": ["x"]})})
    assert plain(filled) == (
        "- 1.50 s\n- 1 min 10 s\n"
        "3.00 MiB, 0.120 [0.080, 0.170], [reproduced]{.reproduced}\n\n"
        "| A |\n| :-- |\n| x |\n"
    )


@pytest.mark.parametrize(
    ("placeholder", "complaint"),
    [
        ("<< nobody >>", "'nobody' is undefined"),
        ("<< nobody | number >>", "'nobody' is undefined"),
        ("<< run.nothing | percent >>", "no attribute 'nothing'"),
        ("<< run.name | number >>", "must be real number"),
        ("<< run.name | nmber >>", "No filter named 'nmber'"),
        ("<< run.name | verdict >>", "verdict 'Jo' is none of"),
        ("<% if nobody %>yes<% endif %>", "'nobody' is undefined"),
        ("<< run. >>", "expected name or number"),
    ],
)
def test_a_bad_placeholder_is_named_with_its_line(placeholder, complaint):
    template = f"one\n\ntwo << run.name >>\n{placeholder} four\n"
    with pytest.raises(ValueError, match="template line 4: ") as error:
        fill(template, {"run": {"name": "Jo"}})
    assert complaint in str(error.value)
    assert placeholder.split("%>")[0] in str(error.value)
    assert "\n" not in str(error.value)


def test_a_bad_placeholder_of_an_included_file_is_named_with_that_file(tmp_path: Path):
    (tmp_path / "chapter.md").write_text("First.\n\n<< missing >>\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"^chapter\.md line 3: 'missing' is undefined: << missing >>$"):
        fill('Text.\n<% include "chapter.md" %>\n', {}, tmp_path)
