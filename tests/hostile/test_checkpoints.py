"""Broken checkpoint folders: one CheckpointError each, before anything is built, and the good ones beside them live."""

import json
import os
import pickle
import shutil
import socket
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import atr
from atr.checkpoint import readable_checkpoints
from atr.files import sha256
from tests.hostile.refusal import edited, little_memory, of_another_type, one_clear_line

CONFIG, WEIGHTS = "config.json", "model.safetensors"
MODEL = atr.ModelConfig("tsn_resnet18", 3, 2, block="atr", placement=("S5B2",), width=1 / 32, dropout=0.0)
PLACES = [
    "format",
    "model",
    "labels",
    "preprocessing",
    "weights_sha256",
    *(f"model.{key}" for key in MODEL.to_dict()),
    *(f"model.atr.{key}" for key in MODEL.to_dict()["atr"]),
    *(f"preprocessing.{key}" for key in atr.Preprocessing().to_dict()),
]


@pytest.fixture(scope="session")
def good(tmp_path_factory):
    torch.manual_seed(0)
    model = atr.create_model("tsn_resnet18", 3, 2, block="atr", placement=["S5B2"], width=1 / 32, dropout=0.0)
    folder = tmp_path_factory.mktemp("good") / "net"
    return atr.save_checkpoint(folder, model, labels=["push", "pull", "turn"], metrics={"top1": 0.5})


@pytest.fixture
def folder(good, tmp_path):
    return Path(shutil.copytree(good, tmp_path / "broken"))


def refused(folder, *named):
    with little_memory(), pytest.raises(atr.CheckpointError) as caught:
        atr.load_checkpoint(folder)
    return one_clear_line(caught.value, folder.name, *named)


def value_at(folder, place):
    value = json.loads((folder / CONFIG).read_text())
    for part in place.split("."):
        value = value[part]
    return value


def with_digest(folder):
    edited(folder / CONFIG, "weights_sha256", sha256(folder / WEIGHTS))


def test_the_folder_that_is_broken_below_is_a_good_one(folder):
    model = atr.load_checkpoint(folder)
    assert model.labels == ["push", "pull", "turn"] and model.facts == {"metrics": {"top1": 0.5}}
    assert readable_checkpoints([folder])[1] == {}


# ---- the configuration -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
def test_a_missing_key_is_named(folder, place):
    edited(folder / CONFIG, place)
    refused(folder, CONFIG, place.split(".")[-1])


@pytest.mark.parametrize("place", PLACES)
def test_a_value_of_another_type_is_named_with_its_key(folder, place):
    edited(folder / CONFIG, place, of_another_type(value_at(folder, place)))
    refused(folder, CONFIG, place)


@pytest.mark.parametrize("place", [place for place in PLACES if place != "model.block"])
def test_null_is_no_value(folder, place):
    edited(folder / CONFIG, place, None)
    refused(folder, CONFIG, place)


