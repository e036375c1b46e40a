"""Rule compare_update_orders: losses and times -> losses at equal budgets, and the largest stable rates."""

from movingtarget.experiments.update_order_comparison import budgets, stable_rates
from movingtarget.tables import read_table, write_table
from movingtarget_workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        orders = read_table(snakemake.input.orders, "update_orders")
        times = read_table(snakemake.input.times, "update_order_times")
        write_table(budgets(orders, times), "update_order_budgets", snakemake.output.budgets)
        write_table(stable_rates(orders), "stable_rates", snakemake.output.rates)
