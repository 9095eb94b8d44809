"""Study of the model's own misses: the claim judged with costs as wrong as publications say."""
