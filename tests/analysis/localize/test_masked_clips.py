"""True pixels ride along with the frames, cut as the frames are, from every kind of source."""

import json
import re
import shutil
from contextlib import nullcontext

import cv2
import numpy as np
import pytest

from analysis.localize.masked_clips import open_masked, require_marked
from analysis.localize.truths import ACTING, DISTRACTOR, TARGET, box_bits, pixels_between
from atr.data.opening import open_clips
from atr.preprocessing import Preprocessing
from atr.sampling import Sampling
from atr.tabletop import render_clip, split_seed
from atr.video.decoding import VideoError
from atr.video.encoding import write_mp4
from atr.video.sampling import uniform_indices

SETTINGS = Preprocessing(short_side=32, crop=32)


def opened(name, **options):
    return open_masked(str(name), **{"num_frames": 4, "preprocessing": SETTINGS} | options)


def video(path, num_frames=8, height=64, width=96):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_mp4(path, np.full((num_frames, height, width, 3), 128, np.uint8), fps=8)


def annotate(folder, **entry):
    video(folder / "a.mp4")
    clip = {"id": "a", "video": "a.mp4", "label": "x", "num_frames": 8, **entry}
    (folder / "annotations.json").write_text(json.dumps({"labels": ["x"], "clips": [clip]}))


def test_rendered_clips_are_the_evaluations_with_their_masks(tmp_path):
    clips = opened("tabletop:val", num_clips=3)
    plain = open_clips("tabletop:val", num_frames=4, preprocessing=SETTINGS, cache=tmp_path, num_clips=3)
    assert (clips.ids, clips.targets, clips.labels) == (plain.ids, plain.targets, plain.labels)
    assert clips.digest == plain.digest and clips.description == plain.description
    for index in range(3):
        items, label, place = clips[index]
        frames, expected_label, _ = plain[index]
        np.testing.assert_array_equal(items[..., :3], frames)
        assert (label, place) == (expected_label, index)
        truth = render_clip(split_seed("val", index), num_frames=4, size=32)
        bits = items[..., 3].numpy()
        np.testing.assert_array_equal((bits & TARGET) > 0, truth.masks >= 3)
        np.testing.assert_array_equal((bits & DISTRACTOR) > 0, truth.masks == 2)
        np.testing.assert_array_equal((bits & ACTING).any(axis=(1, 2)), truth.acting)
        np.testing.assert_array_equal((bits & ACTING).all(axis=(1, 2)), truth.acting)


def test_masks_in_files_are_those_of_the_sampled_frames(clips_folder):
    clips = opened(clips_folder, num_clips=2, preprocessing=Preprocessing(short_side=64, crop=64))
    entry = json.loads((clips_folder / "annotations.json").read_text())["clips"][1]
    chosen = uniform_indices(10, 4)
    bits = clips[1][0][..., 3].numpy()
    with np.load(clips_folder / entry["masks"]) as stored:
        np.testing.assert_array_equal((bits & TARGET) > 0, stored["masks"][chosen] >= 3)
    np.testing.assert_array_equal((bits & ACTING).any(axis=(1, 2)), np.array(entry["acting"])[chosen])
    plain = open_clips(
        str(clips_folder),
        num_frames=4,
        preprocessing=Preprocessing(short_side=64, crop=64),
        cache=clips_folder,
        num_clips=2,
    )
    np.testing.assert_array_equal(clips[1][0][..., :3], plain[1][0])


def test_boxes_are_cut_as_the_frames_are(tmp_path):
    """96x64 to the centre 64x64, halved: the box from (16, 8), 32 wide, 16 high, becomes (0, 4), 16 wide, 8 high."""
    annotate(tmp_path, boxes=[[[16, 8, 32, 16]]] * 4 + [[]] * 4)
    bits = opened(tmp_path)[0][0][..., 3].numpy()
    assert uniform_indices(8, 4).tolist() == [1, 3, 5, 7]
    expected = np.zeros((4, 32, 32), bool)
    expected[:2, 4:12, :16] = True
    np.testing.assert_array_equal((bits & TARGET) > 0, expected)
    # nothing says when the action happens: when there is a target
    assert (bits & ACTING).any(axis=(1, 2)).tolist() == [True, True, False, False]


