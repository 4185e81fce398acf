"""Everything that made the demo: its faces, its models, its stand-in for chat models. ferlib never imports it."""
