package liquibase

import "strings"

// conditions are the preconditions of a changeset.
type conditions struct {
	// never is set if they fail on Postgres for certain, and the changeset is skipped. maybe is set if that depends on the database.
	never, maybe bool
	// needs are tables that must exist for the changeset to run, and line has the condition.
	needs []string
	line  int
}

// readConditions reads preconditions. If they fail, Liquibase stops, unless onFail says otherwise: then it skips the changeset.
func readConditions(e *element) (out conditions) {
	if e == nil {
		return out
	}
	onFail := strings.ToUpper(e.getText("onFail"))
	skips := onFail == "MARK_RAN" || onFail == "CONTINUE"
	if !skips {
		return out
	}
	known := true
	for _, c := range e.children {
		switch c.name {
		case "dbms":
			out.never = out.never || !isForPostgres(c.getText("type"))
		case "tableExists", "viewExists", "columnExists":
			known = false
			if table := c.getText("tableName"); table != "" {
				out.needs, out.line = append(out.needs, qualifyName(c.getText("schemaName"), table)), c.line
			}
		case "runningAs", "comment":
		default:
			known = false
		}
	}
	out.maybe = !known
	return out
}
