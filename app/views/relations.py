"""Temporal relations: Fig 4 of a graph-reasoner checkpoint, its control, and what efficient reasoners learned."""

import math
from pathlib import Path

import numpy as np
import streamlit as st

from analysis.relations.average import Key
from analysis.relations.curves import convergence_figure, kernels_figure, local_mass_figure
from analysis.relations.fig4 import limits_of, matrices_figure, title, top_of, unit_of, windows_figure
from analysis.relations.findings import finding
from analysis.relations.kernels import efficient_kernels, kernel_summary, mean_windows, starting_kernels
from analysis.relations.numbers import (
    ARRAYS,
    class_entries,
    in_base,
    most_structured,
    relations_folder,
    relations_table,
    without_windows,
)
from app import choices, loading
from app.choices import one_error
from app.computing import compute_panel
from app.exports import file_row
from app.links import Link, set_address, ways_back
from app.loading import ChoiceError
from app.markdown import plain
from app.stored import stored_results, tell_left_out, told_apart, videos
from app.tabs import tabs
from atr.models import VideoClassifier

CONTROL = (
    "An untrained graph reasoner may have nearly uniform rows, so that its windows are alike and its JS is small too: a "
    "small JS alone is no evidence. Read it beside the local mass and what its columns alone give. JS: the Jensen–Shannon "
    "divergence between the windows of two time steps, over all pairs."
)
BASES = {"nats": math.e, "bits": 2.0}
CHOSEN = ("result", "enlarged", "unit", "tab", "class")  # names in links, beside the checkpoint
PER_CLASS = "Per class"
SMALL, SHARE = "%.2e", "%.3f"
NUMBERS = {  # column of `relations_table` -> how the page shows it
    "js_mean": st.column_config.NumberColumn("JS, mean", format=SMALL),
    "js_mean_low": st.column_config.NumberColumn("JS, mean: from", format=SMALL),
    "js_mean_high": st.column_config.NumberColumn("to, 95 %", format=SMALL),
    "js_max": st.column_config.NumberColumn("JS, largest", format=SMALL),
    "js_std": st.column_config.NumberColumn("JS, sd of pairs", format=SMALL),
    "local_mass": st.column_config.NumberColumn("local mass", format=SHARE),
    "local_mass_low": st.column_config.NumberColumn("local mass: from", format=SHARE),
    "local_mass_high": st.column_config.NumberColumn("to, 95 %", format=SHARE),
    "columns_alone": st.column_config.NumberColumn("columns alone", format=SHARE),
    "chance": st.column_config.NumberColumn("chance", format=SHARE),
    "argmax_within_1": "argmax within 1",
    "rows": "of rows",
}


def page() -> None:
    st.title("Temporal relations", anchor=False)
    names, _ = choices.begin(state=choices.OF_RELATIONS)
    warnings, link = st.empty(), Link.of("relations_link", CHOSEN)
    with one_error():
        choices.prefer_graph_reasoner(names)
        checkpoint = choices.choose_checkpoint(names, choices.OF_RELATIONS)
        if checkpoint is None:
            raise ChoiceError(loading.no_checkpoint())
        show(checkpoint, names, link)
    link.show_warnings(warnings, also=st.session_state["link"]["warnings"])


def show(checkpoint: str, names: list[str], link: Link) -> None:
    model = loading.model(checkpoint)
    if not model.has_graph_reasoner:
        set_address({"checkpoint": checkpoint})
        st.info(plain(without_relations(checkpoint, model)), icon=":material/info:")
        if efficient_kernels(model):
            st.subheader("Temporal kernels of the efficient reasoners", anchor=False)
            kernels_panel(model)
        return
    if too_few := without_windows(model.config.num_frames):
        set_address({"checkpoint": checkpoint})
        st.info(plain(f"{checkpoint} {too_few}."), icon=":material/info:")
        return
    found = stored_results(checkpoint, "relations")
    if not found:
        set_address({"checkpoint": checkpoint})
        st.info("No average over a data set is stored for this checkpoint yet. Compute one below.")
        compute(checkpoint, model, found)
        return
    folder = choose_result(found, link)
    result = found[folder]
    st.markdown(
        f"**{plain(checkpoint)}** over {videos(result['videos'])} ({plain(result['data']['description'])}). "
        "Rows are time steps, columns the time steps they attend to."
    )
    tell_left_out(result)
    enlarged = matrices(result, link)
    result = windows(result, link)
    contents = {
        "Local mass": lambda: local_mass(result),
        "Convergence": lambda: convergence(result),
        PER_CLASS: lambda: per_class(result, folder, link),
        "Untrained control": lambda: control(result),
        "ER kernels": lambda: er_kernels(result, names),
        "Numbers": lambda: numbers(result),
    }
    link.settle("relations_tab", "tab", list(contents), next(iter(contents)), "tab")
    address = {"checkpoint": checkpoint, "enlarged": enlarged, "unit": unit_of(result["base"])}
    if len(found) > 1:
        address["result"] = folder.name

    def write_address(tab: str) -> None:
        of_class = {"class": st.session_state["relation_class"]} if tab == PER_CLASS else {}
        set_address({**address, "tab": tab, **of_class})

    tabs(contents, key="relations_tab", drawn=write_address)
    downloads(folder, checkpoint, unit_of(found[folder]["base"]))
    compute(checkpoint, model, found)


