"""Keys at rest. A key service or a hardware module would be another module of this package."""
