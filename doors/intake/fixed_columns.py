"""The header of a file whose columns have fixed names: numbers, prices, usage."""

from collections.abc import Sequence

from core.domain.fault_places import shown
from core.domain.faults import Fault, Faults
from core.domain.inputs import either


def fixed_columns(
    header: Sequence[str],
    allowed: Sequence[str],
    needed: Sequence[str],
    unread: Sequence[str] = (),
) -> list[str]:
    """The names of the columns in small letters. A nameless column is not read.

    `allowed`, `needed`: the columns that the file may have, and those that it must have.
    `unread`: further columns that it may have.

    Raises `Faults` unless all columns are known, stand once, and the needed ones are there.
    """
    names = [name.lower() for name in header]
    wrong = [
        f"{shown(name)} is no column; allowed are {either(allowed)}"
        for name in names
        if name not in ("", *allowed, *unread)
    ]
    wrong += [f"{name} stands here twice" for name in allowed if names.count(name) > 1]
    wrong += [f"lacks the column {name}" for name in needed if name not in names]
    if wrong:
        raise Faults([Fault("line 1", reason) for reason in wrong])
    return names
