"""Evidence as a file of its own, that anybody can check without us; it says nothing of what was not selected."""