def without_relations(checkpoint: str, model: VideoClassifier) -> str:
    if not model.blocks:
        return f"{checkpoint} has no ATR block: no module relates time steps."
    return (
        f"{checkpoint} reasons with efficient reasoners: their temporal kernels are learned weights, the same for every "
        "video, so there is no matrix W to average. Choose a checkpoint with a graph reasoner to see one."
    )


def choose_result(found: dict[Path, dict], link: Link) -> Path:
    """Its folder, chosen where there are several."""
    folders: dict[str, Path] = {}
    for folder in found:
        folders.setdefault(folder.name, folder)  # of two with one name the first
    link.settle("relations_result", "result", list(folders), next(iter(folders)), "stored result")
    if len(folders) == 1:
        return next(iter(found))
    texts = {name: described(found[folder]) for name, folder in folders.items()}
    described_as = told_apart(texts, {name: name for name in folders})
    return folders[
        st.selectbox("Stored result", list(folders), format_func=described_as.get, key="relations_result")
    ]


def described(result: dict) -> str:
    return f"{result['data']['description']} · {videos(result['videos'])} · {unit_of(result['base'])}"


def matrices(result: dict, link: Link) -> str:
    """The first panel, and the title of the block that is enlarged."""
    entries = result["trained"]
    titles = [title(entry) for entry in entries]
    st.subheader("Averaged temporal relation matrices", anchor=False)
    left, right = st.columns([3, 2], gap="medium")
    weights = result["checkpoint"]["weights_sha256"]
    key, clickable = f"enlarged {weights}", f"blocks {weights} {ways_back()}"
    link.settle(key, "enlarged", titles, titles[most_structured(entries)], "block")

    def clicked() -> None:
        if points := st.session_state[clickable].selection.points:
            # A figure has a heat map and its markers for each block.
            st.session_state[key] = titles[points[0]["curve_number"] // 2]

    with left:
        figure = matrices_figure(entries, limits=limits_of(entries), columns=3)
        figure.update_layout(height=80 + 190 * math.ceil(len(entries) / 3))
        st.plotly_chart(
            figure, key=clickable, on_select=clicked, alt="Heat maps of the averaged W of every block"
        )
        st.caption(
            "Click a cell to enlarge its block. At first it is the most structured one: that whose rows differ most from "
            "uniform ones."
        )
    with right:
        chosen = titles.index(
            st.selectbox("Enlarged block", titles, format_func=plain, key=key, persist_state="session")
        )
        large = matrices_figure([entries[chosen]], limits=limits_of(entries), columns=1)
        large.update_layout(height=390, coloraxis_showscale=False)
        st.plotly_chart(large, key="enlarged", alt=f"Averaged W of {titles[chosen]}")
        steps = ", ".join(str(q + 1) for q in entries[chosen]["argmax"])
        st.caption(
            f"{plain(titles[chosen])}: strongest column of rows 1 to {len(entries[chosen]['argmax'])}: {steps}"
        )
    pairs = zip(entries, result["untrained"], strict=True)
    st.markdown(
        "\n".join(f"- **{plain(title(entry))}**: {finding(entry, control)}" for entry, control in pairs)
    )
    st.caption(
        "Local: more mass within one step of the diagonal than the columns alone give, that is, than there would be if each "
        "row were the mean of all. It must be more by a hundredth of a row's weight, and by more than untrained reasoners in "
        "the same place, on the same vectors, differ from theirs. The intervals are over videos. They do not say how another "
        "training of this network would turn out."
    )
    return titles[chosen]


def windows(result: dict, link: Link) -> dict:
    """The second panel; the result in the base chosen beside it."""
    heading, choice = st.columns([4, 1], vertical_alignment="bottom")
    heading.subheader("Local windows at every time step", anchor=False)
    stored = unit_of(result["base"])
    link.settle("unit", "unit", list(BASES), stored, "unit")
    unit = choice.segmented_control("JS in", list(BASES), required=True, key="unit")
    if unit != stored:
        result = in_base(result, BASES[unit])
    figure = windows_figure(result["trained"], base=result["base"])
    st.plotly_chart(figure, key="windows", alt="Windows t-1, t, t+1 with their JS")
    st.caption(CONTROL)
    return result


def local_mass(result: dict) -> None:
    figure = local_mass_figure(result["trained"], result["untrained"])
    st.plotly_chart(figure, key="mass", alt="Mass within k of the diagonal, and its intervals at k = 1")
    st.caption(
        "A row without both neighbours has fewer columns within 1. Intervals: 95 %, from resampled videos. Dashed: chance, what "
        "uniform rows have. Bars: what the columns of each block alone give, where all rows prefer the same time steps. In the "
        "band around a bar untrained reasoners lie too."
    )


def convergence(result: dict) -> None:
    figure = convergence_figure(result["convergence"], unit_of(result["base"]))
    st.plotly_chart(figure, key="convergence", alt="JS and distance from the final average over videos")


def per_class(result: dict, folder: Path, link: Link) -> None:
    labels = [c["label"] for c in result["classes"]]
    link.settle("relation_class", "class", labels, labels[0], "class")
    chosen = st.selectbox("Class", labels, key="relation_class")
    place = labels.index(chosen)
    with one_error():
        entries = class_entries(folder, place)
        st.caption(
            f"{videos(result['classes'][place]['videos'])}, on the colour scale of the average over all; larger values have "
            "the last colour of the scale."
        )
        figure = matrices_figure(entries, limits=limits_of(result["trained"]))
        st.plotly_chart(figure, key="class_matrices", alt=f"Averaged W of the class {chosen}")


def control(result: dict) -> None:
    st.markdown(
        "An untrained reasoner in each place, on the vectors that the trained one gets. The sentences on the blocks "
        f"compare with several of them. {CONTROL}"
    )
    entries = result["untrained"]
    figure = matrices_figure(entries, limits=limits_of(result["trained"]))
    st.plotly_chart(figure, key="control_matrices", alt="Averaged W of the untrained reasoners")
    both = top_of([*result["trained"], *entries])
    figure = windows_figure(entries, base=result["base"], top=both)
    st.plotly_chart(figure, key="control_windows", alt="Windows of the untrained reasoners with their JS")


def er_kernels(result: dict, names: list[str]) -> None:
    # First what differs from the graph reasoner's network in nothing else.
    same, efficient = result["checkpoint"]["model"]["block"], {}
    for name in names:
        config = loading.model_config(name)
        if config and config.block and config.atr.reasoner == "er" and config.atr.k == 1:
            efficient[name] = config.block != same
    if not efficient:
        st.info("No checkpoint with efficient reasoners of window 3 is here.")
        return
    order = sorted(efficient, key=efficient.__getitem__)
    chosen = st.selectbox("Checkpoint with efficient reasoners", order, key="er_checkpoint")
    with one_error():
        kernels_panel(loading.model(chosen), mean_windows(result["trained"]))


def kernels_panel(model: VideoClassifier, windows: dict[Key, np.ndarray] | None = None) -> None:
    """windows: the graph reasoner's, to compare with."""
    learned, started = efficient_kernels(model), starting_kernels(model)
    signed, start = (kernel_summary(kernels, shapes=False) for kernels in (learned, started))
    st.caption(
        "Signed weights ω: mean over channels, band from the 10 to the 90 % quantile. Dotted: the "
        "initial weights; only the difference from them was learned."
    )
    figure = kernels_figure(signed, start, {})
    st.plotly_chart(figure, key="kernels", alt="Temporal kernels of every block")
    if not windows:
        return
    st.caption(
        "Kernels are signed weights, not distributions. Their shapes |ω| / Σ|ω| compare with the graph reasoner's window, "
        "the mean over all time steps (dashed):"
    )
    shapes, start = (kernel_summary(kernels, shapes=True) for kernels in (learned, started))
    if not shapes:
        st.caption("All kernels are 0: none has a shape.")
        return
    figure = kernels_figure(shapes, start, windows).update_yaxes(range=[0, 1])
    st.plotly_chart(figure, key="shapes", alt="Shapes of the kernels beside the graph reasoner's windows")


def numbers(result: dict) -> None:
    st.caption(
        f"JS in {unit_of(result['base'])}. Over few videos it comes out too high; its intervals allow for that and may lie "
        "below the value."
    )
    table = relations_table(result)
    st.dataframe(table, hide_index=True, height="content", column_config=NUMBERS)
    st.code(result["command"], language="bash", wrap_lines=True)


def downloads(folder: Path, checkpoint: str, unit: str) -> None:
    files = ("relations.csv", ARRAYS, "fig4.svg", "fig4.pdf", "fig4.html")
    file_row({Path(name).suffix[1:].upper(): folder / name for name in files}, checkpoint)
    st.caption(f"The files hold JS in {unit}.")


def compute(checkpoint: str, model: VideoClassifier, found: dict[Path, dict]) -> None:
    st.subheader("Compute over more clips", anchor=False)
    compute_panel("relations", checkpoint, model, relations_folder, found.values(), noun="average")


page()
