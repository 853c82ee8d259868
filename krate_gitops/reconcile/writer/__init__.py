"""Committing config to Git: from a requested change to a pushed branch, validated, recorded and safe to repeat."""
