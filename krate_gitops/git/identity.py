"""Who this program is where Git asks for a name."""

OURS = "krate-gitops <krate-gitops@localhost>"
