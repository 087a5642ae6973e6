"""A model server that is none: OpenAI's HTTP protocol over seeded timing, seeded faults and extractive answers."""
