"""The engine: decoding ahead, devices and, above them, the networks."""
