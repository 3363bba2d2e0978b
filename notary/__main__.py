"""`python -m notary` is the `notary` script."""

from notary.cli import main

main()
