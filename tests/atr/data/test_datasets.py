"""Lists of clips out of the official files of data sets, written here by hand."""

import json
import os
import sys

import pytest

from atr.commands.doctor import Doctor
from atr.data.reading import read_annotations, splits_of


def write(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


# Numbered otherwise than they are listed.
V2_LABELS = {
    "Putting something on a surface": "1",
    "Holding something": "0",
    "Putting number of something onto something": "2",
}


def v2_clip(name, template):
    return {
        "id": name,
        "label": "Putting a cup on a surface",
        "template": template,
        "placeholders": ["a cup"],
    }


@pytest.mark.parametrize("name", ["labels/{}.json", "{}.json", "something-something-v2-{}.json"])
def test_something_something_v2(tmp_path, name):
    folder = write(
        tmp_path,
        {
            name.format("labels"): V2_LABELS,
            name.format("train"): [v2_clip("7", "Holding [something]")],
            name.format("validation"): [
                v2_clip("74225", "Putting [something] on a surface"),
                v2_clip("3", "Putting [number of] [something] onto [something]"),
            ],
            name.format("test"): [{"id": "9"}],
        },
    )
    assert splits_of(folder) == ["train", "val"]  # the labels of the test list are not known
    clips = read_annotations(folder)
    assert (clips.split, clips.sampling) == ("val", "uniform")
    assert clips.labels == [
        "Holding something",
        "Putting something on a surface",
        "Putting number of something onto something",
    ]
    assert (clips.ids, clips.targets, clips.unlisted) == (["74225", "3"], [1, 2], {})
    assert clips.files[0] == "20bn-something-something-v2/74225.webm"
    assert read_annotations(folder, "train").targets == [0]
    with pytest.raises(ValueError, match="no labelled split 'test'; allowed: train, val"):
        read_annotations(folder, "test")


def test_the_test_list_of_v2_takes_its_labels_from_the_answers(tmp_path):
    folder = write(
        tmp_path,
        {
            "labels/labels.json": V2_LABELS,
            "labels/test.json": [{"id": "9"}, {"id": "8"}],
            "labels/test-answers.csv": "8;Holding something\n9;Putting something on a surface\n",
        },
    )
    clips = read_annotations(folder, "test")
    assert (clips.ids, clips.targets) == (["9", "8"], [1, 0])
    write(folder, {"labels/test-answers.csv": "8;Holding something\n"})
    with pytest.raises(
        ValueError, match="/test-answers.csv tells no label of clip '9'; allowed: .* test.json$"
    ):
        read_annotations(folder, "test")


def test_a_label_that_no_class_has_is_kept_in_its_words(tmp_path):
    folder = write(
        tmp_path,
        {
            "labels/labels.json": V2_LABELS,
            "labels/validation.json": [
                v2_clip("1", "Holding [something]"),
                v2_clip("2", "Juggling [something]"),
            ],
        },
    )
    clips = read_annotations(folder)
    assert (clips.targets, clips.unlisted) == ([0, -1], {1: "Juggling something"})


def v2(folder, clips, *files):
    lists = {"labels.json": V2_LABELS, "validation.json": [v2_clip(c, "Holding [something]") for c in clips]}
    videos = {f"20bn-something-something-v2/{name}": "video" for name in files}
    return write(folder, lists | videos)


def test_clips_of_v2_in_other_suffixes(tmp_path):
    folder = v2(tmp_path, ["1", "2", "3", "4"], "1.mp4", "2.MP4", "3.webm", "5.mp4", "6.mp4", "6.txt")
    clips = read_annotations(folder)
    names = ["1.mp4", "2.MP4", "3.webm", "4.mp4"]  # the missing one has the suffix of most
    assert clips.files == [f"20bn-something-something-v2/{name}" for name in names]
    assert clips.unused.counts == {"in no list with labels": 2, ".txt": 1}


def test_clips_of_v2_as_folders_of_frames(tmp_path):
    folder = v2(tmp_path, ["1", "2"], "2/00001.jpg")
    assert read_annotations(folder).files == [f"20bn-something-something-v2/{name}" for name in "12"]


@pytest.mark.parametrize("other", ["2.mp4", "2/00001.jpg"])
def test_two_files_of_one_id_are_refused(tmp_path, other):
    folder = v2(tmp_path, ["1", "2"], "1.webm", "2.webm", other)
    with pytest.raises(ValueError, match=r"1 clip has several files in 20bn.*, the first is 2: .*2.webm"):
        read_annotations(folder)


def test_two_different_lists_of_one_split_are_refused(tmp_path):
    folder = v2(tmp_path, ["1"])
    write(folder, {"labels/validation.json": (folder / "validation.json").read_text()})
    assert read_annotations(folder).ids == ["1"]
    write(folder, {"something-something-v2-validation.json": []})
    with pytest.raises(ValueError, match=r"validation.json and .*-v2-validation.json differ"):
        read_annotations(folder)


def test_something_something_v1(tmp_path):
    folder = write(
        tmp_path,
        {
            "something-something-v1-labels.csv": "Putting something, something and something on the table\nHolding something\n",
            "something-something-v1-train.csv": "\n100218;Holding something\n\n",
            "something-something-v1-validation.csv": (
                "5;Holding something\n24413;Putting something, something and something on the table\n"
            ),
            "something-something-v1-test.csv": "6\n",
        },
    )
    assert splits_of(folder) == ["train", "val"]
    clips = read_annotations(folder)
    assert clips.labels == ["Putting something, something and something on the table", "Holding something"]
    assert (clips.ids, clips.targets) == (["5", "24413"], [1, 0])
    assert clips.files == ["20bn-something-something-v1/5", "20bn-something-something-v1/24413"]
    write(folder, {"something-something-v1-validation.csv": "5;Holding something\n7,Holding something\n"})
    with pytest.raises(
        ValueError, match="validation.csv: line 2 is '7,Holding something'; allowed: id;label"
    ):
        read_annotations(folder)


KINETICS = "label,youtube_id,time_start,time_end,split,is_cc\n"


def test_kinetics(tmp_path):
    folder = write(
        tmp_path,
        {
            "annotations/train.csv": KINETICS
            + "zumba,-aaaaaaaaaa,12,22,train,0\nclapping,00000000123,0,10,train,0\n",
            "annotations/val.csv": KINETICS
            + '"playing drums",NA_bbbbbbbb,159,169,val,0\nclapping,NA,3,13,val,0\n',
            "annotations/test.csv": "youtube_id,time_start,time_end,split\nccccccccccc,1,11,test\n",
        },
    )
    assert splits_of(folder) == ["train", "val"]
    train, val = read_annotations(folder, "train"), read_annotations(folder)
    assert train.labels == val.labels == ["clapping", "playing drums", "zumba"]
    assert (train.targets, val.targets, val.sampling) == ([2, 0], [1, 0], "dense")
    # names are text, whatever number they look like; videos that are missing are listed all the same
    assert train.ids == ["-aaaaaaaaaa_000012_000022", "00000000123_000000_000010"]
    assert val.ids == ["NA_bbbbbbbb_000159_000169", "NA_000003_000013"]
    assert val.files[0] == "val/playing drums/NA_bbbbbbbb_000159_000169.mp4"


@pytest.mark.parametrize(
    "place",
    [
        "val/playing drums",
        "val",
        "playing_drums",
        "playing drums",
        ".",
        "videos_val/playing_drums",
        "validate",
    ],
)
@pytest.mark.parametrize("suffix", ["mp4", "MKV"])
def test_kinetics_videos_are_found_where_downloaders_put_them(tmp_path, place, suffix):
    file = f"{place}/abc_000159_000169.{suffix}".removeprefix("./")
    folder = write(tmp_path, {"val.csv": KINETICS + "playing drums,abc,159,169,val,0\n", file: "video"})
    assert read_annotations(folder).files == [file]


@pytest.mark.parametrize(
    "name",
    [
        "kinetics_600_{}.csv",
        "annotations/kinetics700_{}.csv",
        "kinetics-400_{}.csv",
        "annotations/kinetics700_2020_{}.csv",
        "k600_{}.csv",
        "annotations/Kinetics_{}.CSV",
    ],
)
def test_lists_of_larger_kinetics(tmp_path, name):
    header = "\ufeffLabel, youtube_id,time_start,time_end,split\n"  # of 600 and 700, as tables are saved too
    folder = write(
        tmp_path,
        {
            name.format("train"): header + "zumba,aaa,1.0,11.0,train\n",
            name.format("val"): header + "clapping,bbb,2,12,validate\n",
            "val/clapping/bbb_000002_000012.mp4": "video",
        },
    )
    assert splits_of(folder) == ["train", "val"]
    clips = read_annotations(folder)
    assert (clips.labels, clips.targets) == (["clapping", "zumba"], [0])
    assert clips.files == ["val/clapping/bbb_000002_000012.mp4"]
    assert read_annotations(folder, "train").ids == ["aaa_000001_000011"]
    assert not clips.unused


@pytest.mark.parametrize("mark", [";", "\t", "|"])
@pytest.mark.parametrize("folder", ["videos_train", "train"])
def test_a_list_of_kinetics_with_other_separators_is_refused(tmp_path, folder, mark):
    rows = (KINETICS + "clapping,a,1,11,train,0\n").replace(",", mark)
    write(tmp_path, {"annotations/train.csv": rows, f"{folder}/clapping/a_000001_000011.mp4": "video"})
    with pytest.raises(ValueError) as caught:
        read_annotations(tmp_path, "train")
    file = tmp_path / "annotations" / "train.csv"
    assert str(caught.value) == f"{file} separates its columns by {mark!r}; allowed: commas"


def test_a_list_of_kinetics_with_a_misspelt_column_is_refused(tmp_path):
    rows = KINETICS.replace("time_end", "time_stop") + "clapping,a,1,11,train,0\n"
    write(tmp_path, {"train.csv": rows, "train/clapping/a_000001_000011.mp4": "video"})
    with pytest.raises(ValueError) as caught:
        read_annotations(tmp_path, "train")
    assert str(caught.value) == (
        f"{tmp_path / 'train.csv'} has no column time_end among {KINETICS.strip().replace('time_end', 'time_stop')!r}; "
        "allowed: label, youtube_id, time_start, time_end"
    )


def test_a_test_list_without_labels_does_not_count_whatever_separates_it(tmp_path):
    files = {
        "val.csv": KINETICS + "clapping,a,1,11,val,0\n",
        "test.csv": "youtube_id;time_start;time_end\na;1;11\n",
    }
    assert splits_of(write(tmp_path, files)) == ["val"]


def test_a_list_of_kinetics_in_utf_16_is_not_passed_over(tmp_path):
    write(
        tmp_path, {"train.csv": (KINETICS + "a,a,1,11,train,0\n").encode("utf-16"), "train/a/a.mp4": "video"}
    )
    with pytest.raises(ValueError, match="^.*/train.csv is not UTF-8 text: byte 1 of line 1 is 0xff"):
        read_annotations(tmp_path, "train")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("labels/labels.json", ["Holding something"], "holds .*; allowed: an object"),
        (
            "labels/labels.json",
            {"a": "0", "b": "2"},
            "does not number its 2 classes from 0 to 1",
        ),
        ("labels/labels.json", {"a": "first"}, "has 'a': 'first'; allowed: whole numbers"),
        ("labels/train.json", [{"id": "1"}], r"has no '\[0\].template'"),
        ("labels/train.json", [{"id": 1, "template": "a"}], r"has \[0\].id = 1; allowed: "),
        ("labels/train.json", {"1": "a"}, "holds {'1': 'a'}; allowed: a list"),
    ],
)
def test_a_faulty_list_of_something_something_is_named_with_the_entry(tmp_path, name, content, told):
    files = {"labels/labels.json": {"a": "0"}, "labels/train.json": [{"id": "1", "template": "a"}]}
    folder = write(tmp_path, files | {name: content})
    listed = "the list of classes" if "labels.json" in name else "a list of clips"
    with pytest.raises(ValueError, match=f"^{folder / name} cannot be read as {listed}: {told}"):
        read_annotations(folder, "train")


