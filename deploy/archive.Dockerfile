# The image of a release archive: made of the program beside this file. The one in the repository builds it from source.
ARG REGISTRY=docker.io/library/
FROM ${REGISTRY}debian:bookworm-slim
ARG DEBIAN_MIRROR=deb.debian.org
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# hadolint ignore=DL3008
RUN sed -i "s/deb.debian.org/${DEBIAN_MIRROR}/" /etc/apt/sources.list.d/debian.sources \
 && apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/*
COPY --chmod=0755 gengfu /usr/local/bin/gengfu
RUN install -d -m 0700 -o 10001 -g 10001 /data
USER 10001:10001
WORKDIR /data
ENV GENGFU_BIND=0.0.0.0:8765 \
    GENGFU_DATA_DIR=/data \
    TMPDIR=/data
VOLUME ["/data"]
EXPOSE 8765
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 CMD ["gengfu", "healthy"]
ENTRYPOINT ["gengfu"]
CMD ["serve"]
