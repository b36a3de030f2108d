"""How many letters two words differ by, fast enough for thousands of words while a person types.

A letter that is wrong, missing, further, or swapped with its neighbour counts as one. A column of
the usual table of distances is a whole number here, with one bit for each letter: Hyyrö, "A
bit-vector algorithm for computing Levenshtein and Damerau edit distances", 2003.
"""

from collections.abc import Callable

Compare = Callable[[str], int | None]
"""A function of a word. It returns by how many letters it differs, None: by more than allowed."""


def compared_with(typed: str, most: int) -> Compare:
    """What compares words with one that was typed. A word that goes on after it fits as well.

    `typed`: at least one letter. `most`: so many letters may differ.
    """
    size, letters = len(typed), set(typed)
    full, last = (1 << size) - 1, 1 << (size - 1)
    places: dict[str, int] = {}
    for place, letter in enumerate(typed):
        places[letter] = places.get(letter, 0) | 1 << place
    places_of = places.get

    def compare(word: str) -> int | None:
        if len(word) < size - most or len(letters.difference(word)) > most:
            return None
        # Bits of a column: where a row is one more (`up`) or one less (`down`) than the row above,
        # and where the diagonal costs nothing (`free`).
        up, down, free, before = full, 0, 0, 0
        distance = least = size
        for letter in word[: size + most]:
            here = places_of(letter, 0)
            swapped = ((~free & here) << 1) & before
            free = (((here & up) + up) ^ up) | here | down | swapped
            more, fewer = down | ~(free | up), free & up
            if more & last:
                distance += 1
            elif fewer & last:
                distance -= 1
                least = min(least, distance)
            more, fewer = more << 1 | 1, fewer << 1
            up, down = (fewer | ~(free | more)) & full, more & free & full
            free &= full
            before = here
        return least if least <= most else None

    return compare
