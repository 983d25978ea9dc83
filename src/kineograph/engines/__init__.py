"""What turns a request into frames."""
