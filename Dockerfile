# syntax=docker/dockerfile:1
# gengfu in an image of its own: built from source, run as a user without rights, with nothing to write but /data.
#
#   docker build -t gengfu .
#   behind a slow line:  docker build --build-arg REGISTRY=mirror.ccs.tencentyun.com/library/ --build-arg DEBIAN_MIRROR=mirrors.cloud.tencent.com \
#                          --build-arg CARGO_MIRROR=sparse+https://mirrors.cloud.tencent.com/crates.io-index/ -t gengfu .
#   docker run --read-only --cap-drop ALL --security-opt no-new-privileges -v gengfu:/data --env-file .env -p 8765:8765 gengfu
ARG REGISTRY=docker.io/library/

FROM ${REGISTRY}rust:1.95-slim-bookworm AS build
ARG DEBIAN_MIRROR=deb.debian.org
ARG CARGO_MIRROR=
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# aws-lc, jemalloc and SQLite are C; everything else is Rust. What Debian mends in its release is wanted, so no version is named.
# hadolint ignore=DL3008
RUN sed -i "s/deb.debian.org/${DEBIAN_MIRROR}/" /etc/apt/sources.list.d/debian.sources \
 && apt-get update \
 && apt-get install --yes --no-install-recommends gcc g++ make cmake libc6-dev \
 && rm -rf /var/lib/apt/lists/*
RUN if [ -n "${CARGO_MIRROR}" ]; then \
      printf '[source.crates-io]\nreplace-with = "mirror"\n[source.mirror]\nregistry = "%s"\n' "${CARGO_MIRROR}" > /usr/local/cargo/config.toml; \
    fi
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY .cargo ./.cargo
COPY benches ./benches
COPY examples ./examples
COPY prompts ./prompts
COPY resources ./resources
COPY src ./src
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin gengfu \
 && install -D -m 0755 target/release/gengfu /out/gengfu \
 && install -d -m 0700 /out/data

FROM ${REGISTRY}debian:bookworm-slim
ARG DEBIAN_MIRROR=deb.debian.org
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# Roots for TLS to Tencent Cloud, models and robots. Time zones are inside the binary.
# hadolint ignore=DL3008
RUN sed -i "s/deb.debian.org/${DEBIAN_MIRROR}/" /etc/apt/sources.list.d/debian.sources \
 && apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/gengfu /usr/local/bin/gengfu
COPY --from=build --chown=10001:10001 /out/data /data
USER 10001:10001
WORKDIR /data
ENV GENGFU_BIND=0.0.0.0:8765 \
    GENGFU_DATA_DIR=/data \
    TMPDIR=/data
VOLUME ["/data"]
EXPOSE 8765
STOPSIGNAL SIGTERM
# The program asks itself: the image has no curl.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 CMD ["gengfu", "healthy"]
ENTRYPOINT ["gengfu"]
CMD ["serve"]
