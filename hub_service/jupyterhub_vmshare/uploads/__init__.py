"""Uploads that can be resumed (tus 1.0): their rows, their bytes as they come, their end."""
