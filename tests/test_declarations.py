"""What modules declare is read without running the rest of them."""

import dataclasses
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

import movingtarget
from movingtarget import declarations
from movingtarget.declarations import declared, figures, schemas, studies
from movingtarget.figure import Drawing

LIBRARY = Path(movingtarget.__file__).parent


@pytest.fixture
def module(tmp_path):
    """Write a module that cannot be run as a whole."""

    def write(text: str) -> Path:
        path = tmp_path / "module.py"
        head = '"""A module."""\n\nimport no_such_library\nfrom nowhere import nothing\n\nraise SystemError\n'
        path.write_text(f"{head}\n{text}\n\nWRONG = 1 / 0\nprint(nothing)\n", encoding="utf-8")
        return path

    return write


def test_only_the_statements_that_a_name_takes_are_run(module):
    path = module(
        """\
BASE = 1
OTHER = no_such_library.value
STEP = BASE + 1
BESIDE = STEP / 0
VALUE = {"base": BASE, "step": STEP, "word": "OTHER"}
"""
    )
    assert declared(path, "VALUE") == {"base": 1, "step": 2, "word": "OTHER"}
    with pytest.raises(ZeroDivisionError):
        declared(path, "BESIDE")
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        declared(path, "OTHER")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def function():\n    return 7\n\nVALUE = function()", 7),
        ("FACTOR = 3\ndef function(x):\n    return FACTOR * x\nVALUE = function(2)", 6),
        ("DEFAULT = 3\ndef function(x=DEFAULT):\n    return x\nVALUE = function()", 3),
        ("DEFAULT = 3\nfunction = lambda: DEFAULT\nVALUE = function()", 3),
        ("class Class:\n    attribute = 4\n\nVALUE = Class.attribute", 4),
        ("class Base:\n    size = 5\nclass Class(Base):\n    pass\nVALUE = Class().size", 5),
        ("def twice(f):\n    return lambda: 2 * f()\n@twice\ndef four():\n    return 2\nVALUE = four()", 4),
        ("import math\nVALUE = math.floor(2.5)", 2),
        ("import math as m\nVALUE = m.floor(2.5)", 2),
        ("import os.path\nVALUE = os.path.basename('a/b')", "b"),
        ("from math import floor\nVALUE = floor(2.5)", 2),
        ("from math import ceil as up, floor\nVALUE = up(2.5)", 3),
        ("import math, json\nVALUE = json.dumps(None)", "null"),
        ("FIRST, VALUE = 1, 2", 2),
        ("(FIRST, (VALUE, *REST)), LAST = (1, (2, 3)), 4", 2),
        ("FIRST = VALUE = 3", 3),
        ("A, B = 1, 2\nVALUE = A + B", 3),
        ("VALUE: int = 8", 8),
        ("SIZES: list[int] = [1, 2]\nVALUE = [2 * size for size in SIZES]", [2, 4]),
        ("VALUE = 1\nVALUE = 2", 2),
        ("NAME = 1\nNAME = 2\nVALUE = NAME", 2),
    ],
)
def test_however_a_name_is_bound(module, text, expected):
    assert declared(module(text), "VALUE") == expected


def test_what_is_declared_may_be_an_import_a_function_or_a_class(module):
    path = module("from pathlib import Path\ndef function():\n    return 1\nclass Class:\n    pass")
    assert declared(path, "Path") is Path
    assert declared(path, "function")() == 1
    assert isinstance(declared(path, "Class"), type)


def test_a_function_finds_its_names_when_it_is_called_later(module):
    text = "import math\nONE = 1\ndef jobs(config):\n    return [math.floor(config) + ONE]\nVALUE = (jobs,)"
    (jobs,) = declared(module(text), "VALUE")
    assert jobs(2.5) == [3]


def test_a_file_knows_where_it_lies(module):
    path = module("from pathlib import Path\nVALUE = Path(__file__).name")
    assert declared(path, "VALUE") == "module.py"


@pytest.mark.parametrize("name", ["UNKNOWN", "inner", "attribute", "print"])
def test_a_name_that_is_not_bound_at_the_top_is_unknown(module, name):
    path = module("def function():\n    inner = 1\n\nclass Class:\n    attribute = 2")
    with pytest.raises(KeyError, match=name):
        declared(path, name)


@pytest.mark.parametrize(
    ("package", "marked", "found"),
    [("experiments", "measure", studies), ("figures", "draw", figures)],
)
def test_every_module_that_measures_or_draws_declares_itself(package, marked, found):
    modules = (LIBRARY / package).glob("*.py")
    binding = re.compile(rf"^(?:def {marked}\(|{marked} = )", re.MULTILINE)
    assert {path.stem for path in modules if binding.search(path.read_text(encoding="utf-8"))} == set(found())


@pytest.mark.parametrize("name", studies())
def test_a_study_is_what_its_module_has(name):
    module = import_module(f"movingtarget.experiments.{name}")
    here, there = studies()[name], module.STUDY
    functions = ("jobs", "problems", "work")
    for field in dataclasses.fields(there):
        if field.name not in functions:
            assert getattr(here, field.name) == getattr(there, field.name)


@pytest.mark.parametrize("name", figures())
def test_a_figure_is_what_its_module_has(name):
    declaration = figures()[name]
    assert isinstance(declaration, Drawing)
    assert declaration == import_module(f"movingtarget.figures.{name}").FIGURE


def test_nothing_runs_beside_what_measures_seconds():
    timed = {name for name, study in studies().items() if any("seconds" in s for s in study.tables.values())}
    assert timed == {name for name, study in studies().items() if study.undisturbed}


def test_schemas_are_those_of_all_studies():
    tables = [table for study in studies().values() for table in study.tables]
    assert [*schemas()] == tables
    assert len(set(tables)) == len(tables)
    assert all(
        schemas()[table] == study.tables[table] for study in studies().values() for table in study.tables
    )


def test_a_table_that_two_studies_make_is_refused(monkeypatch):
    of_study = {"one": ["a", "b"], "two": ["c"], "three": ["d", "b"]}
    made = {
        name: SimpleNamespace(tables={table: {"seed": int} for table in tables})
        for name, tables in of_study.items()
    }
    monkeypatch.setattr(declarations, "studies", lambda: made)
    with pytest.raises(ValueError, match=r"^table b is made twice, the second time by study three$"):
        schemas.__wrapped__()
    del made["three"]
    assert [*schemas.__wrapped__()] == ["a", "b", "c"]


HEAVY = ("torch", "pandas", "matplotlib", "numpy", "scipy", "seaborn", "sklearn")


@pytest.mark.parametrize("name", ["studies", "figures", "schemas"])
def test_declarations_are_read_without_numerical_libraries(name):
    code = f"""
import sys
from movingtarget.declarations import {name}
assert {name}()
print(*{{module.partition(".")[0] for module in sys.modules}})
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = run.stdout.split()
    assert "movingtarget" in loaded
    assert not set(HEAVY) & set(loaded)
