"""What leaves a project: documents, figures, the report."""
