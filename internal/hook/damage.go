package hook

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
)

// sqlReader reads the SQL of a psql session.
type sqlReader struct {
	dir string // of files that \i reads
	// temporary are the temporary tables that the session has made: they hold none of the database's data.
	temporary map[string]bool
}

func newSQLReader(dir string) *sqlReader { return &sqlReader{dir: dir, temporary: map[string]bool{}} }

// findDamage returns what a text for psql destroys; "" for nothing.
func (r *sqlReader) findDamage(text string, depth int) string {
	if len(text) > pgparse.MaxSize || depth > maxDepth {
		return "runs SQL that is too large to read"
	}
	for _, p := range pgparse.SplitPsql(text) {
		part := strings.TrimSpace(text[p.Start:p.End])
		if p.Command || strings.HasPrefix(part, `\`) {
			if strings.HasPrefix(part, `\c`) { // \connect, perhaps
				clear(r.temporary)
			}
			m := includes.FindStringSubmatch(part)
			switch {
			case strings.HasPrefix(part, `\!`) && namesDatabase(part), strings.Contains(part, `\gexec`):
				return "runs commands that are not known before"
			case m != nil:
				content, err := readFileIfExists(joinPath(r.dir, strings.Trim(m[1], `'"`)))
				if err != nil || content == nil {
					return "runs SQL of a file that cannot be read"
				}
				if damage := r.findDamage(*content, depth+1); damage != "" {
					return damage
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
		if damage := r.findStatementDamage(part); damage != "" {
			return damage
		}
	}
	return ""
}

// findStatementDamage returns what statements destroy.
func (r *sqlReader) findStatementDamage(text string) string {
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
		if damage := r.findNodeDamage(s.Node); damage != "" {
			return damage
		}
	}
	return ""
}

// findNodeDamage returns what a statement of the parser destroys.
func (r *sqlReader) findNodeDamage(n *pgparse.Node) string {
	if e := n.GetExplainStmt(); e != nil && !isExplainAnalyze(e) {
		return ""
	}
	defer r.trackTemporaryTables(n)
	switch {
	case r.namesTemporaryOnly(n):
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
		if slices.ContainsFunc(n.GetAlterTableStmt().GetCmds(), func(c *pgparse.Node) bool {
			using := c.GetAlterTableCmd().GetDef().GetColumnDef().GetRawDefault()
			return c.GetAlterTableCmd().GetSubtype() == pgparse.AlterTableType_AT_AlterColumnType && using != nil && appliesToAllRows(using)
		}) {
			return "replaces all values of a column"
		}
	case n.GetDoStmt() != nil:
		if pgparse.Contains(n, func(d *pgparse.DefElem) bool { return destroyingWords.MatchString(pgparse.StringText(d.GetArg())) }) {
			return "runs a block with a word that destroys"
		}
	}
	if pgparse.Contains(n, func(d *pgparse.DeleteStmt) bool {
		return !r.isTemporary(d.GetRelation()) && appliesToAllRows(d.GetWhereClause())
	}) {
		return "deletes all rows of a table"
	}
	if pgparse.Contains(n, func(u *pgparse.UpdateStmt) bool {
		return !r.isTemporary(u.GetRelation()) && appliesToAllRows(u.GetWhereClause())
	}) {
		return "changes all rows of a table"
	}
	if pgparse.Contains(n, func(m *pgparse.MergeStmt) bool {
		return appliesToAllRows(m.GetJoinCondition()) && pgparse.Contains(m, func(w *pgparse.MergeWhenClause) bool {
			return w.GetCommandType() == pgparse.CmdType_CMD_DELETE && appliesToAllRows(w.GetCondition())
		})
	}) {
		return "deletes all rows of a table"
	}
	return ""
}

// isExplainAnalyze reports whether an EXPLAIN runs its statement.
func isExplainAnalyze(e *pgparse.ExplainStmt) bool {
	return slices.ContainsFunc(e.GetOptions(), func(o *pgparse.Node) bool { return strings.EqualFold(o.GetDefElem().GetDefname(), "analyze") })
}

// appliesToAllRows reports whether a condition is missing, or an expression depends on no row: WHERE true, USING 0.
func appliesToAllRows(condition *pgparse.Node) bool {
	if b := condition.GetAConst().GetBoolval(); b != nil && !b.GetBoolval() {
		return false
	}
	return !pgparse.Contains(condition, func(*pgparse.ColumnRef) bool { return true }) &&
		!pgparse.Contains(condition, func(*pgparse.SubLink) bool { return true }) &&
		!pgparse.Contains(condition, func(*pgparse.CurrentOfExpr) bool { return true })
}

// trackTemporaryTables remembers the temporary tables that a statement makes, and forgets those that it drops.
func (r *sqlReader) trackTemporaryTables(n *pgparse.Node) {
	if n.GetDiscardStmt() != nil {
		clear(r.temporary)
	}
	if t := n.GetTransactionStmt(); t != nil {
		switch t.GetKind() {
		case pgparse.TransactionStmtKind_TRANS_STMT_BEGIN, pgparse.TransactionStmtKind_TRANS_STMT_START,
			pgparse.TransactionStmtKind_TRANS_STMT_SAVEPOINT, pgparse.TransactionStmtKind_TRANS_STMT_RELEASE:
		default: // a rollback removes them, and a commit those with ON COMMIT DROP
			clear(r.temporary)
		}
	}
	for _, name := range listDroppedTables(n) {
		delete(r.temporary, name)
	}
	pgparse.Walk(n, func(msg any) bool {
		if v, ok := msg.(*pgparse.RangeVar); ok && v.GetRelpersistence() == "t" {
			r.temporary[v.GetRelname()] = true
		}
		return true
	})
}

// isTemporary reports whether a relation is a temporary table of the session.
func (r *sqlReader) isTemporary(rv *pgparse.RangeVar) bool {
	return r.temporary[rv.GetRelname()] && (rv.GetSchemaname() == "" || rv.GetSchemaname() == "pg_temp")
}

// namesTemporaryOnly reports whether all that a DROP TABLE or a TRUNCATE names are temporary tables of the session.
func (r *sqlReader) namesTemporaryOnly(n *pgparse.Node) bool {
	dropped, emptied := listDroppedTables(n), n.GetTruncateStmt().GetRelations()
	return len(dropped)+len(emptied) > 0 && !slices.ContainsFunc(dropped, func(name string) bool { return !r.temporary[name] }) &&
		!slices.ContainsFunc(emptied, func(relation *pgparse.Node) bool { return !r.isTemporary(relation.GetRangeVar()) })
}

// listDroppedTables returns the names of tables that a DROP TABLE drops, as they are written.
func listDroppedTables(n *pgparse.Node) (names []string) {
	if n.GetDropStmt().GetRemoveType() != pgparse.ObjectType_OBJECT_TABLE {
		return nil
	}
	for _, object := range n.GetDropStmt().GetObjects() {
		names = append(names, strings.TrimPrefix(strings.Join(pgparse.StringTexts(object.GetList().GetItems()), "."), "pg_temp."))
	}
	return names
}

// query is SQL that a program sends: a text (psql -c), or a file (psql -f).
type query struct {
	text, file *word
}

// libpqDanger returns the harm of psql, dropdb, pg_restore and the like; "" for none.
func libpqDanger(a arguments) string {
	switch programName(a.run.args[0].text) {
	case "dropdb", "pg_dropcluster":
		if a.hasOption("--help", "--version", "-?", "-V") {
			return ""
		}
		return "drops a database"
	case "pg_restore":
		matches := func(re *lazyregexp.Regexp) bool {
			return slices.ContainsFunc(a.all, func(w word) bool { return re.MatchString(w.text) })
		}
		if matches(restoreClean) && !matches(restoreText) {
			return "drops what it restores"
		}
		return ""
	}
	return sqlDanger(a.run, psqlQueries(a.all, a.run.stdin))
}

var (
	// restoreClean matches options of pg_restore that drop what it restores: -c, also in a group such as -Ovc.
	restoreClean = lazyregexp.New(`^(?:--clean$|-[aCeOsvxw1]*c)`)
	// restoreText matches options that write a text and touch no database.
	restoreText = lazyregexp.New(`^(?:--list$|--file\b|-[aCceOsvxw1]*[lf])`)
)

// psqlQueries returns the SQL of psql's arguments and its input.
func psqlQueries(args []word, stdin *word) []query {
	var out []query
	for i := 0; i < len(args); i++ {
		for _, o := range []struct {
			short, long string
			isFile      bool
		}{{"-c", "--command", false}, {"-f", "--file", true}} {
			w := args[i]
			value, found := strings.CutPrefix(w.text, o.long+"=")
			switch {
			case found:
				w.text = value
			case w.text == o.long || w.text == o.short || isOptionGroup(w.text, o.short[1]):
				if i+1 == len(args) {
					continue
				}
				w, found = args[i+1], true
			case strings.HasPrefix(w.text, o.short) && !strings.HasPrefix(w.text, "--"):
				w.text, found = w.text[2:], true
			}
			switch {
			case !found:
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

// isOptionGroup reports whether a word is a group of options that ends in one with a value: -tAc.
func isOptionGroup(text string, last byte) bool {
	return len(text) > 2 && text[0] == '-' && text[1] != '-' && text[len(text)-1] == last && strings.Trim(text[1:len(text)-1], "abeEilnqsStxAHX1wW") == ""
}

// sqlDanger returns what some SQL destroys. SQL that is not known may destroy everything.
func sqlDanger(run *invocation, list []query) string {
	reader := newSQLReader(run.dir)
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
			if damage := reader.findDamage(text.text, 0); damage != "" {
				return damage
			}
		}
	}
	return ""
}

// isHarmlessStart reports whether a text of which a part is missing is a single query.
func isHarmlessStart(text string) bool {
	upper := strings.ToUpper(strings.TrimSpace(text))
	isRead := strings.HasPrefix(upper, "SELECT") || strings.HasPrefix(upper, `\D`) || strings.HasPrefix(upper, "SHOW")
	return isRead && !destroyingWords.MatchString(quotedText.ReplaceAllString(text, ""))
}

var (
	destroyingWords = lazyregexp.New(`(?i)\b(drop|truncate|delete)\b`)
	quotedText      = lazyregexp.New(`'[^']*'`)
	includes        = lazyregexp.New(`^\\(?:i|ir|include|include_relative)\s+(\S+)`)
)
