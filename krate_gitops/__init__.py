"""Git as the source of truth for what coding agents know and may do."""

__version__ = "0.1.0"
