"""Caches, names and what the explorer is sent."""

import base64
import json
from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

import atr
from analysis.map_values import NORMALISATIONS, colour_limits, normalise, with_together
from app import loading
from app.choices import KIND_NAMES, overlay_styles
from app.explorer import pack
from app.links import listed, take_out_unknown
from app.loading import data_set
from app.loading.clips import masks_of
from app.loading.looks import Progress, shown_clip
from app.loading.thumbnails import film
from app.markdown import JOINER, MOST, plain
from atr.video.encoding import write_mp4
from tests.app.world import ACTING, LABELS, NUM_FRAMES, SIDE, square_clip, write_checkpoint


def test_what_is_computed_is_found_again_by_content(world):
    write_checkpoint(world / "checkpoints" / "only", block="atr")
    first, second = loading.shipped_clips()
    look = loading.look(first, "only", "crop")
    (world / "clips" / "copy.mp4").write_bytes(first.source.read_bytes())
    assert loading.look(loading.clip_in_root("copy.mp4"), "only", "crop").identity == look.identity
    assert loading.look(second, "only", "crop").identity != look.identity
    assert loading.look(first, "only", "whole").identity != look.identity
    of_classes = [loading.look(first, "only", "crop", target=target) for target in (0, 1)]
    assert len({look.identity, *(each.identity for each in of_classes)}) == 3
    assert [each.gradcam_class for each in of_classes] == LABELS[:2]
    assert any((of_classes[0].gradcam[name] != maps).any() for name, maps in of_classes[1].gradcam.items())


def test_what_the_browser_is_sent_follows_what_is_known_of_a_clip_and_every_side(world):
    write_checkpoint(world / "checkpoints" / "only", block="atr", placement="S5")
    look = loading.look(loading.shipped_clips()[0], "only", "crop")
    called = SimpleNamespace(
        labels=LABELS, scores=np.eye(3)[[0]], true_probability=np.ones(1), correct=np.ones(1, bool)
    )

    def sent(clip, identity=look.identity):
        own, other = replace(look, clip=clip), replace(look, clip=clip, identity=identity)
        return loading.payload(own).header, loading.sides_payload([own, other], [called] * 2, 0).header

    before = sent(look.clip)
    for header in sent(replace(look.clip, acting=[True] * NUM_FRAMES)):
        assert header["acting"] == [True] * NUM_FRAMES
    assert [header["alt"] for header in sent(replace(look.clip, name="x", label="peeling"))] == [
        "Video peeling",
        "Video x, peeling",
    ]
    assert sent(look.clip, "another")[1]["id"] != before[1]["id"]
    np.savez(world / "clips" / "val-000000.masks.npz", masks=np.zeros((NUM_FRAMES, SIDE, SIDE), np.uint8))
    for header, old in zip(sent(look.clip), before, strict=True):
        assert {size for _, size in header["masks"]["spans"]} == {3} and header["id"] != old["id"]


def test_frames_of_a_clip_keep_its_speed(world):
    write_checkpoint(world / "checkpoints" / "only", block="atr", placement="S5")
    clip = loading.Clip("x", square_clip()[0], fps=12.0)
    assert loading.look(clip, "only", "crop").result.fps == 12


def test_a_checkpoint_whose_files_change_is_read_anew(world):
    folder = write_checkpoint(world / "checkpoints" / "only", block="atr")
    (world / "checkpoints" / ".unfinished").mkdir()
    assert loading.checkpoint_names() == ["only"] and loading.model("only").labels == LABELS
    config = folder / "config.json"
    config.write_text(config.read_text().replace("moving right", "going east"))
    assert (
        loading.model("only").labels == loading.configuration("only")["labels"] == ["going east", *LABELS[1:]]
    )
    (folder / "model.safetensors").write_bytes(b"no tensors")
    assert not loading.whole_checkpoint("only")


