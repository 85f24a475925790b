"""The public sets of traces that the shipped models are trained and measured on: facts, no data."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["NONE_STATED", "PUBLIC_SETS", "PublicSet", "SetUse", "notice", "public_set"]

NONE_STATED = "none stated"
"""The licence of a set whose source names none."""


class SetUse(StrEnum):
    """What a set is used for."""

    WHOLE = "whole"
    """Training and figures."""

    PATH_ONLY = "path only"
    """Training of latency, loss and jitter: its rate is an application's, not the link's."""

    SIBLING = "sibling"
    """Neither training nor means: another set holds the same recordings."""


@dataclass(frozen=True, slots=True)
class PublicSet:
    """What is known of a set.

    Parameters
    ----------
    name
        The stem of its file.
    source
        Where it was published, and by whom.
    licence
        As stated in the source.
    group
        Sets of one group measured the same networks, so a network that is to be unseen leaves all
        of them out. By default the name.
    use
        What it is used for.
    later
        Whether no model was trained on it before 25 November 2026. The mean over unseen networks
        is over these sets.
    """

    name: str
    source: str
    licence: str = NONE_STATED
    group: str = ""
    use: SetUse = SetUse.WHOLE
    later: bool = False

    @property
    def is_counted(self) -> bool:
        """Whether it is in means over sets."""
        return self.use is SetUse.WHOLE

    @property
    def siblings(self) -> tuple[str, ...]:
        """The names of all sets of its group."""
        group = self.group or self.name
        of_group = tuple(one.name for one in PUBLIC_SETS if (one.group or one.name) == group)
        return of_group or (self.name,)


_UTA = "alexandru-uta/cloud_network_variability_data (Uta et al., NSDI 2020)"
_CNI = "InfraBuilder/benchmark-k8s-cni-2024-01"
_REAL_WORLD = "confiwent/Real-world-bandwidth-traces"
_SIGCOMM21 = "SIGCOMM21-5G/artifact (Narayanan et al., SIGCOMM 2021 and IMC 2020)"
_STARLINK_CAR = "Starlink-Project/Satellite-vs-Cellular (Hu et al., CoNEXT 2023)"
_SPARK = "hkust-spark/SparkTraces"
_ZHUGE = f"{_SPARK} (Meng et al., Zhuge, SIGCOMM 2022)"
_PITREE = f"{_SPARK} (PiTree)"
_GPL = "GPL-3.0"

PUBLIC_SETS = (
    PublicSet("ec2_token_bucket", _UTA, "Apache-2.0"),
    PublicSet("cni40g_tcp", _CNI, group="cni40g"),
    PublicSet("cni40g_udp", _CNI, group="cni40g"),
    PublicSet("ec2_pair_2010", "hbombonato/NFS-PerfTest-EC2"),
    PublicSet("cloud_wan_2021", "kfirtoledo/CloudPilot_Project", later=True),
    PublicSet("fcc_2016", f"{_REAL_WORLD} (FCC MBA 2016)", "MIT", "fcc"),
    PublicSet("fcc_2018", _SPARK, _GPL, "fcc", later=True),
    PublicSet("isp_speedtest_2020", "sksat/speedtest-log-20201102-20210216"),
    PublicSet("norway_hsdpa", f"{_REAL_WORLD} (Riiser et al., MMSys 2013)", "MIT"),
    PublicSet("lumos5g", _SIGCOMM21, group="umn"),
    PublicSet("umn_mmwave_iperf", _SIGCOMM21, group="umn"),
    PublicSet("us_drive_tcp_2023", _STARLINK_CAR, group="umn", later=True),
    PublicSet("us_drive_udp_2023", _STARLINK_CAR, group="umn", later=True),
    PublicSet("ucc_5g", "uccmisl/5Gdataset (Raca et al., MMSys 2020)", _GPL),
    PublicSet(
        "starlink_iperf_2023",
        "clarkzjw/mmsys24-starlink-livestreaming-data (Zhao and Pan, MMSys 2024)",
        "CC BY-SA 4.0",
    ),
    PublicSet("mahimahi_cell", "ravinet/mahimahi (Winstein et al., NSDI 2013)", _GPL),
    PublicSet(
        "ghent_4g",
        "UMass-LIDS/sabre (van der Hooft et al., 2016)",
        "BSD-2-Clause; asks for citation",
        later=True,
    ),
    PublicSet("zhuge_wifi_4g", _ZHUGE, _GPL, "zhuge", later=True),
    PublicSet("zhuge_wifi_4g_200ms", _ZHUGE, _GPL, "zhuge", SetUse.SIBLING, later=True),
    PublicSet(
        "hairpin_gaming",
        f"{_SPARK} (Meng et al., Hairpin, NSDI 2024)",
        _GPL,
        use=SetUse.PATH_ONLY,
        later=True,
    ),
    PublicSet("vienna_lte_2017", "kiesstein/speedtest", later=True),
    PublicSet("sfr_fixed_2016", "olivierdd/Speedtest", later=True),
    PublicSet(
        "mmwave_uplink_2022",
        "NUWiNS/sigcomm-5gmemu-5g-mmWave-uplink-data (Ghoshal et al., 5G-MeMU 2022)",
        later=True,
    ),
    PublicSet("hsr_pitree", _PITREE, _GPL, "pitree", later=True),
    PublicSet("lab_pitree", _PITREE, _GPL, "pitree", later=True),
    PublicSet(
        "bitbrains_rnd",
        "JessieRayeBauer/Time-Series-Forecasting- (GWA-T-12, Shen et al., CCGrid 2015)",
        "BSD-2-Clause",
    ),
)
"""Every public set; the traces themselves are not part of the project."""

_BY_NAME = {one.name: one for one in PUBLIC_SETS}


def public_set(name: str) -> PublicSet:
    """Return what is known of the set ``name``; a set of one's own is used whole.

    >>> public_set("cni40g_udp").siblings
    ('cni40g_tcp', 'cni40g_udp')
    >>> public_set("fcc_2016").licence, public_set("our_links").licence
    ('MIT', 'none stated')
    """
    return _BY_NAME.get(name) or PublicSet(name, "a set of one's own")


def notice() -> str:
    """Return the file NOTICE: each set with its source and licence."""
    lines = [
        "The models in models/ were trained or measured on these published traces, which are not",
        "part of this project. Each line names a set, its source, and the licence stated there.",
        "",
    ]
    lines += [f"{one.name}: {one.source}; {one.licence}" for one in PUBLIC_SETS]
    return "\n".join(lines) + "\n"
