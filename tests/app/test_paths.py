"""Paths, roots and uploads: what a browser may name, and where it is written."""

import errno
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from app import loading
from app.exports import file_stem
from app.markdown import plain
from tests.app.world import write_checkpoint


@pytest.mark.parametrize(
    "typed", ["../x.mp4", "a/../../x.mp4", "/etc/passwd", "link.mp4", "nul\0.mp4", "~/x.mp4", "", "a" * 5000]
)
def test_a_path_outside_the_root_is_refused(world, typed):
    (world / "x.mp4").write_bytes(b"x")
    (world / "clips" / "link.mp4").symlink_to(world / "x.mp4")
    with pytest.raises(loading.ChoiceError) as error:
        loading.clip_in_root(typed)
    assert len(str(error.value)) < 500


def test_a_path_inside_the_root_may_be_relative_or_absolute(world):
    path = world / "clips" / "val-000000.mp4"
    assert loading.clip_in_root(" val-000000.mp4 ") == loading.clip_in_root(str(path))
    assert loading.clip_in_root(str(path)).link == "val-000000.mp4"


def test_a_file_beyond_the_limit_of_uploads_is_refused_by_its_size(world):
    path = world / "clips" / "val-000000.mp4"
    os.truncate(path, 200 * 2**20)
    assert loading.clip_in_root(path.name).source == path
    os.truncate(path, 200 * 2**20 + 1)
    with pytest.raises(loading.ChoiceError, match="'val-000000.mp4' has 200 MB; at most 200 MB are read"):
        loading.clip_in_root(path.name)


def test_a_folder_that_is_set_to_nothing_is_the_one_there_is_without(monkeypatch):
    for name in ("data", "results", "checkpoints", "clips", "videos"):
        monkeypatch.delenv(f"ATR_{name.upper()}", raising=False)
        unset = loading.root(name)
        monkeypatch.setenv(f"ATR_{name.upper()}", "")
        assert loading.root(name) == unset


def test_a_shipped_clip_without_its_video_is_not_offered_and_moments_may_be_unknown(world):
    file = world / "clips" / "annotations.json"
    listing = json.loads(file.read_text())
    listing["clips"][1]["acting"] = []
    file.write_text(json.dumps(listing))
    (world / "clips" / "val-000000.mp4").unlink()
    (clip,) = loading.shipped_clips()
    assert (clip.name, clip.acting) == ("val-000001", None)
    assert [clip.name for clip in loading.absent_clips()] == ["val-000000"]


def test_shipped_clips_that_are_not_there_are_told(launch, world):
    write_checkpoint(world / "checkpoints" / "net", block="atr")
    first, second = (world / "clips" / f"val-00000{number}.mp4" for number in (0, 1))
    first.unlink()
    app = launch()
    assert [warning.value for warning in app.warning] == [
        f"1 of 2 listed videos are not there; the first is {plain(str(first))}"
    ]
    second.unlink()
    app.run()
    (error,) = app.error
    assert (
        f"2 of 2 listed videos are not there; the first is {plain(str(first))} (the folder is set by"
        in error.value
    )


def test_a_shipped_clip_may_be_a_folder_of_frames(world):
    file = world / "clips" / "annotations.json"
    listing = json.loads(file.read_text())
    listing["clips"][0]["video"] = "frames"
    file.write_text(json.dumps(listing))
    (world / "clips" / "frames").mkdir()
    assert loading.shipped_clips()[0].source == world / "clips" / "frames"


def test_an_upload_never_chooses_where_it_is_written(tmp_path):
    clip = loading.keep_upload("../../evil.mp4", b"one", tmp_path)
    assert clip.source.parent == tmp_path and clip.link is None
    second = loading.keep_upload("other.webm", b"two", tmp_path)
    assert list(tmp_path.iterdir()) == [second.source]  # one upload a session
    assert loading.keep_upload("OF A PHONE.MOV", b"four", tmp_path).source.suffix == ".mov"
    with pytest.raises(loading.ChoiceError, match="'run.sh' is no video"):
        loading.keep_upload("run.sh", b"three", tmp_path)


def test_a_long_name_leaves_room_in_the_names_of_files():
    assert file_stem(loading.Clip("folder/a.mp4", Path("a.mp4"))) == "folder-a"
    assert file_stem(loading.Clip("a\udce9.mp4", Path("a.mp4"))) == "a"  # no UTF-8
    assert len(file_stem(loading.Clip("é" * 120 + ".mp4", Path("a.mp4"))).encode()) <= 120


def test_an_upload_for_which_there_is_no_room_is_one_sentence(tmp_path, monkeypatch):
    before = loading.keep_upload("before.mp4", b"some", tmp_path)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(loading.ChoiceError, match="'clip.mp4' cannot be kept on this machine: No space left"):
        loading.keep_upload("clip.mp4", b"one", tmp_path)
    assert list(tmp_path.iterdir()) == [before.source]


def test_uploads_that_a_killed_server_has_left_are_deleted(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    over = subprocess.Popen([sys.executable, "-c", ""])
    over.wait()
    names = [f"atr-upload-{pid}-x" for pid in (over.pid, 10**30, os.getpid(), "others")]
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "clip.mp4").write_bytes(b"one")
    folder = loading.upload_folder()
    assert {path.name for path in tmp_path.iterdir()} == {*names[2:], Path(folder.name).name}
    folder.cleanup()


def test_files_of_clips_in_folders_are_told_apart(world):
    clip = loading.shipped_clips()[0]
    names = ["001/clip.3.mp4", "010/clip.3.MP4", "scene.1", "scene.2", "a b.webm"]
    stems = [file_stem(replace(clip, name=name)) for name in names]
    assert stems == ["001-clip.3", "010-clip.3", "scene.1", "scene.2", "a b"]
