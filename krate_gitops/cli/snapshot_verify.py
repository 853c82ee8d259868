"""``snapshot verify``: whether stored snapshots are as they were written."""

from __future__ import annotations

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.output import show
from krate_gitops.cli.progress import progress
from krate_gitops.cli.snapshot_options import denials_on_record, records_if_any
from krate_gitops.printable import printable


@click.command("verify", cls=KrateCommand)
@click.argument("references", metavar="[SNAPSHOT]...", nargs=-1)
@pass_invocation
def verify(invocation: Invocation, references: tuple[str, ...]) -> int:
    """Check the digests of stored snapshots, all of them without a name; Git is not needed.

    Ends with 1 when one was changed or damaged.
    """
    from krate_gitops.encoding import plain
    from krate_gitops.memory.verify import Verified, verify_all, verify_one

    database, organization = records_if_any(invocation), invocation.settings.organization
    with progress(invocation) as listen:
        if references:
            with denials_on_record(invocation):
                checked = [verify_one(database, reference, organization) for reference in references]
            found = Verified(len(checked), tuple(fault for one in checked for fault in one.faults))
        elif database is None:
            found = Verified(0, ())
        else:
            found = verify_all(database, organization, progress=listen)
    lines = "".join(f"{fault.snapshot}: {printable(fault.what)}\n" for fault in found.faults)
    end = f"snapshots {found.snapshots}, faults {len(found.faults)}\n"
    show(invocation.output, plain(found), table=lines + end)
    return int(bool(found.faults))
