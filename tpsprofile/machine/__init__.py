"""What this host is and how it is doing; looks, and changes nothing."""
