"""What README says can be run, and it names what exists."""

import re
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_a_network_is_built_and_probed_by_three_lines(capsys):
    names: dict[str, Any] = {}
    exec(compile(EXAMPLES[0], "README.md", "exec"), names)
    network, loss, optimiser = names["build"]()
    images = torch.randn(256, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    batches = [(part, (part.mean((1, 2, 3)) > 0).long()) for part in images.split(64)]
    exec(
        compile(EXAMPLES[1], "README.md", "exec"),
        {"network": network, "loss": loss, "batches": batches, "optimiser": optimiser},
    )
    assert "50 allowed of each" in capsys.readouterr().out


def test_the_examples_run(capsys):
    examples = EXAMPLES[2:]
    told = [
        "correlation effective autocorrelation first second",
        "kept interaction cosines curvature",
        "gaussian copula pairwise-lower pairwise-upper to to to to",
    ]
    for example, words in zip(examples, told, strict=True):
        exec(compile(example, "README.md", "exec"), {})
        assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == words.split()


def test_commands_are_targets_of_make():
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make (\w+)`", README)) <= targets


def test_folders_exist():
    tree = re.search(r"## Where things are\n\n(.*?)\n\n", README, re.DOTALL)
    assert tree
    tops = re.findall(r"^    (\S+?)/? ", tree[1], re.MULTILINE)
    assert len(tops) >= 8
    assert all((ROOT / top).exists() for top in tops)


def test_the_map_names_every_part_of_the_library():
    tree = README.split("src/movingtarget/ ")[1].split("src/movingtarget_workflow/")[0]
    named = set(re.findall(r"(\w+)(?:/|\.py)", tree))
    library = ROOT / "src/movingtarget"
    there = {
        path.stem for path in library.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert named <= there
    assert there - named <= {"__init__", "look", "names"}
