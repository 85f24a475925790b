"""The table of public sets: groups, uses, and the file NOTICE."""

from pathlib import Path

import pytest

from pba.telemetry.public_sets import PUBLIC_SETS, SetUse, notice, public_set

PROJECT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("umn_mmwave_iperf", "lumos5g umn_mmwave_iperf us_drive_tcp_2023 us_drive_udp_2023"),
        ("cni40g_tcp", "cni40g_tcp cni40g_udp"),
        ("fcc_2018", "fcc_2016 fcc_2018"),
        ("zhuge_wifi_4g", "zhuge_wifi_4g zhuge_wifi_4g_200ms"),
        ("ghent_4g", "ghent_4g"),
        ("our_links", "our_links"),
    ],
)
def test_sets_of_the_same_networks_are_a_group(name: str, group: str) -> None:
    assert public_set(name).siblings == tuple(group.split())


def test_the_rate_of_an_application_and_a_second_copy_do_not_count() -> None:
    uses = {one.name: one.use for one in PUBLIC_SETS if not one.is_counted}
    assert uses == {
        "zhuge_wifi_4g_200ms": SetUse.SIBLING,
        "hairpin_gaming": SetUse.PATH_ONLY,
    }


def test_the_notice_names_every_set_with_its_source_and_licence() -> None:
    text = (PROJECT / "NOTICE").read_text()
    assert text == notice(), "stale: run `make docs`"
    assert "\nfcc_2016: confiwent/Real-world-bandwidth-traces (FCC MBA 2016); MIT\n" in text
    assert (
        "\nlumos5g: SIGCOMM21-5G/artifact (Narayanan et al., SIGCOMM 2021 and IMC 2020); none"
        in text
    )
    assert len(text.splitlines()) == len(PUBLIC_SETS) + 3


def test_no_set_is_named_twice() -> None:
    names = [one.name for one in PUBLIC_SETS]
    assert len(names) == len(set(names))


def test_ten_internet_sets_and_one_other_are_the_unseen_networks_of_the_first_champions() -> None:
    later = [one.name for one in PUBLIC_SETS if one.later and one.is_counted]
    assert later == [
        "cloud_wan_2021",
        "fcc_2018",
        "us_drive_tcp_2023",
        "us_drive_udp_2023",
        "ghent_4g",
        "zhuge_wifi_4g",
        "vienna_lte_2017",
        "sfr_fixed_2016",
        "mmwave_uplink_2022",
        "hsr_pitree",
        "lab_pitree",
    ]
