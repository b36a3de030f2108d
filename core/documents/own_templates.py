"""A folder of templates that a seller puts in the place of those of Perennial."""

from collections.abc import Callable, Collection, Iterable
from pathlib import Path

LARGEST_TEMPLATE = 64_000
"""Bytes of a template."""


class BadTemplates(ValueError):
    """Templates of a seller that cannot be used. The message has a line for each fault."""


def check_folder(
    folder: Path, known: Collection[str], such: str, attempts: Iterable[Callable[[], object]]
) -> None:
    """Check the names and sizes of a folder, and that everything can be made with its templates.

    `known`: the names that are allowed. `such`: some of them, in words.
    `attempts`: what makes each thing once. Each raises BadTemplates when it cannot.

    Raises BadTemplates with all faults.
    """
    if not folder.is_dir():
        raise BadTemplates(f"{folder} is no folder")
    faults = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir():
            continue
        if name not in known:
            faults.append(f"{name}: unknown; allowed are such as {such}")
        elif path.stat().st_size > LARGEST_TEMPLATE:
            faults.append(f"{name}: has more than {LARGEST_TEMPLATE} bytes")
    for attempt in attempts:
        try:
            attempt()
        except BadTemplates as error:
            faults.append(str(error))
    if faults:
        raise BadTemplates("\n".join(dict.fromkeys(faults)))
