"""What objects must look like: structural schemas, their rules in CEL, definitions, names and metadata.

The order of work for the body of a custom object: ``Structural.prune`` (unknown fields), ``Structural.drop_nulls`` (not
for an apply), ``Structural.default``, then ``Structural.validate``.
"""
