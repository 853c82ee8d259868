"""``python -m krate_gitops``."""

from krate_gitops.cli.main import run

if __name__ == "__main__":
    run()
