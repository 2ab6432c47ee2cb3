"""The digest of a tag over real HTTP, from registries that help and from such that do not."""

import base64
import ipaddress
import json
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from tests.support.fakehttp import Response, serving
from tests.support.signing import OCI_INDEX, digest_of, image

from davylamp.adapters.registries.client import LARGEST_MANIFEST, HttpRegistries
from davylamp.adapters.registries.settings import RegistrySettings
from davylamp.images import ImageFault, Resolved, Unresolved, parse_reference

SECRET_WORDS = "a-secret-of-the-registry"


def secret_for(host, password):
    content = json.dumps({"auths": {host: {"username": "me", "password": password}}}).encode()
    return {"data": {".dockerconfigjson": base64.b64encode(content).decode()}}


def refused(answer, fault, *words):
    assert isinstance(answer, Unresolved), answer
    assert answer.fault is fault, answer
    assert all(word in answer.message for word in words), answer.message
    assert SECRET_WORDS not in answer.message


async def test_a_tag_is_resolved_by_one_request_without_a_body(registry, client, reference):
    digest = registry.push("v1", image())
    assert await client.resolve(reference) == Resolved(digest)
    assert registry.asked == ["HEAD manifests/v1"]
    accepted = registry.http.requests[0].headers["Accept"]
    assert "application/vnd.oci.image.index.v1+json" in accepted


async def test_an_index_is_pinned_as_a_whole(registry, client, reference):
    index = b'{"schemaVersion": 2, "manifests": []}'
    digest = registry.push("v1", index, OCI_INDEX)
    assert await client.resolve(reference) == Resolved(digest)


@pytest.mark.parametrize("without", ["has_head", "names_digests"])
async def test_without_a_named_digest_it_is_that_of_the_bytes(registry, client, reference, without):
    digest = registry.push("v1", image())
    setattr(registry, without, False)
    assert await client.resolve(reference) == Resolved(digest)
    assert registry.asked == ["HEAD manifests/v1", "GET manifests/v1"]


async def test_a_digest_that_is_not_that_of_the_bytes_is_refused(registry, client, reference):
    registry.push("v1", image())
    registry.has_head = False
    registry.manifests["v1"] = b'{"other": "bytes"}'
    headers = {"Docker-Content-Digest": digest_of(b"x"), "Content-Type": OCI_INDEX}
    registry.instead = lambda r: Response(b"{}", headers=headers) if r.method == "GET" else None
    refused(await client.resolve(reference), ImageFault.BAD_ANSWER, "names another digest")


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (404, ImageFault.NOT_FOUND),
        (401, ImageFault.DENIED),
        (403, ImageFault.DENIED),
        (429, ImageFault.BUSY),
        (500, ImageFault.BUSY),
        (503, ImageFault.BUSY),
        (204, ImageFault.BAD_ANSWER),
        (400, ImageFault.BAD_ANSWER),
    ],
)
async def test_other_answers_are_sorted_and_nothing_of_them_is_quoted(
    registry, client, reference, status, fault
):
    registry.instead = lambda _: Response(
        SECRET_WORDS, status=status, reason=SECRET_WORDS, headers={"X-Why": SECRET_WORDS}
    )
    refused(await client.resolve(reference), fault)


async def test_what_is_no_image_has_no_digest(registry, client, reference):
    old = "application/vnd.docker.distribution.manifest.v1+prettyjws"
    registry.push("v1", b"{}", old)
    refused(await client.resolve(reference), ImageFault.BAD_ANSWER, "no image of a kind")


async def test_a_registry_that_does_not_answer_is_given_up(registry, reference):
    registry.instead = lambda _: Response(hangs=True)
    settings = RegistrySettings(plain_http=frozenset({registry.host}), timeout=0.2)
    client = HttpRegistries(settings)
    refused(await client.resolve(reference), ImageFault.UNREACHABLE, "no answer within 0.2 s")
    await client.aclose()


async def test_nobody_at_that_address_is_told_in_our_own_words(client, registry):
    port = registry.http.server_port
    settings = RegistrySettings(plain_http=frozenset({"127.0.0.1:1"}), timeout=2.0)
    client = HttpRegistries(settings)
    answer = await client.resolve(parse_reference("127.0.0.1:1/models/risk", "v1"))
    assert answer == Unresolved(ImageFault.UNREACHABLE, "registry 127.0.0.1:1 cannot be reached")
    assert str(port) not in answer.message
    await client.aclose()


# --- credentials ----------------------------------------------------------------------------------


