"""A script: read, broken down into scenes and shots, and compiled to a story. Pure: no torch, no files, no clock."""