OUT_OF_BOUNDS = [
    ("format", 2),
    ("format", True),
    ("format", 1.0),
    ("model.num_classes", 0),
    ("model.num_classes", -3),
    ("model.num_classes", 100_001),
    ("model.num_classes", 10**30),
    ("model.num_classes", 3.0),
    ("model.num_classes", True),
    ("model.num_frames", 0),
    ("model.num_frames", 1025),
    ("model.num_frames", 10**12),
    ("model.width", 0),
    ("model.width", -1.0),
    ("model.width", 1 / 65),
    ("model.width", 8.1),
    ("model.width", 1e300),
    ("model.width", True),
    ("model.dropout", -0.1),
    ("model.dropout", 1.1),
    ("model.name", "i3d_resnet50"),
    ("model.name", ""),
    ("model.name", "x" * 100_000),
    ("model.block", "lstm"),
    ("model.stem", "large"),
    ("model.placement", "S9"),
    ("model.placement", ["S9B1"]),
    ("model.placement", [5]),
    ("model.placement", ["S5B1"] * 100_000 + ["S9B9"]),
    ("model.colour", 1),
    ("model.__class__", "x"),
    ("model.atr.colour", 1),
    ("model.atr.reduction", 0),
    ("model.atr.reduction", 10**9),
    ("model.atr.num_reasoners", 0),
    ("model.atr.num_reasoners", 65),
    ("model.atr.num_reasoners", 10**9),
    ("model.atr.k", -1),
    ("model.atr.k", 65),
    ("model.atr.k", 2**40),
    ("model.atr.motion", "flow"),
    ("model.atr.reasoner", "lstm"),
    ("model.atr.er_kernel", "none"),
    ("model.atr.er_transform", "deep"),
    ("model.atr.er_init", "zero"),
    ("model.atr.scale", "ln"),
    ("model.atr.distribution", "multiply"),
    ("model.atr.bn_position", "last"),
    ("model.atr.use_motion", 1),
    ("model.atr.bn_gamma_init", 1e30),
    ("preprocessing.size", 224),
    ("preprocessing.crop", 0),
    ("preprocessing.crop", 257),
    ("preprocessing.crop", 10**9),
    ("preprocessing.short_side", 10**9),
    ("preprocessing.mean", [0.5, 0.5]),
    ("preprocessing.mean", [0.5, 0.5, "0.5"]),
    ("preprocessing.mean", [0.5, 0.5, 1e30]),
    ("preprocessing.std", [1, 1, 1, 1]),
    ("preprocessing.std", [1, 1, 0]),
    ("preprocessing.std", [1, 1, -1]),
    ("preprocessing.std", [True, True, True]),
    ("preprocessing.fit", "stretch"),
    ("preprocessing.fit", 1),
    ("preprocessing.fit", None),
    ("labels", []),
    ("labels", ["push", "pull"]),
    ("labels", ["push", "pull", "turn", "hold"]),
    ("labels", ["push", "pull", 3]),
    ("labels", ["push", "pull", None]),
    ("labels", ["push", "pull", ""]),
    ("labels", ["push", "pull", "x" * 1001]),
    ("labels", {"push": 0, "pull": 1, "turn": 2}),
    ("labels", "push"),
    ("labels", ["push"] * 100_001),
    ("weights_sha256", ""),
    ("weights_sha256", "0" * 63),
    ("weights_sha256", "../../etc/passwd"),
]


@pytest.mark.parametrize(("place", "value"), OUT_OF_BOUNDS, ids=lambda each: str(each)[:30])
def test_a_value_out_of_bounds_is_named_with_its_key(folder, place, value):
    edited(folder / CONFIG, place, value)
    message = refused(folder, CONFIG)
    key = {"model.name": "model=", "model.placement": "placement"}.get(place, place.split(".")[-1])
    assert key.removesuffix("_sha256") in message


def test_what_is_refused_is_shown_with_what_is_allowed(folder):
    edited(folder / CONFIG, "model.num_frames", 1025)
    assert "model.num_frames = 1025; allowed: a whole number from 1 to 1,024" in refused(folder)
    edited(folder / CONFIG, "model.num_frames", 2)
    edited(folder / CONFIG, "model.atr.motion", "flow")
    assert 'model.atr.motion = \'flow\'; allowed: "bidirectional", "conv_then_diff"' in refused(folder)
    edited(folder / CONFIG, "model.atr.motion", "conv_then_diff")
    edited(folder / CONFIG, "model.colour", 1)
    assert "the unknown key 'model.colour'; allowed: name, num_classes" in refused(folder)


