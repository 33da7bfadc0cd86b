"""Foreign weights: each layout by its documented key names, in the original's order of operations; nothing unaccounted for."""

import os
import re

import pytest
import torch
from safetensors.torch import save_file

import atr
from atr.__main__ import main
from atr.checkpoint import load_checkpoint
from atr.commands.convert import Convert, read_labels
from atr.convert import convert, load_imagenet, read_torchvision
from atr.efficientnet import imagenet_weights
from atr.sampling import ASSUMED, Sampling
from tests.atr.foreign_files import BASE, CLASSES, LABELS, T, checkpoint, logits, saved


@pytest.mark.parametrize(
    ("layout", "family", "depth"),
    [
        ("torchvision", "tsn", 18),
        ("torchvision", "tsn", 50),
        ("tsm", "tsn", 50),
        ("tsm", "tsm", 34),
        ("tsm", "tsm", 101),
        ("mmaction2", "tsn", 50),
        ("mmaction2", "tsm", 18),
        ("mmaction2", "slowonly", 50),
    ],
)
def test_logits_are_the_originals(layout, family, depth, tmp_path):
    weights = checkpoint(layout, family, depth)
    file = saved(tmp_path, weights, **({} if layout == "torchvision" else {"epoch": 3, "meta": {"epoch": 3}}))
    model, found = convert(file, labels=LABELS, num_frames=T)
    assert (model.config.name, found) == (f"{family}_resnet{depth}", layout)
    assert (model.config.width, model.config.num_classes, model.config.num_frames) == (BASE / 64, CLASSES, T)
    clips = torch.randn(2, T, 3, 48, 48)
    with torch.inference_mode():
        expected = logits(weights, clips, layout, family, depth)
        assert expected.std() > 0.1
        torch.testing.assert_close(model(clips), expected, atol=1e-4, rtol=1e-4)


def test_documented_names():
    """Keys as they stand in the projects' files and in reports of them, not made by rules."""
    assert {"conv1.weight", "bn1.running_mean", "layer1.0.bn2.bias", "layer2.0.downsample.1.weight"} <= set(
        checkpoint("torchvision", "tsn", 18)
    )
    assert {
        "module.base_model.conv1.weight",
        "module.base_model.layer3.4.conv1.net.weight",
        "module.base_model.layer1.0.downsample.0.weight",
        "module.new_fc.weight",
    } <= set(checkpoint("tsm", "tsm", 50))
    mmaction2 = checkpoint("mmaction2", "slowonly", 50)
    assert mmaction2["backbone.conv1.conv.weight"].shape == (8, 3, 1, 7, 7)
    assert mmaction2["backbone.layer4.2.conv1.conv.weight"].shape == (64, 256, 3, 1, 1)
    assert {"backbone.layer1.0.downsample.bn.bias", "cls_head.fc_cls.weight"} <= set(mmaction2)
    assert "backbone.layer1.0.conv1.conv.net.weight" in checkpoint("mmaction2", "tsm", 50)


def altered(change):
    weights = checkpoint("tsm", "tsm", 18)
    change(weights)
    return weights


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (
            lambda w: w.pop("module.base_model.layer3.1.bn2.running_var"),
            r"1 missing \(base_model.layer3.1.bn2",
        ),
        (
            lambda w: w.update({"module.base_model.nl.g.weight": torch.zeros(1)}),
            r"1 left over \(base_model.nl.g",
        ),
        (
            lambda w: w.update({"module.base_model.layer1.0.bn1.bias": torch.zeros(9)}),
            r"1 of another shape \(base_model.layer1.0.bn1.bias \(9,\) for \(8,\)\)",
        ),
        (  # without its shift: the same weights would be another network
            lambda w: w.update(
                {
                    "module.base_model.layer2.1.conv1.weight": w.pop(
                        "module.base_model.layer2.1.conv1.net.weight"
                    )
                }
            ),
            r"missing \(base_model.layer2.1.conv1.net.weight\), 1 left over \(base_model.layer2.1.conv1.weight",
        ),
        (lambda w: w.pop("module.new_fc.weight"), "has no classifier new_fc.weight"),
    ],
)
def test_every_key_is_accounted_for(change, named, tmp_path):
    file = saved(tmp_path, altered(change), epoch=3)
    with pytest.raises(ValueError, match=named):
        convert(file, labels=LABELS, num_frames=T)


