"""Where things lie, and what tells one version of a file from another."""

import os
from pathlib import Path
from typing import Literal, overload

import streamlit as st

from atr.files import sha256, stamp

SOURCE = Path(__file__).parents[2]
HOME = SOURCE if (SOURCE / "assets").is_dir() else Path.cwd()  # an installed package has no assets beside it
ASSETS = HOME / "assets"


class ChoiceError(ValueError):
    """Something asked for that cannot be had; the message names it and what is allowed."""


@overload
def root(name: Literal["checkpoints", "clips", "videos", "results"]) -> Path: ...
@overload
def root(name: Literal["data"]) -> Path | None: ...
def root(name: str) -> Path | None:
    """A configured folder; only the one of a data set to browse, "data", may be missing."""
    clips = Path(os.environ.get("ATR_CLIPS") or ASSETS / "clips")
    defaults = {
        "checkpoints": ASSETS / "checkpoints",
        "clips": clips,
        "videos": clips,
        "results": HOME / "results",
        "data": None,
    }
    folder = os.environ.get(f"ATR_{name.upper()}") or defaults[name]
    return folder and Path(folder)


def inside(folder: Path, path: Path) -> Path:
    """The path itself. Raises ChoiceError where it leads out of the folder, by itself or by the links it follows."""
    try:
        if path.resolve().is_relative_to(folder.resolve()):
            return path
    except (ValueError, OSError, RuntimeError):  # a null byte, a name too long, a loop of links
        pass
    raise ChoiceError(f"{str(path)!r} lies outside {folder.resolve()}.")


def digest_of(path: Path) -> str:
    """Of a file's content. Raises OSError."""
    return _digest(str(path), stamp_of(path))


@st.cache_data(max_entries=64, show_spinner=False)
def _digest(path: str, version: str) -> str:
    if os.path.isdir(path):  # a video as a folder of frames: its stamp tells them all
        return version
    return sha256(Path(path))


def stamp_of(path: Path) -> str:
    """Differs whenever the file does, or, of a folder of frames, any file in it. Raises OSError where there is none."""
    path.stat()
    return stamp(path)
