"""Checkpoint folders: bit-identical, whole or refused."""

import json
import re
from pathlib import Path

import pytest
import torch

import atr
from atr.checkpoint import require_free

LABELS = [f"doing something {i}" for i in range(5)]


def test_saved_and_loaded_is_bit_identical(tiny, clips, tmp_path):
    model = tiny("tsm_resnet18", block="atr", placement=["S3B1", "S5B2"], distribution="scale")
    preprocessing = atr.Preprocessing(short_side=36, crop=32)
    atr.save_checkpoint(
        tmp_path / "a", model, labels=LABELS, preprocessing=preprocessing, metrics={"top1": 0.5}
    )
    loaded = atr.load_checkpoint(tmp_path / "a")
    assert loaded.config == model.config
    assert loaded.labels == LABELS
    assert loaded.preprocessing == preprocessing
    assert loaded.facts == {"metrics": {"top1": 0.5}}
    assert loaded.state_dict().keys() == model.state_dict().keys()
    assert all(
        torch.equal(a, b)
        for a, b in zip(loaded.state_dict().values(), model.state_dict().values(), strict=True)
    )
    with torch.inference_mode():
        assert torch.equal(loaded(clips), model(clips))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_a_checkpoint_is_float32_whatever_the_default_of_torch(tiny, tmp_path, dtype):
    model = tiny(block="atr")
    torch.set_default_dtype(dtype)
    try:
        loaded = atr.load_checkpoint(atr.save_checkpoint(tmp_path / "a", model, labels=LABELS))
    finally:
        torch.set_default_dtype(torch.float32)
    for name, weight in loaded.state_dict().items():
        assert torch.equal(weight, model.state_dict()[name]) and weight.dtype != dtype, name


def test_saving_replaces_a_checkpoint_and_nothing_else(tiny, tmp_path):
    first, second = tiny(), tiny()
    atr.save_checkpoint(tmp_path / "a", first, labels=LABELS)
    atr.save_checkpoint(tmp_path / "a", second, labels=LABELS)
    assert torch.equal(atr.load_checkpoint(tmp_path / "a").fc.weight, second.fc.weight)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("")
    with pytest.raises(FileExistsError, match="not a checkpoint"):
        atr.save_checkpoint(tmp_path / "mine", first, labels=LABELS)
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_a_wrapped_network_is_saved_as_the_network_itself(tiny, tmp_path):
    model = tiny("tsm_resnet18", block="atr")
    for wrapped in (torch.nn.DataParallel(model), torch.compile(model)):
        atr.save_checkpoint(tmp_path / "a", wrapped, labels=LABELS)
        assert torch.equal(atr.load_checkpoint(tmp_path / "a").fc.weight, model.fc.weight)
        assert torch.equal(atr.optimised(wrapped).fc.weight, model.fc.weight)


def test_what_could_not_be_loaded_again_replaces_nothing(tiny, tmp_path):
    model, changed = tiny(), tiny()
    atr.save_checkpoint(tmp_path / "a", model, labels=LABELS)
    changed.backbone.layer1[0].more = torch.nn.Linear(2, 2)
    with pytest.raises(
        ValueError, match=r"not those of the model's config: 2 left over \(backbone.layer1.0.more"
    ):
        atr.save_checkpoint(tmp_path / "a", changed, labels=LABELS)
    for label, said in (("", "has labels[4] = ''; allowed: a text of"), ("\ud800", "half a surrogate pair")):
        with pytest.raises(ValueError, match=f"a is not written: its config.json .*{re.escape(said)}"):
            atr.save_checkpoint(tmp_path / "a", tiny(), labels=[*LABELS[:4], label])
    with pytest.raises(ValueError, match="a text in place of a list of labels for a model of 5 classes"):
        atr.save_checkpoint(tmp_path / "a", tiny(), labels="abcde")
    assert torch.equal(atr.load_checkpoint(tmp_path / "a").fc.weight, model.fc.weight)


def test_a_link_to_a_checkpoint_stays_one(tiny, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    for model in (tiny(), tiny()):
        atr.save_checkpoint(tmp_path / "link", model, labels=LABELS)
        assert torch.equal(atr.load_checkpoint(tmp_path / "real").fc.weight, model.fc.weight)
    assert (tmp_path / "link").is_symlink() and len(list(tmp_path.iterdir())) == 2


def test_folders_that_cannot_be_replaced_are_refused_at_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileExistsError, match="it is the working folder"):
        require_free(Path())
    monkeypatch.setattr("os.path.ismount", lambda path: path == tmp_path / "out")
    (tmp_path / "out").mkdir()
    with pytest.raises(FileExistsError, match="it is a mount point; name a folder in it"):
        require_free(tmp_path / "out")
    require_free(tmp_path / "out" / "net")


