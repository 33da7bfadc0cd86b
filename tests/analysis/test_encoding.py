"""What is written says so in UTF-8: pages declare it, and the locale of a machine may be another."""

import ast
from pathlib import Path

ANALYSIS = Path(__file__).parents[2] / "analysis"


def test_every_text_is_written_in_an_encoding_that_is_stated():
    calls = [
        (file.relative_to(ANALYSIS), node)
        for file in ANALYSIS.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "write_text"
    ]
    unstated = [
        f"{file}:{call.lineno}"
        for file, call in calls
        if "encoding" not in [each.arg for each in call.keywords]
    ]
    assert calls and not unstated
