"""A small world to try the program in: a made-up company's brain with a history, and the main job done on it."""
