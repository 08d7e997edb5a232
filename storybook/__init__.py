"""The built-in small model: how the project is run and measured where there is no GPU."""
