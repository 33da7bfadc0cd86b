from analysis.ablation.costs import known_costs
from analysis.ablation.grids import NETWORKS, TABLES
from analysis.ablation.numbers import table_texts
from atr.schema import read_json
from benchmarks.grid_costs import Options, costs_here, main


def test_every_network_of_the_grid_has_its_costs_written_down(tmp_path, monkeypatch):
    models = {}
    for name, config in NETWORKS.items():
        models.setdefault((config.model, config.size), []).append(name)
    assert set(known_costs()) == set(NETWORKS)
    for names in models.values():
        found = costs_here(NETWORKS[names[0]])
        for name in names:
            known = known_costs()[name]
            reasoner = known.reasoner and {
                "parameters": known.reasoner.parameters,
                "macs": known.reasoner.macs,
            }
            assert {"parameters": known.parameters, "macs": known.macs, "reasoner": reasoner} == found, name


def test_the_file_is_of_every_network(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "benchmarks.grid_costs.NETWORKS", {"er-full": NETWORKS["er-full"], "tsn": NETWORKS["tsn"]}
    )
    main(Options(tmp_path / "costs.json"))
    stored = read_json(tmp_path / "costs.json", most=10_000)
    assert stored["tsn"]["reasoner"] is None
    # Six blocks of 32, 32, 64, 64, 128 and 128 channels: two reasoners of a kernel of 3 and a C x C transform each, and a
    # LayerNorm between the two.
    channels = (32, 32, 64, 64, 128, 128)
    assert stored["er-full"]["reasoner"]["parameters"] == sum(2 * (3 * c + c * c) + 2 * c for c in channels)


def test_networks_that_were_not_trained_show_their_costs():
    lines = table_texts(TABLES["2"], {}).set_index("Network")
    assert lines.loc["ER×2, full transform", "Reasoner: parameters, k"] == "89.6"
    assert (lines["Seeds"].str.startswith("0 of")).all() and "Here, % [95 %]" in lines
