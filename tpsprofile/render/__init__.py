"""An answer becomes text or a picture. The only room that knows matplotlib."""
