"""Pictures and their times in, a film out: timeline, frames, captions, voices, sound, encoder, editors' files."""
