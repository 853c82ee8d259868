"""Who owns which field of an object, and the merges that go by it."""

from krate_gitops.cluster.dev.fields.applying import apply
from krate_gitops.cluster.dev.fields.entries import settled
from krate_gitops.cluster.dev.fields.updating import track_update

__all__ = ["apply", "settled", "track_update"]
