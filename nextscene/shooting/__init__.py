"""Shots in, takes out: the studio, what it notices in a picture, and the safety checker."""
