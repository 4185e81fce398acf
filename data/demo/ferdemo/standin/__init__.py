"""The stand-in server: answers chat requests by what a demo model sees in the image."""
