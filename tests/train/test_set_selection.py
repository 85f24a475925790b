"""Which sets are learnt from, and what the card says of them."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from pba.errors import InvalidTrace
from tests.train.test_model_card import example_card
from tests.train.test_splits import SPLITS, write_set
from train.model_card import markdown
from train.set_selection import SetSelection
from train.splits import splits_from_traces

NAMES = ("fcc_2016", "hairpin_gaming", "lumos5g", "us_drive_tcp_2023", "zhuge_wifi_4g_200ms")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("traces")
    for number, name in enumerate(NAMES):
        write_set(folder / "internet", name, SPLITS, 10.0 * (number + 1))
    write_set(folder / "datacenter", "cni40g_tcp", SPLITS, 100.0)
    return folder


@pytest.mark.parametrize(
    ("selection", "training_sets"),
    [
        (SetSelection(), NAMES[:4]),
        (SetSelection(without=["fcc_2016"]), NAMES[1:4]),
        (SetSelection(unseen=["lumos5g"]), NAMES[:2]),
        (SetSelection(only=["fcc_2016", "lumos5g", "cni40g_tcp"]), ("fcc_2016", "lumos5g")),
        (SetSelection(only=["zhuge_wifi_4g_200ms"]), NAMES[4:]),
    ],
)
def test_a_selection_is_trained_on_and_all_sets_are_reported_on(
    folder: Path, selection: SetSelection, training_sets: tuple[str, ...]
) -> None:
    splits = splits_from_traces(folder, "internet", 10, selection)
    assert splits.trained_on == training_sets
    tuned = {name for name, at in splits.val.by_set() if len(at)}
    assert tuned == set(training_sets) & set(NAMES) - {"hairpin_gaming"}
    assert splits.test.names == NAMES


@pytest.mark.parametrize("option", ["only", "without", "unseen"])
def test_a_set_that_does_not_exist_is_refused(folder: Path, option: str) -> None:
    selection = SetSelection(**{option: ["fcc"]})
    with pytest.raises(InvalidTrace, match="has no internet set fcc; its sets are fcc_2016, hair"):
        splits_from_traces(folder, "internet", 10, selection)


def test_a_selection_without_any_set_of_the_mode_is_refused(folder: Path) -> None:
    with pytest.raises(InvalidTrace, match="has no internet set to learn from"):
        splits_from_traces(folder, "internet", 10, SetSelection(only=["cni40g_tcp"]))


def test_the_rate_of_an_application_is_no_target_but_its_path_is(tmp_path: Path) -> None:
    for name in ("fcc_2016", "hairpin_gaming"):
        write_set(tmp_path / "internet", name, SPLITS, 10.0)
    train = splits_from_traces(tmp_path, "internet", 10).train
    train.values[:, 1] = 20.0
    for name, windows in train.by_set():
        for in_a_row in (1, 4):
            batch = train.gather(windows[:3], in_a_row)
            assert np.isnan(batch.future_mbps[:, 0]).all() == (name == "hairpin_gaming")
            assert (batch.path[:, 0] == 20.0).all()
            assert not np.isnan(batch.telemetry[..., 0]).any()


def test_the_card_names_source_licence_use_and_checksum(folder: Path) -> None:
    entries = splits_from_traces(folder, "internet", 10).card_entries["data"]
    content = (folder / "internet" / "lumos5g.parquet").read_bytes()
    assert entries["lumos5g"] == {
        "source": "SIGCOMM21-5G/artifact (Narayanan et al., SIGCOMM 2021 and IMC 2020)",
        "licence": "none stated",
        "use": "trained on",
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    uses = {name: entry["use"] for name, entry in entries.items()}
    assert (uses["hairpin_gaming"], uses["zhuge_wifi_4g_200ms"]) == ("path only", "figures only")
    text = markdown(example_card() | {"data": entries})
    assert (
        "| lumos5g | SIGCOMM21-5G/artifact (Narayanan et al., SIGCOMM 2021 and IMC 2020) |" in text
    )
