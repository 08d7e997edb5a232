"""The drawn world in time, and how the small clip model was taught on it. `python -m storybook.moving.make --help`."""
