package knex

import "github.com/onward-sql/onward/internal/adapter/jscode"

// createViewHandler returns the method of the schema builder that creates a view from the calls of columns and as. begin is the
// statement up to the name: "create view ".
func createViewHandler(begin string) func(*compiler, jscode.Link) {
	return func(c *compiler, l jscode.Link) {
		name := c.textAt(l, 0)
		if c.failUnless(len(l.Arguments) == 2 && l.Arguments[1].Kind == jscode.Callback && l.Arguments[1].Read); c.unread {
			return
		}
		columns, query := "", ""
		for _, call := range l.Arguments[1].Calls {
			links := call.Links[1:]
			if c.failUnless(len(links) == 1 && links[0].Called && len(links[0].Arguments) == 1); c.unread {
				return
			}
			switch links[0].Name {
			case "columns":
				columns = " (" + c.wrapNames(c.namesAt(links[0], 0)) + ")"
			case "as":
				query = c.formatViewQuery(links[0].Arguments[0])
			default:
				c.unread = true
			}
		}
		c.failUnless(query != "")
		c.addSQL(begin + c.wrapTable(name) + columns + " as " + query)
	}
}

// formatViewQuery returns the query of a view, in which values are no parameters.
func (c *compiler) formatViewQuery(v jscode.Value) string {
	if sql, ok := rawText(v); ok {
		return sql
	}
	if c.failUnless(v.Kind == jscode.Chain && !v.New); c.unread {
		return ""
	}
	q := &queryBuilder{compiler: &compiler{}, inline: true}
	q.readQuery(v.Links)
	if c.failUnless(!q.unread && (q.method.Name == "" || q.method.Name == "select")); c.unread {
		return ""
	}
	return q.out[0].SQL
}
