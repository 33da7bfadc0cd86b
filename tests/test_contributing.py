"""CONTRIBUTING.md holds: each of its additions made at toy size, in the places it names."""

import ast
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest
from torch import nn

import atr
from analysis import __main__ as analysis_commands
from atr.block import BLOCKS
from atr.data import reading
from atr.data.annotations import Annotations
from atr.data.clips import ClipDataset
from atr.data.videos import VideoClips
from atr.files import write_json
from atr.inference import for_inference, optimised
from atr.models import BACKBONES, MODELS, Backbone
from atr.results.passes import per_clip
from atr.results.questions import Question, SharedOptions, answer, any_clips
from atr.results.store import RESULT, read_result, result_folder
from atr.temporal import ShiftConv

ROOT = Path(__file__).parent.parent
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
PLACEHOLDER = re.compile(r"\b(NAME|QUESTION)\b")


def paths() -> list[str]:
    quoted = re.findall(r"`([\w./-]+(?:\.\w+|/))`", CONTRIBUTING)
    return sorted({path for path in quoted if not PLACEHOLDER.search(path)})


def names() -> list[tuple[str, str]]:
    """(file, name) of each "`file.py`: `name`"."""
    return sorted(set(re.findall(r"`([\w./]+\.py)`:\s+`(\w+)`", CONTRIBUTING)))


@pytest.mark.parametrize("path", paths())
def test_every_file_and_folder_exists(path):
    assert (ROOT / path).exists()


