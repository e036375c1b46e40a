"""Rule measure_line_gradients: random networks on a line -> gradients and their autocorrelation."""

from movingtarget.experiments.line_gradients import autocorrelation_rows, gradient_rows, noise_rows
from movingtarget.tables import write_table
from movingtarget_workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        chosen, output = snakemake.params, snakemake.output
        line = {"points": chosen.points, "half_width": chosen.half_width}
        gradients = gradient_rows(chosen.drawn, chosen.width, chosen.seeds[0], **line)
        autocorrelation = autocorrelation_rows(
            chosen.networks, chosen.depths, chosen.width, chosen.seeds, **line, lags=chosen.lags
        )
        noise = noise_rows(chosen.seeds, chosen.points, chosen.lags)
        write_table(gradients, "gradients_on_a_line", output.gradients)
        write_table(autocorrelation, "gradient_autocorrelation", output.autocorrelation)
        write_table(noise, "noise_autocorrelation", output.noise)
