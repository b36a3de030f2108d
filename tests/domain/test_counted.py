"""Numbers with their nouns."""

import pytest

from core.domain.counted import counted


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (2000, "2,000 rows")]
)
def test_a_number_has_its_noun_in_the_right_form(number: int, words: str) -> None:
    assert counted(number, "row") == words


def test_a_noun_can_have_a_plural_of_its_own() -> None:
    assert [counted(n, "row is", "rows are") for n in (1, 3)] == ["1 row is", "3 rows are"]
