"""`python -m podhawk.cli`."""

from podhawk.cli.main import main

main()