def test_counts_of_batches_may_be_missing(tmp_path):
    weights = {k: v for k, v in checkpoint("torchvision", "tsn", 18).items() if "num_batches" not in k}
    model, _ = convert(saved(tmp_path, weights), labels=LABELS, num_frames=T)
    assert torch.equal(model.backbone.layer4[1].bn2.running_var, weights["layer4.1.bn2.running_var"])


def test_another_layout_or_network_is_refused(tmp_path):
    file = saved(tmp_path, checkpoint("mmaction2", "tsn", 18))
    with pytest.raises(
        ValueError, match=r"no conv1.weight \(torchvision\); its keys begin with backbone.conv1.conv"
    ):
        convert(file, labels=LABELS, layout="torchvision", num_frames=T)
    with pytest.raises(ValueError, match="'caffe' is unknown; allowed: auto, torchvision, tsm, mmaction2"):
        convert(file, labels=LABELS, layout="caffe", num_frames=T)
    weights = {k: v for k, v in checkpoint("torchvision", "tsn", 18).items() if "layer4.1" not in k}
    with pytest.raises(ValueError, match=r"\(2, 2, 2, 1\) blocks .* ResNet-18, 34, 50, 101"):
        convert(saved(tmp_path, weights), labels=LABELS, num_frames=T)


TSM_NAME = "TSM_somethingv2_RGB_resnet18_shift8_blockres_avg_segment4_e45.pth"


@pytest.mark.parametrize(
    ("layout", "family", "name", "notes", "frames", "expected"),
    [
        ("tsm", "tsm", TSM_NAME, "", None, 4),
        ("tsm", "tsm", TSM_NAME, "", 8, r"num_frames=8 is not what .*: \[4\]"),
        ("tsm", "tsm", "ckpt.best.pth.tar", "", None, "num_frames is needed: .* notes none"),
        ("tsm", "tsm", TSM_NAME.replace("shift8", "shift4"), "", 4, "was trained with shift4, which no"),
        ("tsm", "tsn", "TSM_kinetics_RGB_resnet18_avg_segment5_e50.pth", "", None, 5),
        ("tsm", "tsn", "TSM_kinetics_RGB_resnet18_avg_segment5_e50.pth", "", 8, 8),  # TSN takes any T
        ("mmaction2", "tsm", "a.pth", "backbone=dict(num_segments=16, shift_div=8)", None, 16),
        ("mmaction2", "tsm", "a.pth", "num_segments = 16", 8, r"num_frames=8 is not what .*: \[16\]"),
        ("mmaction2", "tsm", "a.pth", "shift_div=4, num_segments=8", 8, "was trained with shift_div=4"),
        ("mmaction2", "tsn", "a.pth", "style='caffe'", 8, "was trained with style='caffe'"),
        ("mmaction2", "tsn", "a.pth", "backbone=dict(type='C2D')", 8, "was trained with type='C2D'"),
        ("mmaction2", "tsn", "a.pth", "temporal_pool=True", 8, "was trained with temporal_pool=True"),
        ("mmaction2", "tsn", "a.pth", "dict(to_bgr=True)", 8, "was trained with to_bgr=True"),
        ("mmaction2", "tsm", "a.pth", "shift_place='block'", 8, "was trained with shift_place='block'"),
        ("mmaction2", "tsn", "a.pth", "mean=[104, 117, 128]", 8, r"was trained with mean=\[104, 117, 128\]"),
        ("mmaction2", "tsn", "a.pth", "clip_len=1, num_clips=3, mean=[123.675, 116.28, 103.53]", 8, 8),
    ],
)
def test_frames_and_settings_that_weights_cannot_tell(
    layout, family, name, notes, frames, expected, tmp_path
):
    file = saved(tmp_path, checkpoint(layout, family, 18), name, meta={"config": notes})
    if isinstance(expected, int):
        model, _ = convert(file, labels=LABELS, num_frames=frames)
        assert model.config.num_frames == expected
    else:
        with pytest.raises(ValueError, match=expected):
            convert(file, labels=LABELS, num_frames=frames)