TEXTS = {
    "empty": b"",
    "a brace": b"{",
    "a list": b"[]",
    "a number": b"5",
    "null": b"null",
    "a text": b'"config"',
    "no JSON": b"format: 1\n",
    "bytes": bytes(range(256)),
    "a null byte": b'{"format": 1}\0',
    "UTF-16": '{"format": 1}'.encode("utf-16"),
    "UTF-32": '{"format": 1}'.encode("utf-32"),
    "Latin-1": '{"format": 1, "labels": ["prêt"]}'.encode("latin-1"),
    "deep lists": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "a pickle": pickle.dumps({"format": 1}),
    "two objects": b'{"format": 1}{"format": 1}',
    "a long number": b'{"format": ' + b"1" * 100_000 + b"}",
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_file_that_is_no_configuration_is_refused(folder, name):
    (folder / CONFIG).write_bytes(TEXTS[name])
    refused(folder, CONFIG)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"format": 1', '"format": 1, "format": 1'),
        ('"num_classes": 3', '"num_classes": 3, "num_classes": 5'),
        ('"dropout": 0.0', '"dropout": NaN'),
        ('"dropout": 0.0', '"dropout": Infinity'),
        ('"dropout": 0.0', '"dropout": -Infinity'),
        ('"dropout": 0.0', '"dropout": 1e999'),
        ("0.485", "NaN"),
        ("0.229", "Infinity"),
        ("0.229", "1e999"),
        ('"top1": 0.5', '"top1": NaN'),
        ('"top1": 0.5', '"top1": ' + "[" * 40 + "]" * 40),
        ('"push"', '"\\ud800"'),
        ('"top1": 0.5', '"top1": 0.5, "top1": 0.9'),
        ("{", "\ufeff{"),
    ],
)
def test_what_is_no_plain_json_is_refused(folder, old, new):
    text = (folder / CONFIG).read_text()
    assert old in text
    (folder / CONFIG).write_text(text.replace(old, new, 1), encoding="utf-8")
    refused(folder, CONFIG)


def test_a_configuration_that_is_too_long_is_not_read(folder):
    os.truncate(folder / CONFIG, 1 << 40)
    refused(folder, CONFIG, "bytes; allowed: at most 16,777,216")


# ---- what is no file -------------------------------------------------------------------------------------------------


def put_socket(path):
    here = Path.cwd()
    os.chdir(path.parent)  # the names of sockets are short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


PUT = {
    "nothing": lambda path: None,
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a socket": put_socket,
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link to nothing": lambda path: path.symlink_to("nowhere"),
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "a link to a pipe": lambda path: (os.mkfifo(path.parent / "pipe"), path.symlink_to("pipe")),
    "a link to its folder": lambda path: path.symlink_to("."),
}


@pytest.mark.parametrize("what", PUT)
@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
def test_only_regular_files_are_opened(folder, name, what):
    (folder / name).unlink()
    PUT[what](folder / name)
    refused(folder, name)
    assert name in readable_checkpoints([folder])[1][folder]


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
def test_a_file_that_may_not_be_read_is_named(folder, name, monkeypatch):
    opened = os.open

    def forbidden(path, *arguments, **options):
        if Path(path) == folder / name:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *arguments, **options)

    monkeypatch.setattr(os, "open", forbidden)
    refused(folder, name, "Permission denied")


def test_a_folder_that_is_none_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    for name in ("nowhere", "file"):
        refused(tmp_path / name, CONFIG)
    with pytest.raises(atr.CheckpointError) as caught:
        atr.load_checkpoint(tmp_path / ("x" * 300))
    one_clear_line(caught.value)


# ---- weights ---------------------------------------------------------------------------------------------------------


def raw(header: bytes, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header)) + header + data