def test_a_short_row_of_kinetics_is_named(tmp_path):
    folder = write(tmp_path, {"val.csv": KINETICS + "clapping,a,1,11,val,0\nzumba,b\n"})
    with pytest.raises(
        ValueError,
        match=r"val.csv cannot be read as a list of clips: line 3 has 2 columns; allowed: 6, as the first$",
    ):
        read_annotations(folder)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("clapping,b,1.5,11.5,val,0", "line 3 has the time '1.5'; allowed: whole seconds"),
        ("clapping,b,-1,11,val,0", "line 3 has the time '-1'; allowed: whole seconds"),
        (",b,1,11,val,0", "line 3 has label = ''; allowed: "),
        ("clapping,b\0,1,11,val,0", r"line 3 has youtube_id = 'b\\x00'; allowed: "),
        ("clapping,b,1,11,val,0,7", "line 3 has 7 columns; allowed: 6, as the first"),
    ],
)
def test_a_row_of_kinetics_that_cannot_be_is_named_by_its_line(tmp_path, row, told):
    files = dict.fromkeys(("train.csv", "val.csv"), KINETICS + "clapping,a,1,11,val,0\n")
    folder = write(tmp_path, files | {"val.csv": f"{files['val.csv']}{row}\n"})
    for split in ("train", "val"):  # the classes are of all lists
        with pytest.raises(ValueError, match=f"^{folder}/val.csv cannot be read as a list of clips: {told}"):
            read_annotations(folder, split)


