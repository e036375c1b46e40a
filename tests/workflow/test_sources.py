"""Which library modules a rule depends on."""

from pathlib import Path

import pytest

from movingtarget_workflow.sources import digest, sources

ROOT = Path(__file__).parents[2]


def names(*modules: str) -> set[str]:
    return {path.split("movingtarget/")[-1] for path in sources(*modules)}


def test_imports_are_followed_through_modules_and_packages():
    found = names("experiments.trained_members")
    assert {
        "experiments/trained_members.py",
        "training/loop.py",
        "networks/layers.py",
        "data/idx.py",
    } <= found
    assert {"__init__.py", "training/__init__.py"} <= found


def test_what_is_not_imported_is_not_a_source():
    assert not any(name.startswith(("report/", "figures/")) for name in names("experiments.trained_members"))
    assert not any(name.startswith("training/loop") for name in names("experiments.line_gradients"))


def test_an_unknown_module_is_an_error():
    with pytest.raises(ValueError, match=r"'movingtarget\.nowhere' is not a module"):
        sources("nowhere")


def test_the_library_knows_nothing_of_the_workflow():
    for path in (ROOT / "src/movingtarget").rglob("*.py"):
        assert "snakemake" not in {line.split()[1] for line in _imports(path)}
        assert not any("movingtarget_workflow" in line for line in _imports(path))


def _imports(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if line.startswith(("import ", "from "))]


def test_digest_follows_content_and_order(tmp_path: Path):
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("1")
    second.write_text("2")
    assert digest([first, second]) != digest([second, first])
    assert digest([first]) == digest([first])
    before = digest([first])
    first.write_text("3")
    assert digest([first]) != before
