"""The commands as a person types them."""

import inspect
import subprocess
import sys
from dataclasses import fields

import pytest

import analysis.__main__
import atr
from atr.__main__ import COMMANDS, main
from atr.block import ATRConfig
from atr.commands import imported, text_of
from atr.commands.describe import NEEDED


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
        (
            ["describe", "tsn_resnet18", "--k", "5"],
            "k is of blocks, and there are none; allowed: with --block atr",
        ),
        (
            ["describe", "tsn_resnet18", "--block", "atr", "--scale", "sqrt"],
            "scale changes nothing of reasoner='er'; allowed: with --reasoner gr",
        ),
        (
            ["describe", "tsn_resnet18", "--block", "atr", "--reasoner", "gr", "--er-kernel", "shared"],
            "er_kernel changes nothing of reasoner='gr'; allowed: with --reasoner er",
        ),
        (
            ["describe", "tsn_resnet18", "--block", "atr_sim", "--no-use-motion"],
            "use_motion changes nothing of block='atr_sim'; allowed: with --block atr",
        ),
        (
            ["describe", "tsn_resnet18", "--width", "nan"],
            "width=nan is not allowed; allowed: a number from 0.015625 to 8",
        ),
        (["describe", "tsn_resnet18", "--size", "0"], "size=0 is not possible; allowed: 1 to 8,192"),
        (
            ["describe", "tsn_resnet18", "--num-classes", str(10**18)],
            "num_classes=1000000000000000000 is not allowed",
        ),
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


@pytest.mark.parametrize(
    "options", [["--reasoner", "gr", "--scale", "sqrt"], ["--k", "2", "--no-use-motion"]]
)
def test_options_of_the_parts_that_there_are_are_taken(options, capsys):
    assert main(["describe", "tsn_resnet18", "--block", "atr", "--size", "32", *options]) == 0


def test_the_choices_that_options_need_are_fields_of_a_block():
    assert {field.name for field in fields(ATRConfig)} - NEEDED.keys() == {
        "reasoner",
        "num_reasoners",
        "bn_position",
        "bn_gamma_init",
    }


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

    def fake(config, out, cache, command):
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


@pytest.mark.parametrize("spelling", [["--preset", "sthv2-tsm-atr"], ["--preset=sthv2-tsm-atr"]])
def test_a_preset_is_a_preset_in_both_spellings(spelling, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("atr.commands.train.train", lambda config, *_: seen.append(config) or {})
    assert main(["train", *spelling, "--out", str(tmp_path / "x")]) == 0
    assert (seen[0].model.name, seen[0].epochs) == ("tsm_resnet50", 50)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ([], (128, 144)),
        (["--size", "64"], (64, 72)),
        (["--size", "224"], (224, 252)),
        (["--size", "64", "--short-side", "144"], (64, 144)),
        (["--size=64", "--short_side=80"], (64, 80)),
        (["--size", "64", "--short-side", "None"], (64, None)),
    ],
)
def test_another_size_keeps_the_view_of_the_preset(typed, expected, tmp_path, monkeypatch, capsys):
    seen = []
    monkeypatch.setattr("atr.commands.train.train", lambda config, *_: seen.append(config) or {})
    assert main(["train", "--preset", "laptop-atr", "--out", str(tmp_path / "x"), *typed]) == 0
    assert (seen[0].size, seen[0].short_side) == expected
    told = f"short_side={expected[1]}, in proportion to size={expected[0]} as 144 to 128; --short-side sets another"
    assert (told in capsys.readouterr().err) == (len(typed) == 2 and typed[0] == "--size")


@pytest.mark.parametrize(
    ("setting", "value", "allowed"),
    [
        ("--gradient-clip", "0", "gradient_clip=0.0 is not possible; allowed: more than 0"),
        ("--reference-batch", "0", "reference_batch=0 is not possible; allowed: 1 or more"),
        ("--seed", "-1", "seed=-1 is not possible; allowed: 0 to 4,294,967,295"),
        ("--seed", str(2**64), f"seed={2**64} is not possible; allowed: 0 to 4,294,967,295"),
        ("--workers", "257", "workers=257 is not possible; allowed: 0 to 256"),
        ("--label-smoothing", "2", "label_smoothing=2.0 is not possible; allowed: 0 to below 1"),
    ],
)
def test_an_impossible_setting_is_named(setting, value, allowed, tmp_path, capsys):
    try:
        code = main(["train", "--preset", "tabletop-tsn", "--out", str(tmp_path / "x"), setting, value])
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    printed = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert allowed in printed


def test_train_looks_at_its_paths_before_anything_else(tmp_path, capsys):
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "thesis.pdf").write_text("mine")
    arguments = ["train", "--preset", "tabletop-tsn", "--out", str(tmp_path / "papers")]
    assert main(arguments) == 2
    assert "exists and is not a checkpoint" in capsys.readouterr().err
    file = tmp_path / "papers" / "thesis.pdf"
    assert main([*arguments[:-1], str(file / "below" / "net")]) == 2
    assert capsys.readouterr().err == f"error: {file}: Not a directory\n"
    arguments = ["train", "--preset", "sthv2-tsn", "--data", "data:val", "--out", str(tmp_path / "x")]
    arguments += ["--mixed-precision", "no"]  # as all trainings of this process: accelerate keeps it
    assert main([*arguments, "--init", "nowhere.pth"]) == 2
    assert "init='nowhere.pth' is no checkpoint folder" in capsys.readouterr().err
    assert main([*arguments, "--init", "None"]) == 2
    assert "data='data:val' is unknown; allowed: tabletop:val" in capsys.readouterr().err


@pytest.mark.parametrize("package", ["atr", "analysis"])
def test_help_imports_no_torch(package):
    """It takes seconds to import; the texts come from the files of the commands."""
    typed = [sys.executable, "-X", "importtime", "-m", package, "--help"]
    done = subprocess.run(typed, capture_output=True, text=True)
    assert done.returncode == 0
    modules = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "tyro" in modules and not {"torch", "pandas", "cv2", "accelerate"} & modules


@pytest.mark.parametrize("place", [*COMMANDS.values(), *analysis.__main__.COMMANDS.values()])
def test_the_help_of_a_program_has_the_text_of_its_commands(place):
    assert text_of(place) == inspect.getdoc(imported(place))


@pytest.mark.parametrize("package", [atr, analysis])
def test_what_a_package_offers_is_found_when_it_is_used(package):
    assert {*package.PLACES} == {*package.__all__} - {"__version__"}
    for name, module in package.PLACES.items():
        assert getattr(package, name) is getattr(sys.modules[f"{package.__name__}.{module}"], name)
    with pytest.raises(AttributeError, match="has no attribute 'MODEL'"):
        package.MODEL  # noqa: B018


def test_modules_are_found_after_the_import_of_the_package_alone():
    assert atr.resnet is sys.modules["atr.resnet"]
    assert analysis.figures is sys.modules["analysis.figures"]