def test_a_column_of_kinetics_that_stands_there_twice_is_refused(tmp_path):
    folder = write(tmp_path, {"val.csv": "Label," + KINETICS + "a,clapping,a,1,11,val,0\n"})
    with pytest.raises(ValueError, match="val.csv cannot be read .*: it has the column label twice$"):
        read_annotations(folder)


@pytest.mark.parametrize(
    "files",
    [
        {"val.csv": KINETICS + 'clapping,a,1,11,val,"0\nclapping,b,1,11,val,0\n'},
        {
            "something-something-v1-labels.csv": "clapping\n",
            "something-something-v1-validation.csv": '\n1;"clapping\n2;clapping\n',
        },
    ],
)
def test_a_quotation_mark_that_is_not_closed_hides_no_clips(tmp_path, files):
    write(tmp_path, files)
    with pytest.raises(
        ValueError, match="^.*/[^/]*val.*csv: line 2 is no row of a CSV; allowed: quotation marks"
    ):
        read_annotations(tmp_path)


def one_clip(label="wave"):
    return {"labels": [label], "clips": [{"id": "a", "video": "a.mp4", "label": label}]}


@pytest.mark.parametrize(
    ("files", "faulty"),
    [
        ({"labels.json": {"a": "0"}, "train.json": [], "validation.json": b"\xff"}, "validation.json"),
        ({"labels.json": {"a": "0"}, "train.json": [], "validation.json": "["}, None),
        (
            {
                "something-something-v1-labels.csv": "a\na\n",
                "something-something-v1-train.csv": "1;a\n",
            },
            "something-something-v1-labels.csv",
        ),
        (
            {
                "something-something-v1-labels.csv": "a\n",
                "something-something-v1-train.csv": "1;a\n",
                "something-something-v1-validation.csv": "1,a\n",
            },
            "something-something-v1-validation.csv",
        ),
        ({"train.csv": KINETICS + "a,a,1,11,train,0\n", "val.csv": KINETICS.encode() + b"\xff"}, "val.csv"),
        ({"train/annotations.json": one_clip(), "val/annotations.json": "{"}, None),
        ({"train/annotations.json": "{", "val/annotations.json": one_clip()}, "train/annotations.json"),
        ({"train/annotations.json": one_clip(""), "val/annotations.json": "{"}, "train/annotations.json"),
        ({"annotations.json": one_clip("") | {"split": "train"}}, "annotations.json"),
    ],
)
def test_the_file_at_fault_is_named_once_whichever_list_is_read(tmp_path, files, faulty):
    write(tmp_path, files)
    if faulty is None:
        assert read_annotations(tmp_path, "train").split == "train"
        return
    with pytest.raises(ValueError) as caught:
        read_annotations(tmp_path, "train")
    message = str(caught.value)
    assert message.startswith(str(tmp_path / faulty)) and message.count(str(tmp_path)) == 1


