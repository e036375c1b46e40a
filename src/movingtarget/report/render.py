"""The report's Markdown into a web page, a PDF and LaTeX source."""

import os
import re
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pypandoc
import typst

from movingtarget.report.fonts import FOLDER
from movingtarget.report.page import page


def render(
    markdown: str,
    *,
    figures: Path,
    style: Path,
    bibliography: Path,
    data: Mapping[str, pd.DataFrame],
    html: Path,
    pdf: Path,
    tex: Path,
) -> None:
    """Write `markdown` (Pandoc's, every number filled in) as a self-contained page, a PDF and LaTeX source.

    Figures and tables are numbered alike in all three: `![Caption.](name){#fig-name}` is numbered where it
    stands and as wide as the text unless it says `width=60%`, `[](#fig-name)` links to it as "Figure 1". The
    same inputs give the same bytes.

    Args:
        markdown: the report, with a YAML header for title, subtitle, date and abstract.
        figures: the folder that image paths are relative to, which holds each figure as SVG (for HTML and
            PDF) and as PDF (for LaTeX).
        style: the folder of Pandoc's options for each format: `html.yaml`, `typst.yaml`, `latex.yaml`.
        bibliography: the BibTeX file.
        data: tables that the page has for download, by name.
        html: the page to write; it loads nothing from anywhere.
        pdf: the PDF to write.
        tex: the LaTeX source to write; it finds the figures by a path relative to its own folder.

    Raises:
        ValueError: a missing figure, an undefined citation, a dead link, maths that cannot be read; one line.
    """
    sources = [f"--resource-path={figures}", f"--bibliography={bibliography}"]
    graphics = Path(os.path.relpath(figures, tex.parent)).as_posix()
    header = rf"\usepackage{{graphicx}}\graphicspath{{{{{graphics}/}}}}"
    options = {
        "html": [],
        "typst": [],
        "latex": [f"--variable=header-includes:{header}"],
    }
    with ThreadPoolExecutor() as pool:  # a process of Pandoc each
        written, document, latex = pool.map(
            lambda name: _pandoc(markdown, f"--defaults={style / name}.yaml", *options[name], *sources),
            options,
        )
        whole = pool.submit(page, written, figures, style, data)
        contents = {pdf: _typst(document, figures), tex: latex.encode(), html: whole.result().encode()}
    for path, content in contents.items():
        _write(path, content)


def render_summary(markdown: str, *, bibliography: Path, summary: Path) -> None:
    """Write `markdown` (Pandoc's, every number filled in) as GitHub's Markdown, citations in words.

    Args:
        markdown: the summary.
        bibliography: the BibTeX file.
        summary: the file to write.

    Raises:
        ValueError: as `render` does.
    """
    options = ["--from=markdown", "--to=gfm", "--wrap=none", "--citeproc", "--fail-if-warnings"]
    cited = [f"--bibliography={bibliography}", "--metadata=suppress-bibliography:true"]
    _write(summary, _pandoc(markdown, *options, *cited).encode())


def _pandoc(markdown: str, *options: str) -> str:
    """Pandoc's output; any warning of Pandoc's is an error."""
    command = [pypandoc.get_pandoc_path(), *options]
    run = subprocess.run(command, input=markdown.encode(), capture_output=True, check=False)
    if run.returncode:
        raise ValueError(f"the report cannot be rendered: {_one_line(run.stderr.decode())}")
    return run.stdout.decode()


def _typst(document: str, figures: Path) -> bytes:
    """The PDF of a Typst document whose images lie in `figures`; any warning of Typst's is an error.

    Where Typst cannot tag what floats (https://github.com/typst/typst/issues/8487), nothing does.
    """
    try:
        return _compiled(document, figures, {"floats": "yes"})
    except ValueError as error:
        if "internal error" not in str(error):
            raise
    return _compiled(document, figures, {})


def _compiled(document: str, figures: Path, inputs: dict[str, str]) -> bytes:
    """What Typst makes of a document and these `sys.inputs`."""
    compiler = typst.Compiler(root=figures, ignore_system_fonts=True, font_paths=[FOLDER], sys_inputs=inputs)
    try:
        pdf, warnings = compiler.compile_with_warnings(document.encode())
    except typst.TypstError as error:
        excerpt = re.sub(r".*┌─.*|[│^]", "", error.diagnostic)
        raise ValueError(f"the report cannot be typeset: {_one_line(excerpt)}") from error
    if warnings:
        raise ValueError(f"the report cannot be typeset: {_one_line(warnings[0].message)}")
    assert isinstance(pdf, bytes)
    return pdf


def _one_line(messages: str) -> str:
    """The complaints of Pandoc or Typst on one line, without where in the filter or the parser they arose."""
    noise = r"Scripting warning at .*?column \d+:|^ +expecting .*|^HasCallStack[\s\S]*|^Failing because .*"
    messages = re.sub(noise, "", messages, flags=re.MULTILINE)
    return "; ".join(" ".join(message.split()) for message in messages.split("[WARNING]") if message.strip())


def _write(path: Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)
