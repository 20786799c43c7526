"""A study of accuracy against time: variants, folds, a queue of trainings, timing and a report."""
