"""Networks: frozen bases, the adapters that steer them, and the files that hold their weights."""