def test_boxes_are_squeezed_as_the_frames_are(tmp_path):
    """96x64 to 32x32: the box from (24, 8), 48 wide, 16 high, becomes (8, 4), 16 wide, 8 high."""
    annotate(tmp_path, boxes=[[[24, 8, 48, 16]]] * 4 + [[]] * 4)
    squeezed = opened(tmp_path, preprocessing=Preprocessing(32, 32, fit="squeeze"))
    expected = np.zeros((4, 32, 32), bool)
    expected[:2, 4:12, 8:24] = True
    np.testing.assert_array_equal((squeezed[0][0][..., 3].numpy() & TARGET) > 0, expected)


def test_sequences_have_a_mask_for_each_frame(tmp_path):
    video(tmp_path / "b" / "clip.mp4")
    masks = tmp_path / "b" / "masks"
    masks.mkdir()
    for index in range(8):
        mask = np.zeros((64, 96), np.uint8)
        mask[:, 16 + 8 * index : 24 + 8 * index] = 255
        cv2.imwrite(str(masks / f"{index:05d}.png"), mask)
    clips = opened(tmp_path)
    assert (clips.ids, clips.targets) == (["b"], [-1])
    bits = clips[0][0][..., 3].numpy()
    for step, index in enumerate((1, 3, 5, 7)):
        expected = np.zeros((32, 32), bool)
        expected[:, 4 * index : 4 * index + 4] = True
        np.testing.assert_array_equal((bits[step] & TARGET) > 0, expected)
    assert (bits & ACTING).all()
    cv2.imwrite(str(masks / "00008.png"), mask)
    with pytest.raises(VideoError, match="^b: 9 masks for 8 frames; allowed: one for every frame$"):
        clips[0]
    for index in (8, 7):
        (masks / f"{index:05d}.png").unlink()
    with pytest.raises(VideoError, match="^b: 7 masks for 8 frames; allowed: one for every frame$"):
        clips[0]
    shutil.rmtree(masks)
    with pytest.raises(VideoError, match="^b: 0 masks for 8 frames"):
        clips[0]


def test_masks_of_a_sequence_are_in_the_order_of_their_numbers(tmp_path):
    """2.png before 10.png; the mask numbered n marks the n-th column of 8 pixels."""
    video(tmp_path / "b" / "clip.mp4", num_frames=12)
    (tmp_path / "b" / "masks").mkdir()
    for index in range(12):
        mask = np.zeros((64, 96), np.uint8)
        mask[:, 8 * index : 8 * index + 8] = 1
        cv2.imwrite(str(tmp_path / "b" / "masks" / f"{index}.png"), mask)
    bits = opened(tmp_path, preprocessing=Preprocessing(96, 96, fit="squeeze"))[0][0][..., 3].numpy()
    columns = ((bits & TARGET) > 0).all(axis=1).argmax(axis=1)
    assert (columns // 8).tolist() == uniform_indices(12, 4).tolist() == [1, 4, 7, 10]


def test_a_sampling_that_is_not_the_data_set_s_is_told(clips_folder):
    options = {"preprocessing": Preprocessing(short_side=64, crop=64)}
    assert opened(clips_folder, **options).notes == ()
    (note,) = opened(clips_folder, sampling=Sampling("dense", 8), **options).notes
    assert "has uniform sampling; the checkpoint's is used, dense" in note


def test_files_outside_the_folder_are_refused_or_followed(tmp_path, clips_folder):
    entry = json.loads((clips_folder / "annotations.json").read_text())["clips"][0]
    folder = tmp_path / "data"
    annotate(folder, masks=str(clips_folder / entry["masks"]))
    with pytest.raises(
        ValueError, match="1 file lies outside .*data, the first is .*npz at .*--follow-outside"
    ):
        opened(folder)
    assert len(opened(folder, follow_outside=True)) == 1
    annotate(folder, video="../far.mp4", boxes=[[]] * 8)
    with pytest.raises(ValueError, match="1 clip lies outside .*data, the first is a at .*far.mp4"):
        opened(folder)
    (tmp_path / "sequences").mkdir()
    video(tmp_path / "elsewhere" / "clip.mp4")
    (tmp_path / "sequences" / "linked").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="files lie outside .*sequences, the first is linked/clip.mp4"):
        opened(tmp_path / "sequences")
    assert opened(tmp_path / "sequences", follow_outside=True).ids == ["linked"]


