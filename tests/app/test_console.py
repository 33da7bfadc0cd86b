"""The script `atr`: one name for every command, imported only when it is asked for."""

import ast
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import analysis.__main__
import atr.__main__
from app import console
from app.console import main


def test_it_knows_every_command_of_both_packages():
    assert console.ATR.keys() == atr.__main__.COMMANDS.keys()
    assert console.ANALYSIS.keys() == analysis.__main__.COMMANDS.keys()


def test_help_and_version(capsys):
    assert main(["--help"]) == main([]) == 0
    text = capsys.readouterr().out
    assert all(f"\n  {name} " in text for name in console.PACKAGE)
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"atr-studio {atr.__version__}\n"


def test_help_imports_none_of_the_packages_it_tells_of():
    code = "import sys; from app.console import main; main(['--help']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "streamlit", "tyro", "atr", "analysis"} & set(done.stdout.split("\n")[-2].split())


def test_a_command_says_how_it_was_typed(capsys):
    assert main(["describe", "tsn_resnet18"]) == 0
    assert "tsn_resnet18" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["order", "--help"])
    assert "usage: atr order" in capsys.readouterr().out


def test_an_unknown_command_is_refused_with_those_there_are(capsys):
    assert main(["evaluate-all"]) == 2
    assert "'evaluate-all' is unknown; allowed: describe, doctor, train" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "missing", "extra"),
    [
        ("train", "accelerate", "train"),
        ("localize", "tyro", "analysis"),
        ("predict", "matplotlib", "analysis"),  # of the overlays
        ("app", "streamlit.web", "app"),
    ],
)
def test_a_missing_package_is_told_with_the_extra_that_brings_it(
    command, missing, extra, monkeypatch, capsys
):
    def import_module(name):
        raise ModuleNotFoundError(f"No module named {missing!r}", name=missing)

    monkeypatch.setattr(console, "import_module", import_module)
    assert main([command]) == 2
    package = missing.partition(".")[0]
    expected = f"error: atr {command} needs {package}: pip install 'atr-studio[{extra}]'\n"
    assert capsys.readouterr().err == expected


def test_a_module_of_its_own_that_is_missing_is_no_missing_extra(monkeypatch):
    def import_module(name):
        raise ModuleNotFoundError("No module named 'analysis.orders'", name="analysis.orders")

    monkeypatch.setattr(console, "import_module", import_module)
    with pytest.raises(ModuleNotFoundError):
        main(["order"])


@pytest.mark.parametrize(("arguments", "port"), [([], "8501"), (["--port", "9000"], "9000")])
def test_the_dashboard_is_served_to_this_machine_only(arguments, port, monkeypatch):
    started = []
    streamlit = SimpleNamespace(main=lambda command, **_: started.append(command))
    monkeypatch.delenv("PORT", raising=False)
    monkeypatch.setattr(console, "import_module", {"streamlit.web.cli": streamlit}.__getitem__)
    assert main(["app", *arguments]) == 0
    ((run, script, *flags),) = started
    assert run == "run" and (Path(script).parent / ".streamlit" / "config.toml").is_file()
    assert flags == ["--server.port", port, "--server.address", "127.0.0.1"]


def test_no_page_imports_a_command():
    """What a page reads of a result lies beside its numbers; the script finds a command by its name."""
    for path in sorted(Path(console.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert "commands" not in node.module.split("."), path
