"""Runs each case of the first argument on a new table, and prints the errors of the statements that SQLAlchemy sends after it."""
import json
import os
import sys

import psycopg
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from person import Person

engine = create_engine("postgresql+psycopg://")
schema, cases = json.loads(sys.argv[1])
errors = {}
for name, sql in cases:
    with psycopg.connect(autocommit=True) as other:
        other.execute(schema)
        other.execute(sql)
    errors[name] = ""
    try:
        with Session(engine) as session:
            session.add(Person(nickname="a"))
            session.commit()
            for person in session.scalars(select(Person)):
                person.nickname = "b"
            session.commit()
    except Exception as e:
        errors[name] = str(e)
print(json.dumps(errors))
