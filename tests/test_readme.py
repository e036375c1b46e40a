"""What README and the pages that it leads to say can be run, and they name what exists."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MEASURES = (ROOT / "docs/measures.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PAGES = ["README.md", "docs/own_network.md"]


def examples_of(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page, re.DOTALL)


def test_a_network_is_built_and_probed_by_three_lines(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    build, script = examples_of(README)
    exec(compile(build, "README.md", "exec"), names)
    network, loss, optimiser = names["build"]()
    images = torch.randn(256, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    batches = [(part, (part.mean((1, 2, 3)) > 0).long()) for part in images.split(64)]
    exec(
        compile(script, "README.md", "exec"),
        {"network": network, "loss": loss, "batches": batches, "optimiser": optimiser},
    )
    assert "50 allowed of each" in capsys.readouterr().out
    assert (tmp_path / "probe.html").stat().st_size > 10_000


def test_the_examples_of_measures_run(capsys):
    told = [
        "correlation effective autocorrelation first second",
        "kept interaction cosines curvature",
        "gaussian copula pairwise-lower pairwise-upper to to to to",
    ]
    for example, words in zip(examples_of(MEASURES), told, strict=True):
        exec(compile(example, "docs/measures.md", "exec"), {})
        assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == words.split()


def test_commands_are_targets_of_make():
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make (\w+)`", README)) <= targets


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files(page: str):
    text = (ROOT / page).read_text(encoding="utf-8")
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text)]
    files = [link for link in links if link and "://" not in link]
    assert files
    assert all(((ROOT / page).parent / file).exists() for file in files)


def test_the_answers_are_those_of_the_reference():
    """To mend it, put the file between the markers."""
    summary = (ROOT / "results/reference/default/summary.md").read_text(encoding="utf-8")
    answers = README.split("<!-- from results/reference/default/summary.md -->")[1].split("<!-- to here -->")[
        0
    ]
    assert answers.strip() == summary.strip()


def test_readme_is_read_in_two_minutes():
    """At 500 words a minute, which is skimming; code and tables are looked at."""
    prose = re.sub(r"```.*?```|^(?:\||    ).*?$", "", README, flags=re.DOTALL | re.MULTILINE)
    assert 500 < len(prose.split()) < 1050


def test_folders_exist():
    tree = re.search(r"## Where things are\n\n(.*?)\n\n", CONTRIBUTING, re.DOTALL)
    assert tree
    tops = re.findall(r"^    (\S+?)/? ", tree[1], re.MULTILINE)
    assert len(tops) >= 8
    assert all((ROOT / top).exists() for top in tops)


def test_the_map_names_every_part_of_the_library():
    tree = CONTRIBUTING.split("src/movingtarget/ ")[1].split("src/movingtarget_workflow/")[0]
    named = set(re.findall(r"(\w+)(?:/|\.py)", tree))
    library = ROOT / "src/movingtarget"
    there = {
        path.stem for path in library.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert named <= there
    assert there - named <= {"__init__", "look", "names"}
