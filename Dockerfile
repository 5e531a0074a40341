# Two images from one file: --target api, --target worker. Neither holds Spark, which runs in EMR Serverless alone.
# The base is an index of all architectures, so that the same line builds for ARM64 and for X86_64.
FROM python:3.11.13-slim-bookworm@sha256:86adf8dbadc3d6e82ee5dd2c74bec2e1c2467cdad47886280501df722372d2e1 AS packages
COPY requirements/product.lock /build/product.lock
# Exactly what the lock file names, by hash, and nothing that would have to be compiled.
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --only-binary :all: \
       --require-hashes --requirement /build/product.lock

FROM python:3.11.13-slim-bookworm@sha256:86adf8dbadc3d6e82ee5dd2c74bec2e1c2467cdad47886280501df722372d2e1 AS base
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin cdp
COPY --from=packages /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /app
COPY shared /app/shared
USER 10001

FROM base AS api
COPY api /app/api
EXPOSE 8000
CMD ["gunicorn", "--config", "api/gunicorn.conf.py"]

FROM base AS worker
COPY worker /app/worker
CMD ["python", "-m", "worker"]
