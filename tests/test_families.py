"""Names and looks of families."""

from dataclasses import replace

import pytest

from movingtarget.families import FAMILIES


def test_every_family_has_a_name_and_a_look_of_its_own():
    assert len({family.title for family in FAMILIES.values()}) == len(FAMILIES)
    for key in ("color", "marker", "linestyle"):
        assert len({family.look[key] for family in FAMILIES.values()}) == len(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=list(FAMILIES))
def test_what_a_family_is_made_of_says_nothing_of_figures_and_tells_it_from_others(family):
    assert replace(family, title="another", look={}).made_of == family.made_of
    assert [other.made_of for other in FAMILIES.values()].count(family.made_of) == 1
