"""External effects: written down before they are made, and repeated under their own key."""
