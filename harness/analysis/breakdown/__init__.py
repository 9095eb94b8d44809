"""How an overhead comes about: events, what each of them costs, and waits."""
