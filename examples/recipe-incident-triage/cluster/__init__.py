"""A small Kubernetes cluster in memory: an API server that kubectl and client libraries talk to, and what runs behind it."""
