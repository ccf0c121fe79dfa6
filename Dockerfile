# Every node of a cluster runs this image: Python, CUDA and Ray as in pyproject.toml, vLLM, gleaner.
#   docker build --tag gleaner:0.1.0 .
# Nothing secret is in it: tokens and keys reach a node by its environment. As root one thing is done: the base image
# lets its user become root without a password, and that ends here. The base is named by its tag; to build on one digest of it:
#   docker build --build-context rayproject/ray:2.60.0-py312-gpu=docker-image://rayproject/ray@sha256:DIGEST .
FROM rayproject/ray:2.60.0-py312-gpu
USER root
RUN sed -i '/^ray\s.*NOPASSWD/d' /etc/sudoers && ! grep -rqE '^[^#]*NOPASSWD' /etc/sudoers /etc/sudoers.d
USER ray
WORKDIR /home/ray/gleaner
COPY --chown=ray:users pyproject.toml README.md ./
COPY --chown=ray:users schemas ./schemas
COPY --chown=ray:users actors ./actors
COPY --chown=ray:users deployments ./deployments
COPY --chown=ray:users gleaner ./gleaner
COPY --chown=ray:users examples ./examples
RUN --mount=type=cache,target=/home/ray/.cache/pip,uid=1000,gid=100 \
    python -m pip install ".[vllm]" && gleaner --version
ENV RAY_AUTH_MODE=token \
    RAY_USAGE_STATS_ENABLED=0
CMD ["gleaner", "--help"]
