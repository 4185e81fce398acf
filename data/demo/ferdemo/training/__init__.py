"""Training the tiny demo models: their images, their captions and questions, their declared faults, their cards."""
