"""What lies in a data set's folder and is not used is counted, and named."""

import json
import shutil

import pytest

from atr.data.listing import contents, leading_out, videos_below
from atr.data.reading import read_annotations, splits_of
from atr.data.unused import Unused


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    return folder


def test_the_sentence_counts_and_names_the_first_three():
    unused = Unused.of([(".txt", f"{k}.txt") for k in range(5)] + [("hidden", ".a")])
    assert unused.counts == {".txt": 5, "hidden": 1}
    assert str(unused) == "6 found and not used: 5 .txt (0.txt, 1.txt, 2.txt, ...), 1 hidden (.a)"
    assert len(unused) == 6
    three = Unused.of((".txt", f"{k}.txt") for k in range(3))
    assert str(three) == "3 found and not used: 3 .txt (0.txt, 1.txt, 2.txt)"
    assert not Unused()


def test_suffixes_of_any_case_and_hidden_files(tmp_path):
    touch(tmp_path, "b.MP4", "a.webm", ".c.mp4", "d.xyz", "e", "f/g.mp4")
    found = contents(tmp_path)
    assert (found.videos, found.folders) == (["a.webm", "b.MP4"], ["f"])
    assert found.others == [("hidden", ".c.mp4"), (".xyz", "d.xyz"), ("without a suffix", "e")]
    assert videos_below(tmp_path) == (["a.webm", "b.MP4", "f/g.mp4"], found.others)


def test_links_are_followed_inside_and_only_when_told_to_outside(tmp_path):
    folder = touch(tmp_path / "data", "real/a.mp4")
    outside = touch(tmp_path / "elsewhere", "b.mp4")
    (folder / "inside").symlink_to(folder / "real")
    (folder / "outside").symlink_to(outside)
    (folder / "c.mp4").symlink_to(outside / "b.mp4")
    (folder / "real" / "back").symlink_to(folder)
    (folder / "itself").symlink_to(folder / "itself")
    videos, left = videos_below(folder)
    assert videos == ["inside/a.mp4", "real/a.mp4"]
    assert set(left) == {
        ("links that lead out of the folder", "outside"),
        ("links that lead out of the folder", "c.mp4"),
        ("links to a folder above", "real/back"),
        ("links to a folder above", "inside/back"),
        ("broken links", "itself"),
    }
    videos, left = videos_below(folder, follow_outside=True)
    assert videos == ["c.mp4", "inside/a.mp4", "outside/b.mp4", "real/a.mp4"]
    assert "links that lead out of the folder" not in dict(left)


def test_paths_and_links_that_lead_out_are_found(tmp_path):
    folder = touch(tmp_path / "data", "a.mp4", "sub/b.mp4")
    outside = touch(tmp_path / "elsewhere", "c.mp4")
    (folder / "linked").symlink_to(outside)
    (folder / "sub" / "d.mp4").symlink_to(outside / "c.mp4")
    (folder / "sub" / "e.mp4").symlink_to(folder / "a.mp4")
    (tmp_path / "data-2").mkdir()  # its name begins as the folder's does
    files = [
        "a.mp4",
        "sub/../a.mp4",
        str(folder / "a.mp4"),
        "sub/e.mp4",
        "sub/missing.mp4",
        "../elsewhere/c.mp4",
        str(outside / "c.mp4"),
        "linked/c.mp4",
        "sub/d.mp4",
        "../data-2/x.mp4",
        "..",
    ]
    assert sorted(leading_out(folder, files)) == [5, 6, 7, 8, 9, 10]
    assert leading_out(folder, files)[8] == str(outside.resolve() / "c.mp4")
    (tmp_path / "link").symlink_to(folder)  # the data set itself may be a link
    assert leading_out(tmp_path / "link", files[:5]) == {}


def test_class_folders(tmp_path):
    folder = touch(
        tmp_path,
        *(f"wave/{k}.mp4" for k in range(3)),
        "wave/notes.txt",
        "wave/old/a.mp4",
        "wave/old/older/b.mp4",
        "wave/.hidden.mp4",
        "clap/a.xyz",
        "jump/take 1/c.mp4",
        "README.md",
        "loose.mp4",
        ".git/config",
    )
    train, val = (read_annotations(folder, split) for split in ("train", "val"))
    assert train.labels == ["wave"]
    assert train.unused == val.unused
    assert train.unused.counts == {
        "hidden": 2,
        ".md": 1,
        "in no folder of a class": 1,
        "folders without a video": 2,
        ".xyz": 1,
        "in subfolders of classes": 3,
        ".txt": 1,
    }
    assert train.unused.first["folders without a video"] == ("clap", "jump")
    (note,) = train.notes
    assert note.startswith(f"{folder}: 11 found and not used: ")
    assert "\n" not in note


