"""tpsprofile: what local language models run at on your machine, and whether another would be worth buying."""

__version__ = "0.1.0"
