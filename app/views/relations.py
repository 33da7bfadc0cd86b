"""Temporal relations: Fig 4 of a graph-reasoner checkpoint, its control, and what efficient reasoners learned."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from analysis.actionness import has_graph_reasoner
from analysis.commands.relations import as_table, relations_folder
from analysis.relation_curves import convergence_figure, kernels_figure, local_mass_figure
from analysis.relation_figures import limits_of, matrices_figure, title, unit_of, windows_figure
from analysis.relations import efficient_kernels
from analysis.store import RESULT
from app import choices, loading
from app.choices import plain
from app.loading import ChoiceError
from app.runs import Run
from atr.checkpoint import CheckpointError
from atr.data import TabletopClips
from atr.models import VideoClassifier

CONTROL = (
    "An untrained graph reasoner has nearly uniform rows, so its windows are alike and its JS is small too: a small JS "
    "alone proves nothing. Read it beside the local mass and its chance level."
)
MOST_CLIPS = 20_000


def page() -> None:
    choices.keep()
    st.title("Temporal relations", anchor=False)
    names = loading.checkpoint_names()
    try:
        choices.read_link(names, loading.shipped_clips())
        choices.prefer_graph_reasoner(names)
        checkpoint = choices.choose_checkpoint(names)
        for warning in st.session_state["link"]["warnings"]:
            st.warning(plain(warning), icon=":material/link_off:")
        if checkpoint is None:
            raise ChoiceError(loading.no_checkpoint())
        show(checkpoint, names)
    except (ChoiceError, CheckpointError, ValueError) as error:
        st.error(plain(str(error)), icon=":material/error:")


def show(checkpoint: str, names: list[str]) -> None:
    model = loading.model(checkpoint)
    if not has_graph_reasoner(model):
        st.info(plain(without_relations(checkpoint, model)), icon=":material/info:")
        if kernels := efficient_kernels(model):
            st.subheader("Temporal kernels of the efficient reasoners", anchor=False)
            kernels_panel(kernels, {})
        return
    found = loading.relation_results(checkpoint)
    if not found:
        st.info("No average over a data set is stored for this checkpoint yet: compute one.")
        compute(checkpoint, model)
        return
    folder = next(iter(found))
    if len(found) > 1:
        folder = st.selectbox("Stored result", list(found), format_func=lambda f: described(found[f]))
    result = found[folder]
    st.markdown(
        f"**{plain(checkpoint)}** over {result['videos']:,} videos ({plain(result['data']['description'])}). "
        "Rows are time steps, columns the time steps they look at."
    )
    if skipped := result["skipped"]:
        st.warning(
            plain(f"{len(skipped)} videos could not be read and are not in the average: ")
            + ", ".join(plain(s["id"]) for s in skipped)
        )
    fig4_panels(result)
    tabs = st.tabs(["Local mass", "Convergence", "Per class", "Untrained control", "ER kernels", "Numbers"])
    contents = (local_mass, convergence, per_class, control, lambda r: er_kernels(r, names), numbers)
    for tab, content in zip(tabs, contents, strict=True):
        with tab:
            content(result)
    downloads(folder, checkpoint)
    compute(checkpoint, model)


def without_relations(checkpoint: str, model: VideoClassifier) -> str:
    if not model.blocks:
        return f"{checkpoint} has no ATR block: there is nothing that relates time steps."
    return (
        f"{checkpoint} reasons with efficient reasoners: their temporal kernels are learned weights, the same for every "
        "video, so there is no matrix W to average. Choose a checkpoint with a graph reasoner to see one."
    )


def described(result: dict) -> str:
    return f"{result['data']['description']} · {result['videos']} videos · {unit_of(result['base'])}"


def fig4_panels(result: dict) -> None:
    entries = result["trained"]
    st.subheader("Averaged temporal relation matrices", anchor=False)
    left, right = st.columns([3, 2], gap="large")
    with left:
        figure = matrices_figure(entries, limits=limits_of(entries), columns=3)
        event = st.plotly_chart(
            figure, key="matrices", on_select="rerun", alt="Heat maps of the averaged W of every block"
        )
        st.caption("Click a cell to enlarge its block.")
    points = event.selection.points if event else []
    chosen = (
        points[0]["curve_number"] // 2 if points else 0
    )  # a heat map and its layer of markers for each block
    with right:
        large = matrices_figure([entries[chosen]], limits=limits_of(entries), columns=1)
        large.update_layout(height=430, coloraxis_showscale=False)
        st.plotly_chart(large, key="enlarged", alt=f"Averaged W of {title(entries[chosen])}")
        steps = [q + 1 for q in entries[chosen]["argmax"]]
        st.caption(f"{title(entries[chosen])}: strongest column of rows 1 to {len(steps)}: {steps}")
    st.subheader("Local windows at every time step", anchor=False)
    st.plotly_chart(
        windows_figure(entries, base=result["base"]), key="windows", alt="Windows t-1, t, t+1 with their JS"
    )
    st.caption(CONTROL)


def local_mass(result: dict) -> None:
    st.plotly_chart(local_mass_figure(result["trained"]), key="mass", alt="Mass within k of the diagonal")
    table = pd.DataFrame(
        {
            "block": [title(e) for e in result["trained"]],
            "mass, k = 1": [e["inner_mass"] for e in result["trained"]],
            "95 % from": [e["inner_mass_interval"][0] for e in result["trained"]],
            "to": [e["inner_mass_interval"][1] for e in result["trained"]],
            "chance": [e["inner_chance"] for e in result["trained"]],
        }
    )
    st.caption("Rows with both neighbours; intervals from resampled videos.")
    st.dataframe(table, hide_index=True)


def convergence(result: dict) -> None:
    figure = convergence_figure(result["convergence"], unit_of(result["base"]))
    st.plotly_chart(figure, key="convergence", alt="JS and distance from the final average over videos")


def per_class(result: dict) -> None:
    classes = {c["label"]: c for c in result["classes"]}
    chosen = classes[st.selectbox("Class", list(classes), key="relation_class")]
    entries = [
        {"block": block, "reasoner": r, "mean": w}
        for block, matrices in chosen["mean"].items()
        for r, w in enumerate(matrices)
    ]
    st.caption(f"{chosen['videos']} videos, on the colour scale of the average over all.")
    figure = matrices_figure(entries, limits=limits_of(result["trained"]))
    st.plotly_chart(figure, key="class_matrices", alt=f"Averaged W of the class {chosen['label']}")


def control(result: dict) -> None:
    st.markdown(f"The same network with fresh weights, over the same videos. {CONTROL}")
    entries = result["untrained"]
    figure = matrices_figure(entries, limits=limits_of(result["trained"]))
    st.plotly_chart(figure, key="control_matrices", alt="Averaged W of the untrained network")
    figure = windows_figure(entries, base=result["base"])
    st.plotly_chart(figure, key="control_windows", alt="Windows of the untrained network with their JS")


def er_kernels(result: dict, names: list[str]) -> None:
    efficient = {}
    for name in filter(loading.whole_checkpoint, names):
        try:
            kernels = efficient_kernels(loading.model(name))
        except CheckpointError:
            continue  # the page "Checkpoints" lists it with its fault
        if kernels and all(weights.shape[1] == 3 for weights in kernels.values()):
            efficient[name] = kernels
    if not efficient:
        st.info("No checkpoint with efficient reasoners of window 3 is here.")
        return
    chosen = st.selectbox("Checkpoint with efficient reasoners", list(efficient), key="er_checkpoint")
    windows = {e["block"]: np.mean(e["windows"], axis=0).tolist() for e in result["trained"]}
    kernels_panel(efficient[chosen], windows)


def kernels_panel(kernels: dict, windows: dict) -> None:
    st.caption(
        "Kernels are signed weights, one per channel: drawn is |ω| / Σ|ω|, its mean over channels and its 10-90 % band"
        + ("; dashed, the graph reasoner's averaged window." if windows else ".")
    )
    st.plotly_chart(kernels_figure(kernels, windows), key="kernels", alt="Temporal kernels of every block")
    signed = pd.DataFrame(
        [
            {"block": block, "reasoner": r + 1}
            | {f"ω {i - len(w[0]) // 2:+d}": float(w[:, i].mean()) for i in range(w.shape[1])}
            for (block, r), w in kernels.items()
        ]
    )
    st.caption("Mean over channels of the signed weights:")
    st.dataframe(signed, hide_index=True)


def numbers(result: dict) -> None:
    if result["base"] == math.e:
        st.caption("JS in nats; divide by ln 2 for bits.")
    st.dataframe(as_table(result), hide_index=True)
    st.code(result["command"], language="bash", wrap_lines=True)


def downloads(folder: Path, checkpoint: str) -> None:
    files = {"CSV": "relations.csv", "NPZ": "relations.npz", "SVG": "fig4.svg", "PDF": "fig4.pdf"}
    present = {text: folder / name for text, name in files.items() if (folder / name).is_file()}
    for column, (text, path) in zip(st.columns(len(files)), present.items(), strict=False):
        column.download_button(
            text,
            path.read_bytes,
            f"{checkpoint}-{path.name}",
            on_click="ignore",
            icon=":material/download:",
            width="stretch",
            key=f"get {text}",
        )


def compute(checkpoint: str, model: VideoClassifier) -> None:
    """Start the command as a subprocess, show how far it is, stop it."""
    st.subheader("Compute on the demo set", anchor=False)
    clips = int(st.number_input("Validation clips", 1, MOST_CLIPS, 200, key="relation_clips"))
    digest = TabletopClips.digest_of(
        "val", clips, num_frames=model.config.num_frames, size=model.preprocessing.crop
    )
    path = loading.root("checkpoints") / checkpoint
    run = Run(relations_folder(loading.root("results"), path, digest))
    if (run.folder / RESULT).is_file():
        st.caption("This average is stored already.")
        return
    watch(run, path, clips)


@st.fragment(run_every="1s")
def watch(run: Run, checkpoint: Path, clips: int) -> None:
    if (run.folder / RESULT).is_file():
        st.rerun()
    if run.pid() is None:
        if failure := run.failure():
            st.error(plain(failure), icon=":material/error:")
        if st.button("Compute", key="compute", icon=":material/play_arrow:"):
            arguments = ["relations", "--checkpoint", str(checkpoint), "--num-videos", str(clips)]
            run.start([*arguments, "--out", str(run.folder.parent)])
            st.rerun(scope="fragment")
        return
    if progress := run.progress():
        rate = f", {progress['rate']:.0f} videos/s" if progress["rate"] else ""
        text = f"{progress['phase']} network: {progress['done']} of {progress['total']} videos{rate}"
        st.progress(progress["done"] / max(progress["total"], 1), text)
    else:
        st.progress(0.0, "Starting, rendering the clips …")
    if st.button("Stop", key="stop", icon=":material/stop:"):
        run.stop()
        st.rerun(scope="fragment")


page()
