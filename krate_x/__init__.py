"""The API client: kubeconfig and credentials by the ``kubernetes`` package, requests over a pool of our own."""