def test_clip_length_of_slowonly_is_read(tmp_path):
    meta = {"cfg": "dict(type='SampleFrames', clip_len=4, frame_interval=16, num_clips=1)"}
    file = saved(tmp_path, checkpoint("mmaction2", "slowonly", 50), meta=meta)
    assert convert(file, labels=LABELS)[0].config.num_frames == 4
    with pytest.raises(ValueError, match=r"num_frames=8 is not what .*: \[4\]"):
        convert(file, labels=LABELS, num_frames=8)
    with pytest.raises(ValueError, match="of 32 frames is not what .* notes: dense sampling of 64 frames"):
        convert(file, labels=LABELS, sampling=Sampling("dense", 32))


class Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_file_that_would_run_something_is_refused(tmp_path):
    trap = tmp_path / "ran"
    file = saved(tmp_path, checkpoint("tsm", "tsm", 18), meta=Malicious(trap))
    with pytest.raises(
        ValueError, match=r"holds Python objects \(posix.mkdir\).*save its 'state_dict' alone"
    ):
        convert(file, labels=LABELS, num_frames=T)
    assert not trap.exists()


@pytest.mark.parametrize(
    ("content", "named"),
    [(b"", "not a readable file"), (b"no weights", "not a readable file"), (None, "not a readable file")],
)
def test_damaged_files_are_refused(content, named, tmp_path):
    file = saved(tmp_path, {"conv1.weight": torch.zeros(100)})
    file.write_bytes(file.read_bytes()[:-300] if content is None else content)
    with pytest.raises(ValueError, match=named):
        convert(file, labels=LABELS, num_frames=T)


def test_what_is_no_set_of_weights_is_refused(tmp_path):
    for content in ([torch.zeros(3)], {}, {"state_dict": {"lr": 0.1}}, {3: torch.zeros(3)}):
        torch.save(content, tmp_path / "other.pth")
        with pytest.raises(ValueError, match="other.pth is not a set of named tensors"):
            convert(tmp_path / "other.pth", labels=LABELS)
    with pytest.raises(FileNotFoundError):
        convert(tmp_path / "none.pth", labels=LABELS)


@pytest.mark.parametrize("name", ["resnet18.pth", "resnet18.safetensors"])
def test_imagenet_weights_of_torchvision_fill_all_but_blocks_and_classifier(name, tmp_path):
    weights, file = checkpoint("torchvision", "tsn", 18), tmp_path / name
    save_file(weights, file) if file.suffix == ".safetensors" else torch.save(weights, file)
    model = atr.create_model("slowonly_resnet18", 3, T, width=BASE / 64, block="atr")
    before = {k: v.clone() for k, v in model.state_dict().items()}
    load_imagenet(model.backbone, file)
    for key, value in model.state_dict().items():
        if ".atr." in key or key.startswith("fc."):
            assert torch.equal(value, before[key]), key
        else:
            loaded = weights[key.removeprefix("backbone.")]
            assert torch.equal(value[:, :, 1] if value.ndim == 5 else value, loaded), key
    assert set(read_torchvision(file)) == set(weights)


def test_imagenet_weights_of_another_network_are_refused(tmp_path):
    file = saved(tmp_path, checkpoint("torchvision", "tsn", 34))
    with pytest.raises(
        ValueError, match=r"into this ResNet does not fit: \d+ left over \(layer1.2.conv1.weight"
    ):
        load_imagenet(atr.create_model("tsn_resnet18", 3, width=BASE / 64).backbone, file)
    with pytest.raises(
        ValueError, match="init='efficientnet-lite0' is of another network: this ResNet starts from a file"
    ):
        load_imagenet(atr.create_model("tsn_resnet18", 3, width=BASE / 64).backbone)


def test_the_package_fills_an_efficientnet():
    model = atr.create_model("tsm_efficientnet_lite0", 3, T, block="atr_sim")
    load_imagenet(model.backbone)
    assert torch.equal(model.backbone.blocks[15].bn2.bias, imagenet_weights()["blocks.15.bn2.bias"])
    with pytest.raises(
        ValueError, match="init='weights.pth' is .* this EfficientNetLite0 starts from 'efficientnet-lite0'"
    ):
        load_imagenet(model.backbone, "weights.pth")


