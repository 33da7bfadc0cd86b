"""Bad lists of clips in every layout: one ValueError each, which names the file or its folder."""

import builtins
import io
import json
import os
from pathlib import Path

import pytest

from atr.data.folders import annotated_clips
from atr.data.reading import read_annotations
from tests.hostile.refusal import edited, little_memory, of_another_type, one_clear_line

CLIP = {
    "id": "a",
    "video": "a.mp4",
    "label": "wave",
    "num_frames": 2,
    "masks": "a.masks.npz",
    "acting": [True, False],
    "boxes": [[], []],
}
ANNOTATED = {
    "annotations.json": {"labels": ["wave", "clap"], "split": "val", "clips": [CLIP, CLIP | {"id": "b"}]}
}
V2 = {
    "labels/labels.json": {"Holding something": "0", "Dropping something": "1"},
    "labels/validation.json": [
        {"id": "7", "label": "Holding a cup", "template": "Holding [something]", "placeholders": ["a cup"]},
        {"id": "8", "label": "Dropping it", "template": "Dropping [something]", "placeholders": ["it"]},
    ],
}
V1 = {
    "something-something-v1-labels.csv": "Holding something\nDropping something\n",
    "something-something-v1-validation.csv": "7;Holding something\n8;Dropping something\n",
}
KINETICS = {
    "val.csv": "label,youtube_id,time_start,time_end,split\nwave,abc,1,11,val\nclap,abd,2,12,val\n",
}


def write(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


def refused(folder, *named):
    with little_memory(), pytest.raises(ValueError) as caught:
        read_annotations(folder)
    return one_clear_line(caught.value, folder.name, *named)


@pytest.mark.parametrize("files", [ANNOTATED, V2, V1, KINETICS], ids=lambda files: next(iter(files)))
def test_the_lists_that_are_broken_below_are_good_ones(tmp_path, files):
    assert len(read_annotations(write(tmp_path, files))) == 2


# ---- annotations.json ------------------------------------------------------------------------------------------------

KEYS = ["labels", "clips", "split", *(f"clips.1.{key}" for key in CLIP)]


@pytest.mark.parametrize("place", ["labels", "clips", "clips.1.id", "clips.1.video", "clips.1.label"])
def test_a_missing_key_is_named(tmp_path, place):
    edited(write(tmp_path, ANNOTATED) / "annotations.json", place)
    refused(tmp_path, "annotations.json", place.split(".")[-1])


@pytest.mark.parametrize("place", KEYS)
def test_a_value_of_another_type_is_named_with_its_key(tmp_path, place):
    value = ANNOTATED["annotations.json"].get(place, CLIP.get(place.split(".")[-1]))
    edited(write(tmp_path, ANNOTATED) / "annotations.json", place, of_another_type(value))
    refused(tmp_path, "annotations.json", place.split(".")[-1])


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("labels", []),
        ("labels", ["wave", 5]),
        ("labels", ["wave", ""]),
        ("labels", ["wave", None]),
        ("labels", ["wave", "x" * 2000]),
        ("labels", None),
        ("split", "validation"),
        ("split", ""),
        ("split", None),
        ("clips", None),
        ("clips", {"a": CLIP}),
        ("clips.1", None),
        ("clips.1", "a.mp4"),
        ("clips.1", []),
        ("clips.1.id", ""),
        ("clips.1.id", None),
        ("clips.1.id", "x" * 100_000),
        ("clips.1.video", ""),
        ("clips.1.video", "a\0.mp4"),
        ("clips.1.video", ["a.mp4"]),
        ("clips.1.label", ""),
        ("clips.1.num_frames", 0),
        ("clips.1.num_frames", -1),
        ("clips.1.num_frames", 2.5),
        ("clips.1.num_frames", True),
        ("clips.1.num_frames", 10**30),
        ("clips.1.acting", "yes"),
        ("clips.1.acting", ["yes", "no"]),
        ("clips.1.acting", [2, 0]),
        ("clips.1.acting", None),
        ("clips.1.masks", 3),
        ("clips.1.masks", ""),
        ("clips.1.masks", None),
        ("clips.1.boxes", "none"),
    ],
    ids=lambda each: str(each)[:30],
)
def test_an_entry_that_cannot_be_is_named(tmp_path, place, value):
    edited(write(tmp_path, ANNOTATED) / "annotations.json", place, value)
    refused(tmp_path, "annotations.json", place.replace(".1", "[1]"))


