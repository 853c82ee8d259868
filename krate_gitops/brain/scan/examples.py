"""Credentials that vendors and standards publish as examples. They are everywhere in documentation and open nothing."""

from __future__ import annotations

import hashlib

# First 128 bits of sha256, so that this file itself holds nothing that looks like a secret. From the documentation of
# AWS, GitHub, Google, Stripe and jwt.io, and from RFC 5849, 6749, 6750, 7519 and 7617.
_PUBLISHED = """
    00cf4c781dc37003f7c7dd7d4c9a6ef1 12683707dcb79426c9e1d0cafc6d37c2 1a5d44a2dca19669d72edf4c4f1c27c4
    1b45b44bcfeaa651f4912793c641f233 293257ab6495ebb11cf9e4aee0686ca3 2cafc0970149a84f3b9e62eaf169f36f
    2ff8b0fb93aca981c78f1e94355c298c 3543c50b0cb9cea8e55eb1f529b79f04 43678fe10ddfc0bac013d630878caaf8
    4c20e6f5cc11b93731e74cbe20739821 53f5da0aaa93d64cd5772c554cbf940f 54da4a7cf393985469eb2114a2963be7
    584b27d64ebc1b3341f7fc9a9c3f1a54 61bacb9493834beb40c1823ec0b3aaae 649e1f5c769e718ba10d1a702a36499a
    687da00b09c83361bf3a2853b3a0c7d6 6aa14267d94944e6b6483c81f5ad37f8 6c96130f130ab0d6d158397e24d2bcc1
    6d7fa4e64d4b1f3ea31962e258b684de 721685ee8296be8b8674d53033826dcc 78314b11be2e581549ac1c4f616563fa
    7e8de44ea9ecf6d53415c90f5b249a85 82e74299544e00738f9c0acb69b1eb34 8574410fe367e57f9e271bdd3e254880
    8a590a078362367fa115b48d94a20b8d 9d03b692e941d5ace207a9f804883443 9e309cccd311ea64d04133daf7760f71
    a35b81a7d7927b70ec99270dd2362b88 a71b359a87afde133e6d9731de69f882 ac9265e56c79b234607ec72c53753cfe
    ad71fb4165536675d80a8bbfe957697e b8e148545b13c78bc74da2f1a7275dd7 bb9b1163338b2a51495834ad5c654204
    bc3ae723f57c6b9e3fd80b699fcc420f ca7459e2b26776de081b9a07e40227fd cb87c87e4a138d9a72259d2a01bab156
    ce497a08d7af580bad22b52e5b3f8f51 cf4d418ed3de92d71f767db5391d5a2d cfa07b1d2aee47cb646705f87ba4d979
    e9974c507d2a802143f614c878fcbb62 eab7452d7d0fd9d1be1d6e638b6a868a f2d6ca16515033e5dce14eba840b979d
"""
_DIGESTS = frozenset(_PUBLISHED.split())


def is_documented_example(value: str) -> bool:
    """Whether a value is a published example: one of the known ones, or marked ``EXAMPLE`` as AWS does."""
    if "EXAMPLE" in value:
        return True
    if value.startswith("eyJ") and value.count(".") == 2:
        value = value.rpartition(".")[0]
    return hashlib.sha256(value.encode()).hexdigest()[:32] in _DIGESTS
