"""What the doctor finds in lists with known faults, and what training makes of it."""

import csv
import json
import os
import shutil
import struct
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from atr.__main__ import main
from atr.commands.doctor import Doctor
from atr.data.doctor import check, stated_length
from atr.data.faults import Fault, Findings, checked, findings_file
from atr.data.opening import open_clips
from atr.data.reading import read_annotations
from atr.data.videos import VideoClips
from atr.preprocessing import Preprocessing
from atr.tabletop import write_dataset
from atr.video.decoding import VideoError
from atr.video.encoding import write_mp4, write_webm
from tests.damaged_clips import write_damaged
from tests.videos import decode

SIZES = {"num_frames": 4, "preprocessing": Preprocessing(32, 32)}


def film(seed, num_frames=10):
    return np.random.default_rng(seed).integers(0, 256, (num_frames, 32, 32, 3), dtype=np.uint8)


def annotated(folder, clips, labels=("wave", "clap")):
    """clips: id -> (label, frames stated)."""
    entries = [
        {"id": name, "video": f"{name}.mp4", "label": label, "num_frames": stated}
        for name, (label, stated) in clips.items()
    ]
    (folder / "annotations.json").write_text(
        json.dumps({"labels": labels, "split": "train", "clips": entries})
    )
    return folder


@pytest.fixture
def sick(tmp_path):
    """A list with one clip of each kind of fault that a file can have."""
    folder = tmp_path / "sick"
    folder.mkdir()
    for k, name in enumerate(("sound", "stated", "short")):
        write_mp4(folder / f"{name}.mp4", film(k, 3 if name == "short" else 10), 10)
    (folder / "copy.mp4").write_bytes((folder / "sound.mp4").read_bytes())
    (folder / "empty.mp4").touch()
    (folder / "noise.mp4").write_bytes(bytes(range(256)) * 20)
    clips = dict.fromkeys(("sound", "absent", "empty", "noise", "copy"), ("wave", 10))
    return annotated(folder, clips | {"short": ("clap", 3), "stated": ("clap", 11), "other": ("juggle", 10)})


def faults_of(folder, **options):
    annotations = read_annotations(folder, "train")
    (findings,) = check([annotations], **{"min_frames": 4, "workers": 1, "progress": False} | options)
    return {(annotations.ids[fault.index], fault.kind) for fault in findings.faults}, findings


@pytest.mark.parametrize("workers", [1, 2])
def test_every_kind_of_fault_is_found(sick, tmp_path, workers):
    faults, findings = faults_of(sick, cache=tmp_path / "cache", workers=workers)
    assert faults == {
        ("absent", "missing"),
        ("empty", "unreadable"),
        ("noise", "unreadable"),
        ("copy", "duplicate"),
        ("short", "too short"),
        ("stated", "frame count"),
        ("other", "label"),
        ("other", "missing"),
    }
    assert findings.lengths == [10, 0, 0, 0, 10, 3, 10, 0]
    details = {fault.kind: fault.detail for fault in findings.faults}
    assert details["too short"] == "3 frames, fewer than 4"
    assert details["frame count"] == "10 frames can be decoded, the list states 11"
    assert details["duplicate"] == "has the content of sound of train"


