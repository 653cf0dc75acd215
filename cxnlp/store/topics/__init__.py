"""Topics as they are kept: the topics themselves, fits of them, who belongs to which, and what people changed."""
