"""Whatever is taken for a reference makes a URL of that registry and that repository."""

from urllib.parse import urlsplit

from hypothesis import example, given
from hypothesis import strategies as st

from davylamp.api.serving import Image
from davylamp.images import parse_reference

CHARACTERS = st.text(alphabet="abcxyz019AZ._-/:@[]?#%& \\\n\u00e9", max_size=40)
SPECS = st.from_regex(r"[a-z0-9]([a-z0-9._:/-]{0,40}[a-z0-9])?", fullmatch=True)


@given(CHARACTERS | SPECS, CHARACTERS | st.just("v1"))
@example("registry.example:5000/a", "v1")
@example("a/..", "v1")
def test_no_reference_leads_to_another_place(repository, tag):
    try:
        reference = parse_reference(repository, tag)
    except ValueError:
        return
    url = urlsplit(f"https://{reference.host}/v2/{reference.name}/manifests/{reference.tag}")
    assert url.netloc == reference.host
    assert "@" not in url.netloc
    assert url.path == f"/v2/{reference.name}/manifests/{reference.tag}"
    assert not url.query
    assert not url.fragment
    assert ".." not in url.path.split("/")
    assert url.port is None or 0 < url.port < 65536


@given(SPECS)
def test_what_is_parsed_is_found_again(repository):
    try:
        Image(repository=repository, tag="v1")
        reference = parse_reference(repository, "v1")
    except ValueError:
        return
    assert parse_reference(f"{reference.host}/{reference.name}", "v1") == reference
