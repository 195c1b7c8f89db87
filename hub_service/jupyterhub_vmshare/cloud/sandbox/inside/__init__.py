"""What runs in a machine. The standard library alone, as the image's own Python runs it."""
