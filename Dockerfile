# One image for all services: which one runs is the command, `services.ranker` for example.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
WORKDIR /build
COPY requirements.lock .
# Dependencies first: they change less often than our own code. Hashes are checked, nothing is resolved.
RUN python3 -m venv /opt/dearena \
    && /opt/dearena/bin/python -m pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock
COPY pyproject.toml README.md /app/
COPY dearena /app/dearena
COPY services /app/services
COPY deploy/nats /app/deploy/nats
RUN /opt/dearena/bin/python -m compileall -q /app

FROM ${BASE}
# Without pip and its like, there is less to update and to misuse; the venv brings all that runs.
COPY --from=build /opt/dearena /opt/dearena
COPY --from=build /app /app
# Owned before a volume is laid over it, so that the volume is.
RUN install -d -o 10001 -g 10001 -m 0700 /installation
ENV PATH=/opt/dearena/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    OPENBLAS_NUM_THREADS=1 \
    OMP_NUM_THREADS=1
WORKDIR /app
USER 10001:10001
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m"]
CMD ["dearena.cli"]