def test_the_entry_its_value_and_what_is_allowed_are_told(tmp_path):
    file = write(tmp_path, ANNOTATED) / "annotations.json"
    edited(file, "clips.1.acting", "yes")
    with pytest.raises(
        ValueError, match=r"clips\[1\].acting = 'yes'; allowed: a list, each true or false or"
    ):
        annotated_clips(file)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"annotations.json": b"{"}, "is not readable JSON: line 1, column 2: "),
        ({"annotations.json": b'["\\ud800"]'}, r"has half a surrogate pair, in '\ud800'"),
        ({"annotations.json": b"[" + b"9" * 5000 + b"]"}, "has a number of 5,000 digits; allowed: up to 400"),
        (V2 | {"labels/labels.json": {"Holding something": "9" * 5000}}, "allowed: whole numbers"),
        (
            V2 | {"labels/validation.json": [{"id": "8\0", "template": "Holding [something]"}]},
            r"has [0].id = '8\x00'; allowed: a name of files of from 1 to 4,096 characters, none of them NUL",
        ),
    ],
    ids=["brace", "surrogate", "digits", "label", "NUL"],
)
def test_no_words_of_a_library_are_told(tmp_path, files, told):
    refused(write(tmp_path, files), told)


NO_JSON = {
    "empty": b"",
    "a brace": b"{",
    "a number": b"5",
    "null": b"null",
    "a text": b'"clips"',
    "Latin-1": '{"labels": ["prêt"], "clips": []}'.encode("latin-1"),
    "UTF-16": '{"labels": ["wave"], "clips": []}'.encode("utf-16"),
    "bytes": bytes(range(256)),
    "deep": b"[" * 100_000 + b"]" * 100_000,
}
ODD = {
    "a key twice": b'{"labels": ["wave"], "labels": ["clap"], "clips": []}',
    "NaN": b'{"labels": ["wave"], "clips": [], "fps": NaN}',
    "half a pair": b'{"labels": ["\\ud800"], "clips": []}',
    "levels": b'{"labels": ["wave"], "clips": [], "x": ' + b"[" * 40 + b"]" * 40 + b"}",
}


@pytest.mark.parametrize("name", [*NO_JSON, *ODD])
def test_an_annotations_file_that_is_no_such_json_is_refused(tmp_path, name):
    refused(write(tmp_path, {"annotations.json": (NO_JSON | ODD)[name]}), "annotations.json")


def test_an_annotations_file_that_is_too_long_is_not_read(tmp_path):
    os.truncate(write(tmp_path, ANNOTATED) / "annotations.json", 1 << 40)
    refused(tmp_path, "annotations.json", "bytes; allowed: at most")


# ---- the other layouts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", V2)
@pytest.mark.parametrize("name", NO_JSON)
def test_a_list_of_something_something_v2_that_is_no_such_json_is_refused(tmp_path, file, name):
    refused(write(tmp_path, V2 | {file: NO_JSON[name]}))


