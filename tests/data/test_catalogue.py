import re

import pytest

from movingtarget.data.catalogue import DATASETS, FILES, Dataset, dataset_named


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=lambda dataset: dataset.name)
def test_entries_are_complete(dataset: Dataset) -> None:
    assert set(dataset.sha256) == set(FILES)
    assert all(re.fullmatch("[0-9a-f]{64}", sha256) for sha256 in dataset.sha256.values())
    assert dataset.in_scikit_learn or dataset.mirrors
    assert all(url.startswith(("http://", "https://")) and url.endswith("/") for url in dataset.mirrors)


def test_no_two_files_are_the_same() -> None:
    hashes = [sha256 for dataset in DATASETS.values() for sha256 in dataset.sha256.values()]
    assert len(hashes) == len(set(hashes)) == len(DATASETS) * len(FILES)


def test_known_by_name() -> None:
    assert dataset_named("fashion-mnist").debian_package == "dataset-fashion-mnist"


def test_unknown_name_says_what_is_allowed() -> None:
    with pytest.raises(ValueError, match="dataset 'cifar' is unknown; allowed: mnist, fashion-mnist, digits"):
        dataset_named("cifar")


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_sixty_thousand_images_are_divided_into_classes(name: str):
    assert (DATASETS[name].training_images, DATASETS[name].classes) == (60_000, 10)


def test_every_class_has_a_name_of_its_own():
    assert all(len(set(dataset.class_names)) == dataset.classes for dataset in DATASETS.values())
    assert (DATASETS["fashion-mnist"].class_names[1], DATASETS["mnist"].class_names[7]) == ("trouser", "7")