def test_an_id_of_two_clips_is_refused(tmp_path):
    annotate(tmp_path, boxes=[[]] * 8)
    found = json.loads((tmp_path / "annotations.json").read_text())
    (tmp_path / "annotations.json").write_text(json.dumps(found | {"clips": found["clips"] * 2}))
    with pytest.raises(ValueError, match="1 clip has the id of an earlier one, the first is a"):
        opened(tmp_path)


def test_folders_without_a_clip_are_told(tmp_path):
    video(tmp_path / "one" / "clip.mp4")
    video(tmp_path / "two" / "film.mp4")
    (note,) = opened(tmp_path).notes
    assert note == f"{tmp_path}: 1 found and not used: 1 without a clip.mp4 (two)"


def test_what_does_not_fit_is_named(tmp_path, clips_folder):
    with pytest.raises(ValueError, match="neither an annotations.json nor folders with a clip.mp4"):
        opened(tmp_path)
    annotate(tmp_path)
    with pytest.raises(ValueError, match="clip a has neither masks nor boxes"):
        opened(tmp_path)
    with pytest.raises(ValueError, match="99 clips asked for, .* has 11"):
        opened(clips_folder, num_clips=99)
    for none in (0, -1):
        with pytest.raises(ValueError, match=f"^num_clips={none} is not allowed; allowed: 1 or more$"):
            opened("tabletop:val", num_clips=none)
        with pytest.raises(ValueError, match=f"^num_clips={none} is not allowed; allowed: 1 or more$"):
            opened(clips_folder, num_clips=none)
    for count in (7, 9):
        for entry in ({"boxes": [[]] * count}, {"boxes": [[]] * 8, "acting": [True] * count}):
            annotate(tmp_path, **entry)
            with pytest.raises(VideoError, match=f"^a: {count} entries of '{[*entry][-1]}' for 8 frames"):
                opened(tmp_path)[0]
    masks = np.zeros((8, 64, 96), np.int8)
    for text, broken in (
        ("masks of int8 .*; allowed: whole numbers, 64x96", {"masks": np.zeros((8, 9, 9), np.int8)}),
        ("masks of float64", {"masks": np.zeros((8, 64, 96))}),
        ("^a: 7 masks for 8 frames", {"masks": masks[:7]}),
        ("^a: 9 masks for 8 frames", {"masks": np.concatenate([masks, masks[:1]])}),
        ("masks with values from -1 to 0; allowed: 0 to 4", {"masks": np.where(np.arange(96), masks, -1)}),
        ("masks with values from 0 to 5; allowed: 0 to 4", {"masks": np.where(np.arange(96), masks, 5)}),
        ("a.npz holds no masks: it has no arrays; allowed: an NPZ file with an array 'masks'$", {}),
        ("a.npz holds no masks: it has truth; allowed: ", {"truth": masks}),
    ):
        np.savez(tmp_path / "a.npz", **broken)
        annotate(tmp_path, masks="a.npz")
        with pytest.raises(VideoError, match=text):
            opened(tmp_path)[0]
    shutil.copy(tmp_path / "a.mp4", tmp_path / "a.npz")
    with pytest.raises(
        VideoError, match="a.npz holds no masks: it is no NPZ file, or a damaged one; allowed: "
    ):
        opened(tmp_path)[0]
    (tmp_path / "a.npz").unlink()
    with pytest.raises(VideoError, match="a.npz cannot be read: No such file or directory; allowed: "):
        opened(tmp_path)[0]


@pytest.mark.parametrize(
    ("entry", "marked"),
    [
        ({"boxes": [[]] * 8}, False),
        ({"boxes": [[[16, 8, 8, 8]]] * 8}, True),
        ({"boxes": [[[16, 8, 8, 8]]] * 8, "acting": [False] * 8}, False),
        ({"boxes": [[]] * 8, "acting": [True] * 8}, False),
        ({"boxes": [[]] * 8, "acting": [False] * 4 + [True] * 4}, True),
        ({"boxes": [[[16, 8, 8, 8]], *[[]] * 7]}, False),  # the first frame is not sampled
        ({"boxes": []}, True),  # cannot be read, which is told elsewhere
    ],
)
def test_clips_without_a_mark_are_refused(tmp_path, entry, marked):
    annotate(tmp_path, **entry)
    with (
        nullcontext()
        if marked
        else pytest.raises(
            ValueError,
            match="^my data marks nothing in the sampled frames of its 1 clips, .*; allowed: masks or boxes",
        )
    ):
        require_marked(opened(tmp_path), "my data")


