"""Ready mappings, found by name, and constants that a person sets beside a mapping.

The mappings stand in the folder `mappings`. Each is read like any other.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from core.domain.fault_places import shown
from core.domain.faults import Fault, Faults
from doors.intake import column_mapping
from doors.intake.column_mapping import ColumnMapping
from settings import PROJECT

FOLDER = Path(__file__).parent / "mappings"
EXAMPLE = "telco"
"""The name of the mapping of the example, which stands beside its file."""


def names() -> list[str]:
    """The names of the ready mappings."""
    return sorted([*(file.stem for file in FOLDER.glob("*.yaml")), EXAMPLE])


def file_of(mapping: Path) -> Path:
    """The file of a mapping that is named by its path, or by the name of a ready one.

    Raises `Faults` that list the ready ones if there is neither.
    """
    if mapping.exists():
        return mapping
    if str(mapping) == EXAMPLE:
        return PROJECT / "examples" / "telco-mapping.yaml"
    if str(mapping) in names():
        return FOLDER / f"{mapping}.yaml"
    reason = f"there is no file {shown(str(mapping))}, and no ready mapping of this name"
    raise Faults([Fault("--mapping", f"{reason}; ready ones are {', '.join(names())}")])


def read(mapping: Path, constants: Mapping[str, str]) -> ColumnMapping:
    """Read a mapping by its path or name, with constants in place of some of its fields.

    Raises `Faults`, and OSError if the file cannot be opened.
    """
    return column_mapping.read(file_of(mapping), constants)


def constants_of(place: str, written: Sequence[str]) -> dict[str, str]:
    """Constants that are written as FIELD=VALUE. Raises `Faults`."""
    found: dict[str, str] = {}
    for one in written:
        field, separator, value = one.partition("=")
        if not separator or not value.strip() or field.strip() not in column_mapping.FIELDS:
            allowed = ", ".join(name for name in column_mapping.FIELDS if name != "id")
            reason = f"{shown(one)} is not FIELD=VALUE; fields are {allowed}"
            raise Faults([Fault(place, reason)])
        found[field.strip()] = value.strip()
    return found
