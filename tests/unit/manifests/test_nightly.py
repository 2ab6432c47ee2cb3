"""The CronJob of what serves and the Job of a candidate."""

from tests.support.manifests import changed, full, minimal

from davylamp.api import names
from davylamp.api.explanations import Explanations
from davylamp.api.spec import ModelDeploymentSpec
from davylamp.manifests import Owner, deployment_of, record, says_the_same
from davylamp.manifests.nightly import candidate_job, cron_job
from davylamp.rollout import identify

OWNER = Owner("r" * 35, "models", "uid-1")
PINNED = {"licence.key": ["key"]}


def rendered(manifest: dict, **said: object) -> tuple[dict, dict]:
    """CronJob and Deployment of the revision a manifest asks for."""
    spec = ModelDeploymentSpec.model_validate(manifest["spec"])
    ref = identify(spec, {})
    made = record(OWNER, ref, spec, number=1, pinned=PINNED)
    settings = Explanations.model_validate(said)
    return cron_job(OWNER, ref, made, settings), deployment_of(OWNER, made, 1)


def pod_of(cron: dict) -> dict:
    return cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]


def variables(cron: dict) -> dict:
    return {each["name"]: each["value"] for each in pod_of(cron)["containers"][0]["env"]}


def test_it_runs_once_a_night_and_never_again():
    cron, _ = rendered(minimal(), schedule="5 4 * * 0")
    spec, job = cron["spec"], cron["spec"]["jobTemplate"]["spec"]
    assert (spec["schedule"], spec["timeZone"]) == ("5 4 * * 0", "Etc/UTC")
    assert spec["concurrencyPolicy"] == "Forbid"
    assert job["backoffLimit"] == 0
    assert job["activeDeadlineSeconds"] <= 3600
    assert job["ttlSecondsAfterFinished"] > 24 * 3600
    assert pod_of(cron)["restartPolicy"] == "Never"


DIGEST = f"sha256:{'a' * 64}"


def image_of(manifest: dict, training_image: str | None = None, **said: object) -> str:
    """The image of the job, where its first run pulled one."""
    spec = ModelDeploymentSpec.model_validate(manifest["spec"])
    ref = identify(spec, {}).model_copy(update={"training_image": training_image})
    made = record(OWNER, ref, spec, number=1, pinned=PINNED)
    cron = cron_job(OWNER, ref, made, Explanations.model_validate(said))
    return pod_of(cron)["containers"][0]["image"]


def test_what_the_first_run_pulled_is_what_every_later_one_runs():
    pulled = f"registry.example/diabetes-risk-training@{DIGEST}"
    bound = f"registry.example/diabetes-risk-training:3f2c1ab@{DIGEST}"
    assert image_of(minimal(), pulled) == bound
    hub = changed(minimal(), {"spec.image.repository": "acme/model"})
    assert image_of(hub, f"docker.io/acme/model-training@{DIGEST}").endswith(f"3f2c1ab@{DIGEST}")


def test_an_image_of_another_repository_binds_nothing():
    tagged = "registry.example/diabetes-risk-training:3f2c1ab"
    for other in ("registry.example/jobs", "docker.io/library/import-2026-11-28", ""):
        assert image_of(minimal(), f"{other}@{DIGEST}") == tagged


def test_where_model_and_job_are_one_image_the_job_runs_the_models_digest():
    pinned = changed(minimal(), {"spec.image.digest": DIGEST})
    own = "registry.example/diabetes-risk"
    assert image_of(pinned, repository=own) == f"{own}:3f2c1ab@{DIGEST}"


def test_it_runs_the_training_image_of_the_revisions_tag():
    cron, _ = rendered(minimal())
    container = pod_of(cron)["containers"][0]
    assert container["image"] == "registry.example/diabetes-risk-training:3f2c1ab"
    assert container["args"] == ["drift"]
    assert "command" not in container
    other, _ = rendered(minimal(), repository="registry.example/jobs")
    assert pod_of(other)["containers"][0]["image"] == "registry.example/jobs:3f2c1ab"