def test_all_boxes_of_a_frame_count(tmp_path):
    annotate(tmp_path, boxes=[[[16, 8, 8, 8], [40, 24, 8, 8]]] * 8)
    bits = opened(tmp_path)[0][0][..., 3].numpy()
    expected = np.zeros((32, 32), bool)
    expected[4:8, :4] = expected[12:16, 12:16] = True
    assert ((bits & TARGET > 0) == expected).all()


@pytest.mark.parametrize(
    ("box", "told"),
    [
        ([4, 4, 0, 8], "has no area"),
        ([9, 9, 4, -2], "has no area"),
        ([0.1, 0.2, 0.5, 0.5], "is in shares of the frame"),
        ([96, 8, 9, 9], "lies outside the frame of 96x64"),
        ([8, -9, 9, 9], "lies outside the frame of 96x64"),
        ([8, 9, 9], r"\[8, 9, 9\] is no box"),
        ([8, 9, 9, "9"], r"\[8, 9, 9, '9'\] is no box"),
        (5, "5 is no box"),
    ],
)
def test_boxes_that_cannot_be_are_named(box, told, tmp_path):
    annotate(tmp_path, boxes=[[box]] * 8)
    with pytest.raises(VideoError) as caught:
        opened(tmp_path)[0]
    named = f"{tmp_path}/annotations.json: boxes of clip a, frame 1: "
    assert re.match(f"{named}.*{told}; allowed: for every frame a list of", str(caught.value))
    annotate(tmp_path, boxes=["none"] * 8)
    with pytest.raises(VideoError, match="frame 1: 'none' is no list of boxes; allowed: for every frame"):
        opened(tmp_path)[0]


def test_a_box_that_reaches_beyond_the_frame_is_cut():
    expected = np.zeros((4, 6), np.uint8)
    expected[:2, :1] = 1
    np.testing.assert_array_equal(box_bits([[-2, -1, 3, 3]], 4, 6), expected)


def test_other_masks_of_the_same_clips_are_another_question(tmp_path, clips_folder):
    video(tmp_path / "b" / "clip.mp4")
    (tmp_path / "b" / "masks").mkdir()
    mask = tmp_path / "b" / "masks" / "00000.png"
    folder = shutil.copytree(clips_folder, tmp_path / "clips")
    for place, file in ((tmp_path, mask), (folder, folder / "val-000000.masks.npz")):
        file.write_bytes(b"one")
        before = opened(place).digest
        file.write_bytes(b"another")
        assert opened(place).digest != before


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1.5, 2.5, slice(1, 2)),
        (1.5, 6.5, slice(1, 6)),
        (0.5, 5.5, slice(0, 5)),
        (2.6, 3.3, slice(2, 3)),  # the middle of no pixel
        (-3, 0.1, slice(0, 1)),
        (7.9, 9.0, slice(7, 9)),
    ],
)
def test_a_box_has_the_pixels_whose_middle_it_holds_and_at_least_one(low, high, expected):
    assert pixels_between(low, high, 8) == expected


def test_no_pixel_at_the_edge_of_a_distractor_becomes_a_target(tmp_path):
    """Columns 16 to 79 are halved; the distractor ends within a pair of them."""
    masks = np.zeros((8, 64, 96), np.uint8)
    masks[:, :, :47] = 2
    np.savez(tmp_path / "a.npz", masks=masks)
    annotate(tmp_path, masks="a.npz")
    bits = opened(tmp_path)[0][0][..., 3].numpy()
    assert (bits & DISTRACTOR).any() and not (bits & TARGET).any()


def test_sequences_that_may_be_damaged_are_another_question(tmp_path):
    video(tmp_path / "b" / "clip.mp4")
    assert opened(tmp_path).digest != opened(tmp_path, allow_damaged=True).digest
