"""``audit verify``: the chain of the audit log."""

from __future__ import annotations

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.output import fields_table, show
from krate_gitops.cli.progress import progress


@click.command("verify", cls=KrateCommand)
@pass_invocation
def verify(invocation: Invocation) -> int:
    """Check the whole audit log of the organisation.

    Finds records that were changed, removed, reordered or cut off at the end, and names the first. Ends with 1 when
    there is one. Keep the last hash elsewhere: it proves later that nobody has written the log anew.
    """
    from krate_gitops.encoding import plain
    from krate_gitops.records.audit_verify import Verification
    from krate_gitops.records.audit_verify import verify as verify_log
    from krate_gitops.records.database import open_database
    from krate_gitops.records.location import has_records

    organization = invocation.settings.organization
    if has_records(invocation.settings):
        with progress(invocation) as listen, open_database(invocation.settings).reading() as connection:
            found = verify_log(connection, organization, progress=listen)
    else:
        found = Verification(organization=organization, records=0, ok=True)
    first = found.first_break
    fields = {
        "organization": organization,
        "records": found.records,
        "ok": found.ok,
        "firstBreak": f"record {first.sequence}, {first.what}: {first.detail}" if first else None,
        "lastHash": found.last_hash,
    }
    show(invocation.output, plain(found), table=fields_table(fields))
    return int(not found.ok)
