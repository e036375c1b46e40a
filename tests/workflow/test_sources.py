"""Which library modules a job depends on, and what does not depend on anything above it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from movingtarget.declarations import LIBRARY
from movingtarget_workflow.sources import DECLARING, code_digest, digest, imported_modules, sources

FLOORS = [
    *("names", "look", "work", "tables", "families", "update_orders", "methods", "estimators"),
    *("faults", "tools", "structures"),
    *("settings", "study"),
    *("arms", "autoencoders"),
    *(
        "declarations",
        "statistics",
        "data",
        "figure",
        "networks",
        "theory",
        "measures",
        "training",
        "drawing",
    ),
    *("probing", "cases", "peers", "experiments", "figures", "claims", "report", "verification", "__main__"),
]
"""From the lowest to the highest: a module imports from its own floor and from those below."""


def test_networks_that_are_built_by_name_count_and_what_is_offered_lazily_does_not():
    assert "movingtarget.cases.structures" in sources("experiments.usual_values")
    assert "movingtarget.probing.probe" in sources("experiments.fault_detection", "peers.probe")
    assert not [name for name in sources("experiments.training") if ".probing" in name or ".drawing" in name]


def test_imports_are_followed_through_modules_and_packages():
    assert {
        "movingtarget",
        "movingtarget.data.idx",
        "movingtarget.networks.layers",
        "movingtarget.training",
        "movingtarget.training.arms",
        "movingtarget.training.loop",
    } <= set(sources("experiments.training"))


def test_what_is_not_imported_is_not_a_source():
    found = sources("experiments.training")
    assert not any(name.startswith(("movingtarget.report", "movingtarget.figures")) for name in found)
    assert "movingtarget.training.loop" not in sources("experiments.line_gradients")


def test_what_only_declares_is_no_source():
    assert "movingtarget.families" in imported_modules("movingtarget.networks.build")
    assert not DECLARING & set(sources("experiments.training", "figures.training_curves"))
    assert all((LIBRARY.parent / f"{name.replace('.', '/')}.py").is_file() for name in DECLARING)


def test_an_unknown_module_is_an_error():
    with pytest.raises(ValueError, match=r"'movingtarget\.nowhere' is not a module"):
        sources("nowhere")


@pytest.mark.parametrize("floor", FLOORS)
def test_nothing_is_imported_from_a_floor_above(floor: str):
    place = LIBRARY / floor
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    assert files
    for file in files:
        names = re.findall(r"^\s*from movingtarget\.(\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
        above = {name for name in names if FLOORS.index(name) > FLOORS.index(floor)}
        allowed = {"figure", "study"} if floor == "declarations" else set()  # types of what it reads
        assert above <= allowed, f"{file.name} imports {above}"


def test_every_module_stands_on_a_floor():
    there = {
        path.stem for path in LIBRARY.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert there - {"__init__"} == set(FLOORS)


def test_the_library_knows_nothing_of_the_workflow():
    for path in LIBRARY.rglob("*.py"):
        imports = re.findall(r"^\s*(?:from|import) (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert not {"snakemake", "movingtarget_workflow"} & set(imports), path


def test_digest_follows_content_and_order(tmp_path: Path):
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("1")
    second.write_text("2")
    assert digest([first, second]) != digest([second, first])
    assert digest([first]) == digest([first])
    before = digest([first])
    first.write_text("3")
    assert digest([first]) != before


def test_a_digest_of_code_knows_modules_by_name_and_files_by_content(tmp_path: Path):
    one, same, other = (tmp_path / name / "script.py" for name in "abc")
    for file, text in {one: "1", same: "1", other: "2"}.items():
        file.parent.mkdir()
        file.write_text(text)
    modules = sources("tables")
    assert code_digest(modules, one) == code_digest(modules, same) != code_digest(modules, other)
    assert code_digest(modules) != code_digest(sources("names", "tables")[:1])


def test_declarations_load_no_module_that_a_job_would_have_to_count():
    """They are read in every job: what they load must count for none, or every job would have to count it."""
    say = (
        "import sys; from movingtarget.declarations import figures, schemas; figures(); schemas();"
        "print(*(name for name in sys.modules if name.split('.')[0] == 'movingtarget'))"
    )
    run = subprocess.run([sys.executable, "-c", say], capture_output=True, text=True, check=True)
    packages = {name.rpartition(".")[0] for name in DECLARING}
    assert set(run.stdout.split()) <= DECLARING | packages | {"movingtarget.tables"}
