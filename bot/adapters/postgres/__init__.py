"""All state. psycopg is named nowhere else."""
