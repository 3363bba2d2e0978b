"""Edges: each adapter is the only importer of its library."""
