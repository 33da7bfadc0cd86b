"""Where clips come from: shipped ones, uploads, typed paths; what is wrong with them."""

import json
from pathlib import Path

import pytest

from tests.app.conftest import errors
from tests.app.world import write_checkpoint


def test_a_shipped_clip_that_cannot_be_read_leaves_the_others(launch, world):
    write_checkpoint(world / "checkpoints" / "only", block="atr")
    (world / "clips" / "val-000001.mp4").write_bytes(b"this is no video")
    app = launch()
    assert app.title[0].value == "moving right" and not errors(app)
    (error,) = errors(launch(clip="val-000001"))
    assert error.startswith("val-000001: cannot be read as a video")


def test_a_damaged_list_of_clips_is_one_error_and_uploads_still_work(launch, world):
    write_checkpoint(world / "checkpoints" / "only", block="atr")
    (world / "clips" / "annotations.json").write_text("{")
    app = launch()
    (error,) = errors(app)
    assert "annotations.json" in error
    assert app.button_group(key="source").value == "Upload"
    video = (world / "clips" / "val-000001.mp4").read_bytes()
    app.file_uploader(key="upload").upload("mine.mp4", video, "video/mp4").run()
    assert app.title[0].value == "mine.mp4" and len(errors(app)) == 1


def test_without_shipped_clips_uploads_come_first_and_it_is_said_where_they_would_be(launch, world):
    write_checkpoint(world / "checkpoints" / "only", block="atr")
    (world / "clips" / "annotations.json").unlink()
    app = launch()
    assert app.button_group(key="source").value == "Upload" and not errors(app)
    app.button_group(key="source").set_value("Shipped").run()
    (error,) = errors(app)
    assert error.startswith(f"There are no clips in {world / 'clips'}: ")


def test_the_first_upload_opens_with_a_checkpoint_that_has_learnt_from_videos(launch, world):
    for checkpoint, data, block in (
        ("drawn", "tabletop", "atr"),
        ("real", "people", "atr"),
        ("bare", "people", None),
    ):
        config = write_checkpoint(world / "checkpoints" / checkpoint, block=block) / "config.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | {"training": {"data": data}}))
    video = (world / "clips" / "val-000001.mp4").read_bytes()
    for asked, uploads in (({"checkpoint": "bare"}, ["bare"]), ({}, ["real", "drawn"])):
        app = launch(**asked)
        app.button_group(key="source").set_value("Upload").run()
        for name, expected in zip(("first", "second"), uploads, strict=False):
            app.file_uploader(key="upload").upload(f"{name}.mp4", video, "video/mp4").run()
            assert not app.exception and app.title[0].value == f"{name}.mp4"
            assert app.selectbox(key="checkpoint").value == expected
            app.selectbox(key="checkpoint").select("drawn").run()  # what a person chooses stays


def test_a_checkpoint_that_has_learnt_from_videos_stays_for_an_upload(launch, world):
    for checkpoint in ("first", "second"):
        config = write_checkpoint(world / "checkpoints" / checkpoint, block="atr") / "config.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | {"training": {"data": "people"}}))
    app = launch()
    app.selectbox(key="checkpoint").select("second").run()
    app.button_group(key="source").set_value("Upload").run()
    video = (world / "clips" / "val-000001.mp4").read_bytes()
    app.file_uploader(key="upload").upload("mine.mp4", video, "video/mp4").run()
    assert app.title[0].value == "mine.mp4" and app.selectbox(key="checkpoint").value == "second"


def test_an_upload_that_is_taken_back_is_gone(launch, world):
    write_checkpoint(world / "checkpoints" / "only", block="atr")
    app = launch()
    app.button_group(key="source").set_value("Upload").run()
    video = (world / "clips" / "val-000001.mp4").read_bytes()
    app.file_uploader(key="upload").upload("mine.mp4", video, "video/mp4").run()
    assert app.title[0].value == "mine.mp4" and app.query_params == {}
    folder = Path(app.session_state["upload_folder"].name)
    assert len(list(folder.iterdir())) == 1
    app.switch_page("views/what_if.py").run()  # the uploader is another one there
    assert any("Chosen: mine.mp4" in caption.value for caption in app.caption)
    next(button for button in app.button if button.label == "Remove").click().run()
    assert not list(folder.iterdir()) and not any("Chosen:" in caption.value for caption in app.caption)
    app.switch_page("views/actionness.py").run()
    app.file_uploader(key="upload").upload("mine.mp4", video, "video/mp4").run()
    assert not [button for button in app.button if button.label == "Remove"]  # there is the uploader's own
    app.file_uploader(key="upload").clear().run()
    assert not app.title and not app.exception and not list(folder.iterdir())
    assert "Choose a video" in app.info[0].value and app.query_params == {}
    assert Path(app.session_state["upload_folder"].name) == folder


@pytest.mark.parametrize("key", ["video", "masks"])
def test_a_list_of_clips_that_leads_out_of_its_folder_is_one_error(launch, world, key):
    write_checkpoint(world / "checkpoints" / "only", block="atr")
    path = world / "clips" / "annotations.json"
    annotations = json.loads(path.read_text())
    name = annotations["clips"][0][key]
    (world / name).write_bytes((world / "clips" / name).read_bytes())
    annotations["clips"][0][key] = f"../{name}"
    path.write_text(json.dumps(annotations))
    (error,) = errors(launch())
    assert f"{name}' lies outside {world / 'clips'}" in error


def test_damaged_masks_are_one_error(launch, world):
    write_checkpoint(world / "checkpoints" / "only", block="atr")
    (world / "clips" / "val-000000.masks.npz").write_bytes(b"PK no masks")
    (error,) = errors(launch())
    assert "val-000000.masks.npz holds no masks" in error


def test_a_typed_path_inside_the_root_is_shown_and_one_outside_is_one_error(launch, world):
    write_checkpoint(world / "checkpoints" / "only", block="atr")
    app = launch()
    app.button_group(key="source").set_value("Path").run()
    app.text_input(key="path").input("val-000001.mp4").run()
    assert app.title[0].value == "val-000001.mp4" and not errors(app)
    app.text_input(key="path").input("  ").run()
    assert "Choose a video" in app.info[0].value and not errors(app)
    app.text_input(key="path").input("/etc/passwd").run()
    (error,) = errors(app)
    assert "'/etc/passwd' is not allowed" in error and str(world / "clips") in error


def test_an_uploaded_text_file_is_one_error_naming_it(launch, world):
    write_checkpoint(world / "checkpoints" / "only", block="atr")
    app = launch()
    app.button_group(key="source").set_value("Upload").run()
    assert app.info and not errors(app)
    app.file_uploader(key="upload").upload("holiday.mp4", b"this is no video", "video/mp4").run()
    (error,) = errors(app)
    assert error.startswith("holiday.mp4: cannot be read as a video")