def test_a_folder_that_holds_other_things_too_is_no_checkpoint_to_be_replaced(tiny, tmp_path):
    """Other programs call their files config.json, too."""
    model = tiny()
    folder = atr.save_checkpoint(tmp_path / "a", model, labels=LABELS)
    (folder / "confusion.csv").write_text("")
    atr.save_checkpoint(folder, model, labels=LABELS)
    (folder / "thesis.txt").write_text("mine")
    with pytest.raises(
        FileExistsError, match="a holds 'thesis.txt', which is no file of a checkpoint; it is left"
    ):
        atr.save_checkpoint(folder, model, labels=LABELS)
    assert (folder / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ('{"model_type": "bert"}', "has format None"),
        ('{"format": 2}', "has format 2; this version reads format 1"),
        ("[1]", "has format"),
        ("{", "line 1, column 2"),
    ],
)
def test_a_model_of_another_program_or_a_later_version_is_not_replaced(tiny, tmp_path, config, said):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "config.json").write_text(config)
    (tmp_path / "a" / "model.safetensors").write_text("theirs")
    with pytest.raises(FileExistsError, match=f"{said}.*; the folder is left as it is"):
        atr.save_checkpoint(tmp_path / "a", tiny(), labels=LABELS)
    assert (tmp_path / "a" / "model.safetensors").read_text() == "theirs"
    assert (tmp_path / "a" / "config.json").read_text() == config


def test_a_failed_save_leaves_the_old_checkpoint(tiny, tmp_path):
    model = tiny()
    atr.save_checkpoint(tmp_path / "a", model, labels=LABELS)
    with pytest.raises(TypeError, match="a is not written: of its facts, Object of type Tensor is not JSON"):
        atr.save_checkpoint(tmp_path / "a", tiny(), labels=LABELS, metrics={"top1": torch.zeros(1)})
    assert torch.equal(atr.load_checkpoint(tmp_path / "a").fc.weight, model.fc.weight)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_not_saved(tiny, tmp_path, value):
    model = tiny()
    model.fc.bias.data[0] = value
    with pytest.raises(ValueError, match=r"a is not written: .* infinite values in 1 tensor \(fc.bias\)"):
        atr.save_checkpoint(tmp_path / "a", model, labels=LABELS)
    assert list(tmp_path.iterdir()) == []


def test_numbers_of_a_kind_that_is_not_stored_are_refused_before_anything_is_replaced(tiny, tmp_path):
    atr.save_checkpoint(tmp_path / "a", tiny(), labels=LABELS)
    with pytest.raises(ValueError, match=r"a is not written: .* is torch.float64; allowed: torch.float32, "):
        atr.save_checkpoint(tmp_path / "a", tiny().double(), labels=LABELS)
    assert atr.load_checkpoint(tmp_path / "a").fc.weight.dtype == torch.float32


def test_no_pickle_in_the_folder(tiny, tmp_path):
    atr.save_checkpoint(tmp_path / "a", tiny(), labels=LABELS)
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["config.json", "model.safetensors"]


def damaged(folder, change):
    config = json.loads((folder / "config.json").read_text())
    change(config)
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "config.json").unlink(), "no config.json"),
        (
            lambda f: f.rename(f.parent / "moved"),
            "is no folder; a checkpoint is a folder with config.json and",
        ),
        (
            lambda f: [f.rename(f.parent / "moved"), f.mkdir(), (f.parent / "moved").rename(f / "inside")],
            "has no config.json: it is not a checkpoint folder of this package; in it are inside",
        ),
        (lambda f: (f / "model.safetensors").unlink(), "no model.safetensors"),
        (lambda f: (f / "model.safetensors").write_bytes(b"x"), "does not match the digest"),
        (lambda f: (f / "config.json").write_text("{"), "not readable JSON"),
        (lambda f: (f / "config.json").write_text("[]"), "format"),
        (lambda f: damaged(f, lambda c: c.update(format=99)), "format 99"),
        (lambda f: damaged(f, lambda c: c.pop("labels")), "lacks labels"),
        (lambda f: damaged(f, lambda c: c["labels"].pop()), "4 labels for 5 classes"),
        (lambda f: damaged(f, lambda c: c["model"].update(name="i3d")), "'i3d' is unknown"),
        (lambda f: damaged(f, lambda c: c["model"].update(width=0.25)), "of another shape"),
        (lambda f: damaged(f, lambda c: c["model"].update(colour=1)), "colour"),
    ],
)
def test_a_faulty_folder_is_refused_with_its_fault(tiny, tmp_path, damage, message):
    folder = atr.save_checkpoint(tmp_path / "a", tiny(), labels=LABELS)
    damage(folder)
    with pytest.raises(atr.CheckpointError, match=message):
        atr.load_checkpoint(folder)


def test_labels_and_facts_are_checked(tiny, tmp_path):
    with pytest.raises(ValueError, match="4 labels for a model of 5 classes"):
        atr.save_checkpoint(tmp_path / "a", tiny(), labels=LABELS[:4])
    with pytest.raises(ValueError, match="weights_sha256"):
        atr.save_checkpoint(tmp_path / "a", tiny(), labels=LABELS, weights_sha256="0")


def test_others_may_read_the_weights(tiny, tmp_path):
    atr.save_checkpoint(tmp_path / "net", tiny("tsn_resnet18"), labels=LABELS)
    for path in (tmp_path / "net").iterdir():
        assert path.stat().st_mode & 0o444 == 0o444, path.name
