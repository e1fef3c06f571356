"""What attacks on cases stand on: the decommission service over its own database, as in its integration tests."""

from tests.integration.decommission.conftest import idle_children, make_story, story, unit

__all__ = ["idle_children", "make_story", "story", "unit"]
