"""What psycopg does with a session: one JSON object of answers on standard output."""

import json
import sys
import threading

import psycopg


def main(url: str) -> None:
    answers: dict[str, object] = {"libpq": psycopg.pq.version()}
    with psycopg.connect(url, application_name="psycopg", autocommit=True) as connection:
        answers["who"] = connection.execute("SELECT current_user, current_database()").fetchone()
        answers["application_name"] = connection.info.parameter_status("application_name")
        prepared = [connection.execute("SELECT %s::int * 2", [n], prepare=True).fetchone() for n in (1, 20, 300)]
        answers["prepared"] = prepared
        answers["binary"] = connection.execute("SELECT %b::bytea", [bytes(range(256))], binary=True).fetchone() == (
            bytes(range(256)),
        )
        with connection.cursor() as cursor, connection.pipeline():
            cursor.executemany("SELECT %s::int", [(n,) for n in range(100)], returning=True)
            answers["pipeline"] = sum(result.fetchone()[0] for result in cursor.results())
        with connection.transaction(), connection.cursor(name="on_the_server") as cursor:
            cursor.execute("SELECT generate_series(1, 5000)")
            answers["cursor"] = sum(row[0] for row in cursor)
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE copied (n int)")
            with cursor.copy("COPY copied FROM STDIN") as copy:
                for n in range(10_000):
                    copy.write_row((n,))
            with cursor.copy("COPY copied TO STDOUT") as copy:
                answers["copied"] = sum(len(list(copy.rows())) for _ in (1,))
        # Over a connection of its own, which asks for encryption first.
        timer = threading.Timer(0.3, connection.cancel_safe)
        timer.start()
        try:
            connection.execute("SELECT pg_sleep(60)")
            answers["cancelled"] = False
        except psycopg.errors.QueryCanceled:
            answers["cancelled"] = True
        timer.join()
        answers["after"] = connection.execute("SELECT 'here'").fetchone()
    json.dump(answers, sys.stdout)


main(sys.argv[1])
