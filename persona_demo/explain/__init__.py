"""What a person's history does to the model, measured: every module here answers one question with evidence."""
