package knex

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter/jscode"
)

// translateSchema returns the SQL of calls of the schema builder, each of which sends statements of its own. withSchema holds for the
// whole chain.
func translateSchema(links []jscode.Link) jscode.Translation {
	c := &compiler{}
	var t jscode.Translation
	for _, l := range links {
		if !l.Called || l.Tagged {
			return unknown
		}
		if l.Name == "withSchema" {
			c.schema = c.textAt(l, 0)
		}
	}
	for _, l := range links {
		switch method := schemaMethods[l.Name]; {
		case l.Name == "withSchema":
		case l.Name == "hasTable" || l.Name == "hasColumn":
			t.Idle = true
			if len(l.Arguments) > 0 && l.Arguments[0].Kind == jscode.Text {
				t.Needs = c.wrapTable(l.Arguments[0].Text)
			}
		case l.Name == "raw":
			sent := translateRaw(l)
			if sent.Why != "" {
				return sent
			}
			c.out = append(c.out, sent.Statements...)
		case method != nil:
			method(c, l)
		default:
			return unknown
		}
		if c.unread {
			return jscode.Translation{Why: "not all of its arguments are literals"}
		}
	}
	t.Statements = c.out
	t.Idle = t.Idle && len(c.out) == 0
	return t
}

// schemaMethods are the methods of the schema builder that change something.
var schemaMethods = map[string]func(c *compiler, l jscode.Link){
	"createTable": tableHandler("create table "), "createTableIfNotExists": tableHandler("create table if not exists "),
	"alterTable": tableHandler(""), "table": tableHandler(""),
	"createTableLike": func(c *compiler, l jscode.Link) {
		callback := jscode.Value{}
		if len(l.Arguments) > 2 {
			callback = l.Arguments[2]
			c.failUnless(callback.Kind == jscode.Callback)
		}
		c.buildTable(c.textAt(l, 0), "create table ", c.textAt(l, 1), callback)
	},
	"dropTable": dropHandler("drop table "), "dropTableIfExists": dropHandler("drop table if exists "),
	"dropView": dropHandler("drop view "), "dropViewIfExists": dropHandler("drop view if exists "),
	"dropMaterializedView": dropHandler("drop materialized view "), "dropMaterializedViewIfExists": dropHandler("drop materialized view if exists "),
	"createView": createViewHandler("create view "), "createViewOrReplace": createViewHandler("create or replace view "),
	"createMaterializedView": createViewHandler("create materialized view "),
	"renameTable": func(c *compiler, l jscode.Link) {
		c.addSQL("alter table " + c.wrapTable(c.textAt(l, 0)) + " rename to " + c.wrapName(c.textAt(l, 1)))
	},
	"renameView": func(c *compiler, l jscode.Link) {
		c.addSQL("alter view " + c.wrapName(c.textAt(l, 0)) + " rename to " + c.wrapName(c.textAt(l, 1)))
	},
	"createSchema": unqualifiedHandler("create schema "), "createSchemaIfNotExists": unqualifiedHandler("create schema if not exists "),
	"dropSchema": unqualifiedHandler("drop schema "), "dropSchemaIfExists": unqualifiedHandler("drop schema if exists "),
	"createExtension": unqualifiedHandler("create extension "), "createExtensionIfNotExists": unqualifiedHandler("create extension if not exists "),
	"dropExtension": unqualifiedHandler("drop extension "), "dropExtensionIfExists": unqualifiedHandler("drop extension if exists "),
	"refreshMaterializedView": func(c *compiler, l jscode.Link) {
		concurrently := ""
		if c.boolAt(l, 1) {
			concurrently = "concurrently "
		}
		c.addSQL("refresh materialized view " + concurrently + c.wrapName(c.textAt(l, 0)))
	},
}

// tableHandler returns a function that reads a method that gets the callback of a table builder.
func tableHandler(begin string) func(*compiler, jscode.Link) {
	return func(c *compiler, l jscode.Link) {
		if c.failUnless(len(l.Arguments) == 2); !c.unread {
			c.buildTable(c.textAt(l, 0), begin, "", l.Arguments[1])
		}
	}
}

// dropHandler returns a function that drops a table or view of the chain's schema.
func dropHandler(begin string) func(*compiler, jscode.Link) {
	return func(c *compiler, l jscode.Link) { c.addSQL(begin + c.wrapTable(c.textAt(l, 0))) }
}

// unqualifiedHandler returns a function that creates or drops a schema or an extension, which are in no schema.
func unqualifiedHandler(begin string) func(*compiler, jscode.Link) {
	return func(c *compiler, l jscode.Link) {
		sql := begin + c.wrapName(c.textAt(l, 0))
		if strings.HasPrefix(begin, "drop schema") && c.boolAt(l, 1) {
			sql += " cascade"
		}
		c.addSQL(sql)
	}
}
