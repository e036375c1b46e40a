"""The page has all within it: figures, their data, style and script."""

import base64
import gzip
import io
import re
from pathlib import Path

import pandas as pd
import pytest

from movingtarget.report.page import _seeds_beside, page

STYLE = Path(__file__).parents[2] / "report/style"
PANDOC = r"""<html><head><title>T</title></head><body>
<nav></nav>
<figure id="fig-one"><img src="one.svg" style="width:60.0%" alt="See &amp; it, $\in$." /></figure>
<ul><li><span id="data-losses"></span><code>losses.csv</code>: 2 rows</li>
<li><span id="data-lost"></span><code>lost.csv</code></li></ul></body></html>"""
TABLE = pd.DataFrame({"seed": [0, 10000000], "loss": [1 / 3, float("nan")]})


@pytest.fixture
def written(tmp_path: Path) -> str:
    svg = '<?xml version="1.0"?><svg xmlns:xlink="x" width="9pt" height="8pt" viewBox="0 0 9 8">'
    (tmp_path / "one.svg").write_text(f"{svg}<g/></svg>", encoding="utf-8")
    return page(PANDOC, tmp_path, STYLE, {"losses": TABLE})


def test_a_figure_is_drawn_within_the_page_as_wide_as_it_should_be(written: str):
    assert "<img" not in written
    assert r'<svg role="img" aria-label="See &amp; it, $\in$." style="width:60.0%" viewBox=' in written


def test_data_come_back_to_four_digits_and_what_there_is_not_stays_a_name(written: str):
    ((name, packed),) = re.findall(
        r'download="([\w.]+)" href="data:application/gzip;base64,([^"]*)"><code>losses', written
    )
    assert name == "losses.csv.gz"
    back = pd.read_csv(io.BytesIO(gzip.decompress(base64.b64decode(packed))))
    assert back["seed"].tolist() == TABLE["seed"].tolist()
    assert back["loss"][0] == 0.3333
    assert '<span id="data-lost"></span><code>lost.csv</code>' in written


SEEDS = pd.DataFrame({"seed": [3, 4, 3], "step": ["9", "9", None], "value": [1.0, 2.0, 3.0]})


def test_seeds_are_columns_in_the_order_of_rows():
    wide = _seeds_beside(SEEDS)
    assert wide.to_csv(index=False).splitlines() == ["step,seed 3,seed 4", "9,1.0,2.0", ",3.0,"]


@pytest.mark.parametrize(
    "table",
    [TABLE, SEEDS.assign(step=9), SEEDS[["step", "seed"]]],
    ids=["no value", "a seed twice", "no measurements"],
)
def test_what_seeds_do_not_tell_apart_stays_as_it_is(table: pd.DataFrame):
    pd.testing.assert_frame_equal(_seeds_beside(table), table)


def test_style_and_script_stand_where_they_are_read(written: str):
    assert written.index("@font-face") < written.index("--ink:") < written.index("</head>")
    assert written.index("use strict") > written.index("</ul>")
    assert written.index("<main") < written.index("fig-one") < written.index("</main>")
    assert written.endswith("</script>\n</body></html>")
    assert not re.search(r'(?:src|href)="(?!#|data:)', written)
