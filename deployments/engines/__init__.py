"""Engines: what runs a model, behind `actors.protocols.Engine`. Each is imported only when a configuration names it.

build         the engine of a configuration, one match                roles     generator or classifier
vllm          vLLM inside the replica
transformers  Hugging Face transformers inside the replica: decoding (the batch), pretrained (loading)
http          any OpenAI-compatible server: http_endpoint (one bounded, guarded endpoint), http_wire (its JSON), breaker
custom        a factory of one's own
chat          token ids of chats and texts, contents kept apart from markup
"""
