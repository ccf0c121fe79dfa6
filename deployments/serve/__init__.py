"""Models on Ray Serve. `deployments`: the deployments of a run. `generator`, `gate`, `embedder`: their replicas
(`replica`: how a micro-batch is answered; `limits`: how many requests at once). `board`: how the number of replicas
reaches Serve.
"""
