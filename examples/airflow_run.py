"""Run the DAG of flights_airflow.py once, with an Airflow home and connections of its own.

The stores of a configuration become Airflow connections in the environment; nothing is kept of them.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from airflow_provider_remote_store.connection import connection_of_model
from remote_store import RegistryConfig
from remote_store.ext.pydantic import StoreModel

HERE = Path(__file__).resolve().parent
AIRFLOW = Path(sys.executable).with_name("airflow")


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--config", default=HERE / "flights.toml", help="the stores landing and lake (TOML)")
    parser.add_argument("--home", type=Path, default=Path("data/airflow-home"), help="Airflow's own files")
    arguments = parser.parse_args()
    config = RegistryConfig.from_toml(str(arguments.config))
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(arguments.home.resolve()),
        "AIRFLOW__CORE__DAGS_FOLDER": str(HERE),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": os.environ.get("AIRFLOW__LOGGING__LOGGING_LEVEL", "WARNING"),
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "SCARF_ANALYTICS": "false",
        "PYTHONPATH": str(HERE),
    }
    for name in ("landing", "lake"):
        environment[f"AIRFLOW_CONN_FLIGHTS_{name.upper()}"] = connection_of_model(StoreModel.from_config(config, name))
    print("-- Making Airflow's database (about ten seconds)", flush=True)
    subprocess.run([AIRFLOW, "db", "migrate"], env=environment, check=True, stdout=subprocess.DEVNULL)
    print("-- Running the DAG flights", flush=True)
    dag = ["dags", "test", "flights", "--dagfile-path", str(HERE / "flights_airflow.py")]
    sys.exit(subprocess.run([AIRFLOW, *dag], env=environment, check=False).returncode)


if __name__ == "__main__":
    main()