def test_two_kinetics_are_not_mixed(tmp_path):
    row = KINETICS + "clapping,a,1,11,val,0\n"
    folder = write(
        tmp_path, {"kinetics_600_val.csv": row, "kinetics_700_val.csv": row + "zumba,b,1,11,val,0\n"}
    )
    with pytest.raises(ValueError, match="kinetics_600_val.csv and .*kinetics_700_val.csv differ"):
        read_annotations(folder)


def test_what_is_not_used_of_kinetics(tmp_path):
    folder = write(
        tmp_path,
        {
            "annotations/val.csv": KINETICS + "clapping,a,1,11,val,0\n",
            "val/clapping/a_000001_000011.mp4": "video",
            "val/clapping/b_000001_000011.mp4": "video",
            "val/clapping/a_000001_000011.part": "half",
            "val/clapping/more/c_000001_000011.mp4": "video",
        },
    )
    clips = read_annotations(folder)
    assert clips.files == ["val/clapping/a_000001_000011.mp4"]
    assert clips.unused.counts == {".part": 1, "in subfolders of classes": 1, "in no list": 1}
    write(folder, {"val/a_000001_000011.webm": "video"})
    with pytest.raises(ValueError, match=r"1 clip has several videos, the first is a_000001_000011: val/a_"):
        read_annotations(folder)


BOM = "\ufeff"


