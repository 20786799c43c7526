"""Complete models: a backbone with its heads."""
