"""From a parsed search to rows: the plan, and the runners that carry it out."""
