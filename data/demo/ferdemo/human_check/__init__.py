"""People look at the demo's faces: which of them, and what becomes of the answers that their browsers saved."""
