"""MLX on Apple silicon, through ``mlx_lm.server``: ``engine`` is the way in."""
