"""Lints the dashboard's JavaScript as the browser gets it: python tests/javascript/lint.py

The files of app/explorer share one scope once they are joined, so only a whole script can tell what is undefined or
unused. Complaints name the file and the line they are from.
"""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple
from unittest import mock

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[2]
SOURCES = ROOT / "app" / "explorer"
ESLINT = HERE / "node_modules" / ".bin" / "eslint"
UNUSED = "no-unused-vars"


class Complaint(NamedTuple):
    file: str
    line: int
    column: int
    text: str
    rule: str  # "" of a script that cannot be parsed


def scripts() -> dict[str, str]:
    """The JavaScript of every component, by the component's name, as it is handed to Streamlit."""
    handed: dict[str, str] = {}

    def component(name: str, *, js: str, **_) -> None:
        handed[name] = js

    with mock.patch("streamlit.components.v2.component", component):
        import app.explorer  # noqa: F401 (its import hands them over)
    return handed


def places(script: str) -> list[tuple[str, int]]:
    """(file, line) of each line of a script. Lines between two files belong to the first."""
    starts = {}
    for path in sorted(SOURCES.glob("*.js")):
        at = script.find(path.read_text(encoding="utf-8"))
        if at >= 0:
            starts[script.count("\n", 0, at)] = path
    lines, file, first = [], Path("?"), 0
    for number in range(script.count("\n") + 1):
        if number in starts:
            file, first = starts[number], number
        lines.append((file.name, number - first + 1))
    return lines


def complaints_of(name: str, script: str) -> list[Complaint]:
    command = [ESLINT, "--config", HERE / "eslint.config.mjs", "--format", "json"]
    finished = subprocess.run(
        [*command, "--stdin", "--stdin-filename", f"{name}.js"],
        input=script,
        cwd=HERE,
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode > 1:  # 1 says that there are complaints
        sys.exit(f"eslint failed:\n{finished.stderr}")
    (result,) = json.loads(finished.stdout)
    origin = places(script)
    return [
        Complaint(*origin[found["line"] - 1], found["column"], found["message"], found["ruleId"] or "")
        for found in result["messages"]
    ]


def main() -> int:
    sys.path.insert(0, str(ROOT))
    sent = scripts()
    files = {name: {file for file, _ in places(script)} for name, script in sent.items()}
    complained = defaultdict(set)
    for name, script in sent.items():
        for complaint in complaints_of(name, script):
            complained[complaint].add(name)
    # What one script leaves unused another may use: it is unused when every script that has the file leaves it so.
    faults = sorted(
        complaint
        for complaint, names in complained.items()
        if complaint.rule != UNUSED or names == {name for name in sent if complaint.file in files[name]}
    )
    for file, line, column, text, rule in faults:
        print(f"app/explorer/{file}:{line}:{column}: {text} ({rule or 'syntax'})")
    orphans = sorted({path.name for path in SOURCES.glob("*.js")} - set().union(*files.values()))
    for orphan in orphans:
        print(f"app/explorer/{orphan}: no component has this file")
    print(f"eslint: {len(sent)} scripts, {len(faults) + len(orphans)} complaints")
    return 1 if faults or orphans else 0


if __name__ == "__main__":
    sys.exit(main())