def test_a_tidy_data_set_has_no_notes(tmp_path):
    names = (f"{label}/{number}.mp4" for label in ("wave", "clap") for number in range(2))
    assert read_annotations(touch(tmp_path, *names), "train").notes == ()


def test_classes_that_a_split_lacks_are_told_by_every_split(tmp_path):
    pairs = (("train", "wave"), ("train", "clap"), ("val", "Wave"), ("val", "clap"), ("test", "clap"))
    folder = touch(tmp_path, *(f"{split}/{label}/a.mp4" for split, label in pairs))
    for split in ("train", "val", "test"):
        assert read_annotations(folder, split).notes == (
            f"{folder}: train has no clips of 1 class (Wave), which another split has",
            f"{folder}: val has no clips of 1 class (wave), which another split has",
            f"{folder}: test has no clips of 2 classes (Wave, wave), which another split has",
        )
    shutil.rmtree(folder / "train")
    shutil.rmtree(folder / "val")  # what is to be judged alone has no other split
    assert read_annotations(folder, "test").notes == ()


def test_a_class_of_a_single_clip_is_told_to_be_in_no_validation(tmp_path):
    folder = touch(tmp_path, "wave/0.mp4", "wave/1.mp4", "once/0.mp4")
    note = f"{folder}: val has no clips of 1 class (once), which another split has"
    assert read_annotations(folder, "train").notes == read_annotations(folder, "val").notes == (note,)


def test_classes_that_a_list_of_kinetics_lacks_are_told(tmp_path):
    for split, labels in (("train", range(12)), ("val", [0])):
        rows = "".join(f"c{label:02},a,{label},9,{split}\n" for label in labels)
        (tmp_path / f"{split}.csv").write_text("label,youtube_id,time_start,time_end,split\n" + rows)
    (note,) = read_annotations(tmp_path, "val").notes
    assert (
        "val has no clips of 11 classes (c01, c02, " in note and "c10, ...), which another split has" in note
    )


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (("training", "valid", "testing"), ["train", "val", "test"]),
        (("Train", "Validation"), ["train", "val"]),
    ],
)
def test_folders_of_splits_under_other_names(tmp_path, names, splits):
    folder = touch(tmp_path, *(f"{name}/wave/{name}.mp4" for name in names))
    assert splits_of(folder) == splits
    for split, name in zip(splits, names, strict=True):
        assert read_annotations(folder, split).files == [f"{name}/wave/{name}.mp4"]


def test_unknown_folders_beside_those_of_splits_are_named(tmp_path):
    folder = touch(
        tmp_path, "train/wave/a.mp4", "holdout/wave/b.mp4", "figures/c.png", "val/d.mp4", "readme.txt"
    )
    unused = read_annotations(folder).unused
    assert unused.first == {
        ".txt": ("readme.txt",),
        "folders beside those of the splits": ("holdout",),
        "folders without a video": ("figures", "val"),
    }


def test_two_folders_of_one_split_are_refused(tmp_path):
    folder = touch(tmp_path, "train/wave/a.mp4", "val/wave/b.mp4", "validation/wave/c.mp4")
    with pytest.raises(ValueError, match="val and validation could each be the clips of val"):
        read_annotations(folder)


def test_an_annotated_folder(tmp_path):
    clip = {"id": "a", "video": "clips/../a.mp4", "label": "wave", "masks": "masks/a.npz"}
    frames = {"id": "b", "video": "frames", "label": "wave"}
    far = {"id": "c", "video": "linked/far.mp4", "label": "wave"}
    folder = touch(tmp_path / "data", "a.mp4", "masks/a.npz", "masks/b.npz", "frames/1.jpg", "clips/b.mp4")
    (folder / "linked").symlink_to(touch(tmp_path / "elsewhere", "far.mp4"))
    (folder / "annotations.json").write_text(json.dumps({"labels": ["wave"], "clips": [clip, frames, far]}))
    found = read_annotations(folder)
    assert found.unused.first == {"in no list": ("clips/b.mp4",), ".npz": ("masks/b.npz",)}
    assert found.outside == {2: str((tmp_path / "elsewhere" / "far.mp4").resolve())}
    assert read_annotations(folder, follow_outside=True).outside == {}
