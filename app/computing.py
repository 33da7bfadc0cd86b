"""Have a command compute over N clips from a page: what is chosen, started, watched and stopped."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import streamlit as st

from app import loading
from app.loading import data_set
from app.markdown import plain
from app.runs import Run, running
from atr.data.rendered import TabletopClips
from atr.data.videos import VideoClips
from atr.models import VideoClassifier
from atr.results.store import place_of_answer
from atr.tabletop import CLASSES

RENDERED = "tabletop:val"
MOST_CLIPS, OFFERED_CLIPS = 20_000, 200


def compute_panel(
    kind: str,
    checkpoint: str,
    model: VideoClassifier,
    folder_of: Callable[[Path, Path, str], Path],
    stored: Iterable[dict],
    *,
    arguments: Sequence[str] = (),
    noun: str = "result",
    program: tuple[str, str] | None = None,
    offered: int = OFFERED_CLIPS,
) -> None:
    """Start a command as a subprocess, show how far it is, stop it. Keys of widgets end with `kind`.

    Args:
        kind: what its result folders' names begin with.
        folder_of: (results root, checkpoint folder, digest of the data) -> the folder of the result.
        stored: the results there are with the same settings, told by the digests of their data.
        arguments: of the command, beside --checkpoint, --data, --out and the number of clips.
        noun: what the page calls a result.
        program: (module, command); ("analysis", kind) when None.
        offered: clips, at first.
    """
    module, command = program or ("analysis", kind)
    path, root = loading.root("checkpoints") / checkpoint, loading.root("results").resolve()
    under_way = running(root, kind, path)
    for run in under_way:
        st.fragment(watch, run_every="1s")(run)
    left, right = st.columns(2)
    folder = str(loading.root("clips").resolve())
    sets = {RENDERED: "tabletop, validation split", folder: "the shipped clips"}
    try:
        sets |= data_set.names()
    except loading.ChoiceError as error:  # the others can be computed all the same
        st.warning(plain(str(error)), icon=":material/folder_off:")
    data = left.selectbox("Data", list(sets), format_func=sets.get, key=f"data {kind}")
    most = MOST_CLIPS
    if data == folder:
        most = len(loading.shipped_clips())
    elif data != RENDERED:
        most = len(data_set.listed(data.rpartition(":")[2]).targets)
    if not most:
        st.info("There are no shipped clips.")
        return
    clips = int(right.number_input("Clips", 1, most, min(offered, most), key=f"clips {data} {kind}"))
    digest, labels = digest_and_labels(data, clips, model)
    run = Run(place_of_answer(folder_of(root, path, digest), model.labels, labels))
    if any(result["data"]["digest"] == digest for result in stored):
        st.caption(f"This {noun} is stored already.")
    elif run not in under_way:
        if failure := run.failure():
            st.error(plain(failure), icon=":material/error:")
        if st.button("Compute", key=f"compute {kind}", icon=":material/play_arrow:"):
            chosen = ["--checkpoint", str(path.resolve()), "--data", data, "--num-clips", str(clips)]
            try:
                run.start([command, *chosen, *arguments, "--out", str(root)], module)
            except OSError as error:
                text = f"Nothing can be written to {root} ({error.strerror}); ATR_RESULTS sets the folder."
                st.error(plain(text), icon=":material/error:")
            else:
                st.rerun()


def digest_and_labels(data: str, clips: int, model: VideoClassifier) -> tuple[str, Sequence[str]]:
    """Of the clips that a command would take, without a look into any."""
    frames, preprocessing = model.config.num_frames, model.preprocessing
    if data == RENDERED:
        digest = TabletopClips.digest_of("val", clips, num_frames=frames, size=preprocessing.crop)
        return digest, CLASSES
    if not Path(data).is_dir():  # a folder and a split
        digest = data_set.digest(data, clips, frames, preprocessing.to_dict())
        return digest, data_set.listed(data.rpartition(":")[2]).annotations.labels
    found = VideoClips(Path(data), num_frames=frames, preprocessing=preprocessing, num_clips=clips)
    return found.digest, found.labels


def watch(run: Run) -> None:
    if run.pid() is None:  # it is over: its result, or what went wrong, is shown by the page
        st.rerun()
    text, share = "Preparing the clips …", 0.0
    if progress := run.progress():
        share = progress["done"] / max(progress["total"], 1)
        text = f"{progress['phase']}: {progress['done']} of {progress['total']} clips"
        if rate := progress["rate"]:
            left = (progress["total"] - progress["done"]) / rate
            text += f", {rate:.1f} clips/s, {left:.0f} s left"
    bar, button = st.columns([5, 1], vertical_alignment="bottom")
    bar.progress(share, text)
    if button.button("Stop", key=f"stop {run.folder.name}", icon=":material/stop:", width="stretch"):
        run.stop()
        st.rerun()
