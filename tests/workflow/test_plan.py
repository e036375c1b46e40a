"""What a run's plan holds of studies that stand apart, of other data sets, of methods and of estimators."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from project_copy import ROOT, copy_project, planned

from movingtarget.data.catalogue import DATASETS
from movingtarget.declarations import schemas
from movingtarget.estimators import ESTIMATORS
from movingtarget.methods import METHODS
from movingtarget_workflow import places, plan


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    settings: dict[str, Any] = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    return settings


def test_what_others_wait_for_goes_before_figures_and_these_before_all_else():
    awaited = {name: plan.priority(name) for name in ("autoencoder_trials", "autoencoder_search", "training")}
    assert awaited == dict.fromkeys(awaited, plan.FIRST)
    assert plan.priority("learning_speed") == plan.FIRST  # it takes moments
    assert plan.priority("whiteness") == 0
    assert 0 < max(map(len, plan.drawing_rules().values())) < plan.FIRST


def test_a_study_needs_those_whose_members_or_tables_it_takes():
    assert plan.needed("image_gradients") == ["training"]  # members
    assert sorted(plan.needed("learning_speed")) == ["depth_ladder", "shattering_in_training"]  # tables
    assert plan.needed("whiteness") == []


def test_a_study_apart_is_no_part_of_a_whole_run(config):
    assert places.REFERENCES == ["locoprop_released", "peer_detection", "usual_values"]
    assert "locoprop_released" not in plan.TABLES
    assert "locoprop_released" not in plan.parts(config)
    assert "locoprop_released" not in plan.cost_names(config)


def test_a_table_of_a_study_apart_is_read_from_the_references(tmp_path: Path):
    assert places.table_path("locoprop", tmp_path) == tmp_path / "tables/locoprop.csv"
    kept = places.table_path("locoprop_released", tmp_path)
    assert kept.resolve() == ROOT / "results/reference/locoprop_released.csv"
    assert not kept.is_absolute()
    assert kept.is_file()


def test_a_copy_without_the_references_does_without_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    schema = schemas()["locoprop_released"]
    assert not places.is_missing("locoprop_released")
    assert len(places.read("locoprop_released", schema, tmp_path)) == 16
    monkeypatch.setattr(places, "PROJECT", tmp_path)
    assert places.is_missing("locoprop_released")
    table = places.read("locoprop_released", schema, tmp_path)
    assert table.empty
    assert [*table] == [*schema]
    assert not places.is_missing("locoprop")
    with pytest.raises(FileNotFoundError):
        places.read("locoprop", schemas()["locoprop"], tmp_path)


def test_a_project_without_the_references_can_be_run(tmp_path: Path):
    project = copy_project(tmp_path)
    shutil.rmtree(project / "results/reference")
    assert planned(project)["draw_locoprop"] == 1


@pytest.mark.parametrize(("dataset", "needed"), [("digits", ["digits", "mnist"]), ("mnist", ["mnist"])])
def test_a_study_of_one_data_set_has_it_whatever_the_run_is_about(config, dataset, needed):
    chosen = config | {"dataset": dataset}
    assert plan.datasets(chosen) == needed
    assert plan.dataset_of(plan.STUDIES["locoprop_released"], chosen) == "mnist"
    assert plan.dataset_of(plan.STUDIES["training"], chosen) == dataset
    assert plan.dataset_of(plan.STUDIES["linear_chain"], chosen) is None
    parameters = plan.parameters("locoprop_released", "", chosen)
    assert parameters["dataset"] == "mnist"
    assert parameters["published"] == dict(DATASETS["mnist"].sha256)


def test_what_a_method_is_made_of_decides_its_jobs_and_no_others(config):
    parameters = plan.parameters("autoencoder_trials", "standard-k-fac", config)
    assert parameters["made_of"]["k-fac"] == plan._plain(METHODS["k-fac"].made_of)
    assert "movingtarget.training.kfac" not in parameters["modules"]
    assert "training.kfac" in parameters["modules"]
    other = plan.parameters("autoencoder_trials", "standard-foof", config)
    assert "training.kfac" not in other["modules"]
    assert parameters["code"] != other["code"]


def test_what_an_estimator_is_made_of_decides_the_jobs_that_call_it(config, monkeypatch: pytest.MonkeyPatch):
    parameters = plan.parameters("estimator_accuracy", "", config)
    assert parameters["made_of"]["binned"] == plan._plain(ESTIMATORS["binned"].made_of)
    assert "measures.mutual_information.binned" in parameters["modules"]
    assert "alignment" not in parameters["made_of"]
    assert "measures.mutual_information.alignment" not in parameters["modules"]
    other = dataclasses.replace(ESTIMATORS["binned"], options={"bins": 5})
    monkeypatch.setitem(ESTIMATORS, "binned", other)
    assert plan.parameters("estimator_accuracy", "", config)["made_of"] != parameters["made_of"]
