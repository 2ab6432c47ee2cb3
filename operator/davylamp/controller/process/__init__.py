"""The process itself: its memory, and whether its event loop is on time."""
