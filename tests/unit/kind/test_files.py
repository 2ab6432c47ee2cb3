"""The data files say what the code and the other rooms rely on."""

import yaml

from localcluster import monitoring, names, nodeimage, tools
from localcluster.cluster import render_config
from localcluster.paths import KIND_DIR, bin_dir


def read(name):
    return (KIND_DIR / name).read_text(encoding="utf-8")


def config(*, cgroup_v1):
    text = render_config(read("kind.yaml"), read("kind-cgroup-v1.yaml"), cgroup_v1=cgroup_v1)
    (node,) = yaml.safe_load(text)["nodes"]
    return node


def test_ports_are_on_loopback_only():
    mappings = config(cgroup_v1=False)["extraPortMappings"]
    assert {m["hostPort"] for m in mappings} == {30090, 30080}
    assert {m["listenAddress"] for m in mappings} == {"127.0.0.1"}


def test_the_kubelet_accepts_cgroup_v1_only_where_it_has_to():
    assert "kubeadmConfigPatches" not in config(cgroup_v1=False)
    (patch,) = config(cgroup_v1=True)["kubeadmConfigPatches"]
    assert yaml.safe_load(patch) == {"kind": "KubeletConfiguration", "failCgroupV1": False}


def test_a_changed_image_or_manifest_restarts_prometheus():
    manifest = read("manifests/prometheus.yaml")
    texts = [
        monitoring.render(manifest, image="a:1"),
        monitoring.render(manifest, image="a:2"),
        monitoring.render(manifest.replace("5s", "6s"), image="a:1"),
    ]
    recipes = {
        document["spec"]["template"]["metadata"]["annotations"]["davylamp.dev/recipe"]
        for text in texts
        for document in yaml.safe_load_all(text)
        if document["kind"] == "Deployment"
    }
    assert len(recipes) == 3
    assert not any("IMAGE_OF" in text or "DIGEST_OF" in text for text in texts)


def test_prometheus_scrapes_every_five_seconds_on_its_fixed_node_port():
    documents = list(yaml.safe_load_all(read("manifests/prometheus.yaml")))
    (settings,) = [d for d in documents if d["kind"] == "ConfigMap"]
    scrape = yaml.safe_load(settings["data"]["prometheus.yml"])
    assert scrape["global"]["scrape_interval"] == "5s"
    (service,) = [d for d in documents if d["kind"] == "Service"]
    port = service["spec"]["ports"][0]["nodePort"]
    assert names.PROMETHEUS_URL.endswith(f":{port}")


def test_the_control_plane_images_have_the_names_kubeadm_asks_for():
    found = {image for image, *_ in nodeimage.component_images("base")}
    assert "registry.k8s.io/kube-apiserver:v1.35.4" in found
    assert "registry.k8s.io/etcd:3.6.6-0" in found
    assert "registry.k8s.io/coredns/coredns:v1.13.1" in found
    assert {"registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10.1"} <= found


def test_the_provided_tools_come_first_and_once():
    path = tools.path_with_tools(f"/usr/bin:{bin_dir()}:/bin")
    assert path == f"{bin_dir()}:/usr/bin:/bin"
