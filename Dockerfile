# ringback in a container. docs/docker.md explains the ports and the addresses.
FROM python:3.11-slim AS build
WORKDIR /src
COPY . .
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.11-slim
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir /wheels/*.whl \
    && rm -r /wheels \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin ringback
USER ringback
WORKDIR /tmp

# Every listener on every address of the container, and ports that can be published.
ENV RINGBACK_HOST=0.0.0.0 \
    RINGBACK_HTTPS_PORT=8443 \
    RINGBACK_RTP_PORTS=10000-10049 \
    PYTHONUNBUFFERED=1
EXPOSE 8080/tcp 8443/tcp 5060/tcp 5060/udp 5061/tcp 10000-10049/udp

HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/_ringback/health', timeout=2)"]
ENTRYPOINT ["ringback"]
CMD ["serve"]
