# The server as an image: versions pinned by requirements.lock, nobody is root inside.
FROM python:3.11-slim AS build
WORKDIR /src
COPY tools/uv.lock tools/uv.lock
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes --requirement tools/uv.lock
COPY requirements.lock pyproject.toml README.md LICENSE ./
COPY lineage lineage
COPY importers importers
COPY graphql_schema graphql_schema
RUN python -m venv /opt/lineage \
 && uv pip install --no-cache --python /opt/lineage/bin/python \
    --constraint requirements.lock --build-constraint requirements.lock ".[all]"

FROM python:3.11-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends git \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --create-home --shell /usr/sbin/nologin lineage \
 && install --directory --owner lineage /data
COPY --from=build /opt/lineage /opt/lineage
ENV PATH=/opt/lineage/bin:$PATH PYTHONUNBUFFERED=1 LINEAGE_STORE=/data/store.db
USER lineage
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=6 \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
CMD ["lineage", "serve", "--host", "0.0.0.0", "--port", "8000"]
