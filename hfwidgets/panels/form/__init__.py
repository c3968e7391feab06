"""Forms: fields from a task's declaration, inputs, uploads, and the notebook's variables."""
