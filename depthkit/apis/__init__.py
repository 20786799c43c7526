"""What a user calls: predict, train, evaluate, export weights."""
