"""The wheel: what is in it, and that it is whole where nothing but its own requirements is installed."""

import ast
import email
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import atr

ROOT = Path(__file__).parent.parent
PACKAGES = ("atr", "analysis", "app")
UNTRACKED = (".DS_Store",)

FIVE_LINES = """
import atr, torch

model = atr.create_model("tsm_resnet50", 174, block="atr").eval()
with torch.inference_mode():
    logits = model(torch.randn(1, 8, 3, 96, 96))
assert logits.shape == (1, 174), logits.shape

atr.save_checkpoint("checkpoint", model, labels=[str(i) for i in range(174)], metrics={"top1": 0.5})
loaded = atr.load_checkpoint("checkpoint")
assert loaded.facts == {"metrics": {"top1": 0.5}}
with torch.inference_mode():
    assert loaded(torch.zeros(1, 8, 3, 96, 96)).shape == (1, 174)
print(atr.__version__, atr.__file__)
"""

FIRST_PAGE = """
import sys
from streamlit.testing.v1 import AppTest

page = AppTest.from_file(sys.argv[1], default_timeout=60).run()
assert not page.exception, page.exception
print(*(error.value for error in page.error))
"""


def run(*command, **options) -> str:
    finished = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=300, **options)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from a copy, for a build leaves its folders behind; without the network."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--wheel-dir", built]
    run(sys.executable, "-m", "pip", "wheel", *options, source)
    (path,) = built.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def metadata(wheel) -> email.message.Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(archive.read(name))


def required(metadata: email.message.Message, extra: str = "") -> list[Requirement]:
    """What a wheel asks for with an extra, those that the extra names included; only its base requirements without."""
    requirements = [Requirement(line) for line in metadata.get_all("Requires-Dist") or []]
    asked = [r for r in requirements if r.marker is None or r.marker.evaluate({"extra": extra})]
    named = {other for r in asked if r.name == metadata["Name"] for other in r.extras}
    others = [r for r in asked if r.name != metadata["Name"]]
    return others + [r for other in named for r in required(metadata, other)]


def closure(requirements: list[Requirement]) -> set[str]:
    """Names of the distributions that these bring with them, as they are installed here."""
    found, waiting = set(), list(requirements)
    while waiting:
        requirement = waiting.pop()
        for extra in ("", *requirement.extras):
            if (requirement.name, extra) not in found:
                found.add((requirement.name, extra))
                waiting += required(distribution(requirement.name).metadata, extra)
    return {name for name, _ in found}


@pytest.fixture(scope="module")
def clean(wheel, metadata, tmp_path_factory) -> Path:
    """The Python of an environment with the wheel, its base requirements and nothing else."""
    folder = tmp_path_factory.mktemp("clean")
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    (packages,) = folder.glob("lib/python*/site-packages")
    for name in closure(required(metadata)):
        for top in {file.parts[0] for file in distribution(name).files} - {"..", "__pycache__"}:
            if not (packages / top).exists():
                os.symlink(distribution(name).locate_file(top), packages / top)
    python = folder / "bin" / "python"
    options = ["--no-deps", "--no-index", "--quiet"]
    run(sys.executable, "-m", "pip", "--python", python, "install", *options, wheel)
    return python


def test_core_needs_the_base_requirements_only(clean, tmp_path):
    version, file = run(clean, "-I", "-c", FIVE_LINES, cwd=tmp_path).split()
    assert version == atr.__version__
    assert Path(file).is_relative_to(clean.parents[1])  # not the source tree
    assert run(clean.with_name("atr"), "--version", cwd=tmp_path).split() == ["atr-studio", atr.__version__]
    finished = subprocess.run([clean, "-I", "-c", "import pandas"], capture_output=True, text=True)
    assert "ModuleNotFoundError" in finished.stderr  # what is not declared cannot be imported there


def imported(module: str, seen: set[str]) -> set[str]:
    """Top-level names of all that a module of ours imports, by way of others of ours too; those are added to `seen`."""
    path = ROOT / module.replace(".", "/")
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    if module in seen or not file.is_file():  # a name in a module, not a module
        return set()
    seen.add(module)
    names, found = set(), set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    for name in names:
        top = name.split(".")[0]
        found |= imported(name, seen) if top in PACKAGES else {top}
    return found


@pytest.mark.parametrize(("extra", "package"), [("train", "atr"), ("analysis", "analysis"), ("app", "app")])
def test_an_extra_has_what_its_package_imports(metadata, extra, package):
    files = (ROOT / package).rglob("*.py")
    modules = {".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files}
    seen = set()
    names = set().union(*(imported(module.removesuffix(".__init__"), seen) for module in modules))
    assert len(seen) >= len(modules)
    declared = {canonicalize_name(r.name) for r in required(metadata, extra)}
    providers = packages_distributions()
    for name in sorted(names - set(sys.stdlib_module_names)):
        assert declared & {canonicalize_name(provider) for provider in providers[name]}, name


def test_version_is_stated_once(metadata):
    assert metadata["Version"] == atr.__version__
    citation = (ROOT / "CITATION.cff").read_text().splitlines()
    assert f"version: {atr.__version__}" in citation
    assert f"## [{atr.__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_wheel_has_every_file_of_the_packages(wheel):
    tracked = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.name not in UNTRACKED
    }
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == tracked
    assert {"app/explorer/viewer.js", "app/explorer/common.css", "app/explorer/display.html"} <= packed
    assert {
        "app/icon.svg",
        "app/.streamlit/config.toml",
        *(f"{name}/py.typed" for name in PACKAGES),
    } <= packed


def test_extras_together_are_what_make_installs(metadata):
    """requirements.txt pins torch; else it states the same ranges as the extras."""
    assert set(metadata.get_all("Provides-Extra")) == {"train", "analysis", "app", "all"}
    extras = {
        str(Requirement(f"{r.name}{r.specifier}"))
        for extra in ("train", "analysis", "app")
        for r in required(metadata, extra)
    }
    assert {str(Requirement(f"{r.name}{r.specifier}")) for r in required(metadata, "all")} == extras
    lines = (ROOT / "requirements.txt").read_text().split()
    (pin,) = (Requirement(line) for line in lines if line.startswith("torch=="))
    (torch,) = (Requirement(text) for text in extras if Requirement(text).name == "torch")
    (pinned,) = pin.specifier
    assert torch.specifier.contains(pinned.version)
    assert {str(Requirement(line)) for line in lines} - {str(pin)} == extras - {str(torch)}


def test_dashboard_starts_from_a_wheel_without_assets(wheel, tmp_path):
    """It says that there is no checkpoint, and where they are looked for."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ATR_")}
    script = tmp_path / "installed" / "app" / "streamlit_app.py"
    said = run(
        sys.executable,
        "-c",
        FIRST_PAGE,
        script,
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(tmp_path / "installed")},
    )
    assert "There is no checkpoint in" in said
    assert "ATR_CHECKPOINTS sets the folder" in said


def test_project_names_no_other_version():
    with open(ROOT / "pyproject.toml", "rb") as file:
        project = tomllib.load(file)["project"]
    assert project["dynamic"] == ["version"]
