"""pyproject.toml, the files of pins and environment.yml name the same packages."""

import re
import tomllib
from importlib.metadata import requires
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
FILES = ("requirements.txt", "requirements-no-deps.txt")


def listed() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [Requirement(line) for line in project["dependencies"] + project["optional-dependencies"]["test"]]


def pinned() -> dict[str, str]:
    lines = [line for file in FILES for line in (ROOT / file).read_text().splitlines()]
    pins = [line.split("==") for line in lines if not line.startswith("#")]
    return {normal(name): version for name, version in pins}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_dependency_is_pinned_to_a_version_it_allows():
    pins = pinned()
    for requirement in listed():
        assert requirement.specifier.contains(pins[normal(requirement.name)]), requirement


def test_what_pinned_packages_need_is_pinned():
    """On Linux, torch may need packages of CUDA, which it names itself."""
    pins = pinned()
    needed = [(name, Requirement(line)) for name in pins if name != "torch" for line in requires(name) or []]
    missing = {
        (name, requirement.name)
        for name, requirement in needed
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if normal(requirement.name) not in pins
    }
    assert missing == {("backpack-for-pytorch", "torchvision")}


@pytest.mark.parametrize("file", FILES)
def test_pins_are_exact_and_without_addresses(file):
    text = (ROOT / file).read_text()
    assert "://" not in text
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9a-z.]+", line) for line in text.splitlines() if line[0] != "#")


def test_torch_is_of_this_release():
    assert pinned()["torch"] == "2.13.0"


def test_conda_takes_its_python_packages_from_the_pins():
    dependencies = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    assert dependencies[-1] == {"pip": ["--requirement requirements.txt", "--editable ."]}
    assert {name.split("=")[0] for name in dependencies[:-1]} == {"python", "pip"}
