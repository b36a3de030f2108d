"""The newest results of each bench as Markdown tables, for RESULTS.md: `python -m bench.markdown`.

Quick results are left out. Each table names the instant and the machine of its run.
"""

import json
import sys
from pathlib import Path
from typing import Any

from bench.figures import shown

_RESULTS = Path(__file__).parent / "results"


def newest(directory: Path) -> dict[str, dict[str, Any]]:
    """The newest thorough document that has a result of each bench, by the name of the bench."""
    found: dict[str, dict[str, Any]] = {}
    for file in sorted(directory.glob("*.json")):
        document = json.loads(file.read_text())
        if not document["quick"]:
            found |= dict.fromkeys(document["benches"], document)
    return found


def markdown(name: str, document: dict[str, Any]) -> str:
    """The tables of a bench, with their notes."""
    parts = [
        f"## {name}\n\n`python -m bench --only {name}`, {document['at']}, {document['machine']}"
    ]
    for result in document["benches"][name]:
        lines = [f"### {result['title']}", "", "| figure | value | range | bar | |"]
        lines += ["|---|---|---|---|---|", *map(_row, result["figures"])]
        parts += ["\n".join(lines), *result["notes"]]
    return "\n\n".join(parts)


def _row(figure: dict[str, Any]) -> str:
    rounds = figure["rounds"]
    spread = f"{shown(min(rounds))} to {shown(max(rounds))}" if len(rounds) > 1 else ""
    verdict = {None: "", True: "pass", False: "FAIL"}[figure["passed"]]
    value = f"{shown(figure['value'])} {figure['unit']}".strip()
    return f"| {figure['name']} | {value} | {spread} | {figure['bar'] or ''} | {verdict} |"


if __name__ == "__main__":
    for bench, found in newest(_RESULTS).items():
        sys.stdout.write(f"{markdown(bench, found)}\n\n")
