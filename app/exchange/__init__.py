"""One request's life: the attempts upstream, and what is told about them."""