def test_a_video_cut_short_has_fewer_frames_than_it_states(tmp_path):
    folder = tmp_path / "data" / "wave"
    folder.mkdir(parents=True)
    for k in range(3):
        write_webm(folder / f"{k}.webm", film(k, 30), 10)
    whole = (folder / "1.webm").read_bytes()
    (folder / "1.webm").write_bytes(whole[: len(whole) // 2])
    found = set()
    for split in ("train", "val"):
        annotations = read_annotations(tmp_path / "data", split)
        (findings,) = check([annotations], min_frames=4, workers=1, cache=tmp_path / "cache", progress=False)
        found |= {(annotations.ids[fault.index], fault.kind) for fault in findings.faults}
    assert found == {("wave/1.webm", "frame count")}


def test_what_an_edit_list_hides_is_not_missing(tmp_path):
    """As cameras and cutting tools write it: the file has 30 frames and shows 15."""
    path = write_mp4(tmp_path / "sound.mp4", film(0, 30), 10)
    content = bytearray(path.read_bytes())
    at = content.find(b"elst") + 12  # the duration of the only entry
    (duration,) = struct.unpack_from(">I", content, at)
    struct.pack_into(">I", content, at, duration // 2)
    path.write_bytes(content)
    assert len(decode(path)) < 20
    faults, findings = faults_of(annotated(tmp_path, {"sound": ("wave", None)}), cache=tmp_path / "cache")
    assert (faults, findings.remarks) == (set(), [])


def test_frames_of_sixteen_bits_are_told_as_such(tmp_path):
    folder = tmp_path / "20bn-something-something-v1" / "1"
    folder.mkdir(parents=True)
    for number in range(1, 6):
        Image.fromarray(np.full((8, 8), 300 * number, np.uint16)).save(folder / f"{number:05d}.png")
    with pytest.raises(VideoError, match=r"00001.png has pixels of more than 8 bits \(I;16\); 8 are read"):
        decode(folder)


def test_folders_of_frames(tmp_path):
    videos = tmp_path / "20bn-something-something-v1"
    for name in ("1", "2", "3"):
        (videos / name).mkdir(parents=True)
        for number, frame in enumerate(film(int(name)), start=1):
            Image.fromarray(frame).save(videos / name / f"{number:05d}.jpg")
    (videos / "2" / "00004.jpg").unlink()
    cut = videos / "3" / "00010.jpg"
    cut.write_bytes(cut.read_bytes()[:-100])
    (videos / "4").mkdir()
    (videos / "1" / "@eaDir").mkdir()  # as a file server makes them
    shutil.copytree(videos / "1", videos / "6")
    (videos / "6" / "notes.txt").write_text("is no frame")
    (tmp_path / "something-something-v1-labels.csv").write_text("wave\n")
    (tmp_path / "something-something-v1-train.csv").write_text("".join(f"{k};wave\n" for k in range(1, 7)))
    faults, _ = faults_of(tmp_path, cache=tmp_path / "cache")
    assert faults == {
        ("2", "frame count"),
        ("3", "unreadable"),
        ("4", "unreadable"),
        ("5", "missing"),
        ("6", "duplicate"),
    }


def kinetics(folder):
    """Two of three training videos lie in the right folder, one is a copy of a validation video."""
    for split, label, name, seed in (
        ("train", "clap", "a", 0),
        ("train", "clap", "b", 1),
        ("train", "wave", "c", 2),
    ):
        (folder / split / label).mkdir(parents=True, exist_ok=True)
        write_mp4(folder / split / label / f"{name}_000000_000010.mp4", film(seed), 10)
    (folder / "val" / "wave").mkdir(parents=True)
    copied = folder / "val" / "wave" / "d_000000_000010.mp4"
    shutil.copy(folder / "train" / "wave" / "c_000000_000010.mp4", copied)
    rows = {"train": (("clap", "a"), ("wave", "b"), ("wave", "c")), "val": (("wave", "d"), ("clap", "e"))}
    for split, entries in rows.items():
        lines = "".join(f"{label},{name},0,10,{split}\n" for label, name in entries)
        (folder / f"{split}.csv").write_text("label,youtube_id,time_start,time_end,split\n" + lines)
    return folder


def test_a_place_that_cannot_be_written_is_told_before_anything_is_decoded(tmp_path, monkeypatch):
    folder = kinetics(tmp_path / "kinetics")
    monkeypatch.setattr("atr.commands.doctor.check", lambda *_, **__: pytest.fail("it decodes"))
    monkeypatch.setattr(
        "os.access", lambda path, mode: Path(path) != tmp_path / "out"
    )  # root may write anywhere
    with pytest.raises(PermissionError, match="Permission denied: '.*out'"):
        Doctor(str(folder), out=tmp_path / "out", cache=tmp_path / "cache").run("")
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        Doctor(str(folder), out=tmp_path / "file", cache=tmp_path / "cache").run("")


def test_a_table_of_something_else_is_not_replaced(tmp_path):
    folder, out = kinetics(tmp_path / "kinetics"), tmp_path / "out"
    out.mkdir()
    (out / "table.csv").write_text("mine")
    with pytest.raises(FileExistsError, match="out holds another table.csv, which is left as it is"):
        Doctor(str(folder), out=out, cache=tmp_path / "cache").run("")
    assert [path.name for path in out.iterdir()] == ["table.csv"]


def test_the_command_writes_a_list_and_a_table(tmp_path, capsys):
    folder = kinetics(tmp_path / "kinetics")
    doctor = Doctor(str(folder), workers=1, out=tmp_path / "out", min_frames=4, cache=tmp_path / "cache")
    assert doctor.run("") == 3
    with (tmp_path / "out" / "faults.csv").open() as lines:
        rows = [(row["id"], row["split"], row["fault"]) for row in csv.DictReader(lines)]
    assert rows == [
        ("e_000000_000010", "val", "missing"),
        ("b_000000_000010", "train", "label"),
        ("c_000000_000010", "train", "duplicate"),
    ]
    with (tmp_path / "out" / "table.csv").open() as lines:
        table = {row.pop("split"): row for row in csv.DictReader(lines)}
    counted = {name: {k: int(v) for k, v in row.items() if int(v)} for name, row in table.items()}
    assert counted == {
        "val": {"clips": 2, "sound": 1, "missing": 1},
        "train": {"clips": 3, "sound": 1, "label": 1, "duplicate": 1},
    }
    assert "frame count" in capsys.readouterr().out
    assert not list((tmp_path / "cache").glob(".*"))  # nothing half done is left


def test_a_sound_data_set_and_refusals_of_the_command(tmp_path):
    (tmp_path / "data" / "wave").mkdir(parents=True)
    write_mp4(tmp_path / "data" / "wave" / "a.mp4", film(0), 10)
    options = {"workers": 1, "out": tmp_path / "out", "cache": tmp_path / "cache"}
    assert Doctor(f"{tmp_path / 'data'}:train", **options).run("") == 0
    with pytest.raises(ValueError, match="tabletop:val is rendered and has no files"):
        Doctor("tabletop:val", **options).run("")
    for workers in (0, 257):
        with pytest.raises(ValueError, match=f"^workers={workers} is not possible; allowed: 1 to 256$"):
            Doctor("tabletop:val", workers=workers).run("")
    with pytest.raises(ValueError, match="^min_frames=0 is not possible; allowed: 1 to 500,000$"):
        Doctor("tabletop:val", min_frames=0).run("")


def test_a_check_that_was_stopped_goes_on_where_it_was(sick, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    expected, whole = faults_of(sick, cache=cache)
    annotations = read_annotations(sick, "train")
    file = findings_file(cache, annotations)
    assert Findings.read(file) == whole
    # the lines of the first clips, the last of them cut short; what they say is believed, nothing is decoded again
    lines = [
        {"index": k, "length": length, "content": str(k), "faults": []}
        for k, length in enumerate((10, 999, 7))
    ]
    partial = file.with_name(f".{file.stem}-4.jsonl")
    torn = '{"index": 0, "length": 1{"index": 1}\n'  # by another check that wrote at the same time
    partial.write_text(torn + "".join(json.dumps(line) + "\n" for line in lines)[:-9])
    with monkeypatch.context() as stopped:
        stopped.setattr(
            "atr.data.doctor.content_of", lambda path: 1 / 0
        )  # stopped again at the first readable clip
        with pytest.raises(ZeroDivisionError):
            faults_of(sick, cache=cache)
    # The torn line, two of the three, and two clips without readable frames.
    assert partial.read_text().count("\n") == 5
    faults, continued = faults_of(sick, cache=cache)
    assert continued.lengths == [10, 999, *whole.lengths[2:]]
    assert faults == expected - {("absent", "missing"), ("copy", "duplicate")}
    assert not partial.exists()


def open_train(folder):
    return open_clips(f"{folder}:train", cache=folder, **SIZES)


def test_training_refuses_faults_or_leaves_them_out(tmp_path):
    folder, cache = kinetics(tmp_path / "kinetics"), tmp_path / "cache"
    (folder / "train" / "clap" / "a_000000_000010.mp4").write_bytes(b"no video")
    # without the doctor only what costs no decoding is known
    with pytest.raises(
        ValueError, match=r"1 of the 3 clips of kinetics train have faults \(1 label\).*b_0000"
    ):
        checked(open_train(folder), False, cache=cache)
    lists = [read_annotations(folder, split) for split in ("val", "train")]
    check(lists, min_frames=4, workers=1, cache=cache, progress=False)
    with pytest.raises(
        ValueError,
        match=r"3 of the 3 clips .*\(1 unreadable, 1 label, 1 duplicate\).*atr doctor .*--leave-out-faulty",
    ):
        checked(open_train(folder), False, cache=cache)
    with pytest.raises(ValueError, match="none is left"):
        checked(open_train(folder), True, cache=cache)
    val = open_clips(f"{folder}:val", cache=folder, **SIZES)
    sound = checked(val, True, cache=cache)
    assert (sound.ids, sound.targets) == (["d_000000_000010"], [1])
    assert sound.description == "kinetics val, 1 clip, 4 frames, 1 faulty one left out"
    assert sound.digest != val.digest
    assert len(sound[0][0]) == 4


def test_sound_and_rendered_clips_are_trained_on_as_they_are(tmp_path):
    (tmp_path / "data" / "wave").mkdir(parents=True)
    for k in range(2):
        write_mp4(tmp_path / "data" / "wave" / f"{k}.mp4", film(k), 10)
    clips = open_train(tmp_path / "data")
    assert checked(clips, False, cache=tmp_path) is clips
    rendered = open_clips("tabletop:dev", num_clips=1, cache=tmp_path, **SIZES)
    assert checked(rendered, False, cache=tmp_path) is rendered


def test_counted_frames_are_not_counted_again(tmp_path):
    (tmp_path / "data" / "wave").mkdir(parents=True)
    for k in range(3):
        write_mp4(tmp_path / "data" / "wave" / f"{k}.mp4", film(k, 10 + k), 10)
    before = open_train(tmp_path / "data")
    expected = [before[k][0].numpy() for k in range(len(before))]
    check([before.annotations], min_frames=4, workers=1, cache=tmp_path, progress=False)
    after = checked(open_train(tmp_path / "data"), False, cache=tmp_path)
    lengths = [after.length(k, None) for k in range(len(after))]  # no file is asked
    assert lengths == [10 + int(path.stem) for path in after.paths]
    assert all(np.array_equal(after[k][0].numpy(), frames) for k, frames in enumerate(expected))


def test_what_was_found_of_a_file_is_not_believed_of_its_successor(tmp_path):
    folder = write_dataset(
        tmp_path / "clips", split="val", num_clips=2, num_frames=8, size=32, progress=False
    )
    annotations = read_annotations(folder)
    (before,) = check([annotations], min_frames=1, workers=1, cache=tmp_path, progress=False)
    assert before.lengths == [8, 8] and findings_file(tmp_path, annotations).is_file()
    longer = write_dataset(tmp_path / "b", split="val", num_clips=2, num_frames=12, size=32, progress=False)
    os.replace(longer / "val-000001.mp4", folder / "val-000001.mp4")
    assert not findings_file(tmp_path, annotations).is_file()
    (after,) = check([annotations], min_frames=1, workers=1, cache=tmp_path, progress=False)
    assert after.lengths == [8, 12]


def test_two_splits_with_the_same_list_have_findings_each(sick, tmp_path):
    annotations = read_annotations(sick)
    other = replace(annotations, split="other")
    assert findings_file(tmp_path, annotations) != findings_file(tmp_path, other)
    first, second = check([annotations, other], min_frames=1, workers=1, cache=tmp_path, progress=False)
    twice = [fault.detail for fault in second.faults if fault.kind == "duplicate"]
    assert first.lengths == second.lengths and "has the content of sound of train" in twice


def test_a_findings_file_that_cannot_be_read_is_one_error(tmp_path):
    file = tmp_path / "findings-x.json"
    for text in ('{"digest": ', "[]", '{"digest": "x"}'):
        file.write_text(text)
        with pytest.raises(ValueError, match="findings-x.json cannot be read as what the doctor found"):
            Findings.read(file)


def test_a_title_in_latin_letters_does_not_make_a_video_unreadable(tmp_path):
    """Of a file with damage the doctor asks how many frames it states."""
    path = tmp_path / "a.avi"
    with av.open(str(path), "w") as out:
        out.metadata["title"] = "XXXX"
        stream = out.add_stream("mjpeg", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuvj420p"
        for frame in film(0, 40):
            picture = cv2.resize(frame, (64, 64))
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode())
    content = path.read_bytes()
    assert b"XXXX" in content
    path.write_bytes(content.replace(b"XXXX", b"caf\xe9", 1))
    assert stated_length(path) == 40


def test_the_health_of_a_list_is_of_one_place(sick, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    os.rename(sick, elsewhere)
    moved = read_annotations(elsewhere)
    elsewhere.rename(sick)
    assert findings_file(tmp_path, moved) != findings_file(tmp_path, read_annotations(sick))


def clips_beside(tmp_path):
    """A list of a sound clip, one outside the folder, and one with the id of the first."""
    folder = tmp_path / "data"
    folder.mkdir()
    for k, file in enumerate((folder / "a.mp4", tmp_path / "far.mp4", folder / "b.mp4")):
        write_mp4(file, film(k), 10)
    entries = [
        {"id": name, "video": video, "label": "wave"}
        for name, video in (("a", "a.mp4"), ("far", "../far.mp4"), ("a", "b.mp4"))
    ]
    values = {"labels": ["wave"], "split": "train", "clips": entries}
    (folder / "annotations.json").write_text(json.dumps(values))
    return folder


def test_clips_outside_and_ids_listed_twice_are_faults(tmp_path, capsys):
    folder, cache = clips_beside(tmp_path), tmp_path / "cache"
    (folder / "notes.txt").touch()
    options = {"workers": 1, "out": tmp_path / "out", "cache": cache}
    for follow, expected in ((False, {("1", "outside"), ("2", "duplicate")}), (True, {("2", "duplicate")})):
        assert Doctor(str(folder), follow_outside=follow, **options).run("") == 3
        assert "data: 1 found and not used: 1 .txt (notes.txt)\n" in capsys.readouterr().err
        annotations = read_annotations(folder, follow_outside=follow)
        findings = Findings.read(findings_file(cache, annotations))
        assert {(str(fault.index), fault.kind) for fault in findings.faults} == expected
        assert findings.lengths == [10, 10 if follow else 0, 10]
        clips = VideoClips(folder, follow_outside=follow, **SIZES)
        assert checked(clips, True, cache=cache).ids == (["a", "far"] if follow else ["a"])


def test_training_without_the_doctor_does_not_look_outside(tmp_path):
    clips = VideoClips(clips_beside(tmp_path), **SIZES)
    (tmp_path / "far.mp4").unlink()
    with pytest.raises(ValueError, match=r"2 of the 3 clips .*\(1 outside, 1 duplicate\).*--follow-outside"):
        checked(clips, False, cache=tmp_path)


def test_labels_that_no_class_has_are_refused_when_opened_and_left_out_of_training(sick):
    with pytest.raises(
        ValueError, match="the labels of 1 clip are not in the list of labels.*'juggle' of clip other"
    ):
        open_clips(str(sick), cache=sick, **SIZES)
    clips = VideoClips(sick, **SIZES)
    assert "other" in clips.ids
    with pytest.raises(ValueError, match="1 label"):
        checked(clips, False, cache=sick)
    assert "other" not in checked(clips, True, cache=sick).ids


def test_what_lacks_frames_and_can_be_used_is_told(tmp_path, capsys):
    folder = write_damaged(tmp_path / "clips")
    arguments = [
        "doctor",
        str(folder),
        "--workers",
        "1",
        "--cache",
        str(tmp_path),
        "--out",
        str(tmp_path / "out"),
    ]
    assert main(arguments) == 3
    cut = "frames 36 to 39 of 40 are missing: the file was cut short"
    told = capsys.readouterr().err
    assert f"  cut (val): {cut}" in told and "  deep (val): 10 bits a colour are rounded to 8" in told
    faults = pd.read_csv(tmp_path / "out" / "faults.csv")
    assert dict(zip(faults.id, faults.fault, strict=True)) == {"half": "unreadable", "spot": "unreadable"}
    notices = pd.read_csv(tmp_path / "out" / "notices.csv")
    assert notices[["id", "split", "kind"]].to_numpy().tolist() == [
        ["cut", "val", "damage"],
        ["deep", "val", "change"],
    ]
    clips = checked(open_clips(str(folder), cache=folder, **SIZES), True, cache=tmp_path)
    assert clips.ids == ["whole", "cut", "deep"]
    assert clips.notes[-1] == f"1 clip of clips val lacks frames, the first is cut: {cut}"
    sound = write_damaged(tmp_path / "sound", ("whole", "deep"))
    assert main(["doctor", str(sound), "--workers", "1", *arguments[4:6], "--out", str(tmp_path / "o")]) == 0
    assert "deep (val)" in capsys.readouterr().err
    assert checked(open_clips(str(sound), cache=folder, **SIZES), False, cache=tmp_path).notes == ()


def test_a_findings_file_from_before_there_were_notices_is_read(tmp_path):
    file = tmp_path / "findings.json"
    Findings("0", 8, [40], [Fault(0, "too short", "x")]).write(file)
    values = json.loads(file.read_text())
    del values["remarks"]
    file.write_text(json.dumps(values))
    assert Findings.read(file) == Findings("0", 8, [40], [Fault(0, "too short", "x")])
