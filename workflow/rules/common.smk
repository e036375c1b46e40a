"""Where files lie."""

PART_NAMES = plan.parts(config)
PARTS = [
    f"{RESULTS}/tables/parts/{table}/{part}.csv" for table, parts in PART_NAMES.items() for part in parts
]


def table_file(table):
    return f"{RESULTS}/tables/{table}.csv"


def files_of(tables):
    """Where tables are read, but for those that are missing."""
    return [str(places.table_path(table, RESULTS)) for table in tables if not places.is_missing(table)]


def needs_of(study):
    """A study's inputs by name; those of a part have its name for a wildcard."""
    needs = dict(zip(study.reads, files_of(study.reads)))
    if study.images:
        needs["images"] = f"{RESULTS}/data/{plan.dataset_of(study, config)}/SHA256SUMS"
    if study.members:
        needs["members"] = f"{RESULTS}/members/{study.members}/{{part}}.pt"
    return needs


def products_of(name, study, parts):
    """A study's outputs by name."""
    products = {
        table: f"{RESULTS}/tables/parts/{table}/{{part}}.csv" if parts else table_file(table)
        for table in study.tables
    }
    if study.keeps_members:
        products["members"] = f"{RESULTS}/members/{name}/{{part}}.pt"
    return products


def shown_figure(figure):
    """A figure for the screen, which snakemake's report shows in its chapter."""
    return report(
        f"{RESULTS}/figures/{figure}.svg",
        caption=str(Path(f"{RESULTS}/figures/{figure}.rst").absolute()),
        category=chapters.chapter_of_figure(figure),
        labels={"figure": figure.replace("_", " ").capitalize()},
    )
