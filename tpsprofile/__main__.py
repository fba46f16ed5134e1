"""``python -m tpsprofile`` is the command ``tpsprofile``."""

from tpsprofile.cli import main

main(prog_name="tpsprofile")
