"""The data sets: their files, the published bytes' hashes, and where they can be had."""

from collections.abc import Mapping
from typing import NamedTuple

from movingtarget.names import unknown

TRAIN_INPUTS = "train-images-idx3-ubyte"
TRAIN_LABELS = "train-labels-idx1-ubyte"
TEST_INPUTS = "t10k-images-idx3-ubyte"
TEST_LABELS = "t10k-labels-idx1-ubyte"
FILES = (TRAIN_INPUTS, TRAIN_LABELS, TEST_INPUTS, TEST_LABELS)

DIGIT_NAMES = tuple("0123456789")


class Dataset(NamedTuple):
    """What is known of a data set.

    Attributes:
        name: as the config has it.
        title: what the report calls it.
        class_sizes: how many training images there are of each class.
        test_images: how many there are.
        side: height and width of an image in pixels.
        sha256: of each of the four files, uncompressed, by file name.
        mirrors: base addresses; each serves NAME.gz.
        debian_package: the package of Debian that holds the files, or None.
        class_names: of the classes, in the order of their numbers.
        in_scikit_learn: whether it is the set of digits that comes with scikit-learn.
    """

    name: str
    title: str
    class_sizes: tuple[int, ...]
    test_images: int
    side: int
    sha256: Mapping[str, str]
    mirrors: tuple[str, ...] = ()
    debian_package: str | None = None
    class_names: tuple[str, ...] = DIGIT_NAMES
    in_scikit_learn: bool = False

    @property
    def training_images(self) -> int:
        """How many there are."""
        return sum(self.class_sizes)

    @property
    def pixels(self) -> int:
        """Of an image."""
        return self.side**2

    @property
    def classes(self) -> int:
        """How many the images are of."""
        return len(self.class_sizes)


# LeCun, Bottou, Bengio & Haffner 1998. The authors' own server no longer serves the files.
MNIST = Dataset(
    name="mnist",
    title="MNIST",
    class_sizes=(5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949),
    test_images=10_000,
    side=28,
    sha256={
        TRAIN_INPUTS: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        TRAIN_LABELS: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        TEST_INPUTS: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        TEST_LABELS: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
)

# Xiao, Rasul & Vollgraf 2017.
FASHION_MNIST = Dataset(
    name="fashion-mnist",
    title="Fashion-MNIST",
    class_sizes=(6_000,) * 10,
    test_images=10_000,
    side=28,
    sha256={
        TRAIN_INPUTS: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        TRAIN_LABELS: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        TEST_INPUTS: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        TEST_LABELS: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
    mirrors=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
    debian_package="dataset-fashion-mnist",
    class_names=(
        *("T-shirt/top", "trouser", "pullover", "dress", "coat"),
        *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
    ),
)

# Alpaydin & Kaynak 1998, as scikit-learn has it, cut and written as IDX by `sources.scikit_learn_digits`.
DIGITS = Dataset(
    name="digits",
    title="scikit-learn's digits",
    class_sizes=(143, 146, 142, 146, 144, 145, 144, 143, 141, 143),
    test_images=360,
    side=8,
    sha256={
        TRAIN_INPUTS: "41e463fb11442353328aed136a72ca93512604a7ae6e294205756d54294c7502",
        TRAIN_LABELS: "f8a600b73e2c056aa42316260206e6643bd33e96bd71cfb8e32b94f76fac4f93",
        TEST_INPUTS: "ee7550fe34409fc27d844b52fd0408fab403b2cc523bb34baa4ebd95b760d882",
        TEST_LABELS: "cf2c8a23974df0c99eb3f36ff34c02acb9be1c84aca7280211ef04bea1135360",
    },
    in_scikit_learn=True,
)

DATASETS = {dataset.name: dataset for dataset in (MNIST, FASHION_MNIST, DIGITS)}


def dataset_named(name: str) -> Dataset:
    """Data set of that name.

    Raises:
        ValueError: there is none.
    """
    if name not in DATASETS:
        raise ValueError(unknown("dataset", name, DATASETS))
    return DATASETS[name]
