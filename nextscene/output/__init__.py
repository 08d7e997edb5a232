"""What a run leaves behind: the record, the delivered files, the contact sheet."""
