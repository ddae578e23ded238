# One image for every role: firewatch up | slack | worker | clock | do …
# Settings come from the environment, or from .env and firewatch.toml mounted into /etc/firewatch.
ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements.lock requirements-build.lock ./
# pip stays outside: what runs has nothing to install more with.
RUN python -m venv --without-pip /opt/firewatch \
 && pip --python /opt/firewatch/bin/python install --require-hashes --only-binary=:all: --requirement requirements.lock \
 && pip install --require-hashes --only-binary=:all: --requirement requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
COPY handlers handlers
COPY templates templates
RUN pip wheel --no-deps --no-build-isolation --no-index --wheel-dir /wheels . \
 && pip --python /opt/firewatch/bin/python install --no-deps --no-index /wheels/*.whl

FROM python:${PYTHON}-slim
LABEL org.opencontainers.image.title="Firewatch" \
      org.opencontainers.image.description="A Slack bot that carries an operations runbook" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --user-group --create-home --shell /usr/sbin/nologin firewatch \
 && install -d -o firewatch -g firewatch /etc/firewatch
COPY --from=build /opt/firewatch /opt/firewatch
# HOST: in a container, loopback would be heard by nobody. The rest: no writes but to /tmp, so the root may be read-only.
ENV PATH=/opt/firewatch/bin:$PATH \
    HOST=0.0.0.0 \
    MPLBACKEND=Agg \
    MPLCONFIGDIR=/tmp/matplotlib \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /etc/firewatch
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
# The same question for every role: does what this container runs live? It reads the role from its first process.
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 CMD ["firewatch", "health"]
ENTRYPOINT ["firewatch"]
CMD ["up"]
