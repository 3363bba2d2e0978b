"""Pure rules of the service: no clock, no randomness, no I/O."""
