"""Networks whose layers chase a moving target: train them, measure them, judge the papers' claims."""
