"""Predict data sets on many machines: Ray deals their shards out to predictors."""
