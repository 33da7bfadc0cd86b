"""The commands as a person types them."""

import pytest

from atr.__main__ import main


def test_describe_prints_blocks_parameters_and_macs(capsys):
    assert main(["describe", "tsm_resnet50", "--block", "atr"]) == 0
    out = capsys.readouterr().out
    assert [line.split()[:3] for line in out.splitlines() if line.startswith("S3B1")] == [
        ["S3B1", "512", "28x28"]
    ]
    assert "25.272 M" in out
    assert "34.091 G" in out
    assert "flop counter, halved" in out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["describe", "tsm_resnet55"], "'tsm_resnet55' is unknown; allowed: tsn_resnet18"),
        (
            ["describe", "tsn_resnet18", "--block", "atr", "--placement", "S6B1"],
            "unknown S6B1; allowed: S5-3",
        ),
        (
            ["describe", "tsn_resnet18", "--block", "atr", "--placement", "everywhere"],
            "unknown everywhere; allowed: S5-3",
        ),
    ],
)
def test_bad_values_are_one_line(arguments, named, capsys):
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("error: ")
    assert named in line


def test_an_unknown_preset_is_refused_with_those_there_are(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["train", "--preset", "tabletop-i3d", "--out", "x"])
    assert stop.value.code == 2
    assert "tabletop-atr-sim" in capsys.readouterr().err


def test_tabletop_writes_clips_and_refuses_a_full_folder(tmp_path, capsys):
    arguments = [
        "tabletop",
        "--out",
        str(tmp_path / "clips"),
        "--num-clips",
        "2",
        "--num-frames",
        "4",
        "--size",
        "32",
    ]
    assert main(arguments) == 0
    assert len(list((tmp_path / "clips").glob("*.mp4"))) == 2
    assert main(arguments) == 2
    assert "not an empty folder" in capsys.readouterr().err


def test_train_takes_a_preset_and_changes_to_it(tmp_path, monkeypatch):
    seen = []

    def fake(config, out, cache):
        seen.append(config)
        return {"top1": 0.5}

    monkeypatch.setattr("atr.commands.train.train", fake)
    assert (
        main(["train", "--preset", "tabletop-gr", "--out", str(tmp_path), "--epochs", "3", "--scale", "sqrt"])
        == 0
    )
    (config,) = seen
    assert (config.epochs, config.model.block, config.model.atr.reasoner) == (3, "atr_sim", "gr")
    assert config.model.atr.scale == "sqrt"
