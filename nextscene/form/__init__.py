"""Cog's form, read as Cog reads it, and the OpenAPI document that it makes of it."""

from nextscene.form.inputs import fetched_file, fetched_files

__all__ = ["fetched_file", "fetched_files"]
