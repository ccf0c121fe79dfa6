"""What servers tell of their load on their page of metrics."""

import urllib.request

import pytest

from actors.calls.tuned_limit import ServerLoad
from deployments.engines.http_load import read_load
from tests.deployments.engines.conftest import Servers

VLLM = """\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="tiny"} 12.0
vllm:num_requests_running{engine="1",model_name="tiny"} 4.0
vllm:num_requests_waiting{engine="0",model_name="tiny"} 3.0
vllm:num_requests_waiting{engine="1",model_name="tiny"} 0.0
vllm:num_requests_waiting_by_reason{engine="0",model_name="tiny",reason="capacity"} 3.0
vllm:kv_cache_usage_perc{engine="0",model_name="tiny"} 0.25
vllm:kv_cache_usage_perc{engine="1",model_name="tiny"} 0.75
"""
SGLANG = 'sglang:num_running_reqs{model_name="m"} 8\nsglang:num_queue_reqs{model_name="m"} 1\nsglang:token_usage 0.5\n'
LLAMA_CPP = "# TYPE llamacpp:requests_processing gauge\nllamacpp:requests_processing 4\nllamacpp:requests_deferred 9\n"
TGI = "tgi_batch_current_size 16\ntgi_queue_size 2\n"


@pytest.mark.parametrize(
    ("page", "load"),
    [
        (VLLM, ServerLoad(16, 3, 0.75)),
        (SGLANG, ServerLoad(8, 1, 0.5)),
        (LLAMA_CPP, ServerLoad(4, 9)),
        (TGI, ServerLoad(16, 2)),
        ("", None),
        ("<html>not found</html>", None),
        ("vllm:num_requests_running 3\n", None),
        ("tgi_batch_current_size NaN\ntgi_queue_size 2\n", None),
        ("tgi_batch_current_size many\ntgi_queue_size 2\n", None),
        ("tgi_batch_current_size -1\ntgi_queue_size 2\n", None),
    ],
)
def test_pages(page: str, load: ServerLoad | None) -> None:
    """Each server's own names; several engines of one address together; nothing is guessed from half a page."""
    assert read_load(page) == load


@pytest.mark.slow
@pytest.mark.vllm
def test_a_real_vllm_server_tells_its_load(servers: Servers) -> None:
    """The installed vLLM's own page beside /v1: its names are those that are read."""
    page = urllib.request.urlopen(servers.generator.url.removesuffix("/v1") + "/metrics", timeout=30).read()
    load = read_load(page.decode())
    assert load is not None
    assert load.running >= 0
    assert 0 <= load.kv_used <= 1