def test_a_thumbnail_plays_the_middle_of_the_whole_video_as_it_is_now(tmp_path):
    frames = np.full((16, 32, 96, 3), 255, np.uint8)
    frames[:, :, 32:64] = 15 * np.arange(16)[:, None, None, None]

    def tiles() -> list[float]:
        data = film(clip)["film"].partition(",")[2]
        row = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
        side = len(row)
        middle = slice(side // 3, 2 * side // 3)
        return row.reshape(side, 8, side, 3)[middle, :, middle].mean(axis=(0, 2, 3)).tolist()

    clip = loading.Clip("x", tmp_path / "x.mp4")
    write_mp4(clip.source, frames, fps=12)
    assert tiles() == pytest.approx(list(range(15, 240, 30)), abs=8)
    write_mp4(clip.source, frames[::-1], fps=12)
    assert tiles() == pytest.approx(list(range(210, -1, -30)), abs=8)


def test_progress_and_the_place_in_the_queue_are_told(monkeypatch):
    told = []
    slot = SimpleNamespace(progress=lambda *of: told.append(of), empty=lambda: told.append("gone"))
    monkeypatch.setattr("app.loading.looks.st.empty", lambda: slot)
    progress = Progress("Maps of a_b …")
    progress.done(1, 4)
    progress.waiting(2)
    assert told == []  # what is over soon is not told
    progress.started -= 1
    progress.done(1, 4)
    for before in (2, 1, 0):
        progress.waiting(before)
    assert told == [
        (0.25, "Maps of a_b …"),
        (0.0, "Maps of a_b … 2 computations before yours"),
        (0.0, "Maps of a_b … 1 computation before yours"),
        "gone",
    ]


def test_only_raw_values_can_be_drawn_signed():
    assert [kind for kind in KIND_NAMES if "signed" in overlay_styles(kind)] == ["raw"]
    assert all({"value", "flat"} <= {*overlay_styles(kind)} for kind in KIND_NAMES)


def test_of_many_allowed_values_the_ends_are_told_and_the_unknown_are_taken_out():
    few, many = [str(number) for number in range(24)], [str(number) for number in range(1025)]
    assert listed(few) == ", ".join(few) and listed([]) == "none"
    assert listed(many[:25]) == "0, 1 … 24 (25 in all)" and listed(many).endswith("… 1024 (1,025 in all)")
    asked = {"frame": "1024", "block": "S9B9"}
    (text,) = take_out_unknown(asked, {"frame": many, "block": ["S5B1"]})
    assert asked == {"frame": "1024"} and "block 'S9B9', which is not here; there are: S5B1." in text


def test_results_are_looked_for_by_what_the_files_are_now(world, monkeypatch):
    monkeypatch.setenv("ATR_DATA", str(world / "clips"))
    ((name, _),) = data_set.names().items()
    asked = (name, 1, 4, atr.Preprocessing().to_dict())
    before = data_set.digest(*asked)
    assert data_set.digest(*asked) == before
    sizes = atr.Preprocessing(short_side=SIDE, crop=SIDE).to_dict()
    others = (name, 2, 4, asked[3]), (name, 1, 8, asked[3]), (name, 1, 4, sizes)
    assert len({before, *(data_set.digest(*each) for each in others)}) == 4
    (world / "clips" / "val-000000.mp4").write_bytes(b"another")
    assert data_set.digest(*asked) != before


def test_the_explorer_gets_the_maps_the_masks_and_the_times(world):
    write_checkpoint(world / "checkpoints" / "only", block="atr", placement="S5")
    clip = loading.shipped_clips()[0]
    look = loading.look(clip, "only", "crop")
    message = loading.payload(look).message(start={"frame": 0}, link={"clip": clip.link})
    length = int.from_bytes(message[:4], "little")
    header, body = json.loads(message[4 : 4 + length]), message[4 + length :]
    assert [block["name"] for block in header["blocks"]] == ["S5B1", "S5B2", "all blocks"]
    assert header["acting"] == ACTING
    assert header["sampled"] == [1, 4, 7, 10]  # the centres of four segments of three frames
    for block in header["blocks"]:
        offset, size = block["span"]
        codes = np.frombuffer(body[offset : offset + size], "<u2").reshape(
            -1, block["height"], block["width"]
        )
        step = (block["high"] - block["low"]) / 65535
        maps = with_together(look.result.maps)[block["name"]]
        kinds = ("raw",) if block["together"] else NORMALISATIONS
        assert list(block["medians"]) == list(block["limits"]) == list(kinds)
        for kind in kinds:
            assert block["medians"][kind] == pytest.approx(np.median(normalise(maps, kind)))
            assert block["limits"][kind] == pytest.approx(colour_limits(normalise(maps, kind)))
        np.testing.assert_allclose(block["low"] + codes * step, maps, rtol=0, atol=step)
    assert len(header["masks"]["spans"]) == len(header["frames"])
    for (offset, size), mask in zip(header["masks"]["spans"], masks_of(clip), strict=True):
        runs = size // 3  # a length of two bytes each, then a value of one
        lengths = np.frombuffer(body, "<u2", runs, offset)
        values = np.frombuffer(body, np.uint8, runs, offset + 2 * runs)
        np.testing.assert_array_equal(np.repeat(values, lengths).reshape(SIDE, SIDE), mask)


def test_a_constant_map_can_be_packed():
    frames = np.zeros((2, 8, 8, 3), np.uint8)
    options = {"video": "x", "indices": np.arange(2), "fps": 10, "sampled": [0], "alt": "nothing"}
    block = pack("x", frames, {"S5B1": np.full((2, 1, 1), 3, np.float32)}, **options).header["blocks"][0]
    assert block["low"] == block["high"] == 3
    assert block["limits"]["raw"] == (3, 4)


def test_names_are_shown_and_not_rendered():
    assert plain("![a](http://b/c.png)") == r"!\[a\](http:" + JOINER + "//b/c.png)"
    assert plain("a_b.mp4: broken") == "a_b.mp4: broken"
    assert plain("`x` :material/home: $y$") == r"\`x\` \:" + JOINER + r"material/home: \$y\$"
    assert plain("www.b.org me@b.org _e_ &lt;") == f"www{JOINER}.b.org me@{JOINER}b.org \\_e\\_ \\&lt;"
    assert plain("HTTP://b.org WWW.b.org &#60; ~~a~~") == (
        rf"HTTP:{JOINER}//b.org WWW{JOINER}.b.org \&#60; \~\~a\~\~"
    )
    assert plain(r"\*a") == r"\\\*a"
    for text in ("# a", "- a", "+ a", "= a", "> a"):
        assert plain(text) == rf"\{text}"
    assert [plain(text) for text in ("12. a", "1) a", "    a")] == [r"12\. a", r"1\) a", "a"]
    assert plain("a\n\n# b\r\n| c |") == plain("a\v# b\f\x85| c\u2028\u2029|") == "a # b | c |"
    assert plain("first" + "x" * 10**6 + "last").startswith("first")
    assert plain("first" + "x" * 10**6 + "last").endswith("last")
    assert len(plain("x" * 10**6)) < 2 * MOST


def test_of_a_thinned_clip_the_browser_gets_the_frames_of_the_video():
    frames = np.zeros((10, 8, 8, 3), np.uint8)
    options = {
        "video": "x",
        "indices": np.arange(0, 30, 3),
        "fps": 10,
        "sampled": [3, 11, 18, 26],
        "alt": "nothing",
    }
    header = pack("x", frames, {}, **options).header
    assert header["indices"] == list(range(0, 30, 3)) and header["sampled"] == [1, 4, 6, 9]


def test_frames_keep_their_colours_and_wide_masks_their_proportions():
    frames, masks = np.zeros((1, 100, 400, 3), np.uint8), np.zeros((1, 100, 400), np.uint8)
    frames[..., 0], masks[:, :50, :100] = 255, 3
    sent = pack("x", frames, {}, video="x", indices=[0], fps=10, sampled=[0], alt="red", masks=masks)
    assert sent.header["size"] == [400, 100]  # width and height
    (offset, size), shown = sent.header["frames"][0], sent.header["masks"]
    blue, _, red = cv2.imdecode(np.frombuffer(sent.body, np.uint8, size, offset), cv2.IMREAD_COLOR)[50, 200]
    assert red > 240 and blue < 10
    assert (shown["height"], shown["width"]) == (40, 160)
    offset, size = shown["spans"][0]
    lengths = np.frombuffer(sent.body, "<u2", size // 3, offset)
    values = np.frombuffer(sent.body, np.uint8, size // 3, offset + size // 3 * 2)
    mask = np.repeat(values, lengths).reshape(40, 160)
    assert (mask[:20, :40] == 3).all() and (mask > 0).sum() == 20 * 40


def test_masks_lie_where_the_list_of_clips_says(world):
    folder = world / "clips"
    listing = json.loads((folder / "annotations.json").read_text())
    (folder / "below").mkdir()
    for entry in listing["clips"]:
        for what in ("video", "masks"):
            entry[what] = str(
                (folder / entry[what]).rename(folder / "below" / entry[what]).relative_to(folder)
            )
    (folder / "annotations.json").write_text(json.dumps(listing))
    assert masks_of(loading.shipped_clips()[0]).any()


def test_truth_is_that_of_the_frames_and_of_the_region_shown(world):
    clip = loading.shipped_clips()[0]
    result = SimpleNamespace(
        frames=None, indices=np.array([2, 5, 8]), fps=3.0, sampled=[5], box=(10, 20, 30, 40)
    )
    found = shown_clip(SimpleNamespace(clip=clip, result=result))
    assert found["acting"].tolist() == [ACTING[index] for index in (2, 5, 8)]
    np.testing.assert_array_equal(found["masks"], masks_of(clip)[[2, 5, 8], 10:40, 20:60])


def test_a_clip_opens_in_the_middle_of_its_action():
    result = SimpleNamespace(indices=np.arange(0, 20, 2))

    def position(acting, frame=None):
        return loading.Look(SimpleNamespace(acting=acting), "x", None, "crop", "", result).position(frame)

    assert position([False] * 12 + [True] * 5 + [False] * 3) == 7
    assert position(None) == position([False] * 20) == 5
    assert position([True] * 20, frame=6) == 3