@pytest.mark.parametrize(("file", "name"), names())
def test_every_name_is_defined_where_it_is_said_to_be(file, name):
    defined, body = set(), ast.parse((ROOT / file).read_text()).body
    conditional = [node for statement in body if isinstance(statement, ast.If) for node in statement.body]
    for node in body + conditional:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            defined.add(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            defined |= {target.id for target in targets if isinstance(target, ast.Name)}
    assert name in defined


def test_every_make_target_exists():
    targets = set(re.findall(r"^make ([\w-]+)|`make ([\w-]+)`", CONTRIBUTING, re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text()
    for target in {first or second for first, second in targets}:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


# ---- a block -----------------------------------------------------------------------------------------------------------


class Doubling(nn.Module):
    def forward(self, x):
        return 2 * x


def test_a_block(monkeypatch, tmp_path, clips):
    monkeypatch.setitem(BLOCKS, "doubling", lambda channels, *, num_frames, config: Doubling())
    sizes = {"num_classes": 5, "num_frames": 4, "width": 0.125}
    bare = atr.create_model("tsn_resnet18", **sizes).eval()
    model = atr.create_model("tsn_resnet18", **sizes, block="doubling", placement=["S3B1"]).eval()
    assert model.block_names == ("S3B1",)
    model.load_state_dict(bare.state_dict())  # it has no weights of its own
    atr.save_checkpoint(tmp_path / "doubling", model, labels=list("abcde"))
    expected = nn.Module.__call__(model, clips)
    loaded = atr.load_checkpoint(tmp_path / "doubling")
    torch.testing.assert_close(loaded(clips), expected)
    with torch.inference_mode():
        torch.testing.assert_close(for_inference(loaded, "float32")(clips), expected)
    bn = bare.backbone.layer2[0].bn2  # what stands right before the slot
    bn.weight.data *= 2
    bn.bias.data *= 2
    torch.testing.assert_close(bare(clips), expected)


# ---- a backbone --------------------------------------------------------------------------------------------------------


class Tiny(nn.Module):
    """One residual block of 8 channels and the average over positions."""

    num_features = 8

    def __init__(self, *, width, stem, first_convs, slots):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=4)
        self.conv1 = first_convs["S2B1"](8, 8, 3, padding=1, bias=False)
        self.atr = slots["S2B1"](8)

    def forward(self, x):
        x = self.stem(x)
        return (x + self.atr(self.conv1(x))).mean(dim=(2, 3))

    def slots(self):
        return {"S2B1": self.atr}


def test_a_backbone(monkeypatch, clips):
    monkeypatch.setitem(BACKBONES, "tiny", Backbone(Tiny, ("S2B1",)))
    monkeypatch.setitem(MODELS, "tsm_tiny", ("tsm", "tiny"))
    model = atr.create_model("tsm_tiny", num_classes=5, num_frames=4, block="atr", placement="S2-5").eval()
    assert model.block_names == ("S2B1",)
    assert isinstance(model.backbone.conv1, ShiftConv)
    assert model(clips).shape == (2, 5)
    with torch.inference_mode():  # as the commands and the dashboard compute
        torch.testing.assert_close(for_inference(model, "float32")(clips), model(clips))
        torch.testing.assert_close(optimised(model)(clips), model(clips))
    with pytest.raises(ValueError, match="precision='bf16' is not there for tsm_tiny; allowed: float32"):
        optimised(model, precision="bf16")


# ---- a layout of data sets ---------------------------------------------------------------------------------------------


def tab_separated_lists(folder: Path) -> dict[str, Path]:
    return {file.stem: file for split in ("train", "val") if (file := folder / f"{split}.tsv").is_file()}


def read_tab_separated(folder: Path, split: str, file: Path) -> Annotations:
    rows = [tuple(line.split("\t")) for line in file.read_text().splitlines()]
    return Annotations.of_rows("tsv", folder, split, sorted({label for _, _, label in rows}), rows)


def test_a_layout_of_data_sets(monkeypatch, tmp_path, clips_folder):
    first = json.loads((clips_folder / "annotations.json").read_text())["clips"][0]
    shutil.copy(clips_folder / first["video"], tmp_path / "film.mp4")
    (tmp_path / "val.tsv").write_text("one\tfilm.mp4\tpushing\ntwo\tfilm.mp4\tlifting\n")
    with pytest.raises(ValueError, match=r"no annotations\.json"):
        reading.read_annotations(tmp_path)
    monkeypatch.setattr(reading, "LAYOUTS", (*reading.LAYOUTS, (tab_separated_lists, read_tab_separated)))
    preprocessing = atr.Preprocessing(short_side=32, crop=32)
    listed = VideoClips(tmp_path, num_frames=4, preprocessing=preprocessing)
    assert (listed.ids, listed.labels, listed.targets) == (["one", "two"], ["lifting", "pushing"], [1, 0])
    assert listed[0][0].shape == (4, 32, 32, 3)


# ---- an analysis -------------------------------------------------------------------------------------------------------


def brightness(clips: ClipDataset, **options):
    """The mean of each clip's values: {"brightness" (N,), "index" (N,)} and the clips that could not be read."""
    return per_clip(
        clips,
        lambda frames, targets, indices: {"brightness": frames.double().mean(dim=(1, 2, 3, 4)).numpy()},
        **options,
    )


@dataclass(frozen=True)
class Brightness:
    """How bright a data set is to a checkpoint."""

    options: SharedOptions

    def run(self, command: str) -> int:
        return answer(self.options, self.question, command)

    def question(self, model) -> Question:
        def folder(root: Path, checkpoint: Path, data_digest: str) -> Path:
            return result_folder(root, "brightness", checkpoint, {"data": data_digest})

        return Question(
            "brightness",
            folder=folder,
            passes={"brightness": brightness},
            write=self.write,
            show=self.show,
            open=any_clips,
        )

    def write(self, folder: Path, facts: dict, clips: ClipDataset, rows: dict[str, np.ndarray]) -> None:
        write_json(folder / RESULT, facts | {"mean": float(rows["brightness"].mean())})

    def show(self, result: dict, folder: Path) -> None:
        print(f"{result['mean']:.3f} in {folder}")


def test_an_analysis(monkeypatch, tmp_path, tiny, clips_folder, capsys):
    monkeypatch.setitem(analysis_commands.COMMANDS, "brightness", f"{__name__}:Brightness")
    preprocessing = atr.Preprocessing(short_side=32, crop=32)
    atr.save_checkpoint(tmp_path / "net", tiny(), labels=list("abcde"), preprocessing=preprocessing)
    arguments = {"--checkpoint": tmp_path / "net", "--data": clips_folder, "--out": tmp_path / "results"}
    argv = ["brightness", *(str(part) for pair in arguments.items() for part in pair)]
    assert analysis_commands.main(argv) == 0
    (folder,) = (tmp_path / "results").glob("brightness-net-*")
    clips = VideoClips(clips_folder, num_frames=4, preprocessing=preprocessing)
    assert read_result(folder)["mean"] == pytest.approx(
        np.mean([frames.double().mean() for frames, *_ in clips])
    )
    printed = capsys.readouterr().out
    stamp = (folder / RESULT).stat().st_mtime_ns
    assert analysis_commands.main(argv) == 0  # it is only shown again
    assert (folder / RESULT).stat().st_mtime_ns == stamp
    assert capsys.readouterr().out == printed


# ---- a page ------------------------------------------------------------------------------------------------------------

PAGE = """
import streamlit as st
from app import choices, loading

names, _ = choices.begin()
name = choices.choose_checkpoint(names)
st.title("Classes", anchor=False)
st.metric("Classes", len(loading.model(name).labels))
"""


def test_a_page(monkeypatch, tmp_path, tiny):
    atr.save_checkpoint(tmp_path / "checkpoints" / "net", tiny(), labels=list("abcde"))
    monkeypatch.setenv("ATR_CHECKPOINTS", str(tmp_path / "checkpoints"))
    shutil.copytree(ROOT / "app" / "views", tmp_path / "app" / "views")
    for name in ("icon.svg", "page.css"):
        shutil.copy(ROOT / "app" / name, tmp_path / "app")
    (tmp_path / "app" / "views" / "classes.py").write_text(PAGE)
    script = (ROOT / "app" / "streamlit_app.py").read_text()
    listed = script.replace("pages = [", 'pages = [\n    st.Page("views/classes.py", title="Classes"),')
    assert listed != script
    (tmp_path / "app" / "streamlit_app.py").write_text(listed)
    app = AppTest.from_file(str(tmp_path / "app" / "streamlit_app.py"), default_timeout=120).run()
    app.switch_page("views/classes.py").run()
    assert not app.exception
    assert app.title[0].value == "Classes"
    assert app.metric[0].value == "5"
