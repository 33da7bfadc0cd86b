"""Checkpoints: what each one is, what it was trained on, how well it does and what it costs."""

from dataclasses import asdict, dataclass

import pandas as pd
import streamlit as st

from app import loading
from app.markdown import plain
from atr.checkpoint import OWN_KEYS, WEIGHTS, CheckpointError
from atr.describe import Description
from atr.models import ModelConfig
from atr.preprocessing import Preprocessing

OVERVIEW = {
    "parameters": st.column_config.NumberColumn("Parameters", format="compact"),
    "macs": st.column_config.NumberColumn("MACs", format="compact", help="Multiply-accumulates for one clip"),
    "size": st.column_config.NumberColumn("File, MB", format="%.1f"),
}
BLOCK_NAMES = {"atr": "ATR", "atr_sim": "ATR_sim"}  # a kind without a name here is shown as it is recorded
METRIC_NAMES = {"top1": "Top-1", "top5": "Top-5", "within_pairs": "Within pairs"}


def page() -> None:
    st.title("Checkpoints", anchor=False)
    folder, names = loading.root("checkpoints"), loading.checkpoint_names()
    if not names:
        st.error(plain(loading.no_checkpoint()), icon=":material/error:")
        return
    st.caption(
        f"Every folder in `{folder}`. MACs are multiply-accumulates for one clip of the size the model takes."
    )
    found, faults = {}, {}
    for name in names:
        try:
            found[name] = Checkpoint.of(name)
        except CheckpointError as error:
            faults[name] = str(error)
    if found:
        overview(found)
    for name, checkpoint in found.items():
        card(name, checkpoint)
    for name, fault in faults.items():
        st.error(f"**{plain(name)}** cannot be used. {plain(fault)}", icon=":material/error:")


@dataclass(frozen=True)
class Checkpoint:
    """What is recorded of a checkpoint and what its network costs; its weights are not read."""

    config: ModelConfig
    preprocessing: Preprocessing
    labels: list[str]
    facts: dict
    costs: Description
    megabytes: float

    @classmethod
    def of(cls, name: str) -> "Checkpoint":
        """Raises CheckpointError."""
        recorded = loading.configuration(name)
        costs = loading.description(recorded)  # it is a network of this package
        return cls(
            ModelConfig.from_dict(recorded["model"]),
            Preprocessing.from_dict(recorded["preprocessing"]),
            recorded["labels"],
            {key: value for key, value in recorded.items() if key not in OWN_KEYS},
            costs,
            (loading.root("checkpoints") / name / WEIGHTS).stat().st_size / 2**20,
        )

    @property
    def shares(self) -> dict[str, float]:
        """The shares among the recorded metrics, such as top1, in percent."""
        metrics = self.facts.get("metrics")
        return {
            METRIC_NAMES.get(key, plain(key)): 100 * value
            for key, value in (metrics.items() if isinstance(metrics, dict) else ())
            if isinstance(value, float) and 0 <= value <= 1
        }


def overview(checkpoints: dict[str, Checkpoint]) -> None:
    rows = [
        {
            "Checkpoint": name,
            "Network": network(checkpoint.config),
            "parameters": checkpoint.costs.parameters,
            "macs": checkpoint.costs.macs,
            **checkpoint.shares,
            "size": checkpoint.megabytes,
        }
        for name, checkpoint in checkpoints.items()
    ]
    shares = {key for checkpoint in checkpoints.values() for key in checkpoint.shares}
    columns = {**OVERVIEW, **{key: st.column_config.NumberColumn(key, format="%.1f %%") for key in shares}}
    st.dataframe(pd.DataFrame(rows), hide_index=True, column_config=columns)


def card(name: str, checkpoint: Checkpoint) -> None:
    config, costs, facts = checkpoint.config, checkpoint.costs, checkpoint.facts
    with st.container(border=True):
        st.subheader(name, anchor=False)
        st.markdown(network(config))
        figures = {
            **{key: f"{value:.1f} %" for key, value in checkpoint.shares.items()},
            "Parameters": f"{costs.parameters / 1e6:.3f} M",
            "MACs a clip": f"{costs.macs / 1e9:.3f} G",
            "File": f"{checkpoint.megabytes:.1f} MB",
            "Classes": str(config.num_classes),
        }
        for column, (label, value) in zip(st.columns(len(figures)), figures.items(), strict=True):
            column.metric(label, value)
        st.markdown(f"**Trained on** {plain(str(facts.get('training_data', 'not stated')))}")
        if command := facts.get("command"):
            st.code(str(command), language="bash", wrap_lines=True)
        else:
            st.caption("The command that made it is not recorded.")
        with st.expander("Blocks, configuration and all other recorded facts"):
            if costs.blocks:
                st.dataframe(pd.DataFrame([asdict(block) for block in costs.blocks]), hide_index=True)
            st.json(
                {
                    "model": config.to_dict(),
                    "preprocessing": checkpoint.preprocessing.to_dict(),
                    "labels": checkpoint.labels,
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
    parts.append(f"{BLOCK_NAMES.get(config.block, config.block)} at {placement}")
    parts.append(f"{config.atr.reasoner.upper()} × {config.atr.num_reasoners}")
    if config.block == "atr":
        parts.append(f"distribution {config.atr.distribution}")
    return " · ".join(parts)


page()