async def test_a_token_is_asked_for_reading_and_nothing_else(registry, client, reference):
    digest = registry.push("v1", image())
    registry.wants_tokens()
    assert await client.resolve(reference) == Resolved(digest)
    (asked,) = [r for r in registry.http.requests if r.path == "/token"]
    assert asked.query == {"service": "reg", "scope": "repository:models/risk:pull"}
    assert "Authorization" not in asked.headers


async def test_a_token_is_had_with_the_credentials_of_a_pull_secret(registry, client, reference):
    digest = registry.push("v1", image())
    registry.wants_tokens()
    registry.password = "right"
    refused(await client.resolve(reference), ImageFault.DENIED, "spec.image.pullSecrets")
    wrong = [secret_for(registry.host, "wrong")]
    refused(await client.resolve(reference, secrets=wrong), ImageFault.DENIED, "not enough")
    right = [secret_for("other.example", "no"), secret_for(registry.host, "right")]
    assert await client.resolve(reference, secrets=right) == Resolved(digest)


async def test_basic_authorization_is_used_where_it_is_asked_for(registry, client, reference):
    digest = registry.push("v1", image())
    registry.challenge, registry.password = 'Basic realm="reg"', "right"
    secrets = [secret_for(f"https://{registry.host}/v2/", "right")]
    assert await client.resolve(reference, secrets=secrets) == Resolved(digest)
    refused(await client.resolve(reference), ImageFault.DENIED)
    first, *_ = registry.http.requests
    assert "Authorization" not in first.headers


async def test_of_several_ways_a_token_is_the_first(registry, client, reference):
    digest = registry.push("v1", image())
    registry.wants_tokens()
    registry.challenge = f'{registry.challenge}, Basic realm="b"'
    secrets = [secret_for(registry.host, "right")]
    assert await client.resolve(reference, secrets=secrets) == Resolved(digest)
    *_, last = registry.http.requests
    assert last.headers["Authorization"] == f"Bearer {registry.token}"


@pytest.mark.parametrize(
    "challenge",
    [
        'Bearer realm="http://{other}/token"',
        'Bearer realm="https://169.254.169.254/token"',
        'Bearer realm="https://[::1]/token"',
        'Bearer realm="https://user:password@{home}/token"',
        'Bearer realm="http://{home}@{other}/token"',
        'Bearer realm="file:///etc/passwd"',
        'Bearer realm="//{other}/token"',
        'Bearer realm="https://[/token"',
        'Bearer realm="https://x:99999999/token"',
        'Bearer realm=""',
        "Bearer " + "a" * 5000,
        "Negotiate",
    ],
)
async def test_a_challenge_leads_nowhere_but_to_tls_or_the_registry_itself(
    registry, client, reference, challenge
):
    registry.push("v1", image())
    with serving(lambda _: Response({"token": "x"})) as other:
        names = {"other": f"127.0.0.1:{other.server_port}", "home": registry.host}
        registry.challenge = challenge.format(**names)
        answer = await client.resolve(reference, secrets=[secret_for(registry.host, "right")])
        assert isinstance(answer, Unresolved)
        assert not other.requests


async def test_credentials_go_to_their_own_registry_only(registry, client, reference):
    registry.push("v1", image())
    with serving(lambda _: Response()) as other:
        target = f"http://127.0.0.1:{other.server_port}/v2/models/risk/manifests/v1"
        registry.instead = lambda _: Response(status=307, headers={"Location": target})
        secrets = [secret_for(registry.host, "right")]
        answer = await client.resolve(reference, secrets=secrets)
        refused(answer, ImageFault.BAD_ANSWER, "sends us to another host")
        assert not other.requests


@pytest.mark.parametrize("token", ["x" * 8000, "a\nb", "\u00e9", ""])
async def test_a_token_that_is_none_is_not_sent(registry, client, reference, token):
    registry.push("v1", image())
    registry.wants_tokens()
    registry.token = token
    refused(await client.resolve(reference), ImageFault.DENIED)


async def test_a_tokens_answer_is_bounded(registry, client, reference):
    registry.push("v1", image())
    registry.wants_tokens()
    registry.instead = lambda r: Response(b" " * 70_000) if r.path == "/token" else None
    refused(await client.resolve(reference), ImageFault.BAD_ANSWER, "more than 65536 bytes")


# --- hostile registries ---------------------------------------------------------------------------


