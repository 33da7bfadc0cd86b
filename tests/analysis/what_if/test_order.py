"""What a model makes of the order of frames: by hand on a toy, and the command on real files."""

import numpy as np
import pytest
import torch
from torch import nn

import atr
from analysis.commands.order import Order
from analysis.what_if.figures import order_figure
from analysis.what_if.order import answers_in_order, order_folder, order_numbers, order_table
from atr.data.clips import ClipDataset
from atr.data.videos import VideoClips
from atr.files import read_arrays
from atr.results.questions import Options
from atr.results.store import read_result
from tests.app.world import write_checkpoint, write_clips
from tests.stopping import stop_at

LABELS = ["getting brighter", "getting darker", "staying"]
REVERSED = (1, 0, 2)


class ToyClips(ClipDataset):
    """Two frames of one grey each: 3 clips get brighter, 2 darker, 1 stays; the last brighter one is called staying."""

    labels = LABELS
    greys = ((0, 200), (0, 150), (100, 101), (200, 0), (90, 20), (50, 50))
    targets = (0, 0, 0, 1, 1, 2)
    ids = tuple(f"clip {number}" for number in range(6))

    def sampled_frames(self, index: int) -> np.ndarray:
        return np.repeat(self.greys[index], 12).reshape(2, 2, 2, 3).astype(np.uint8)


class Change(nn.Module):
    """Knows the order: scores the change d of the grey as (d, -d, 0.1); a change below 0.1 is called staying."""

    def __init__(self):
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))  # whose device is the model's
        self.preprocessing = atr.Preprocessing(4, 2, mean=(0, 0, 0), std=(1, 1, 1))

    def forward(self, clips):
        grey = clips.mean(dim=(2, 3, 4))
        change = grey[:, 1] - grey[:, 0]
        return torch.stack([change, -change, torch.full_like(change, 0.1)], dim=1)


@pytest.fixture
def toy(tmp_path):
    rows, broken = answers_in_order(Change(), ToyClips(), partial=tmp_path, batch_size=4)
    assert broken == {}
    return rows


def test_answers_of_a_toy_by_hand(toy):
    assert toy["predicted"].tolist() == [[0, 1, 1], [0, 1, 1], [2, 2, 2], [1, 0, 0], [1, 0, 0], [2, 2, 2]]
    scores = np.exp([-200 / 255, 200 / 255, 0.1])
    assert toy["true_probability"][0, 1] == pytest.approx(scores[0] / scores.sum(), abs=1e-6)


def test_accuracies_of_a_toy_by_hand(toy):
    """Two frames have one other order, so shuffled is reversed."""
    result = order_numbers(toy["predicted"], np.array(ToyClips.targets), LABELS, REVERSED)
    overall = result["overall"]
    values = {name: entry["value"] for name, entry in overall.items() if name != "clips"}
    assert values == {
        "as it is": pytest.approx(5 / 6),
        "reversed": pytest.approx(1 / 6),
        "shuffled": pytest.approx(1 / 6),
        "reversed class": pytest.approx(5 / 6),
        "reversed unchanged": pytest.approx(2 / 6),
        "shuffled unchanged": pytest.approx(2 / 6),
    }
    # Wilson's interval of 5 of 6, z = 1.959964: centre (5 + z²/2)/(6 + z²), half width z√(5·1/6 + z²/4)/(6 + z²)
    centre, half = (5 + 1.920729) / 9.841459, 1.959964 * (5 / 6 + 0.960365) ** 0.5 / 9.841459
    assert overall["as it is"]["low"] == pytest.approx(centre - half, abs=1e-5)
    assert overall["as it is"]["high"] == pytest.approx(centre + half, abs=1e-5)
    assert result["drops"]["reversed"]["difference"] == pytest.approx(4 / 6)
    assert result["drops"]["reversed"]["low"] <= 4 / 6 <= result["drops"]["reversed"]["high"]
    brighter, darker, staying = result["classes"]
    assert (brighter["label"], brighter["reversed_label"], brighter["clips"]) == (LABELS[0], LABELS[1], 3)
    assert brighter["as it is"]["value"] == pytest.approx(2 / 3)
    assert brighter["reversed class"]["value"] == pytest.approx(2 / 3)
    assert darker["reversed"]["value"] == 0 and darker["reversed class"]["value"] == 1
    assert staying["reversed"]["value"] == staying["reversed class"]["value"] == 1


def test_without_reversed_classes_only_the_drop_and_what_stays_is_told(toy):
    targets = np.array(ToyClips.targets)
    result = order_numbers(toy["predicted"], targets, LABELS, None)
    assert result["overall"]["reversed class"] is None
    assert {entry["reversed_label"] for entry in result["classes"]} == {None}
    assert result["drops"]["shuffled"]["difference"] == pytest.approx(4 / 6)
    assert "predicted as the reversed class" not in order_table(result)
    # -1: the reversal of "getting darker" is in no class; it has no right answer and does not count.
    part = order_numbers(toy["predicted"], targets, LABELS, (1, -1, 2))
    assert part["overall"]["reversed class"]["value"] == pytest.approx(3 / 4)
    assert part["classes"][1]["reversed class"] is None
    drawn = {trace.name: list(trace.x) for trace in order_figure(part).data if trace.name}
    assert drawn["reversed, predicts the reversed class"] == pytest.approx([2 / 3, 1])
    assert drawn["in order"] == pytest.approx([2 / 3, 1, 1])


