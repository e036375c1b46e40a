"""Gradients of random networks along a line, and their autocorrelation."""


rule measure_line_gradients:
    input:
        sources=sources("experiments.line_gradients", "tables"),
    output:
        gradients=f"{RESULTS}/tables/gradients_on_a_line.csv",
        autocorrelation=f"{RESULTS}/tables/gradient_autocorrelation.csv",
        noise=f"{RESULTS}/tables/noise_autocorrelation.csv",
    log:
        f"{RESULTS}/logs/measure_line_gradients.log",
    benchmark:
        f"{RESULTS}/costs/measure_line_gradients.tsv"
    threads: 1
    params:
        **config["line_gradients"],
    message:
        f"Gradients of random networks on a line, {len(config['line_gradients']['seeds'])} seeds"
    script:
        "../scripts/measure_line_gradients.py"