async def test_a_redirect_is_followed_a_few_times_and_only_with_tls(registry, client, reference):
    digest = registry.push("v1", image())
    home = f"http://{registry.host}/v2/models/risk/manifests"
    first = {"Location": f"{home}/moved"}
    registry.push("moved", image())
    registry.instead = lambda r: (
        Response(status=302, headers=first) if r.path.endswith("/v1") else None
    )
    assert await client.resolve(reference) == Resolved(digest)
    registry.instead = lambda _: Response(status=302, headers={"Location": f"{home}/v1"})
    refused(await client.resolve(reference), ImageFault.BAD_ANSWER, "in circles")
    for target in ("http://127.0.0.1:1/x", "ftp://x/y", "http://[", "https://a@b/c"):
        registry.instead = lambda _, to=target: Response(status=302, headers={"Location": to})
        refused(await client.resolve(reference), ImageFault.BAD_ANSWER, "sends us")


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "[::ffff:127.0.0.1]", "[::1]"])
async def test_a_redirect_into_this_machine_is_not_followed(registry, client, reference, address):
    target = f"https://{address}/latest/meta-data"
    registry.instead = lambda _: Response(status=302, headers={"Location": target})
    refused(await client.resolve(reference), ImageFault.NOT_ALLOWED, "address that is not asked")


async def test_a_body_without_end_is_not_read(registry, client, reference):
    registry.has_head = False
    registry.push("v1", image())
    registry.instead = lambda r: (
        Response(b"x" * (LARGEST_MANIFEST + 1)) if r.method == "GET" else None
    )
    refused(await client.resolve(reference), ImageFault.BAD_ANSWER, "more than")


async def test_huge_headers_are_not_read(registry, client, reference):
    registry.instead = lambda _: Response(headers={"X": "y" * 100_000})
    refused(await client.resolve(reference), ImageFault.UNREACHABLE)


async def test_a_slow_body_ends_with_the_time_that_there_is(registry, reference):
    registry.has_head = False
    registry.push("v1", image())
    registry.instead = lambda r: Response(b"x" * 1000, trickle=0.05) if r.method == "GET" else None
    settings = RegistrySettings(plain_http=frozenset({registry.host}), timeout=0.3)
    client = HttpRegistries(settings)
    refused(await client.resolve(reference), ImageFault.UNREACHABLE, "0.3 s")
    await client.aclose()


async def test_only_listed_registries_are_asked_where_the_chart_lists_some(registry, reference):
    registry.push("v1", image())
    allowed = RegistrySettings(allowed=frozenset({"registry.example"}))
    client = HttpRegistries(allowed)
    answer = await client.resolve(reference)
    refused(answer, ImageFault.NOT_ALLOWED, "modelImages.registries")
    assert not registry.http.requests
    await client.aclose()


async def test_a_registry_is_asked_with_tls_unless_the_chart_lists_it(registry, reference):
    registry.push("v1", image())
    client = HttpRegistries(RegistrySettings(allowed=frozenset({registry.host}), timeout=2.0))
    refused(await client.resolve(reference), ImageFault.UNREACHABLE)
    assert not registry.asked
    await client.aclose()


async def test_an_unlisted_address_of_this_machine_is_not_asked(registry, reference):
    client = HttpRegistries(RegistrySettings())
    refused(await client.resolve(reference), ImageFault.NOT_ALLOWED)
    for host in ("localhost", "127.1", "2130706433", "0x7f000001"):
        port = registry.http.server_port
        answer = await client.resolve(parse_reference(f"{host}:{port}/models/risk", "v1"))
        refused(answer, ImageFault.UNREACHABLE, "cannot be reached")
    assert not registry.http.requests
    await client.aclose()


async def test_an_unknown_certificate_is_told_with_its_remedy(registry, tmp_path):
    digest = registry.push("v1", image())
    certificate = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(registry.answer) as http:
        http.socket = context.wrap_socket(http.socket, server_side=True)
        host = f"127.0.0.1:{http.server_port}"
        reference = parse_reference(f"{host}/models/risk", "v1")
        for ca_file in (None, str(certificate)):
            settings = RegistrySettings(allowed=frozenset({host}), ca_file=ca_file, timeout=2.0)
            client = HttpRegistries(settings)
            answer = await client.resolve(reference)
            if ca_file:
                assert answer == Resolved(digest)
            else:
                refused(answer, ImageFault.UNREACHABLE, "certificate", "modelImages.caSecret")
            await client.aclose()


def self_signed(folder):
    """A key and a certificate for loopback, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "registry")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "registry.pem"
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(key.private_bytes(*form) + certificate.public_bytes(Encoding.PEM))
    return path
