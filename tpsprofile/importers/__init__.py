"""Other tools' files become runs of our own, marked with where they come from.

Each format is a module with two functions: ``claims(text)``, whether a text looks like its own, and ``read(text)``,
which gives parts or raises ``Refused`` with a line and a reason. What a file says twice is compared, and a file that
contradicts itself is refused: better no figure than a wrong one.
"""
