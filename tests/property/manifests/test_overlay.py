"""Any overlay is either merged or refused with its path: nothing raises, leaks or grows."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.manifests import changed, minimal

from davylamp.api.spec import ModelDeploymentSpec
from davylamp.api.template.shapes import POD_TEMPLATE, SCALARS, SHAPES, FieldShape
from davylamp.manifests import Owner, template_fault
from davylamp.manifests.overlay import TemplateRefused, merged
from davylamp.manifests.pods import pod_template

OWNER = Owner("risk", "models", "uid-1")
SECRETS = [{"name": "licence", "policy": "Pin"}, {"name": "store"}]
WORDS = st.sampled_from(["model", "tmp", "http", "PORT", "A", "/tmp", "secret-0", "risk-aaa", ""])
QUANTITIES = st.sampled_from(["1", "500m", "1.5Gi", "512mb", "1e999999", "-1"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "$overlay", "image", "items", "x"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
DIRECTIVES = st.sampled_from(
    [{"$overlay": "delete"}, {"$overlay": "replace"}, {"$overlay": "merge"}]
)


def values(shape: FieldShape, depth: int) -> st.SearchStrategy:
    """Mostly what fits a field, sometimes a directive, null or anything."""
    if shape.of in SCALARS:
        fitting = {
            "string": WORDS,
            "integer": st.sampled_from([0, 3, 8000, 8080]),
            "boolean": st.booleans(),
            "quantity": QUANTITIES,
        }.get(shape.of, WORDS)
    elif shape.of not in SHAPES or depth == 0:
        fitting = ANYTHING
    else:
        fitting = objects(shape.of, depth - 1)
    if shape.is_list:
        fitting = st.lists(fitting | DIRECTIVES, max_size=3)
    if shape.is_map:
        fitting = st.dictionaries(WORDS, fitting, max_size=3)
    return st.one_of(fitting, fitting, fitting, fitting, DIRECTIVES, st.none(), ANYTHING)


def objects(name: str, depth: int) -> st.SearchStrategy:
    """Objects of a type of the table, with some of its fields."""

    @st.composite
    def drawn(draw):
        fields = SHAPES[name]
        chosen = draw(st.lists(st.sampled_from(sorted(fields)), max_size=4, unique=True))
        if "name" in fields and draw(st.booleans()):
            chosen.append("name")
        return {field: draw(values(fields[field], depth)) for field in chosen}

    return drawn()


OVERLAYS = st.fixed_dictionaries(
    {},
    optional={
        "metadata": objects("ObjectMeta", 2),
        "spec": st.fixed_dictionaries(
            {},
            optional={
                "containers": st.lists(
                    objects("Container", 3).map(lambda c: {"name": "model", **c}), max_size=2
                ),
                "initContainers": st.lists(objects("Container", 2), max_size=2),
                "volumes": st.lists(objects("Volume", 2), max_size=3),
                "terminationGracePeriodSeconds": values(FieldShape("integer"), 0),
                "tolerations": values(SHAPES["PodSpec"]["tolerations"], 1),
            },
        )
        | objects("PodSpec", 2),
    },
)


def rendered(overlay):
    spec = ModelDeploymentSpec.model_validate(
        changed(minimal(), {"spec.secrets": SECRETS, "spec.config": {"A": "1"}})["spec"]
    )
    serving = spec.serving.model_copy(update={"template": overlay})
    return pod_template(
        OWNER, "aaa", spec.model_copy(update={"serving": serving}), {"licence": ["key"]}
    )


@settings(max_examples=300)
@given(OVERLAYS | ANYTHING.filter(lambda value: isinstance(value, dict)))
def test_an_overlay_is_merged_or_refused_with_its_path(overlay):
    """What is essential stays, no directive gets into a pod, and nothing else is ever raised."""
    refusal = None
    try:
        check_essentials(rendered(overlay))
    except TemplateRefused as refused:
        refusal = str(refused)
    assert refusal is None or refusal.startswith("spec.serving.template")


def check_essentials(template):
    text = json.dumps(template, allow_nan=False)
    assert "$overlay" not in text
    assert template["metadata"]["labels"]["davylamp.dev/revision"] == "aaa"
    model = next(c for c in template["spec"]["containers"] if c["name"] == "model")
    assert model["image"]
    assert model["envFrom"][-1] == {"configMapRef": {"name": "risk-aaa"}}
    assert len([p for p in model["ports"] if p.get("name") == "http"]) == 1


@settings(max_examples=200)
@given(OVERLAYS)
def test_merging_twice_changes_nothing_more(overlay):
    base = rendered({})
    try:
        once = merged(base, overlay)
    except TemplateRefused:
        return
    assert merged(once, overlay) == once


@settings(max_examples=200)
@given(OVERLAYS)
def test_what_an_overlay_does_not_name_stays_ours(overlay):
    base = rendered({})
    try:
        result = merged(base, overlay)
    except TemplateRefused:
        return
    if "$overlay" in overlay:
        return
    for part in base.keys() - overlay.keys():
        assert result[part] == base[part]
    spec = overlay.get("spec")
    if isinstance(spec, dict) and "$overlay" not in spec:
        for field in base["spec"].keys() - spec.keys():
            assert result["spec"][field] == base["spec"][field]


def test_the_tables_root_is_a_pod_template():
    assert SHAPES[POD_TEMPLATE].keys() == {"metadata", "spec"}


@settings(max_examples=200)
@given(OVERLAYS, st.randoms(use_true_random=False))
def test_the_order_of_keys_changes_nothing(overlay, random):
    base = rendered({})
    outcomes = []
    for version in (overlay, overlay, shuffled(overlay, random)):
        try:
            outcomes.append(merged(base, version))
        except TemplateRefused:
            outcomes.append(None)
    assert outcomes[0] == outcomes[1] == outcomes[2]


def shuffled(value, random):
    if isinstance(value, dict):
        keys = list(value)
        random.shuffle(keys)
        return {key: shuffled(value[key], random) for key in keys}
    return [shuffled(item, random) for item in value] if isinstance(value, list) else value


@settings(max_examples=200)
@given(OVERLAYS)
def test_a_merged_template_is_no_longer_than_both_together(overlay):
    base = rendered({})
    try:
        result = merged(base, overlay)
    except TemplateRefused:
        return
    assert len(json.dumps(result)) <= len(json.dumps(base)) + len(json.dumps(overlay))


RISKS = {
    "hostNetwork": st.booleans(),
    "automountServiceAccountToken": st.booleans() | st.none(),
    "serviceAccountName": st.sampled_from(["default", "admin", ""]),
    "nodeName": st.sampled_from(["", "n"]),
    "securityContext": st.fixed_dictionaries(
        {},
        optional={
            "runAsUser": st.sampled_from([0, 1000]),
            "runAsNonRoot": st.booleans() | st.none(),
            "seccompProfile": st.sampled_from(
                [None, {"$overlay": "delete"}, {"type": "Unconfined"}, {"type": "RuntimeDefault"}]
            ),
        },
    )
    | st.just({"$overlay": "delete"}),
    "volumes": st.lists(
        st.sampled_from(["hostPath", "nfs", "csi", "emptyDir", "secret"]).map(
            lambda kind: {"name": kind, kind: {}}
        ),
        max_size=2,
        unique_by=lambda volume: volume["name"],
    ),
}
CONTEXTS = st.fixed_dictionaries(
    {},
    optional={
        "privileged": st.booleans(),
        "runAsNonRoot": st.booleans() | st.none(),
        "runAsUser": st.sampled_from([0, 7]),
        "seccompProfile": RISKS["securityContext"].map(lambda _: {"type": "Unconfined"}),
        "capabilities": st.sampled_from([{"add": ["SYS_ADMIN"]}, {"add": []}, {"drop": []}]),
    },
) | st.just({"$overlay": "delete"})
RISKY = st.builds(
    lambda pod, contexts: {
        "spec": {
            **pod,
            "containers": [
                {"name": name, "image": "i", "securityContext": context}
                for name, context in contexts.items()
            ],
        }
    },
    st.fixed_dictionaries({}, optional=RISKS),
    st.dictionaries(st.sampled_from(["model", "proxy"]), CONTEXTS),
)


@settings(max_examples=400)
@given(RISKY)
def test_no_combination_of_accepted_fields_gives_a_pod_a_privilege(overlay):
    """Said again from the other side, of the pod as the kubelet would read it."""
    spec = ModelDeploymentSpec.model_validate(
        changed(minimal(), {"spec.serving": {"template": overlay}})["spec"]
    )
    if template_fault(spec) is not None:
        return
    pod = pod_template(OWNER, "aaa", spec, {})["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert not pod.get("hostNetwork")
    assert not pod.get("nodeName")
    assert pod.get("serviceAccountName", "default") in {"default", ""}
    assert not {"hostPath", "nfs", "csi"} & {kind for v in pod["volumes"] for kind in v}
    for container in pod["containers"]:
        context = {**pod.get("securityContext", {}), **container.get("securityContext", {})}
        assert context["runAsNonRoot"] is True
        assert context.get("runAsUser") != 0
        assert context["seccompProfile"]["type"] == "RuntimeDefault"
        assert not context.get("privileged")
        assert not context.get("capabilities", {}).get("add")
