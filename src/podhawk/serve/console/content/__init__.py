"""What is detected, and how well: each detection with its figures, the matrices of techniques, and tuning."""
