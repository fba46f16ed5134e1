"""What a machine that nobody measured would run at, from the chip catalogue and published figures."""
