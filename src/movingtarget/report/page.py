"""The report as one web page that loads nothing: style, script, figures and the figures' data within it."""

import base64
import gzip
import html
import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from movingtarget.report.fonts import font_faces
from movingtarget.report.inline_svg import inline_svgs

DIGITS = 4
"""Significant digits of data: what a figure can show, in a fraction of the bytes."""

COLOURS = """<script>
try { document.documentElement.dataset.theme = localStorage.getItem("theme") ?? ""; } catch {}
</script>"""
"""Before anything is shown: the colours that the reader has chosen on an earlier visit."""

SVG = re.compile(r'<svg [^>]*?(viewBox="[^"]*")[^>]*>')
IMAGE = re.compile(r'<img\s+src="([^"]+)\.svg"([^>]*?)\s*/?>')
DATA = re.compile(r'<span\s+id="data-(\w+)">\s*</span>\s*<code>([^<]*)</code>')


def page(pandoc: str, figures: Path, style: Path, data: Mapping[str, pd.DataFrame]) -> str:
    """The page that Pandoc wrote, with all that it needs.

    Args:
        pandoc: a whole page of HTML, with `<img src="NAME.svg">` for figures and, for each table of `data`
            that can be had, its file's name as code behind an element with the identifier `data-TABLE`.
        figures: the folder of the figures.
        style: the folder of `page.css` and `page.js`.
        data: tables by name.
    """
    names = dict.fromkeys(name for name, _ in IMAGE.findall(pandoc))
    drawn = inline_svgs({name: _read(figures / f"{name}.svg") for name in names})
    text = IMAGE.sub(lambda image: _figure(drawn[image[1]], image[2]), pandoc)
    text = DATA.sub(lambda mark: _download(mark[1], mark[2], data.get(mark[1])), text)
    head = f"<style>\n{font_faces(drawn.values())}\n{_read(style / 'page.css')}</style>\n{COLOURS}\n</head>"
    foot = f"</main>\n<script>\n{_read(style / 'page.js')}</script>\n</body>"
    skip = '<body>\n<a id="skip" href="#text">To the text</a>'
    text = text.replace("</head>", head, 1).replace("<body>", skip, 1)
    text = text.replace("</nav>", '</nav>\n<main id="text" tabindex="-1">', 1)
    return foot.join(text.rsplit("</body>", 1))


def _figure(svg: str, attributes: str) -> str:
    """A figure's element, named by the first sentence of its caption and as wide as Pandoc says."""
    described = re.search(r'alt="([^"]*)"', attributes)
    width = re.search(r"width:\s*([\d.]+%)", attributes)
    label = html.escape(html.unescape(described[1]).partition(". ")[0]) if described else "figure"
    opening = f'<svg role="img" aria-label="{label}" style="width:{width[1] if width else "100%"}"'
    drawn = SVG.sub(lambda found: f"{opening} {found[1]}>", svg, count=1)
    return f'<div class="plate">{drawn}</div>'


def _download(name: str, file: str, table: pd.DataFrame | None) -> str:
    """A link with a table's data in it, compressed, or the file's name alone if there is no such table."""
    if table is None:
        return f'<span id="data-{name}"></span><code>{file}</code>'
    text = _seeds_beside(table).to_csv(index=False, float_format=f"%.{DIGITS}g", lineterminator="\n")
    packed = base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
    target = f"data:application/gzip;base64,{packed}"
    return f'<a id="data-{name}" class="data" download="{file}.gz" href="{target}"><code>{file}</code></a>'


def _seeds_beside(table: pd.DataFrame) -> pd.DataFrame:
    """The table with a column for each seed, which halves its bytes, if seed and value are what differs."""
    keys = [column for column in table.columns if column not in ("seed", "value")]
    if not {"seed", "value"} <= {*table.columns} or table.duplicated([*keys, "seed"]).any():
        return table
    arms = table.groupby(keys, sort=False, dropna=False).ngroup() if keys else 0
    wide = table.assign(arm=arms).pivot(index="arm", columns="seed", values="value").add_prefix("seed ")
    return table[keys].drop_duplicates(ignore_index=True).join(wide)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