def test_the_command_writes_a_checkpoint_that_says_where_it_came_from(tmp_path, capsys):
    weights = checkpoint("tsm", "tsm", 18)
    file = saved(tmp_path, weights, TSM_NAME, best_prec1=61.2)
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(LABELS) + "\n")
    assert Convert(file, tmp_path / "out", labels).run("python -m atr convert ...") == 0
    assert "tsm_resnet18, 5 classes, 4 frames" in capsys.readouterr().out
    model = load_checkpoint(tmp_path / "out")
    assert model.labels == LABELS
    assert model.facts["command"] == "python -m atr convert ..."
    assert model.facts["source"] | {"sha256": None} == {"file": TSM_NAME, "sha256": None, "layout": "tsm"}
    assert len(model.facts["source"]["sha256"]) == 64
    clips = torch.randn(1, T, 3, 48, 48)
    with torch.inference_mode():
        torch.testing.assert_close(
            model(clips), logits(weights, clips, "tsm", "tsm", 18), atol=1e-4, rtol=1e-4
        )
    labels.write_text("one\ntwo")
    with pytest.raises(ValueError, match="2 labels do not fit .*, which has 5 classes"):
        Convert(file, tmp_path / "other", labels).run("")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("labels.txt", "Bending\n\n Turning around \n", ["Bending", "Turning around"]),
        ("labels.json", '["b", "a"]', ["b", "a"]),
        ("labels.json", '{"a": "1", "b": "0"}', ["b", "a"]),
        ("labels.json", '{"a": 1, "b": 2}', "labels.json numbers its 2 labels, and none is number 0"),
        ("labels.json", '{"a": "one"}', "nor numbers them 0, 1, 2"),
        ("labels.json", '{"a": 1,', "not a list of labels"),
        ("labels.json", "[1, 2]", r"labels.json has \[0\] = 1; allowed: a text"),
        ("labels.json", '["a", ""]', r"labels.json has \[1\] = ''; allowed: a text of from 1 to 1,000"),
        ("labels.json", "3", "labels.json holds 3; allowed: a list"),
        ("labels.json", '{"a": 0, "b": 1.9}', "nor numbers them 0, 1, 2, ...: 1.9 is no such number"),
        ("labels.json", '{"a": 0, "b": true}', "True is no such number"),
        ("labels.txt", "wave\nclap\n wave\n", "lists 'wave' more than once; allowed: each label once"),
    ],
)
def test_labels(name, text, expected, tmp_path):
    (tmp_path / name).write_text(text)
    if isinstance(expected, list):
        assert read_labels(tmp_path / name) == expected
    else:
        with pytest.raises(ValueError, match=expected):
            read_labels(tmp_path / name)


def test_another_checkpoint_is_not_replaced_and_numbers_of_bytes_are_refused(tmp_path, capsys):
    labels, out = tmp_path / "labels.txt", tmp_path / "out"
    labels.write_text("\n".join(LABELS))

    def converted(file, *options):
        words = [
            "convert",
            file,
            "--out",
            out,
            "--labels",
            labels,
            "--sampling",
            "uniform",
            "--num-frames",
            T,
        ]
        return main([str(word) for word in (*words, *options)]), capsys.readouterr().err

    weights = checkpoint("torchvision", "tsn", 18)
    first = saved(tmp_path, weights, "first.pth")
    second = saved(tmp_path, weights | {"fc.bias": torch.ones(CLASSES)}, "second.pth")
    code, error = converted(first, "--mean", "123.7", "116.3", "103.5")
    assert code == 2 and "is not of pixels in [0, 1]" in error and not out.exists()
    assert converted(first)[0] == converted(first)[0] == 0
    code, error = converted(second)
    assert code == 2 and "is another checkpoint; remove it, or give another --out" in error


@pytest.mark.parametrize("name", ["conv1.weight", "fc.weight"])
def test_a_weight_that_is_one_number_is_refused(name, tmp_path):
    weights = checkpoint("torchvision", "tsn", 18) | {name: torch.tensor(1.0)}
    with pytest.raises(ValueError, match=f"{name} is a single number, and no weight of a layer"):
        convert(saved(tmp_path, weights), labels=LABELS, num_frames=T)


@pytest.mark.parametrize("kind", [torch.int32, torch.complex64])
def test_weights_that_are_no_floating_point_numbers_are_refused(kind, tmp_path):
    weights = checkpoint("torchvision", "tsn", 18)
    weights["fc.bias"] = weights["fc.bias"].to(kind)
    with pytest.raises(ValueError, match=rf"does not fit: 1 of another type \(fc.bias {kind}\)"):
        convert(saved(tmp_path, weights), labels=LABELS, num_frames=T)


SLOWONLY = "dict(type='SampleFrames', clip_len=4, frame_interval=16, num_clips={})"


