"""The reading memory tools over the Model Context Protocol, pinned to one commit.

From the edge inwards: ``stdio`` and ``http`` carry messages, ``protocol`` gives the SDK's server its handlers,
``gateway`` takes one call from its arguments to its audited answer, ``tools`` are the calls themselves.
"""