@pytest.mark.parametrize(
    "labels",
    [
        ["Holding something", "Dropping something"],
        {"Holding something": "0", "Dropping something": "2"},
        {"Holding something": "0", "Dropping something": "0"},
        {"Holding something": "0", "Dropping something": "one"},
        {"Holding something": "0", "Dropping something": None},
        {"Holding something": "0", "Dropping something": [1]},
        {"Holding something": "0", "": "1"},
        {"Holding something": "0", "x" * 2000: "1"},
        {"Holding something": "0", "Dropping something": "9" * 5000},
        {},
    ],
    ids=lambda each: str(each)[:50],
)
def test_labels_of_something_something_v2_that_cannot_be_are_refused(tmp_path, labels):
    refused(write(tmp_path, V2 | {"labels/labels.json": labels}))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("1", 5),
        ("1", None),
        ("1", "8"),
        ("1", []),
        ("1.id", ...),
        ("1.id", 8),
        ("1.id", None),
        ("1.id", ""),
        ("1.id", ["8"]),
        ("1.id", "8\0"),
        ("1.id", "x" * 100_000),
        ("1.template", ...),
        ("1.template", 5),
        ("1.template", None),
        ("1.template", ["Holding [something]"]),
    ],
    ids=lambda each: str(each)[:30],
)
def test_an_entry_of_something_something_v2_that_cannot_be_is_refused(tmp_path, place, value):
    edited(write(tmp_path, V2) / "labels" / "validation.json", place, value)
    refused(tmp_path, "validation.json")


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("labels", ""),
        ("labels", "\n\n"),
        ("labels", bytes(range(128, 256))),
        ("labels", "x" * 2000 + "\n"),
        ("validation", "7\n"),
        ("validation", "7;Holding something;8\n"),
        ("validation", "7,Holding something\n"),
        ("validation", ";Holding something\n"),
        ("validation", bytes(range(128, 256))),
        ("validation", b"7;Holding something\n8\0;Dropping something\n"),
        ("validation", "7;" + "x" * 200_000 + "\n"),
        ("validation", "x" * 50_000 + ";Holding something\n"),
    ],
    ids=lambda each: str(each)[:30],
)
def test_a_list_of_something_something_v1_that_cannot_be_is_refused(tmp_path, file, content):
    refused(write(tmp_path, V1 | {f"something-something-v1-{file}.csv": content}))


@pytest.mark.parametrize(
    "rows",
    [
        "wave,abc,one,11,val\n",
        "wave,abc,,11,val\n",
        "wave,abc,1,,val\n",
        "wave,abc,1\n",
        "wave,abc,1.5,11,val\n",
        "wave,abc,nan,11,val\n",
        "wave,abc,inf,11,val\n",
        "wave,abc,1,11,val,0,0\n",
        "wave,abc,1,11,val\nwave,abd,1,11,val,0,0,0\n",
        ",abc,1,11,val\n",
        '"wave,abc,1,11,val\n',
        "x" * 2000 + ",abc,1,11,val\n",
        "wave," + "x" * 50_000 + ",1,11,val\n",
        b"pr\xeat,abc,1,11,val\n",
        b"wave,a\0c,1,11,val\n",
        "wave,abc," + "9" * 5000 + ",11,val\n",
    ],
    ids=lambda each: str(each)[:30],
)
def test_a_list_of_kinetics_that_cannot_be_is_refused(tmp_path, rows):
    header = KINETICS["val.csv"].split("\n")[0] + "\n"
    content = header + rows if isinstance(rows, str) else header.encode() + rows
    refused(write(tmp_path, {"val.csv": content}))


# ---- what is no file, what is no layout ------------------------------------------------------------------------------


@pytest.mark.parametrize("files", [ANNOTATED, V2, V1, KINETICS], ids=lambda files: next(iter(files)))
def test_a_list_that_may_not_be_read_is_named(tmp_path, files, monkeypatch):
    write(tmp_path, files)
    for module in (builtins, io, os):

        def forbidden(path, *arguments, opened=module.open, **options):
            if str(path).startswith(str(tmp_path)):
                raise PermissionError(13, "Permission denied", str(path))
            return opened(path, *arguments, **options)

        monkeypatch.setattr(module, "open", forbidden)
    refused(tmp_path, "Permission denied")


@pytest.mark.parametrize(
    "put", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to(path.name)], ids=["pipe", "folder", "loop"]
)
@pytest.mark.parametrize("name", ["annotations.json", "val.csv", "something-something-v1-labels.csv"])
def test_what_stands_in_the_place_of_a_list_is_not_waited_for(tmp_path, put, name):
    put(tmp_path / name)
    refused(tmp_path)


def test_a_split_that_is_not_there_is_shortened(tmp_path):
    write(tmp_path, ANNOTATED)
    with pytest.raises(ValueError) as caught:
        read_annotations(tmp_path, "x" * 10_000)
    one_clear_line(caught.value, tmp_path.name)
