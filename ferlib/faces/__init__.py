"""The renderer of the demo faces. Needs the extra `faces`; nobody needs it to run the demo."""
