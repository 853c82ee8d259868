"""Access control of the development API server: who somebody is, as whom he acts, what he may do and grant.

Pure: it reads stored objects through ``Reader`` and is told of changes; it knows nothing of HTTP. ``access.Access`` is
the one way in.
"""
