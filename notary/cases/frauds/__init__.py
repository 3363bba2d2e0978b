"""Planted frauds: edits of exported files as somebody would make them, and the key to what was done."""
