"""Whatever runs models, behind one Protocol (``base``); ``registry`` finds an engine by name."""
