"""What happens in which order: one straight function for each use."""