def test_it_is_told_the_revision_and_where_to_look():
    cron, deployment = rendered(
        minimal(), distance="0.2", recent="s3://a/b", report="gs://reports/x"
    )
    container = pod_of(cron)["containers"][0]
    configured = {"configMapRef": {"name": deployment["metadata"]["name"]}}
    assert container["envFrom"] == [configured]
    assert variables(cron) == {
        "DAVYLAMP_SERVER_URL": f"http://{OWNER.name}-stable.models.svc",
        "DAVYLAMP_RECENT_URI": "s3://a/b",
        "DAVYLAMP_EXPLANATION_DISTANCE": "0.2",
        "DAVYLAMP_REPORT_URI": "gs://reports/x",
    }
    assert variables(rendered(minimal())[0])["DAVYLAMP_RECENT_URI"] == ""


def test_its_pods_are_restricted_and_in_nobodys_way():
    cron, deployment = rendered(minimal())
    pod, container = pod_of(cron), pod_of(cron)["containers"][0]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert {"name": "tmp", "mountPath": "/tmp"} in container["volumeMounts"]
    assert {"name": "tmp", "emptyDir": {}} in pod["volumes"]
    labels = cron["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["labels"]
    selector = deployment["spec"]["selector"]["matchLabels"]
    assert names.LABEL_MODEL not in labels
    assert not selector.items() <= labels.items()
    assert labels[names.LABEL_EXPLAINS] == OWNER.name


def test_jobs_made_from_it_by_hand_are_found_by_their_labels():
    cron, _ = rendered(minimal())
    labels = cron["spec"]["jobTemplate"]["metadata"]["labels"]
    assert labels[names.LABEL_MODEL] == OWNER.name
    assert labels[names.LABEL_MANAGED_BY] == names.MANAGED_BY
    assert labels[names.LABEL_REVISION] == cron["metadata"]["labels"][names.LABEL_REVISION]


def test_it_reads_what_the_revision_reads_and_runs_where_it_runs():
    overlay = {
        "spec": {
            "serviceAccountName": "reader",
            "tolerations": [{"key": "gpu"}],
            "containers": [
                {
                    "name": "model",
                    "env": [{"name": "REGION", "value": "eu"}],
                    "envFrom": [{"secretRef": {"name": "hub-token"}}],
                }
            ],
        }
    }
    manifest = changed(full(), {"spec.serving.template": overlay})
    cron, deployment = rendered(manifest)
    pod, model = pod_of(cron), deployment["spec"]["template"]["spec"]
    for key in ("imagePullSecrets", "volumes", "serviceAccountName", "tolerations"):
        assert pod[key] == model[key]
    container = pod["containers"][0]
    assert container["volumeMounts"] == model["containers"][0]["volumeMounts"]
    assert container["envFrom"] == model["containers"][0]["envFrom"]
    assert container["imagePullPolicy"] == "Always"
    assert variables(cron)["REGION"] == "eu"
    assert not container.keys() & {"ports", "readinessProbe", "livenessProbe", "lifecycle"}


def test_names_fit_what_the_api_server_allows():
    cron, _ = rendered(minimal())
    assert len(cron["metadata"]["name"]) <= 52
    spec = ModelDeploymentSpec.model_validate(minimal()["spec"])
    ref = identify(spec, {})
    made = record(OWNER, ref, spec, number=1, pinned={})
    job = candidate_job(OWNER, ref, made, Explanations(), rollout="now")
    assert len(job["metadata"]["name"]) <= 63
    assert job["metadata"]["annotations"] == {names.ANNOTATION_ROLLOUT: "now"}
    assert job["spec"] == cron["spec"]["jobTemplate"]["spec"]


def test_a_setting_that_is_taken_away_is_noticed():
    limited, _ = rendered(minimal(), resources={"limits": {"memory": "1Gi"}})
    plain, _ = rendered(minimal())
    assert not says_the_same(limited, plain)
    assert says_the_same(limited, limited)


def test_an_empty_variable_is_stored_without_a_value_and_that_is_the_same():
    cron, _ = rendered(minimal())
    stored = {**cron, "spec": {**cron["spec"], "suspend": False}}
    pod = pod_of(stored)
    kept = [{k: v for k, v in each.items() if v} for each in pod["containers"][0]["env"]]
    pod["containers"][0] = {**pod["containers"][0], "env": kept}
    assert says_the_same(stored, rendered(minimal())[0])
