# One image for all services: which one runs is the command, `services.ranker` for example.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
WORKDIR /build
COPY requirements.lock .
# Dependencies first: they change less often than our own code. Hashes are checked, nothing is resolved. A pip that stays
# here installs them, so that the environment has none; tests of libraries are a sixth of it, and nothing imports them.
RUN python3 -m venv /build/pip \
    && python3 -m venv --without-pip /opt/dearena \
    && /build/pip/bin/python -m pip --python /opt/dearena/bin/python install \
        --no-cache-dir --no-deps --require-hashes -r requirements.lock \
    && find /opt/dearena/lib -type d -name tests -prune -exec rm -rf {} +
COPY pyproject.toml README.md /app/
COPY dearena /app/dearena
COPY services /app/services
COPY deploy/nats /app/deploy/nats
RUN /opt/dearena/bin/python -m compileall -q /app

FROM ${BASE}
# Without pip and its like, there is less to update and to misuse; the venv brings all that runs. Both places where
# bases keep them: Python's own images below /usr/local, Debian's packages below /usr.
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3*/site-packages/* /usr/local/lib/python3*/ensurepip \
        /usr/lib/python3*/ensurepip /usr/lib/python3/dist-packages/pip* /usr/share/python-wheels
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
