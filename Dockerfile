# The operator's image. BASE_IMAGE may be any image with Python >= 3.11 (and venv and pip).
ARG BASE_IMAGE=python:3.13.14-slim-bookworm@sha256:67a1e1f215ccda113cfc024e8639049257e88f273898f595b61476d128d387e8

FROM ${BASE_IMAGE} AS build
COPY requirements/uv.txt /src/requirements/
RUN python3 -m venv /opt/uv && /opt/uv/bin/pip install --no-cache-dir --quiet --require-hashes -r /src/requirements/uv.txt
ENV UV_PROJECT_ENVIRONMENT=/opt/davylamp UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 \
    UV_PYTHON_DOWNLOADS=never UV_NO_CACHE=1
WORKDIR /src
COPY pyproject.toml uv.lock README.md LICENSE ./
COPY sample_model/pyproject.toml sample_model/pyproject.toml
RUN python3 -m venv /opt/davylamp && /opt/uv/bin/uv sync --quiet --frozen --no-dev --no-install-project
COPY operator operator
RUN /opt/uv/bin/uv sync --quiet --frozen --no-dev --no-editable

FROM ${BASE_IMAGE}
COPY --from=build /opt/davylamp /opt/davylamp
ENV PATH=/opt/davylamp/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONSAFEPATH=1 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
LABEL org.opencontainers.image.title="davylamp" \
      org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /tmp
USER 65532:65532
ENTRYPOINT ["python", "-m", "davylamp"]
