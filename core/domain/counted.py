"""Numbers of things in sentences for people: ``1 row``, ``2,000 rows``."""


def counted(number: int, one: str, several: str | None = None) -> str:
    """A number with its noun. `several`: the plural, default `one` with an s."""
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"
