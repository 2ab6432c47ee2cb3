"""What the traffic pod is made of."""

from lab.traffic import pod, script

METADATA = {"name": "traffic-risk", "namespace": "lab"}


def test_the_pod_runs_the_script_of_its_config_map():
    made = pod(METADATA, "v1-a", ["--rate=50"])
    container = made["spec"]["containers"][0]
    assert container["image"] == "davylamp/diabetes-risk:v1-a"
    assert container["command"][-1] == "--rate=50"
    assert made["spec"]["volumes"][0]["configMap"]["name"] == script(METADATA)["metadata"]["name"]
    assert container["command"][1].rpartition("/")[2] in script(METADATA)["data"]


def test_the_pod_fits_pod_security_restricted():
    spec = pod(METADATA, "v1-a", [])["spec"]
    container = spec["containers"][0]["securityContext"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["allowPrivilegeEscalation"] is False
    assert container["capabilities"] == {"drop": ["ALL"]}
