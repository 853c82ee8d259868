"""The kinds that the server knows without a definition: their schemas, defaults and checks. See ``registry``."""
