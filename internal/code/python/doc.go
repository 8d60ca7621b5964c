// Package python reads what Python declares to a mapper: SQLAlchemy, SQLModel, Django and Peewee.
package python
