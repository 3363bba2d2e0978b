"""Attachments at rest. They arrive here already sealed; nothing in this package sees plain bytes."""
