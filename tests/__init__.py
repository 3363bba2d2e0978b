"""Tests, and the tools that several of them share. Never packaged."""
