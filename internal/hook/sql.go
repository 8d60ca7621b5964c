package hook

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
)

// query is SQL that a program sends: a text, or a file.
type query struct {
	text, file *word
}

// libpqDanger knows psql and its relatives.
func libpqDanger(a arguments) string {
	switch baseName(a.run.args[0].text) {
	case "dropdb", "pg_dropcluster":
		if a.has("--help", "--version", "-?", "-V") {
			return ""
		}
		return "drops a database"
	case "pg_restore":
		if a.has("-c", "--clean") && !a.has("-l", "--list", "-f", "--file") {
			return "drops what it restores"
		}
		return ""
	}
	return sqlDanger(a.run, shellQueries(a.all, a.run.stdin))
}

// shellQueries returns the SQL of psql's arguments and its input.
func shellQueries(args []word, stdin *word) []query {
	var out []query
	for i := 0; i < len(args); i++ {
		for _, o := range []struct {
			short, long string
			isFile      bool
		}{{"-c", "--command", false}, {"-f", "--file", true}} {
			w := args[i]
			value, given := strings.CutPrefix(w.text, o.long+"=")
			switch {
			case given:
				w.text = value
			case w.text == o.long || w.text == o.short || isShortGroup(w.text, o.short[1]):
				if i+1 == len(args) {
					continue
				}
				w, given = args[i+1], true
			case strings.HasPrefix(w.text, o.short) && !strings.HasPrefix(w.text, "--"):
				w.text, given = w.text[2:], true
			}
			switch {
			case !given:
			case o.isFile && w.text == "-":
				out = append(out, query{text: stdin})
			case o.isFile:
				out = append(out, query{file: &w})
			default:
				out = append(out, query{text: &w})
			}
		}
	}
	if len(out) == 0 && stdin != nil {
		out = append(out, query{text: stdin})
	}
	return out
}

// isShortGroup reports whether a word is a group of options that ends in one with a value: -tAc.
func isShortGroup(text string, last byte) bool {
	return len(text) > 2 && text[0] == '-' && text[1] != '-' && text[len(text)-1] == last && strings.Trim(text[1:len(text)-1], "abeEilnqsStxAHX1wW") == ""
}

// sqlDanger returns what some SQL destroys. SQL that is not known may destroy everything.
func sqlDanger(run *invocation, list []query) string {
	for _, q := range list {
		text := q.text
		if q.file != nil {
			r := scriptReader{dir: run.dir, place: run.place}
			content := r.readFile(*q.file)
			if text = &content; !content.known {
				return "runs SQL of a file that cannot be read"
			}
		}
		switch {
		case text == nil:
		case !text.known:
			if text.text == "" || !isHarmlessStart(text.text) {
				return "runs SQL that is not known before"
			}
		default:
			if why := destroys(text.text, run.dir, 0); why != "" {
				return why
			}
		}
	}
	return ""
}

// isHarmlessStart reports whether a text of which a part is missing is a single query.
func isHarmlessStart(text string) bool {
	upper := strings.ToUpper(strings.TrimSpace(text))
	return (strings.HasPrefix(upper, "SELECT") || strings.HasPrefix(upper, `\D`) || strings.HasPrefix(upper, "SHOW")) && !destroyingWords.MatchString(text)
}

var (
	destroyingWords = lazyregexp.New(`(?i)\b(drop|truncate|delete)\b`)
	includes        = lazyregexp.New(`^\\(?:i|ir|include|include_relative)\s+(\S+)`)
)

// destroys returns what a text for psql destroys; "" for nothing.
func destroys(text, dir string, depth int) string {
	if len(text) > pgparse.MaxSize || depth > maxDepth {
		return "runs SQL that is too large to read"
	}
	for _, p := range pgparse.SplitPsql(text) {
		part := strings.TrimSpace(text[p.Start:p.End])
		if p.Command || strings.HasPrefix(part, `\`) {
			m := includes.FindStringSubmatch(part)
			switch {
			case strings.HasPrefix(part, `\!`) && namesDatabase(part), strings.Contains(part, `\gexec`):
				return "runs commands that are not known before"
			case m != nil:
				content, err := readOptional(joinPath(dir, strings.Trim(m[1], `'"`)))
				if err != nil || content == nil {
					return "runs SQL of a file that cannot be read"
				}
				if why := destroys(*content, dir, depth+1); why != "" {
					return why
				}
			}
			continue
		}
		if p.Slash > 0 {
			if strings.Contains(text[p.Slash:min(len(text), p.End+10)], `\gexec`) {
				return "runs commands that are not known before"
			}
			part = strings.TrimSpace(text[p.Start:p.Slash])
		}
		if why := statementDestroys(part); why != "" {
			return why
		}
	}
	return ""
}

// statementDestroys returns what a statement destroys.
func statementDestroys(text string) string {
	file, err := pgparse.SplitText(text)
	if err != nil {
		return "runs SQL that cannot be read"
	}
	for _, s := range file.Stmts {
		if s.Node == nil {
			if destroyingWords.MatchString(text) {
				return "runs SQL that cannot be read and has a word that destroys"
			}
			continue
		}
		if why := nodeDestroys(s.Node); why != "" {
			return why
		}
	}
	return ""
}

// nodeDestroys returns what a statement of the parser destroys.
func nodeDestroys(n *pgparse.Node) string {
	switch {
	case n.GetDropdbStmt() != nil:
		return "drops a database"
	case n.GetTruncateStmt() != nil:
		return "deletes all rows of a table"
	case n.GetDropOwnedStmt() != nil:
		return "drops what a role owns"
	case n.GetDropTableSpaceStmt() != nil:
		return "drops a tablespace"
	case n.GetDropStmt() != nil:
		switch n.GetDropStmt().GetRemoveType() {
		case pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_SCHEMA, pgparse.ObjectType_OBJECT_MATVIEW,
			pgparse.ObjectType_OBJECT_SEQUENCE, pgparse.ObjectType_OBJECT_TYPE, pgparse.ObjectType_OBJECT_DOMAIN,
			pgparse.ObjectType_OBJECT_EXTENSION, pgparse.ObjectType_OBJECT_FOREIGN_TABLE:
			return "drops " + strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(n.GetDropStmt().GetRemoveType().String(), "OBJECT_"), "_", " ")) + "s"
		}
		if n.GetDropStmt().GetBehavior() == pgparse.DropBehavior_DROP_CASCADE {
			return "drops with CASCADE"
		}
	case n.GetAlterTableStmt() != nil:
		if slices.ContainsFunc(n.GetAlterTableStmt().GetCmds(), func(c *pgparse.Node) bool {
			return c.GetAlterTableCmd().GetSubtype() == pgparse.AlterTableType_AT_DropColumn
		}) {
			return "drops a column"
		}
	case n.GetDoStmt() != nil:
		if pgparse.Contains(n, func(d *pgparse.DefElem) bool { return destroyingWords.MatchString(pgparse.StringText(d.GetArg())) }) {
			return "runs a block with a word that destroys"
		}
	}
	if pgparse.Contains(n, func(d *pgparse.DeleteStmt) bool { return d.GetWhereClause() == nil && len(d.GetUsingClause()) == 0 }) {
		return "deletes all rows of a table"
	}
	if pgparse.Contains(n, func(u *pgparse.UpdateStmt) bool { return u.GetWhereClause() == nil && len(u.GetFromClause()) == 0 }) {
		return "changes all rows of a table"
	}
	return ""
}
