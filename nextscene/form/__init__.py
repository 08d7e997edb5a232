"""Cog's form, read as Cog reads it, and the OpenAPI document that it makes of it."""