@pytest.mark.parametrize(
    "files",
    [
        {
            "labels.json": BOM + json.dumps(V2_LABELS),
            "validation.json": BOM + json.dumps([v2_clip("1", "Holding [something]")]),
        },
        {
            "something-something-v1-labels.csv": BOM + "Holding something\n",
            "something-something-v1-validation.csv": BOM + "1;Holding something\n",
        },
        {"val.csv": BOM + KINETICS + "Holding something,1,0,10,val,0\n"},
        {
            "annotations.json": BOM
            + json.dumps(
                {
                    "labels": ["Holding something"],
                    "clips": [{"id": "1", "video": "1.mp4", "label": "Holding something"}],
                }
            )
        },
    ],
)
def test_a_byte_order_mark_is_no_part_of_a_list(tmp_path, files):
    clips = read_annotations(write(tmp_path, files))
    assert clips.ids[0].startswith("1")
    assert clips.labels[clips.targets[0]] == "Holding something"


@pytest.mark.parametrize("name", ["annotations.json", "val.csv", "something-something-v1-labels.csv"])
def test_other_encodings_are_refused_by_file_line_and_byte(tmp_path, name):
    write(tmp_path, {"something-something-v1-validation.csv": "1;a\n", name: ""})
    (tmp_path / name).write_bytes(b"label,youtube_id,time_start,time_end\ncaf\xe9,a,0,10\n")
    if name == "val.csv":
        (tmp_path / "something-something-v1-validation.csv").unlink()
    with pytest.raises(ValueError, match=rf"{name} is not UTF-8 text: byte 4 of line 2 is 0xe9") as caught:
        read_annotations(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_label_of_two_classes_is_refused(tmp_path):
    clip = {"id": "a", "video": "a.mp4", "label": "wave"}
    write(tmp_path, {"annotations.json": {"labels": ["wave", "clap", "wave"], "clips": [clip]}})
    with pytest.raises(ValueError, match="'wave' is the label of more than one class"):
        read_annotations(tmp_path)


def class_folders(folder, counts, split=""):
    return write(
        folder, {f"{split}{label}/{k:03d}.mp4": "video" for label, n in counts.items() for k in range(n)}
    )


def test_class_folders_are_split_by_class_and_always_alike(tmp_path):
    counts = {"wave": 20, "clap": 10, "once": 1, "twice": 2}
    here, there = (class_folders(tmp_path / name, counts) for name in ("here", "there"))
    (here / "wave" / "notes.txt").write_text("no video")
    (here / "empty").mkdir()
    train, val = read_annotations(here, "train"), read_annotations(here, "val")
    assert train.labels == val.labels == ["clap", "once", "twice", "wave"]
    assert [val.targets.count(label) for label in range(4)] == [2, 0, 1, 4]
    assert [train.targets.count(label) for label in range(4)] == [8, 1, 1, 16]
    assert not set(train.files) & set(val.files)
    assert read_annotations(there, "val").ids == val.ids
    # not the first of each class, nor class after class
    assert sorted(name for name in val.ids if name[:4] == "wave") != [f"wave/{k:03d}.mp4" for k in range(4)]
    assert val.targets != sorted(val.targets)


def test_of_classes_of_one_clip_none_is_held_out(tmp_path):
    class_folders(tmp_path, {"wave": 1, "clap": 1})
    assert splits_of(tmp_path) == ["train"]
    assert len(read_annotations(tmp_path, "train")) == 2
    with pytest.raises(ValueError, match="has no labelled split 'val'; allowed: train"):
        read_annotations(tmp_path, "val")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_is_no_text_is_split_like_any_other(tmp_path):
    class_folders(tmp_path, {"wave": 9})
    (tmp_path / "wave" / os.fsdecode(b"\xff.mp4")).write_text("video")
    assert sum(len(read_annotations(tmp_path, split)) for split in ("train", "val")) == 10
    with pytest.raises(
        ValueError, match="is not UTF-8; rename it"
    ):  # before anything is computed for a result
        Doctor(str(tmp_path), workers=1, out=tmp_path / "out", cache=tmp_path).run("")
    (tmp_path / os.fsdecode(b"caf\xe9")).mkdir()
    (tmp_path / os.fsdecode(b"caf\xe9") / "a.mp4").write_text("video")
    with pytest.raises(ValueError, match="is not UTF-8; rename it"):  # a checkpoint could not hold the label
        read_annotations(tmp_path, "train")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_class_that_is_no_text_is_named_with_its_split(tmp_path):
    write(tmp_path, {"train/wave/a.mp4": "", "val/wave/a.mp4": ""})
    (tmp_path / "val" / os.fsdecode(b"caf\xe9")).mkdir()
    (tmp_path / "val" / os.fsdecode(b"caf\xe9") / "a.mp4").touch()
    with pytest.raises(ValueError, match=f"^{tmp_path}/val cannot be read as class folders: .* rename it"):
        read_annotations(tmp_path, "train")


def test_class_folders_that_are_split_already(tmp_path):
    class_folders(tmp_path, {"wave": 2, "clap": 1}, "train/")
    class_folders(tmp_path, {"wave": 1}, "validation/")
    assert splits_of(tmp_path) == ["train", "val"]
    val = read_annotations(tmp_path)
    assert (val.labels, val.ids, val.files) == (
        ["clap", "wave"],
        ["wave/000.mp4"],
        ["validation/wave/000.mp4"],
    )
    assert len(read_annotations(tmp_path, "train")) == 3


def test_an_annotated_folder_is_of_the_split_it_names(tmp_path):
    clip = {"id": "a", "video": "a.mp4", "label": "wave", "num_frames": 9}
    folder = write(tmp_path, {"annotations.json": {"labels": ["wave"], "split": "train", "clips": [clip]}})
    clips = read_annotations(folder)
    assert (clips.split, clips.lengths, clips.targets) == ("train", [9], [0])
    with pytest.raises(ValueError, match="no labelled split 'val'; allowed: train"):
        read_annotations(folder, "val")


def test_folders_of_splits_may_each_have_a_list_of_annotated_clips(tmp_path):
    def listed(*names):
        clips = [{"id": name, "video": f"{name}.mp4", "label": "wave"} for name in names]
        return {"labels": ["wave"], "clips": clips}

    write(tmp_path, {"train/annotations.json": listed("a", "b"), "Validation/annotations.json": listed("c")})
    (tmp_path / "train" / "d.mp4").touch()
    assert splits_of(tmp_path) == ["train", "val"]
    clips = read_annotations(tmp_path, "train")
    assert (clips.ids, clips.files) == (["a", "b"], ["train/a.mp4", "train/b.mp4"])
    assert str(clips.unused) == "1 found and not used: 1 in no list (d.mp4)"
    assert read_annotations(tmp_path).files == ["Validation/c.mp4"]


@pytest.mark.parametrize("names", [("train", "val"), ("Training",)])
def test_folders_of_splits_without_classes_are_not_taken_for_classes(tmp_path, names):
    write(tmp_path, {f"{name}/{number}.mp4": "" for name in names for number in range(4)})
    with pytest.raises(ValueError, match=f"{names[0]}.* videos, and not a folder for each class"):
        read_annotations(tmp_path)


def test_a_class_may_have_the_name_of_a_split(tmp_path):
    write(tmp_path, {f"{name}/{number}.mp4": "" for name in ("bus", "train") for number in range(4)})
    assert read_annotations(tmp_path).labels == ["bus", "train"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"notes.txt": ""}, "no annotations.json and is no other data set; allowed: Something-Something V2"),
        (
            {"labels.json": V2_LABELS, "validation.json": "["},
            "validation.json cannot be read as a list of clips",
        ),
        ({"labels.json": V2_LABELS, "validation.json": [{"id": "1"}]}, "validation.json cannot .*template"),
        (
            {"labels.json": {"a": "1", "b": "2"}, "validation.json": []},
            "does not number its 2 classes from 0 to 1",
        ),
        (
            {"annotations.json": "[1]"},
            "annotations.json cannot be read as a list of clips as python -m atr tab",
        ),
        ({"annotations.json": {"clips": []}}, "annotations.json cannot be read as a list of clips.*labels"),
    ],
)
def test_folders_that_cannot_be_read_are_one_clear_line(tmp_path, files, message):
    write(tmp_path, files)
    with pytest.raises(ValueError, match=message) as caught:
        read_annotations(tmp_path)
    assert "\n" not in str(caught.value)


def test_the_digest_is_of_the_list_not_of_its_place(tmp_path):
    counts = {"wave": 5, "clap": 5}
    here, there = (class_folders(tmp_path / name, counts) for name in ("here", "there"))
    digests = [read_annotations(folder, "train").digest for folder in (here, there)]
    assert digests[0] == digests[1] != read_annotations(here, "val").digest
    (here / "wave" / "005.mp4").write_text("video")
    assert read_annotations(here, "train").digest != digests[0]
