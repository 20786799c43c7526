"""A page that shows depth, and the web service behind it: `depthkit serve`."""
