"""Imports go one way: between the packages, between the folders of each, and between modules, inside functions too."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FORBIDDEN = {
    "atr": {"analysis", "app", "streamlit", "plotly", "matplotlib", "torchvision"},
    "analysis": {"app", "streamlit", "torchvision"},
    "app": {"torchvision"},
}

GROUND = "the ground floor"  # modules that lie in the package itself, in no folder
DOORS = "the doors"  # what is entered from outside: __init__, __main__, the script of the dashboard
# From the lowest floor up: a module imports from its own place, and from places on lower floors. Places that stand on
# one floor may import from each other as long as that goes one way.
FLOORS = {
    "atr": [{GROUND}, {"video"}, {"tabletop"}, {"data"}, {"results"}, {"training"}, {"commands"}, {DOORS}],
    "analysis": [
        {GROUND},
        {"relations", "compare", "localize", "what_if"},
        {"ablation"},
        {"commands"},
        {DOORS},
    ],
    "app": [
        {"explorer", "links", "markdown"},
        {"loading"},
        {"browsing", "choices", "computing", "exports", "runs", "stored", "tabs"},
        {"actionness", "compare", "what_if"},
        {"views"},
        {"access", "ahead", "console"},
        {DOORS},
    ],
}


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for package in FORBIDDEN for path in sorted((ROOT / package).rglob("*.py"))}


def imported(path: Path) -> set[str]:
    """Dotted names: `from a.b import c` gives a.b.c where that is a module of ours, else a.b."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, (
                f"{path}:{node.lineno}: a relative import; the name of the module is expected"
            )
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                names.add(whole if whole in MODULES else node.module)
    return names


IMPORTS = {module: imported(path) for module, path in MODULES.items()}


def place_of(module: str) -> str:
    package, *inside = module.split(".")
    if not inside or inside[0] in ("__main__", "streamlit_app"):
        return DOORS
    if len(inside) == 1 and package != "app" and MODULES[module].name != "__init__.py":
        return GROUND
    return inside[0]


def internal(package: str) -> dict[str, set[str]]:
    """The imports of a package's modules from each other."""
    own = {module for module in MODULES if module.split(".")[0] == package}
    return {module: (IMPORTS[module] & own) - {module} for module in own}


def cycle_in(graph: dict[str, set[str]]) -> list[str]:
    """Names that import each other in a circle, the first one again at the end; [] where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1][::-1]
    return []


@pytest.mark.parametrize("package", sorted(FORBIDDEN))
def test_imports_go_one_way_between_packages(package):
    files = [module for module in MODULES if module.split(".")[0] == package]
    assert files
    for module in files:
        wrong = {name for name in IMPORTS[module] if name.split(".")[0] in FORBIDDEN[package]}
        assert not wrong, f"{module} imports {', '.join(sorted(wrong))}, which no module of {package} may"


@pytest.mark.parametrize("package", sorted(FLOORS))
def test_every_module_has_a_place(package):
    known = set().union(*FLOORS[package])
    lost = {module for module in internal(package) if place_of(module) not in known}
    assert not lost, f"{', '.join(sorted(lost))}: not on any of the floors of {package} in FLOORS"


@pytest.mark.parametrize("package", sorted(FLOORS))
def test_a_folder_imports_only_from_lower_ones(package):
    floors = {place: floor for floor, places in enumerate(FLOORS[package]) for place in places}
    wrong = [
        f"{module} ({place_of(module)}) imports {name} ({place_of(name)})"
        for module, names in sorted(internal(package).items())
        for name in sorted(names)
        if place_of(name) != place_of(module) and floors[place_of(name)] > floors[place_of(module)]
    ]
    order = " < ".join(" | ".join(sorted(places)) for places in FLOORS[package])
    assert not wrong, f"upwards in {order}:\n" + "\n".join(wrong)


@pytest.mark.parametrize("package", sorted(FLOORS))
def test_places_on_one_floor_do_not_import_each_other_in_a_circle(package):
    places = {}
    for module, names in internal(package).items():
        places.setdefault(place_of(module), set()).update(map(place_of, names))
    cycle = cycle_in({place: others - {place} for place, others in places.items()})
    assert not cycle, " imports ".join(cycle)


@pytest.mark.parametrize("package", sorted(FLOORS))
def test_no_modules_import_each_other_in_a_circle(package):
    cycle = cycle_in(internal(package))
    assert not cycle, " imports ".join(cycle)


def test_a_circle_is_found_and_told_in_the_order_of_its_imports():
    assert cycle_in({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert cycle_in({"a": {"b"}, "b": {"c"}, "c": {"b"}}) in (["b", "c", "b"], ["c", "b", "c"])
    told = cycle_in({"a": {"b"}, "b": {"c"}, "c": {"a"}})
    assert list(zip(told, told[1:], strict=False)) in (
        [("a", "b"), ("b", "c"), ("c", "a")],
        [("b", "c"), ("c", "a"), ("a", "b")],
        [("c", "a"), ("a", "b"), ("b", "c")],
    )
