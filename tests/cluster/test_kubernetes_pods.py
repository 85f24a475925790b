"""Pods of `cluster/kubernetes`: restricted, encrypted, and closed to others."""

import copy
from collections.abc import Callable
from typing import Any

from tests.support.manifests import (
    JOBS,
    Object,
    Objects,
    all_objects,
    containers_of,
    job,
    pod_specs,
    ray_cluster,
    ray_objects,
    ray_pods,
    values,
)


def restriction_problems(pod: Object, owner: Object) -> list[str]:
    """Return what of a pod breaks the restricted profile of the Pod Security Standards.

    And what is beyond it here: the root file system is read-only.
    """
    context = pod.get("securityContext", {})
    kinds = {key for volume in pod.get("volumes", ()) for key in volume} - {"name"}
    containers = [*pod["containers"], *pod.get("initContainers", ())]
    containers += [owner["autoscalerOptions"]] if owner.get("enableInTreeAutoscaling") else []
    problems = {
        "root": context.get("runAsNonRoot") is not True or context.get("runAsUser", 1) == 0,
        "seccomp": context.get("seccompProfile") != {"type": "RuntimeDefault"},
        "host": any(pod.get(name) for name in ("hostNetwork", "hostPID", "hostIPC")),
        "volumes": not kinds <= {"configMap", "emptyDir", "persistentVolumeClaim", "secret"},
        "containers": any(
            container.get("securityContext")
            != {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            or any("hostPort" in port for port in container.get("ports", ()))
            for container in containers
        ),
        "no /tmp": any(
            "/tmp" not in {mount["mountPath"] for mount in container["volumeMounts"]}
            for container in containers
        ),
        "no request": any("requests" not in container["resources"] for container in containers),
    }
    return [name for name, broken in problems.items() if broken]


def test_every_pod_is_restricted_and_writes_to_volumes_alone():
    count = 0
    for one in all_objects():
        cluster = ray_cluster(one) if one["kind"].startswith("Ray") else {}
        for pod in pod_specs(one):
            assert restriction_problems(pod, cluster) == [], one["kind"]
            count += 1
    assert count == 1 + 2 + 1 + 4 + 3
    for change in _LOOSER:
        pod = copy.deepcopy(ray_pods(job("rayjob"))[0]["spec"])
        change(pod)
        assert len(restriction_problems(pod, {})) == 1


_LOOSER: tuple[Callable[[Object], Any], ...] = (
    lambda pod: pod["securityContext"].update(runAsUser=0),
    lambda pod: pod["securityContext"].pop("seccompProfile"),
    lambda pod: pod.update(hostNetwork=True),
    lambda pod: pod["volumes"].append({"name": "host", "hostPath": {"path": "/"}}),
    lambda pod: pod["containers"][0]["securityContext"].update(readOnlyRootFilesystem=False),
    lambda pod: pod["initContainers"][0]["volumeMounts"].pop(),
    lambda pod: pod["initContainers"][0]["resources"].pop("requests"),
)


def test_every_mount_has_its_volume_and_services_set_no_variables():
    for one in all_objects():
        for pod in pod_specs(one):
            volumes = {volume["name"] for volume in pod["volumes"]}
            for container in containers_of(pod):
                assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
            assert pod["enableServiceLinks"] is False, "a Service pba-grpc sets PBA_GRPC_PORT"


def test_ray_takes_a_token_and_encrypts_on_every_pod():
    for one in ray_objects():
        cluster = ray_cluster(one)
        assert cluster["authOptions"] == {"mode": "token"}
        containers = [pod["spec"]["containers"][0] for pod in ray_pods(one)]
        if cluster.get("enableInTreeAutoscaling"):
            containers.append(cluster["autoscalerOptions"])
        for container in containers:
            variables = values(container)
            assert variables["RAY_USE_TLS"] == "1", "in env: KubeRay's init container copies it"
            names = ("SERVER_CERT", "SERVER_KEY", "CA_CERT")
            files = {variables[f"RAY_TLS_{name}"] for name in names}
            assert files == {f"/ray-tls/{name}" for name in ("node.pem", "node.key", "ca.pem")}
            mounts = {mount["name"] for mount in container["volumeMounts"]}
            assert "ray-tls" in mounts
            assert "ray-ca" not in mounts, "whoever has the authority's key passes for a node"
            assert "RAY_AUTH_MODE" not in variables, "the operator sets it, and the token beside it"


def test_each_pod_makes_its_certificate_by_the_module():
    for one in ray_objects():
        head, *workers = ray_pods(one)
        for pod in (head, *workers):
            (maker,) = pod["spec"]["initContainers"]
            assert maker["command"] == ["python", "-m", "deployments.node_certificate"]
            options = {word for word in maker["args"] if word.startswith("--")}
            named = {"--host"} if pod is head else set()  # workers find it by its Service
            assert options == {"--ca", "--to"} | named
            assert {"ray-ca", "ray-tls"} < {mount["name"] for mount in maker["volumeMounts"]}


def test_the_network_policy_covers_every_pod_and_opens_no_port_of_ray(overlay: Objects):
    policy = overlay["NetworkPolicy"]["spec"]
    selected = policy["podSelector"]["matchLabels"].items()
    for one in (overlay["RayService"], job("rayjob"), job("raycronjob")):
        for pod in ray_pods(one):
            assert selected <= pod["metadata"]["labels"].items()
    everybody = [rule for rule in policy["ingress"] if "from" not in rule]
    assert [[port["port"] for port in rule["ports"]] for rule in everybody] == [[8000, 9000]]
    inner = [rule for rule in policy["ingress"] if "ports" not in rule]
    assert [rule["from"] for rule in inner] == [[{"podSelector": policy["podSelector"]}]]
    named = {port["port"] for rule in policy["ingress"] for port in rule.get("ports", [])}
    assert named == {8000, 8080, 8265, 9000, 9101}
    operator = next(rule for rule in policy["ingress"] if rule.get("ports", [{}])[0] == _DASHBOARD)
    submitters = [peer["podSelector"] for peer in operator["from"] if "podSelector" in peer]
    for name in JOBS:
        spec = job(name)["spec"]
        template = spec.get("jobTemplate", spec)["submitterPodTemplate"]
        assert submitters == [{"matchLabels": template["metadata"]["labels"]}]


_DASHBOARD = {"port": 8265, "protocol": "TCP"}
