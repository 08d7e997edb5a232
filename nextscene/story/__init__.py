"""What the user wrote: read, checked, and planned into shots. Pure: no torch, no files to write, no clock."""
