"""Forms: fields from a task's declaration, inputs, uploads, and notebook variables."""
