"""The registry: lookalikes."""