def test_the_table_and_the_figure_hold_the_numbers(toy):
    result = order_numbers(toy["predicted"], np.array(ToyClips.targets), LABELS, REVERSED)
    table = order_table(result)
    assert table["class"].tolist() == ["all", *LABELS]
    assert table["predicted as the reversed class"].tolist() == pytest.approx([5 / 6, 2 / 3, 1, 1])
    figure = order_figure({**result, "clips": 6})
    by_class = {trace.name: list(trace.x) for trace in figure.data if trace.name}
    assert by_class["in order"] == pytest.approx([2 / 3, 1, 1])
    assert by_class["reversed, predicts the reversed class"] == pytest.approx([2 / 3, 1, 1])


# ---- the command


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("order")
    write_clips(folder / "clips")
    write_checkpoint(folder / "net", block="atr")
    return folder


def run(folder, out, **settings) -> int:
    return Order(Options(folder / "net", data=str(folder / "clips"), out=out), **settings).run(
        "python -m analysis order"
    )


def test_a_seed_below_zero_is_refused_before_anything_is_computed(folder, tmp_path):
    with pytest.raises(ValueError, match="seed=-1 is not possible; allowed: 0 to 4,294,967,295"):
        run(folder, tmp_path, seed=-1)
    assert not list(tmp_path.iterdir())


def test_a_stopped_run_is_resumed_and_ends_as_an_uninterrupted_one(folder, tmp_path):
    model = atr.load_checkpoint(folder / "net")
    clips = VideoClips(folder / "clips", num_frames=4, preprocessing=model.preprocessing)
    options = {"partial": tmp_path / "stopped", "batch_size": 1}
    with pytest.raises(KeyboardInterrupt):
        answers_in_order(model, clips, save_every=0, progress=stop_at(2), **options)
    seen = []
    resumed, _ = answers_in_order(model, clips, progress=lambda *done: seen.append(done), **options)
    assert seen == [(2, 2)]  # one of the two was there already
    whole, _ = answers_in_order(model, clips, partial=tmp_path / "whole", batch_size=1)
    assert resumed.keys() == whole.keys()
    for name in whole:
        np.testing.assert_array_equal(resumed[name], whole[name])


def test_the_command_writes_a_result_once(folder, tmp_path, monkeypatch, capsys):
    assert run(folder, tmp_path) == 0
    (result_folder,) = tmp_path.glob("order-net-*")
    result = read_result(result_folder)
    assert result["clips"] == 2 and result["checkpoint"]["name"] == "net"
    assert result["overall"]["reversed class"] is None  # nobody told what these classes become
    arrays = read_arrays(result_folder / "order.npz")
    assert arrays["id"].tolist() == ["val-000000", "val-000001"]
    own = (arrays["predicted"] == arrays["target"][:, None]).mean(axis=0)
    assert [
        result["overall"][order]["value"] for order in ("as it is", "reversed", "shuffled")
    ] == own.tolist()
    assert (result_folder / "order.csv").read_text().count("\n") == 4
    assert "Plotly.newPlot" in (result_folder / "order.html").read_text()
    assert result_folder == order_folder(tmp_path, folder / "net", result["data"]["digest"])
    monkeypatch.setattr("atr.results.questions.found_by", None)
    capsys.readouterr()
    assert run(folder, tmp_path) == 0  # only printed
    assert "in order minus reversed" in capsys.readouterr().out


def test_a_broken_video_is_named_and_foreign_labels_are_refused(folder, tmp_path, capsys):
    write_clips(tmp_path / "clips")
    (tmp_path / "clips" / "val-000001.mp4").write_bytes(b"no video")
    command = Order(Options(folder / "net", data=str(tmp_path / "clips"), out=tmp_path / "results"))
    assert command.run("python -m analysis order") == 3
    assert "skipped val-000001" in capsys.readouterr().err
    annotations = tmp_path / "clips" / "annotations.json"
    annotations.write_text(annotations.read_text().replace("nothing", "something"))
    with pytest.raises(
        ValueError, match="the labels are not the same: class . is '.*something.*' in .* alone"
    ):
        command.run("python -m analysis order")


def test_every_clip_is_shuffled_in_an_order_of_its_own(tmp_path, tiny):
    frames = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8))
    model = tiny("tsm_resnet18").train()
    model.preprocessing = atr.Preprocessing(32, 32)
    rows, _ = answers_in_order(model, [(frames, 0, i) for i in range(8)], partial=tmp_path)
    in_order, _, shuffled = rows["true_probability"].T
    assert len(set(shuffled.tolist())) > 1 and np.ptp(in_order) < 1e-6
    assert model.training


def test_another_seed_is_another_order(tmp_path, tiny):
    frames = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8))
    model = tiny("tsm_resnet18")
    model.preprocessing = atr.Preprocessing(32, 32)
    found = [
        answers_in_order(model, [(frames, 0, 0)] * 3, seed=seed, partial=tmp_path / str(seed))[0]
        for seed in (0, 1)
    ]
    one, other = (rows["true_probability"] for rows in found)
    assert np.array_equal(one[:, :2], other[:, :2]) and not np.array_equal(one[:, 2], other[:, 2])
