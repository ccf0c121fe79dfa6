# Every node of a cluster runs this image: Python, CUDA and Ray as in pyproject.toml, vLLM, gleaner.
#   docker build --tag gleaner:0.1.0 .
# Nothing is done as root and nothing secret is in it: tokens and keys reach a node by its environment.
FROM rayproject/ray:2.60.0-py312-gpu
USER ray
WORKDIR /home/ray/gleaner
COPY --chown=ray:users pyproject.toml README.md ./
COPY --chown=ray:users schemas ./schemas
COPY --chown=ray:users actors ./actors
COPY --chown=ray:users deployments ./deployments
COPY --chown=ray:users examples ./examples
RUN --mount=type=cache,target=/home/ray/.cache/pip,uid=1000,gid=100 \
    python -m pip install ".[vllm]" && gleaner --version
ENV RAY_AUTH_MODE=token \
    RAY_USAGE_STATS_ENABLED=0
CMD ["gleaner", "--help"]
