"""Trainings of `cluster/kubernetes`: known options, both modes, and no GPU by default."""

import subprocess
from collections.abc import Iterator

from typer.main import get_command

from tests.support.manifests import JOBS, Objects, job, ray_cluster
from train.__main__ import app


def entrypoints(production: Objects) -> Iterator[list[str]]:
    for name in JOBS:
        spec = job(name)["spec"]
        yield spec.get("jobTemplate", spec)["entrypoint"].split()
    template = production["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]
    (container,) = template["spec"]["containers"]
    yield container["command"][2].partition("exec ")[2].replace('"', "").split()


def test_trainings_run_the_module_with_known_options(production: Objects):
    command = get_command(app)
    subcommand = command.commands["retrain"]  # type: ignore[attr-defined]
    for words in entrypoints(production):
        assert words[:3] == ["python", "-m", "train"]
        known = subcommand if words[3] == "retrain" else command
        options = {name for one in known.params for name in one.opts}
        assert {word for word in words if word.startswith("--")} <= options


def test_a_retraining_each_week_trains_both_modes_one_after_the_other(production: Objects):
    job = production["CronJob"]["spec"]["jobTemplate"]["spec"]
    (container,) = job["template"]["spec"]["containers"]
    assert (job["completions"], job["parallelism"]) == (2, 1)
    script = container["command"][2].replace("exec python", "echo")
    modes = []
    for index in range(job["completions"]):
        environment = {"JOB_COMPLETION_INDEX": str(index), "JOB": "week-7"}
        run = [*container["command"][:2], script]
        words = subprocess.run(run, env=environment, check=True, capture_output=True, text=True)
        modes.append(words.stdout.split()[words.stdout.split().index("--mode") + 1])
        assert "/shared/retraining/week-7" in words.stdout
    assert modes == ["internet", "datacenter"]


def test_there_are_no_gpu_workers_by_default():
    groups = {one["groupName"]: one for one in ray_cluster(job("rayjob"))["workerGroupSpecs"]}
    gpu = groups["gpu-workers"]
    assert (gpu["replicas"], gpu["minReplicas"]) == (0, 0)
    (container,) = gpu["template"]["spec"]["containers"]
    resources = container["resources"]
    assert resources["limits"]["nvidia.com/gpu"] == resources["requests"]["nvidia.com/gpu"] == 1
    assert gpu["template"]["spec"]["tolerations"][0]["key"] == "nvidia.com/gpu"