@pytest.mark.parametrize(
    ("layout", "family", "name", "notes", "given", "expected"),
    [
        ("tsm", "tsm", TSM_NAME, "", None, Sampling()),
        ("tsm", "tsm", TSM_NAME.replace("_e45", "_e45_dense"), "", None, Sampling("dense", 64)),
        ("tsm", "tsm", "a.pth", "", None, ASSUMED),
        ("tsm", "tsm", "a.pth", "", Sampling("dense", 32), Sampling("dense", 32)),
        (
            "tsm",
            "tsm",
            TSM_NAME,
            "",
            Sampling("dense"),
            "dense sampling of 64 frames is not what .*: uniform",
        ),
        (
            "mmaction2",
            "tsn",
            "a.pth",
            "SampleFrames', clip_len=1, frame_interval=1, num_clips=3)",
            None,
            Sampling(),
        ),
        (
            "mmaction2",
            "slowonly",
            "a.pth",
            SLOWONLY.format(1) + SLOWONLY.format(10),
            None,
            Sampling("dense", 64),
        ),
        (
            "mmaction2",
            "tsn",
            "a.pth",
            "dict(type='DenseSampleFrames', clip_len=1)",
            None,
            Sampling("dense", 64),
        ),
        (
            "mmaction2",
            "tsn",
            "a.pth",
            "dict(type='DenseSampleFrames', clip_len=1, sample_range=32)",
            None,
            Sampling("dense", 32),
        ),
        ("mmaction2", "tsn", "a.pth", '{"type": "SampleFrames", "clip_len": 8}', None, Sampling("dense", 8)),
        ("mmaction2", "tsn", "a.pth", "SampleFrames', clip_len=1) SampleFrames', clip_len=8)", None, ASSUMED),
        ("torchvision", "tsn", "a.pth", "", None, ASSUMED),
        (
            "torchvision",
            "tsn",
            "a.pth",
            "",
            Sampling("dense", 2),
            "window=2 is not possible; allowed: 4 frames",
        ),
    ],
)
def test_sampling_is_what_the_file_notes_or_what_is_given(
    layout, family, name, notes, given, expected, tmp_path
):
    file = saved(
        tmp_path, checkpoint(layout, family, 18 if family != "slowonly" else 50), name, meta={"cfg": notes}
    )
    if isinstance(expected, str):
        with pytest.raises(ValueError, match=expected):
            convert(file, labels=LABELS, num_frames=T, sampling=given)
    else:
        found = convert(file, labels=LABELS, num_frames=T, sampling=given)[0].sampling
        assert (found, found.stated) == (expected, expected.stated)


def test_the_command_asks_for_what_the_file_does_not_note(tmp_path, capsys):
    file = saved(tmp_path, checkpoint("torchvision", "tsn", 18))
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(LABELS))
    arguments = ["convert", file, "--out", tmp_path / "out", "--labels", labels, "--num-frames", T]

    def ran(*more):
        return main([str(argument) for argument in (*arguments, *more)])

    for more, named in (
        ((), "sampling is needed: .*weights.pth does not note how .* --sampling uniform or dense"),
        (("--sampling", "dense"), "window is needed for dense sampling"),
        (("--sampling", "uniform", "--window", 8), "window=8 is of dense sampling"),
        (("--window", 8), "window=8 is of dense sampling"),
        (("--sampling", "uniform", "--crop", 300), "crop = 300 must not be larger than short_side = 256"),
    ):
        assert ran(*more) == 2
        assert re.search(named, capsys.readouterr().err)
        assert not (tmp_path / "out").exists()
    sizes = ("--short-side", 128, "--crop", 112, "--mean", 0.5, 0.4, 0.3)
    assert ran("--sampling", "dense", "--window", 32, *sizes) == 0
    printed = capsys.readouterr().out
    assert "4 frames, dense sampling of 32 frames, every weight" in printed
    assert "not given and assumed: fit crop, std (0.229, 0.224, 0.225)" in printed
    model = load_checkpoint(tmp_path / "out")
    assert (model.sampling, model.facts["window"], model.facts["assumed"]) == (
        Sampling("dense", 32),
        32,
        ["fit", "std"],
    )
    assert model.preprocessing == atr.Preprocessing(128, 112, (0.5, 0.4, 0.3))
    assert ran("--sampling", "uniform", *sizes, "--fit", "squeeze") == 0
    assert load_checkpoint(tmp_path / "out").preprocessing.fit == "squeeze"
