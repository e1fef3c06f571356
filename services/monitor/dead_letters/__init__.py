"""Records that the monitor refused, and their replay."""
