"""A look to teach: 50 captioned pictures of the drawn world in one known grade, and how near others come to it."""
