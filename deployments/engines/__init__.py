"""Engines: what runs a model, behind `actors.protocols.Engine`. Each is imported only when a configuration names it.

build         the engine of a configuration, one match                roles     generator, classifier, encoder
vllm          vLLM inside the replica
transformers  Hugging Face transformers inside the replica: decoding (the batch), pretrained (loading)
http          any OpenAI-compatible server: http_endpoint (one call, bounded and timed), http_address (where, with which
              headers), http_wire (JSON), http_reply (what a reply says), http_errors (whose fault an error is),
              http_limit (after 429), http_secrets (a repeated key is hidden)
messages      chats in the form that a model or server takes
custom        a factory of one's own
encoding      vectors by transformers; pooling (how a model's folder says they are taken); served (by vLLM or a server)
facts         what an engine tells of the model that it loaded
chat          token ids of chats and texts, contents kept apart from markup
"""
