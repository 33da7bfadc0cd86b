"""The script `atr`: every command of the three packages, each imported only when it is asked for."""

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path

ATR = {
    "describe": "a network by its blocks, its parameters and its MACs",
    "doctor": "check every clip of a data set once, before training",
    "train": "train a network of a preset, or of settings of your own",
    "evaluate": "the predictions of a checkpoint over a data set",
    "predict": "the classes of your own videos",
    "convert": "a checkpoint folder from weights trained elsewhere",
    "tabletop": "render clips of the demo set",
}
ANALYSIS = {
    "actionness": "where and when a checkpoint looks in a clip, as files",
    "relations": "the averaged temporal relations of a graph reasoner (Fig 4)",
    "localize": "maps against true masks or boxes",
    "order": "accuracy with the frames in order, reversed and shuffled",
    "faithfulness": "deletion and insertion curves of the maps",
    "health": "whether the ATR blocks are alive, collapsed, frozen or silent",
    "compare": "by how much checkpoints differ, and how surely",
    "report": "a comparison with clips, as one HTML file",
    "ablate": "train the paper's tables on the demo set, with seeds",
    "evidence": "the paper's tables beside ours, as one HTML file",
}
APP = {"app": "the dashboard, in a browser on this machine"}
PACKAGES = {"atr": ATR, "analysis": ANALYSIS, "app": APP}
PACKAGE = {name: package for package, commands in PACKAGES.items() for name in commands}
# What only one extra brings; everything else comes with the extra of the command's own package.
EXTRAS = {
    "tensorboard": "train",
    "scipy": "analysis",
    "captum": "analysis",
    "plotly": "analysis",
    "matplotlib": "analysis",
    "streamlit": "app",
}
EXTRA = {"atr": "train", "analysis": "analysis", "app": "app"}


def main(argv: list[str] | None = None) -> int:
    """The exit code; 2 where a command is unknown or lacks a package, with one line that says which."""
    argv = sys.argv[1:] if argv is None else argv
    name, *arguments = argv or ["--help"]
    if name in ("-h", "--help"):
        return printed(usage())
    if name == "--version":
        return printed(f"atr-studio {import_module('atr').__version__}")
    if name not in PACKAGE:
        print(
            f"error: {name!r} is unknown; allowed: {', '.join(PACKAGE)}, --help, --version", file=sys.stderr
        )
        return 2
    package = PACKAGE[name]
    try:
        if package == "app":
            return dashboard(arguments)
        return import_module(f"{package}.__main__").main(argv, program="atr")
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in PACKAGES:  # a fault of this project
            raise
        extra = EXTRAS.get(missing, EXTRA[package])
        print(f"error: atr {name} needs {missing}: pip install 'atr-studio[{extra}]'", file=sys.stderr)
        return 2


def usage() -> str:
    lines = ["usage: atr COMMAND ...", "", "Action-centric temporal reasoning in video."]
    for commands in PACKAGES.values():
        lines += ["", *(f"  {name:<14}{says}" for name, says in commands.items())]
    return "\n".join(
        [*lines, "", "atr COMMAND --help lists the options of a command, atr --version the version."]
    )


def printed(text: str) -> int:
    try:
        print(text, flush=True)
    except BrokenPipeError:
        commands = import_module("atr.commands")
        return commands.CLOSED_PIPE if commands.reader_has_gone() else 2
    return 0


def dashboard(arguments: list[str]) -> int:
    """Serve the dashboard until it is interrupted, with the settings of `.streamlit/config.toml` beside its script."""
    parser = argparse.ArgumentParser("atr app", description=f"Start {APP['app']}.")
    port = os.environ.get("PORT", "8501")  # as `make app` has it
    parser.add_argument("--port", type=int, default=port, help="$PORT or 8501 when not given")
    options = parser.parse_args(arguments)
    script = Path(__file__).with_name("streamlit_app.py")
    flags = ["--server.port", str(options.port), "--server.address", "127.0.0.1"]
    streamlit = import_module("streamlit.web.cli")
    streamlit.main(["run", str(script), *flags], prog_name="streamlit", standalone_mode=False)
    return 0