def tensor(shape, begin, end, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


RAW = {
    "empty": b"",
    "seven bytes": b"1234567",
    "no header": struct.pack("<Q", 0),
    "a header beyond the end": struct.pack("<Q", 1 << 20) + b"{}",
    "a header of an exabyte": struct.pack("<Q", 1 << 60) + b"{}",
    "a header of negative length": b"\xff" * 8 + b"{}",
    "no JSON": raw(b"x" * 100),
    "no tensors": raw(b"{}"),
    "a list": raw(b"[]"),
    "deep": raw(b'{"a":' * 5000 + b"1" + b"}" * 5000),
    "no data": raw(json.dumps({"fc.bias": tensor([3], 0, 12)}).encode()),
    "offsets beyond the end": raw(json.dumps({"fc.bias": tensor([3], 0, 1 << 50)}).encode(), bytes(12)),
    "offsets backwards": raw(json.dumps({"fc.bias": tensor([3], 12, 0)}).encode(), bytes(12)),
    "a shape that overflows": raw(
        json.dumps({"fc.bias": tensor([1 << 62, 1 << 62], 0, 12)}).encode(), bytes(12)
    ),
    "a negative shape": raw(json.dumps({"fc.bias": tensor([-3], 0, 12)}).encode(), bytes(12)),
    "an unknown type": raw(json.dumps({"fc.bias": tensor([3], 0, 12, "Q7")}).encode(), bytes(12)),
    "a pickle": pickle.dumps({"fc.bias": [1.0, 2.0, 3.0]}),
    "a zip": b"PK\x03\x04" + bytes(200),
    "a long name": raw(json.dumps({"n" * 100_000: tensor([3], 0, 12)}).encode(), bytes(12)),
    "a name with control characters": raw(json.dumps({"\x1b[31m\n": tensor([3], 0, 12)}).encode(), bytes(12)),
}


@pytest.mark.parametrize("name", RAW)
def test_a_file_that_holds_no_such_weights_is_refused(folder, name):
    (folder / WEIGHTS).write_bytes(RAW[name])
    with_digest(folder)
    refused(folder, WEIGHTS)


def without(weights, name):
    del weights[name]


def replaced(name, change):
    return lambda weights: weights.update({name: change(weights[name])})


def filled(name, value):
    def change(weights):
        weights[name].view(-1)[-1] = value

    return change


CHANGES = {
    "one missing": (lambda w: without(w, "fc.bias"), "1 missing (fc.bias)"),
    "all missing": (lambda w: w.clear() or w.update(x=torch.zeros(1)), "missing"),
    "one more": (lambda w: w.update({"fc.more": torch.zeros(1)}), "1 left over (fc.more)"),
    "a renamed one": (
        lambda w: w.update({"fc.b": w.pop("fc.bias")}),
        "1 missing (fc.bias), 1 left over (fc.b)",
    ),
    "another shape": (
        replaced("fc.bias", lambda t: torch.zeros(4)),
        "of another shape (fc.bias (4,) for (3,))",
    ),
    "transposed": (replaced("fc.weight", lambda t: t.T.contiguous()), "of another shape (fc.weight"),
    "one dimension more": (replaced("fc.bias", lambda t: t[None]), "of another shape (fc.bias (1, 3)"),
    "without elements": (replaced("fc.bias", lambda t: t[:0]), "of another shape (fc.bias (0,)"),
    "whole numbers": (replaced("fc.bias", lambda t: t.long()), "fc.bias I64 for F32 or F16 or BF16"),
    "double precision": (replaced("fc.bias", lambda t: t.double()), "fc.bias F64"),
    "truth values": (replaced("fc.bias", lambda t: t.bool()), "fc.bias BOOL"),
    "a counter of floats": (
        replaced("backbone.bn1.num_batches_tracked", lambda t: t.float()),
        "num_batches_tracked F32 for I64",
    ),
    "NaN": (filled("fc.weight", float("nan")), "NaN or infinite values in 1 tensor (fc.weight)"),
    "infinite": (filled("backbone.conv1.weight", float("inf")), "infinite values in 1 tensor"),
    "a statistic that is NaN": (filled("backbone.bn1.running_var", float("nan")), "running_var"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_weights_that_do_not_fit_are_named(folder, name):
    change, said = CHANGES[name]
    weights = load_file(folder / WEIGHTS)
    change(weights)
    save_file(weights, folder / WEIGHTS)
    with_digest(folder)
    refused(folder, WEIGHTS, said)


@pytest.mark.parametrize(
    "options",
    [
        {"name": "tsn_resnet34"},
        {"name": "tsn_efficientnet_lite0", "placement": "S5"},
        {"width": 1 / 16},
        {"width": 8},
        {"num_classes": 100_000, "name": "tsn_resnet101", "width": 8, "placement": "S2-5"},
        {"num_classes": 4},
        {"block": None},
        {"block": "atr_sim"},
        {"stem": "small"},
        {"placement": ["S5B1"]},
        {"placement": "S2-5"},
    ],
    ids=str,
)
def test_a_configuration_of_other_weights_is_refused_before_memory_is_taken(folder, options):
    """The largest of these networks has 100 GB of weights."""
    for key, value in options.items():
        edited(folder / CONFIG, f"model.{key}", value)
    if "num_classes" in options:
        edited(folder / CONFIG, "labels", [str(number) for number in range(options["num_classes"])])
    refused(folder, WEIGHTS, "does not fit the model of config.json")


def test_weights_that_were_cut_or_exchanged_do_not_match_the_digest(folder):
    whole = (folder / WEIGHTS).read_bytes()
    for content in (whole[:-1], whole + b"x", whole[:-1] + b"x", b""):
        (folder / WEIGHTS).write_bytes(content)
        refused(folder, WEIGHTS, "does not match the digest")


def test_weights_that_are_too_long_are_not_read(folder):
    os.truncate(folder / WEIGHTS, 1 << 40)
    refused(folder, WEIGHTS, "takes at most")


# ---- what is accepted ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_becomes_float32(folder, dtype):
    stored = {n: t.to(dtype) if t.is_floating_point() else t for n, t in load_file(folder / WEIGHTS).items()}
    save_file(stored, folder / WEIGHTS)
    with_digest(folder)
    loaded = atr.load_checkpoint(folder).state_dict()
    for name, tensor in stored.items():
        assert loaded[name].dtype == (torch.float32 if tensor.is_floating_point() else torch.int64)
        assert torch.equal(loaded[name], tensor.to(loaded[name].dtype))


def test_a_model_keeps_its_weights_when_the_file_changes(folder):
    model = atr.load_checkpoint(folder)
    before = model.fc.weight.clone()
    with open(folder / WEIGHTS, "r+b") as file:
        file.write(bytes((folder / WEIGHTS).stat().st_size))
    assert torch.equal(model.fc.weight, before)
    assert {p.device.type for p in model.state_dict().values()} == {"cpu"}
    assert all(p.requires_grad for p in model.parameters())


def test_one_bad_folder_does_not_take_the_good_ones_with_it(good, tmp_path):
    folders = [Path(shutil.copytree(good, tmp_path / name)) for name in ("a", "b", "c", "d")]
    (folders[1] / CONFIG).write_text("{")
    (folders[2] / WEIGHTS).unlink()
    found, faults = readable_checkpoints(folders)
    assert list(found) == [folders[0], folders[3]] and list(faults) == [folders[1], folders[2]]
    assert found[folders[0]]["labels"] == ["push", "pull", "turn"]
    assert "not readable JSON" in faults[folders[1]] and "no model.safetensors" in faults[folders[2]]


@pytest.mark.parametrize("kept", [0, 7, 8, 100, -1])
def test_weights_that_are_cut_off_are_seen_without_loading_them(folder, kept):
    path = folder / WEIGHTS
    path.write_bytes(path.read_bytes()[:kept])
    found, faults = readable_checkpoints([folder])
    assert not found
    one_clear_line(faults[folder], folder.name, WEIGHTS, f"{path.stat().st_size:,} bytes")


@pytest.mark.parametrize("length", [2**40, 2**64 - 1])
def test_a_header_that_is_too_long_to_be_one_is_not_read(folder, length):
    (folder / WEIGHTS).write_bytes(length.to_bytes(8, "little") + b"{}")
    with little_memory():
        assert f"{length:,} bytes" in readable_checkpoints([folder])[1][folder]


def test_what_is_saved_can_be_read_again(good, tmp_path):
    model = atr.load_checkpoint(good)
    for wrong in ({"labels": ["push", "pull", ""]}, {"labels": model.labels, "loss": float("nan")}):
        with pytest.raises(ValueError):
            atr.save_checkpoint(tmp_path / "a", model, **wrong)
    assert not list(tmp_path.iterdir())
