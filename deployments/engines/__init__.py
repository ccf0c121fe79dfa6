"""Engines run models, behind `actors.protocols.Engine`. Each is imported only when a configuration names it.

build         the engine of a configuration, one match                roles     generator, classifier, encoder
vllm          vLLM inside the replica
transformers  Hugging Face transformers inside the replica: decoding (the batch), pretrained (loading)
http          any OpenAI-compatible server: http_endpoint (one call, limited and timed), http_address (addresses and
              headers), http_wire (JSON), http_reply (reads replies), http_errors (whose fault an error is),
              http_limit (after 429), http_secrets (a repeated key is hidden)
messages      chats in the form that a model or server takes
custom        a factory of your own
encoding      vectors by transformers; pooling (how the model's folder says to make them); served (by vLLM or a server)
facts         facts about a loaded model
chat          token ids of chats and texts, with contents kept apart from markup
"""
