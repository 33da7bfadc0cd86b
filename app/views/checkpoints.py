"""Checkpoints: what each one is, what it was trained on, how well it does and what it costs."""

import dataclasses

import pandas as pd
import streamlit as st

from app import choices, loading
from app.choices import plain
from atr.checkpoint import WEIGHTS, CheckpointError
from atr.describe import Description
from atr.models import ModelConfig, VideoClassifier

OVERVIEW = {
    "parameters": st.column_config.NumberColumn("Parameters", format="compact"),
    "macs": st.column_config.NumberColumn("MACs", format="compact", help="Multiply-accumulates for one clip"),
    "size": st.column_config.NumberColumn("File, MB", format="%.1f"),
}
METRIC_NAMES = {"top1": "Top-1", "top5": "Top-5", "within_pairs": "Within pairs"}


def page() -> None:
    choices.keep()
    st.title("Checkpoints", anchor=False)
    folder, names = loading.root("checkpoints"), loading.checkpoint_names()
    if not names:
        st.error(plain(loading.no_checkpoint()), icon=":material/error:")
        return
    st.caption(
        f"Every folder in `{folder}`. MACs are multiply-accumulates for one clip of the size the model takes."
    )
    models, faults = {}, {}
    for name in names:
        try:
            models[name] = loading.model(name)
        except CheckpointError as error:
            faults[name] = str(error)
    if models:
        overview(models)
    for name, model in models.items():
        card(name, model)
    for name, fault in faults.items():
        st.error(f"**{plain(name)}** cannot be used. {plain(fault)}", icon=":material/error:")


def overview(models: dict[str, VideoClassifier]) -> None:
    rows = []
    for name, model in models.items():
        counts = described(model)
        row = {
            "Checkpoint": name,
            "Network": network(model.config),
            "parameters": counts.parameters,
            "macs": counts.macs,
        }
        rows.append({**row, **numbers(model), "size": megabytes(name)})
    shares = {key for model in models.values() for key in numbers(model)}
    columns = {**OVERVIEW, **{key: st.column_config.NumberColumn(key, format="%.1f %%") for key in shares}}
    st.dataframe(pd.DataFrame(rows), hide_index=True, column_config=columns)


def card(name: str, model: VideoClassifier) -> None:
    counts, facts = described(model), model.facts
    with st.container(border=True):
        st.subheader(name, anchor=False)
        st.markdown(network(model.config))
        figures = {
            **{key: f"{value:.1f} %" for key, value in numbers(model).items()},
            "Parameters": f"{counts.parameters / 1e6:.3f} M",
            "MACs a clip": f"{counts.macs / 1e9:.3f} G",
            "File": f"{megabytes(name):.1f} MB",
            "Classes": str(model.config.num_classes),
        }
        for column, (label, value) in zip(st.columns(len(figures)), figures.items(), strict=True):
            column.metric(label, value)
        st.markdown(f"**Trained on** {plain(str(facts.get('training_data', 'not stated')))}")
        if command := facts.get("command"):
            st.code(command, language="bash", wrap_lines=True)
        else:
            st.caption("The command that made it is not stated.")
        with st.expander("Blocks, configuration and everything else that is recorded"):
            if counts.blocks:
                st.dataframe(
                    pd.DataFrame([dataclasses.asdict(block) for block in counts.blocks]), hide_index=True
                )
            st.json(
                {
                    "model": model.config.to_dict(),
                    "preprocessing": dataclasses.asdict(model.preprocessing),
                    "labels": model.labels,
                    **facts,
                },
                expanded=1,
            )


def network(config: ModelConfig) -> str:
    """In one line: backbone, block, placement, reasoner."""
    parts = [f"{config.name}, {config.num_frames} frames"]
    if config.width != 1:
        parts.append(f"width {config.width:g}")
    if config.block is None:
        return " · ".join([*parts, "no block"])
    placement = config.placement if isinstance(config.placement, str) else ", ".join(config.placement)
    parts.append(f"{ {'atr': 'ATR', 'atr_sim': 'ATR_sim'}[config.block] } at {placement}")
    parts.append(f"{config.atr.reasoner.upper()} × {config.atr.num_reasoners}")
    if config.block == "atr":
        parts.append(f"distribution {config.atr.distribution}")
    return " · ".join(parts)


def numbers(model: VideoClassifier) -> dict[str, float]:
    """The shares among the recorded metrics, such as top1, in percent."""
    metrics = model.facts.get("metrics") or {}
    return {
        METRIC_NAMES.get(key, key): 100 * value
        for key, value in metrics.items()
        if isinstance(value, float) and 0 <= value <= 1
    }


def described(model: VideoClassifier) -> Description:
    return loading.description(model.config.to_dict(), model.preprocessing.crop)


def megabytes(name: str) -> float:
    return (loading.root("checkpoints") / name / WEIGHTS).stat().st_size / 2**20


page()
