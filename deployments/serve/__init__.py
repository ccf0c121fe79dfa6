"""Models on Ray Serve. `deployments`: which there are. `generator`, `gate`, `embedder`: their replicas (`replica`: one
micro-batch; `limits`: how much at once). `board`: how a number of replicas reaches Serve.
"""
