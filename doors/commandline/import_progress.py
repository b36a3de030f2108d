"""The import from the command line: its files, its progress bar, and what is said when it cannot go on (`doors.intake.customer_import` does the work)."""

import shutil
import tempfile
from pathlib import Path

from doors.commandline import errors
from doors.commandline.inputs import wrong
from doors.commandline.progress import counting
from doors.intake import column_mapping
from doors.intake.customer_import import Report, import_file, import_into
from doors.queries.reading import NotFound
from settings import Settings


async def from_files(
    file: Path,
    mapping_file: Path | None,
    *,
    dry_run: bool,
    clock: str | None,
    faults: Path | None,
    prefix: str,
    limit: int | None,
) -> Report:
    """Import a file by a mapping file; a dry run needs the database alone. Faulty rows are listed in `faults`, or in `faults_of(file)`."""
    if faults is not None and any(
        read and faults.exists() and read.exists() and faults.samefile(read)
        for read in (file, mapping_file)
    ):
        wrong(
            "--faults",
            f"{faults} is read by this import and would be overwritten; name another file",
        )
    config = errors.configured()
    with tempfile.TemporaryDirectory(prefix="perennial-") as scratch:
        written = faults or Path(scratch) / "faults.csv"
        report = await _import(config, file, mapping_file, dry_run, clock, written, prefix, limit)
        if report.faulty and faults is None:
            shutil.copyfile(written, faults_of(file))
    return report


def faults_of(file: Path) -> Path:
    """Where the faulty rows of a file are listed, when nothing else is asked for: in the directory one is in."""
    return Path(f"{file.stem}-faults.csv")


async def _import(
    config: Settings,
    file: Path,
    mapping_file: Path | None,
    dry_run: bool,
    clock: str | None,
    faults: Path,
    prefix: str,
    limit: int | None,
) -> Report:
    try:
        by = None if mapping_file is None else column_mapping.read(mapping_file)
        with counting(file.name) as progress:
            if dry_run:
                with errors.ledger(config) as ledger:
                    return await import_into(
                        ledger,
                        file,
                        by,
                        dry_run=True,
                        clock=clock,
                        faults=faults,
                        prefix=prefix,
                        limit=limit,
                        progress=progress,
                    )
            async with errors.perennial(config) as perennial:
                return await import_file(
                    perennial,
                    file,
                    by,
                    clock=clock,
                    faults=faults,
                    prefix=prefix,
                    limit=limit,
                    progress=progress,
                )
    except OSError as error:
        wrong(str(error.filename or file), f"cannot be read or written: {error.strerror or error}")
    except LookupError as error:
        raise NotFound(str(error)) from None
