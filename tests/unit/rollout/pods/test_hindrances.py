"""What keeps a pod from starting and is not its own doing."""

import pytest

from davylamp.rollout import ContainerState, PodState
from davylamp.rollout.pods.hindrances import is_hindered, is_refused_for_good

RUNNING = ContainerState(running=True, started=True)
READY = ContainerState(running=True, started=True, ready=True)
PULL = 'failed to pull and unpack image "docker.io/team/not-found:v1": failed to resolve reference'
NO_ANSWER = (
    "dial tcp: lookup registry.invalid on 10.96.0.10:53: no such host",
    "dial tcp 10.0.0.1:443: connect: connection refused",
    "unexpected status from HEAD request to https://r/v2/a: 503 Service Unavailable",
    "toomanyrequests: You have reached your unauthenticated pull rate limit",
    "unexpected status code https://r/v2/denied/manifests/1: 429 Too Many Requests",
    "context deadline exceeded",
    "denied: Your authorization token has expired. Reauthenticate and try again.",
    'Back-off pulling image "docker.io/team/forbidden:v1"',
    "net/http: TLS handshake timeout",
    "unexpected EOF",
    "denied: Quota exceeded for quota metric 'Requests per project per region'",
    'unauthorized: Get "https://auth/token": net/http: request canceled while waiting',
    # what the node itself cannot do, in the words of containerd
    "failed to unpack image on snapshotter overlayfs: unexpected media type text/html: not found",
    'failed to prepare extraction snapshot "extract-1": parent snapshot does not exist: not found',
    "failed to unpack image on snapshotter overlayfs: content digest sha256:6e02: not found",
    "mkdir /var/lib/containerd/io.containerd.content.v1.content/ingest/1: permission denied",
    "failed to extract layer sha256:0a: write /var/lib/x: no space left on device",
    'exec: "docker-credential-ecr-login": executable file not found in $PATH',
)
NO = (
    "docker.io/team/model:v1: not found",
    "manifest unknown",
    "pull access denied, repository does not exist or may require authorization",
    "failed to fetch anonymous token: unexpected status from GET request: 401 Unauthorized",
    "unexpected status from HEAD request to https://r/v2/a: 403 Forbidden",
    "no match for platform in manifest: not found",
    'choosing an image: no image found in image index for architecture "arm64", OS "linux"',
    "no matching manifest for linux/arm64/v8 in the manifest list entries",
    "server message: insufficient_scope: authorization failed",
    "reading manifest 1 in quay.io/a/b: unauthorized: access to the requested resource",
    "pulling from host r failed with status code [manifests 1]: 401 Unauthorized",
    'denied: Permission "artifactregistry.repositories.downloadArtifacts" denied on resource',
    'denied: Permission denied for "1" from request "/v2/p/a/manifests/1"',
    "name unknown: The repository with name 'a' does not exist in the registry with id '1'",
    "unauthorized: unauthorized to access repository: proj/app, action: pull",
    "artifact library/a:1 not found",
    "manifest for a/b:1 not found: manifest unknown: manifest unknown",
)


def pull(message, reason="ImagePullBackOff"):
    return ContainerState(waiting_reason=reason, waiting_message=message)


@pytest.mark.parametrize("words", NO_ANSWER)
@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff"])
def test_a_registry_that_does_not_answer_is_waited_for(words, reason):
    container = pull(f"{PULL}: {words}", reason)
    assert not is_refused_for_good(container)
    assert is_hindered(PodState("p", containers=(READY, container)))


@pytest.mark.parametrize("words", NO)
def test_a_registry_that_says_no_is_believed(words):
    container = pull(f"{PULL}: {words}")
    assert is_refused_for_good(container)
    assert not is_hindered(PodState("p", containers=(container,)))


def test_the_name_of_an_image_is_no_answer_of_its_registry():
    assert not is_refused_for_good(pull('Back-off pulling image "forbidden:v1"'))
    assert is_refused_for_good(pull('Back-off pulling image "snapshots:v1": manifest unknown'))


def test_a_signature_that_is_not_there_yet_is_waited_for():
    words = "Source image rejected: A signature was required, but no signature exists"
    container = pull(words, "SignatureValidationFailed")
    assert is_hindered(PodState("p", containers=(container,)))


@pytest.mark.parametrize("reason", ["InvalidImageName", "ErrImageNeverPull"])
def test_some_reasons_no_time_changes(reason):
    assert is_refused_for_good(ContainerState(waiting_reason=reason))


def create_error(message):
    return ContainerState(waiting_reason="CreateContainerError", waiting_message=message)


def config_error(message):
    return ContainerState(waiting_reason="CreateContainerConfigError", waiting_message=message)


@pytest.mark.parametrize(
    "pod",
    [
        PodState("p"),
        PodState("p", unscheduled="0/1 nodes are available: 1 Insufficient nvidia.com/gpu."),
        PodState("p", containers=(ContainerState(waiting_reason="ContainerCreating"),)),
        PodState("p", event="MountVolume.SetUp failed", containers=(ContainerState(),)),
        PodState("p", containers=(config_error('secret "token" not found'),)),
        PodState("p", containers=(config_error("couldn't find key a in ConfigMap ns/b"),)),
        PodState("p", containers=(create_error("context deadline exceeded"),)),
        PodState("p", containers=(create_error('failed to reserve container name "model"'),)),
        PodState("p", missing_gates=("lb.example/ready",), containers=(READY,)),
        PodState("p", disruption="PreemptionByScheduler", containers=(RUNNING,)),
        PodState("p", node_lost=True, containers=(READY,)),
    ],
)
def test_hindrances(pod):
    assert is_hindered(pod)


@pytest.mark.parametrize(
    "pod",
    [
        PodState("p", containers=(RUNNING,)),
        PodState("p", missing_gates=("lb.example/ready",), containers=(RUNNING,)),
        PodState("p", containers=(ContainerState(waiting_reason="CrashLoopBackOff"),)),
        PodState("p", containers=(ContainerState(waiting_reason="CreateContainerError"),)),
        PodState("p", containers=(config_error("container has runAsNonRoot and image is root"),)),
        PodState("p", containers=(ContainerState(last_exit_code=1, restarts=1),)),
        # an init container that waits for something runs, which is all that can be told of it
        PodState("p", containers=(ContainerState("wait", "init", running=True), ContainerState())),
    ],
)
def test_what_a_pod_answers_for_itself(pod):
    assert not is_hindered(pod)
