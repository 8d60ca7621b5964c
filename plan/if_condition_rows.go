package plan

import (
	"strconv"

	"github.com/onward-sql/onward/internal/catalog"
)

// guardRow is a row of a system view or catalog, without the columns that are not known here.
type guardRow map[string]string

func oidText(oid catalog.OID) string { return strconv.FormatUint(uint64(oid), 10) }

// guardRows list the rows of system views and catalogs, with the columns that conditions ask for.
// https://www.postgresql.org/docs/current/information-schema.html and https://www.postgresql.org/docs/current/catalogs.html
var guardRows = map[string]func(c *catalog.Catalog, add func(guardRow)){
	"columns": func(c *catalog.Catalog, add func(guardRow)) {
		c.EachRelation(func(r *catalog.Relation) bool {
			for _, col := range r.Columns {
				add(guardRow{"table_schema": r.Name.Schema, "table_name": r.Name.Name, "column_name": col.Name})
			}
			return true
		})
	},
	"tables": func(c *catalog.Catalog, add func(guardRow)) {
		eachTable(c, func(r *catalog.Relation) { add(guardRow{"table_schema": r.Name.Schema, "table_name": r.Name.Name}) })
	},
	"pg_tables": func(c *catalog.Catalog, add func(guardRow)) {
		eachTable(c, func(r *catalog.Relation) { add(guardRow{"schemaname": r.Name.Schema, "tablename": r.Name.Name}) })
	},
	"pg_class": func(c *catalog.Catalog, add func(guardRow)) {
		c.EachRelation(func(r *catalog.Relation) bool {
			add(guardRow{"relname": r.Name.Name, "oid": oidText(r.OID)})
			return true
		})
	},
	"table_constraints": func(c *catalog.Catalog, add func(guardRow)) {
		eachConstraint(c, func(r *catalog.Relation, con *catalog.Constraint) {
			if con.Kind == catalog.Exclude {
				return // the standard does not know it
			}
			add(guardRow{
				"table_schema": r.Name.Schema, "constraint_schema": r.Name.Schema, "table_name": r.Name.Name, "constraint_name": con.Name,
				"constraint_type": constraintTypes[con.Kind].name,
			})
		})
	},
	"pg_constraint": func(c *catalog.Catalog, add func(guardRow)) {
		eachConstraint(c, func(r *catalog.Relation, con *catalog.Constraint) {
			add(guardRow{"conname": con.Name, "conrelid": oidText(r.OID), "contype": constraintTypes[con.Kind].letter})
		})
	},
	"pg_indexes": func(c *catalog.Catalog, add func(guardRow)) {
		c.EachRelation(func(r *catalog.Relation) bool {
			for _, x := range c.IndexesOf(r) {
				add(guardRow{"schemaname": r.Name.Schema, "tablename": r.Name.Name, "indexname": x.Name.Name})
			}
			return true
		})
	},
	"pg_trigger": func(c *catalog.Catalog, add func(guardRow)) {
		c.EachRelation(func(r *catalog.Relation) bool {
			for _, t := range r.Triggers {
				add(guardRow{"tgname": t.Name, "tgrelid": oidText(r.OID)})
			}
			return true
		})
	},
	"pg_policies": func(c *catalog.Catalog, add func(guardRow)) {
		c.EachRelation(func(r *catalog.Relation) bool {
			for _, p := range r.Policies {
				add(guardRow{"schemaname": r.Name.Schema, "tablename": r.Name.Name, "policyname": p.Name})
			}
			return true
		})
	},
	"pg_type": func(c *catalog.Catalog, add func(guardRow)) {
		c.EachType(func(t *catalog.UserType) bool {
			add(guardRow{"typname": t.Name.Name})
			return true
		})
		c.EachRelation(func(r *catalog.Relation) bool {
			if r.Index == nil && r.Kind != catalog.Sequence {
				add(guardRow{"typname": r.Name.Name})
			}
			return true
		})
	},
	"pg_proc": func(c *catalog.Catalog, add func(guardRow)) {
		c.EachFunction(func(f *catalog.Function) bool {
			add(guardRow{"proname": f.Name.Name})
			return true
		})
	},
	"pg_extension": func(c *catalog.Catalog, add func(guardRow)) {
		c.EachObject("extension", func(o *catalog.Object) bool {
			add(guardRow{"extname": o.Name.Name})
			return true
		})
	},
}

// constraintTypes are pg_constraint.contype and information_schema.table_constraints.constraint_type.
var constraintTypes = map[catalog.ConstraintKind]struct{ letter, name string }{
	catalog.Check: {"c", "CHECK"}, catalog.ForeignKey: {"f", "FOREIGN KEY"}, catalog.PrimaryKey: {"p", "PRIMARY KEY"}, catalog.Unique: {"u", "UNIQUE"},
	catalog.Exclude: {"x", ""},
}

func eachTable(c *catalog.Catalog, f func(*catalog.Relation)) {
	c.EachRelation(func(r *catalog.Relation) bool {
		if r.Kind.IsTable() {
			f(r)
		}
		return true
	})
}

func eachConstraint(c *catalog.Catalog, f func(*catalog.Relation, *catalog.Constraint)) {
	c.EachRelation(func(r *catalog.Relation) bool {
		for _, con := range r.Constraints {
			if constraintTypes[con.Kind].letter != "" {
				f(r, con)
			}
		}
		return true
	})
}
